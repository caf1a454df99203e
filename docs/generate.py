"""Writes the reference pages that are made from the code: `python docs/generate.py`.

`tests/test_documentation.py` fails while a page is older than the code.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from traitlets import HasTraits

from e2xhub.authenticators.ldap.authenticator import LDAPAuthenticator
from e2xhub.authenticators.one_time_password import OneTimePasswordAuthenticator
from e2xhub.domain.catalog import Catalog, Level
from e2xhub.hub_settings import HubSettings
from e2xhub.kubernetes.spawner import E2xSpawner
from e2xhub.storage.catalog_faults import models_in

REFERENCE = Path(__file__).parent / "reference"
_CATALOG_INTRODUCTION = """\
# The catalog

One YAML file, or a directory of them that are read as one. An unknown key is a fault, a key that is
set twice is a fault, and `e2xhub check` reports every fault with file and line. A hub never starts
on a faulty catalog.

`defaults`, a course, a term and an exam are *levels*: what the inner one sets wins. What has names
(`environment`, `mounts`, `data_sets`, `seeds`, `extra_containers`, `reach`) is merged name by name,
and so are `placement` and `kubespawner_override`. `e2xhub check --explain course/term` shows what
comes out, and the level that each value comes from.

[`docs/examples/catalog.yaml`](../examples/catalog.yaml) has every key once.
"""
_SETTINGS_INTRODUCTION = """\
# The hub's settings

What `e2xhub.configure(c, …)` takes; in zero-to-jupyterhub it is the chart's value `custom.e2xhub`.
Catalog and roster are read again when they change, without a restart.
"""
_TRAITS_INTRODUCTION = """\
## Traits

`configure` sets what a hub needs of `E2xSpawner` and `OneTimePasswordAuthenticator`; an admin may
set them afterwards, as `c.<class>.<trait> = …`. Those of `LDAPAuthenticator` are an admin's alone:
[sign in with LDAP](../how-to/sign-in-with-ldap.md).
"""
_TRAIT_OWNERS = (E2xSpawner, OneTimePasswordAuthenticator, LDAPAuthenticator)


def make_pages() -> dict[Path, str]:
    """The text of every page that is made from the code."""
    models = dict.fromkeys(_models_below(Catalog))
    catalog = [_CATALOG_INTRODUCTION, *(_make_section(model) for model in models)]
    settings = [_SETTINGS_INTRODUCTION, *_make_table(HubSettings), ""]
    settings += [_make_section(model) for model in [*_models_below(HubSettings)][1:]]
    settings.append(_TRAITS_INTRODUCTION)
    settings += [line for owner in _TRAIT_OWNERS for line in _make_trait_table(owner)]
    return {
        REFERENCE / "catalog.md": "\n".join(catalog),
        REFERENCE / "settings.md": "\n".join(settings) + "\n",
    }


def _make_section(model: type[BaseModel]) -> str:
    summary = (model.__doc__ or "").strip()
    return "\n".join([f"## {model.__name__}", "", summary, "", *_make_table(model), ""])


def _make_table(model: type[BaseModel]) -> Iterator[str]:
    yield "| key | default | what it is |"
    yield "|---|---|---|"
    inherited = Level.model_fields if issubclass(model, Level) and model is not Level else {}
    for name, field in model.model_fields.items():
        if name not in inherited:
            yield f"| `{name}` | {_show_default(field)} | {_describe(field)} |"
    if inherited:
        yield "| … | | everything that a [Level](#level) may set |"


def _make_trait_table(owner: type[HasTraits]) -> Iterator[str]:
    yield f"| trait of `{owner.__name__}` | what it is |"
    yield "|---|---|"
    known = sorted(owner.class_traits(config=True).items())
    for name, trait in known:
        if not trait.this_class.__module__.startswith("e2xhub."):
            continue  # JupyterHub's and KubeSpawner's own pages have theirs
        # What else JupyterHub's traits say depends on the machine that asks.
        said, _, _ = trait.help.partition("Currently installed:")
        yield f"| `{name}` | {_in_a_cell(said)} |"
    yield ""


def _in_a_cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _show_default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    default = field.get_default(call_default_factory=True)
    if default in (None, "", (), {}) or isinstance(default, BaseModel):
        return "none"
    if isinstance(default, frozenset):
        return ", ".join(sorted(f"`{item.value}`" for item in default)) or "none"
    return f"`{default}`"


def _describe(field: FieldInfo) -> str:
    text = _in_a_cell(field.description or "")
    models = dict.fromkeys(models_in(field.annotation))
    return " ".join([text, *(f"→ [{m.__name__}](#{m.__name__.lower()})" for m in models)])


def _models_below(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """`model` and everything that it is made of, in the order of the keys."""
    yield model
    for field in model.model_fields.values():
        for inner in models_in(field.annotation):
            yield from _models_below(inner)


if __name__ == "__main__":
    for path, text in make_pages().items():
        path.write_text(text, encoding="utf-8")
