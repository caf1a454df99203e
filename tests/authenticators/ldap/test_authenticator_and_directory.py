"""The authenticator with a real directory: what no directory that is told its answers can show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from e2xhub.authenticators.ldap.authenticator import LDAPAuthenticator
from e2xhub.web.sign_in_refusals import SignInRefusedError
from tests.authenticators.ldap.certificates import Authority
from tests.authenticators.ldap.people import GROUPS, REFERRAL, password_of
from tests.authenticators.ldap.slapd import Slapd
from tests.hub.ldap_hub import traits_of

NOT_NOW = "Signing in is not possible at the moment. Please try again in a few minutes."


def make(directory: Slapd, **changes: Any) -> LDAPAuthenticator:
    """An authenticator of the directory, with further traits."""
    return LDAPAuthenticator(config=Config({"LDAPAuthenticator": traits_of(directory, **changes)}))


async def sign_in(authenticator: LDAPAuthenticator, username: str) -> Any:
    form = {"username": username, "password": password_of(username)}
    return await authenticator.get_authenticated_user(None, form)


async def test_person_is_known_with_groups_and_attributes(university_directory: Slapd) -> None:
    names = {f"cn=graders,{GROUPS}": "lms.graders"}
    authenticator = make(
        university_directory,
        auth_state_attributes=["sn"],
        group_names=names,
        allow_all=False,
        allowed_groups=[f"CN=Graders, {GROUPS}"],
        nested_groups="walk",
    )
    model = await sign_in(authenticator, "gina")
    assert model["groups"] == ["Everybody, (staff & co)", "lms.graders", "observers", "staff"]
    assert model["auth_state"]["user_attributes"] == {"sn": ["Grader"]}
    with pytest.raises(SignInRefusedError) as refused:
        await sign_in(authenticator, "alice")
    assert refused.value.sentence == "Your account may not use this service."


async def test_server_that_cannot_prove_who_it_is_gets_no_password(
    university_directory: Slapd, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stranger = Authority(tmp_path)
    with pytest.raises(SignInRefusedError) as refused:
        await sign_in(make(university_directory, ca_file=str(stranger.ca_file)), "gina")
    assert (refused.value.status_code, refused.value.sentence) == (503, NOT_NOW)
    (line,) = caplog.messages
    assert line.startswith("A sign-in at (no address) is refused: CertificateRefused: ")
    assert password_of("gina") not in line


async def test_referral_that_leads_to_itself_is_told_and_not_followed(
    university_directory: Slapd, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(SignInRefusedError) as refused:
        await sign_in(make(university_directory, user_search_base=REFERRAL), "gina")
    assert (refused.value.status_code, refused.value.sentence) == (503, NOT_NOW)
    (line,) = caplog.messages
    assert line.startswith("A sign-in at (no address) is refused: DirectoryMisconfigured: ")
    assert "referrals are not followed; ask that server instead" in line
