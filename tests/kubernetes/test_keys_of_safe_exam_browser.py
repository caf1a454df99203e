"""No key of Safe Exam Browser reaches a pod: neither an examinee's nor a grader's."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import timedelta

import pytest
from traitlets.config import Config

from e2xhub.domain.identifiers import Username
from e2xhub.domain.roles import HubKind
from e2xhub.domain.roster_rows import parse_membership
from e2xhub.domain.safe_exam_browser import accepted_keys
from e2xhub.domain.seb_files import make_seb_settings
from e2xhub.kubernetes.manifests import make_manifests
from tests.examples import EXAM, load_example, only_offer, registry_of

HUB = "https://hub.example.org/"
CATALOG = load_example()
RULE = CATALOG.exams[EXAM].safe_exam_browser  # type: ignore[index]


def secrets_of_the_exam() -> list[str]:
    """Everything with which a program could pass for Safe Exam Browser."""
    assert RULE is not None
    assert RULE.generated is not None
    settings = make_seb_settings(RULE.generated, HUB)
    keys = accepted_keys(RULE, HUB)
    return [
        *keys.config_keys,
        *keys.browser_exam_keys,
        RULE.generated.salt,
        b64encode(settings["examKeySalt"]).decode(),
        str(RULE.generated.quit_password_hash),
        "examKeySalt",
        "safe_exam_browser",
    ]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("hub", "role"), [(HubKind.EXAM, "student"), (HubKind.GRADING, "grader")])
async def test_no_key_of_the_catalog_is_in_a_manifest(hub: HubKind, role: str) -> None:
    cells = {"username": "alice", "exam": EXAM, "role": role}
    registry = registry_of(CATALOG, parse_membership(cells, CATALOG), hub=hub)
    now = CATALOG.exams[EXAM].start + timedelta(minutes=1)  # type: ignore[index]
    offer = only_offer(registry, "alice", now)
    assert offer.slug.startswith(f"exams/{EXAM}/")
    made = await make_manifests(offer, Username.parse("alice"), size=None, config=Config())
    text = json.dumps(made, default=str)
    assert EXAM in text
    assert [secret for secret in secrets_of_the_exam() if secret in text] == []
