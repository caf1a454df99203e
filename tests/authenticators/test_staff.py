"""Which page of an authenticator staff are led to."""

from __future__ import annotations

from typing import Any

import pytest
from jupyterhub.auth import Authenticator, PAMAuthenticator
from oauthenticator.generic import GenericOAuthenticator
from traitlets import TraitError

from e2xhub.authenticators.staff import find_entrance
from e2xhub.web.staff_sign_in import StaffEntrance


class PortalAuthenticator(Authenticator):  # type: ignore[misc]
    """One whose sign-in begins somewhere else than at this hub."""

    def login_url(self, base_url: str) -> str:
        return "https://portal.example.org/sign-in"


def test_authenticator_without_a_page_of_its_own_has_a_form() -> None:
    assert find_entrance(PAMAuthenticator()) == StaffEntrance(path="e2x/staff-login", has_form=True)


@pytest.mark.parametrize("service", ["", "our service"])
def test_authenticator_with_a_page_has_a_link_to_it(service: str) -> None:
    chosen: Any = GenericOAuthenticator(login_service=service)
    expected = StaffEntrance(path="oauth_login", has_form=False, service=service)
    assert find_entrance(chosen) == expected


def test_authenticator_that_begins_elsewhere_stops_the_hub() -> None:
    message = (
        "OneTimePasswordAuthenticator.staff_authenticator_class: PortalAuthenticator begins its "
        "sign-in at /sign-in, outside the hub; expected a path below the hub's"
    )
    with pytest.raises(TraitError) as error:
        find_entrance(PortalAuthenticator())
    assert str(error.value) == message
