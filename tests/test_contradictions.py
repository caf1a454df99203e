"""What an admin has set before is seen in each form in which it may be set."""

from __future__ import annotations

from typing import Any

import pytest
from traitlets.config import Config

from e2xhub.contradictions import Intended, find_contradictions, set_value
from e2xhub.domain.catalog import Catalog
from e2xhub.domain.roles import HubKind

HOME = {"name": "home", "mountPath": "/home/jovyan/"}


@pytest.fixture
def teaching(small_catalog: Catalog) -> Intended:
    return Intended(hub=HubKind.ASSIGNMENT, catalog=small_catalog, staff_authenticator="")


@pytest.fixture
def exam(small_catalog: Catalog) -> Intended:
    return Intended(hub=HubKind.EXAM, catalog=small_catalog, staff_authenticator="pam")


def test_nothing_is_no_contradiction(teaching: Intended, exam: Intended) -> None:
    assert find_contradictions(Config(), teaching) == find_contradictions(Config(), exam) == []


def append(c: Config) -> None:
    c.KubeSpawner.volume_mounts.append(HOME)


def extend(c: Config) -> None:
    c.KubeSpawner.volume_mounts.extend([HOME])


def update(c: Config) -> None:
    c.KubeSpawner.volume_mounts.update({"01-home": HOME})


def assign_list(c: Config) -> None:
    c.E2xSpawner.volume_mounts = [HOME]


def assign_mapping(c: Config) -> None:
    c.KubeSpawner.volume_mounts = {"01-home": HOME}


@pytest.mark.parametrize("set_it", [append, extend, update, assign_list, assign_mapping])
def test_home_of_the_chart_is_found(teaching: Intended, set_it: Any) -> None:
    c = Config()
    set_it(c)
    (fault,) = find_contradictions(c, teaching)
    assert fault.startswith("the catalog's mount 'home' and KubeSpawner.volume_mounts both want ")


def test_mount_elsewhere_is_none(teaching: Intended) -> None:
    c = Config()
    c.KubeSpawner.volume_mounts = [{"name": "data", "mountPath": "/srv/chart-data"}]
    assert find_contradictions(c, teaching) == []


def test_mount_of_the_catalog_on_another_kind_of_hub_is_none(exam: Intended) -> None:
    c = Config()
    c.KubeSpawner.volume_mounts = [{"name": "course", "mountPath": "/srv/course"}]
    assert find_contradictions(c, exam) == []


@pytest.mark.parametrize("by_updating", [False, True])
def test_label_of_ours_is_refused_with_its_value(teaching: Intended, by_updating: bool) -> None:
    c, labels = Config(), {"app": "jupyterhub", "e2xhub.org/network": "open", "team": "blue"}
    if by_updating:
        c.KubeSpawner.extra_labels.update(labels)
    else:
        c.KubeSpawner.extra_labels = labels
    assert find_contradictions(c, teaching) == [
        "KubeSpawner.extra_labels (singleuser.extraLabels) has e2xhub.org/network: 'open', but "
        "e2xhub sets its labels itself, and its NetworkPolicies select pods by them; remove "
        "e2xhub.org/network"
    ]


def test_looking_at_what_was_appended_does_not_keep_more_from_being_appended() -> None:
    c = Config()
    c.JupyterHub.services.append({"name": "one"})
    assert set_value(c.JupyterHub, "services") == [{"name": "one"}]
    c.JupyterHub.services.append({"name": "two"})
    assert c.JupyterHub.services.get_value([]) == [{"name": "one"}, {"name": "two"}]


def test_culler_that_was_appended_is_found(exam: Intended) -> None:
    c = Config()
    c.JupyterHub.services.append({"name": "jupyterhub-idle-culler"})
    (fault,) = find_contradictions(c, exam)
    assert "cull.enabled: false" in fault


@pytest.mark.parametrize("name", [None, "", "dummy", "e2x-otp", "pam"])
def test_sign_in_of_the_chart_of_ours_or_of_staff_is_none(exam: Intended, name: str | None) -> None:
    c = Config()
    if name is not None:
        c.JupyterHub.authenticator_class = name
    assert find_contradictions(c, exam) == []


def test_authenticator_may_be_given_as_a_class(exam: Intended) -> None:
    class CampusAuthenticator:
        pass

    c = Config()
    c.JupyterHub.authenticator_class = CampusAuthenticator
    (fault,) = find_contradictions(c, exam)
    assert fault.startswith("JupyterHub.authenticator_class is 'CampusAuthenticator', but ")
