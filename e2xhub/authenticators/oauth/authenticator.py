"""Adds to a class of OAuthenticator what makes it safe to hang courses on: discovery, identity.

The class that was chosen keeps its settings, pages and checks.
"""

from __future__ import annotations

import asyncio
import os
from datetime import datetime, timezone
from functools import partial
from typing import Any

from jupyterhub.utils import maybe_future
from oauthenticator.oauth2 import OAuthenticator
from tornado import web
from tornado.httpclient import HTTPClientError
from traitlets import Any as AnyTrait
from traitlets import Instance, TraitError

from e2xhub.authenticators.oauth.answers import (
    BoundedBody,
    RefusedRequestError,
    check_object,
    tell_of,
    translated_failures,
)
from e2xhub.authenticators.oauth.choosing import (
    find_contradictions,
    make_traits,
    sections_of,
)
from e2xhub.authenticators.oauth.client_authentication import (
    belongs_into_header,
    explain_refusal,
    is_about_client,
)
from e2xhub.authenticators.oauth.discovery import Discovery, Endpoints
from e2xhub.authenticators.oauth.id_token import read_subject
from e2xhub.authenticators.oauth.missing_claims import MissingClaims, tell_names
from e2xhub.authenticators.oauth.pages import SignOnCallback, make_callback_page, make_login_page
from e2xhub.authenticators.oauth.refusals import (
    HubRefusedError,
    ServiceUnavailableError,
    UntrustedAnswerError,
    page_for,
)
from e2xhub.authenticators.oauth.settings import SECRET_VARIABLE, OAuthSettings
from e2xhub.authenticators.starting import ends_the_hub
from e2xhub.bounded_pool import BoundedPool, NoResultInTimeError
from e2xhub.domain.claims import find_groups, is_subject
from e2xhub.errors import printable
from e2xhub.storage.secret_sources import UnreadableSecretError, read_secret

USERNAME = "e2xhub_username"
"""The key in the user information under which the username is kept that was decided."""
_THREADS = 4
_MOST_WAITING = 100
_MOST_WAITING_SECONDS = 15.0
_SECONDS = 10.0
_MISTYPED = (
    "expected the service's discovery document there: is oauth.issuer written as the service says "
    "it, with its path?"
)


class SingleSignOn(OAuthenticator):  # type: ignore[misc]
    """Finds the service, knows people by their subject, and turns claims into groups.

    `e2xhub.configure` makes a class of this and the one that is named in `oauth.authenticator`.
    """

    settings = Instance(
        OAuthSettings, config=True, help="What is declared in `oauth`. Set by `e2xhub.configure`."
    )
    chosen_name = "OAuthenticator"
    """The name of the class that was chosen, under which `hub.config` speaks of it."""
    client_id: str
    client_secret: str
    basic_auth: bool
    enable_pkce: bool
    userdata_from_id_token: bool
    accounts = AnyTrait(
        config=True,
        help="Knows which user a subject is: an `e2xhub.authenticators.oauth.accounts.Accounts`. "
        "Set by `e2xhub.configure`.",
    )

    @ends_the_hub
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        name = type(self).__name__
        self._check_later_settings()
        self.client_secret = find_secret(self.settings) or self.client_secret
        if not self.client_secret:
            raise TraitError(
                f"{name}: there is no client secret; set the environment variable "
                f"{SECRET_VARIABLE} (hub.extraEnv) from a Secret, or oauth.client_secret_file"
            )
        own = [trait for trait in ("authorize_url", "token_url") if getattr(self, trait)]
        if len(own) == 1:
            raise TraitError(
                f"{name}.{own[0]} is set, and the other one of authorize_url and token_url is not; "
                "remove it, so that both are found from oauth.issuer, or set both"
            )
        self.finds_endpoints = not own
        """Whether the service is found from its discovery document."""
        if self.finds_endpoints and (section := self._section_with("userdata_url")):
            raise TraitError(
                f"{section}.userdata_url is set, and oauth.issuer says where the user information "
                "is; remove it, or set authorize_url and token_url, too"
            )
        self._chose_basic_auth = (
            self.basic_auth  # of the class
            or "OAUTH2_BASIC_AUTH" in os.environ
            or self._section_with("basic_auth") is not None
        )
        self._discovery = Discovery(self.settings.issuer, self.fetch_document)
        self._pool = BoundedPool(
            "single-sign-on",
            threads=_THREADS,
            waiting=_MOST_WAITING,
            seconds=_MOST_WAITING_SECONDS,
        )
        self._is_out = False
        self._missing_claims = MissingClaims(self.settings.group_claims)

    def _check_later_settings(self) -> None:
        """Raises TraitError for what was set after `configure`, which has looked for the same."""
        callback = self.config["SingleSignOn"].get("oauth_callback_url", "")
        declared = make_traits(self.settings, callback)
        if faults := find_contradictions(self.config, type(self), self.settings, declared):
            raise TraitError("e2xhub:\n" + "\n".join(dict.fromkeys(faults)))

    def _section_with(self, trait: str) -> str | None:
        """The section of the configuration in which `trait` is set."""
        sections = sections_of(type(self))
        return next((name for name in sections if trait in self.config[name]), None)

    # --- where the service is

    async def find_service(self) -> None:
        """Sets the service's URLs, as often as they change; raises ServiceUnavailableError."""
        if not self.finds_endpoints:
            return
        found: Endpoints = await self._discovery.endpoints()
        self.authorize_url, self.token_url = found.authorize_url, found.token_url
        if not self.userdata_from_id_token:
            self.userdata_url = found.userdata_url
        if not self._chose_basic_auth:
            self.basic_auth = belongs_into_header(
                found.auth_methods, self.client_id, self.client_secret
            )

    async def fetch_document(self, url: str) -> Any:
        """The JSON object at `url`; raises ServiceUnavailableError or ValueError."""
        try:
            found = await self.httpfetch(
                url,
                "discovery",
                headers={"Accept": "application/json", "User-Agent": "JupyterHub"},
                validate_cert=self.validate_server_cert,
                follow_redirects=False,
            )
            return check_object(found, "discovery")
        except HTTPClientError as error:
            raise ServiceUnavailableError(f"it answers {error}; {_MISTYPED}") from None
        except UntrustedAnswerError as error:
            raise ValueError(f"{error}; {_MISTYPED}") from None

    async def fetch(
        self, req: Any, label: str = "fetching", parse_json: bool = True, **kwargs: Any
    ) -> Any:
        """As OAuthenticator's, for an answer of limited size and in limited time.

        Raises ServiceUnavailableError where the service does not answer, and HTTPClientError where
        it refuses.
        """
        if not parse_json:
            return await super().fetch(req, label, parse_json=False, **kwargs)
        body = BoundedBody()
        req.streaming_callback = body.take
        req.connect_timeout = min(req.connect_timeout or _SECONDS, _SECONDS)
        req.request_timeout = min(req.request_timeout or _SECONDS, _SECONDS)
        with translated_failures(label, body):
            await self.http_client.fetch(req, **kwargs)
        return body.parse(label)

    def get_handlers(self, app: Any) -> list[tuple[Any, ...]]:
        """The chosen class's pages, which say in a sentence what went wrong; looks at the service.

        A hub whose service is down starts nevertheless, and its log says so at once.
        """
        self._first_look = asyncio.ensure_future(self._look_at_service())  # or it would be lost
        return list(super().get_handlers(app))

    async def _look_at_service(self) -> None:
        try:
            await self.find_service()
        except ServiceUnavailableError:
            return  # the log has it

    # --- who somebody is

    async def authenticate(self, handler: Any, data: Any = None, **kwargs: Any) -> Any:
        """Who has come back from the service; only its own page asks, no token API."""
        if not isinstance(handler, SignOnCallback):
            raise web.HTTPError(403)
        try:
            await self.find_service()
            return await super().authenticate(handler, data, **kwargs)
        except HTTPClientError as error:
            raise page_for(handler, UntrustedAnswerError(str(error))) from None
        except (ServiceUnavailableError, UntrustedAnswerError) as error:
            self.log.warning("A sign-in does not go on: %s", printable(str(error)))
            raise page_for(handler, error) from None

    async def get_token_info(self, handler: Any, params: Any) -> Any:
        """The token endpoint's answer, with an id token that is for this hub."""
        try:
            token_info = await super().get_token_info(handler, params)
        except RefusedRequestError as refused:
            raise self._refusal_of_hub(refused) or refused from None
        except (web.HTTPError, TypeError):  # whose text may show what was answered
            raise UntrustedAnswerError("the token endpoint gave no access token") from None
        token_info = {"token_type": "Bearer", **token_info}
        if not all(isinstance(token_info[name], str) for name in ("token_type", "access_token")):
            raise UntrustedAnswerError("the token endpoint gave no usable access token")
        is_sign_in = params.get("grant_type") == "authorization_code"
        if "id_token" in token_info or (is_sign_in and self.finds_endpoints):
            self._read_id_token(token_info, must_be_new=True)
        return token_info

    def _refusal_of_hub(self, refused: RefusedRequestError) -> HubRefusedError | None:
        if not is_about_client(refused.code, refused.error):
            return None
        explained = explain_refusal(
            refused.error, self.settings, chosen=self.chosen_name, in_header=self.basic_auth
        )
        return HubRefusedError(explained)

    async def token_to_user(self, token_info: Any) -> Any:
        """The claims about a person, with the username that was decided for their subject."""
        if self.finds_endpoints and not (self.userdata_url or self.userdata_from_id_token):
            raise UntrustedAnswerError(
                "the service has no userinfo_endpoint; set userdata_from_id_token: true in "
                "hub.config"
            )
        claims = check_object(await super().token_to_user(token_info), "user information")
        subject = self._subject_of(token_info, claims)
        now = datetime.now(timezone.utc)
        find = partial(self.accounts.find_user, subject, claims, now)
        try:
            username = await self._pool.run(find)
        except NoResultInTimeError as error:
            raise ServiceUnavailableError(
                f"the database of identities does not answer: {error}"
            ) from None
        return {**claims, USERNAME: str(username)}

    def _subject_of(self, token_info: Any, claims: Any) -> str:
        """The subject that id token and user information agree on; raises UntrustedAnswerError."""
        claimed = claims.get("sub")
        subject = claimed
        if token_info.get("id_token"):
            subject = self._read_id_token(token_info, must_be_new=False)
        if not is_subject(subject):
            raise UntrustedAnswerError("the service says no usable subject (sub)")
        if claimed != subject and (claimed is not None or self.finds_endpoints):
            raise UntrustedAnswerError(
                f"the user information is about {str(claimed)[:255]!r}, and the id token about "
                f"{subject!r}"
            )
        return str(subject)

    def _read_id_token(self, token_info: Any, *, must_be_new: bool) -> str:
        return read_subject(
            token_info.get("id_token"),
            issuer=self.settings.issuer,
            client_id=self.client_id,
            must_be_new=must_be_new,
        )

    def user_info_to_username(self, user_info: Any) -> str:
        """The username that was decided."""
        return str(user_info[USERNAME])

    # --- what else is known

    async def get_user_groups(self, auth_state: Any) -> set[str]:
        """The groups in the claims of `oauth.group_claims`, or those of the chosen class."""
        if not self.settings.group_claims:
            return set(await maybe_future(super().get_user_groups(auth_state)))
        claims = auth_state[self.user_auth_state_key]
        self._tell_missing(claims)
        found = find_groups(
            claims, self.settings.group_claims, separator=self.settings.group_separator
        )
        if found.ignored:
            self.log.warning(
                "%d values in the claims of %s are no groups, or too many; %d are",
                found.ignored,
                claims.get(USERNAME),
                len(found.names),
            )
        return set(found.names)

    def _tell_missing(self, claims: Any) -> None:
        """A name of `oauth.group_claims` that is wrong would show nowhere else."""
        for path in self._missing_claims.note(claims):
            self.log.warning(
                "The claim %r of oauth.group_claims came with nobody's sign-in so far, and gives "
                "no groups; the service sent: %s",
                path,
                tell_names(claims, without=USERNAME),
            )

    async def refresh_user(self, user: Any, handler: Any = None, **kwargs: Any) -> Any:
        """What the service says now; while it does not answer, what it said before.

        False, to sign in anew, where the account is another user by now, or nobody.
        """
        if not self.enable_auth_state:
            return True
        try:
            await self.find_service()
            refreshed = await super().refresh_user(user, handler, **kwargs)
        except ServiceUnavailableError as error:
            self._tell_out(user, error)
            return True
        except (UntrustedAnswerError, web.HTTPError) as error:
            self.log.warning("%s has to sign in anew: %s", user.name, tell_of(error))
            return False
        self._is_out = False
        if isinstance(refreshed, dict) and refreshed["name"] != user.name:
            self.log.warning("%s has to sign in anew: is %s now", user.name, refreshed["name"])
            return False
        return refreshed

    def _tell_out(self, user: Any, error: Exception) -> None:
        """Once for each outage: every request of everybody comes here."""
        if not self._is_out:
            self.log.error("%s and others stay signed in unasked: %s", user.name, tell_of(error))
        self._is_out = True


def find_secret(settings: OAuthSettings) -> str:
    """The client secret in the declared file or in the environment; empty: in neither.

    Raises TraitError, without what is in the file.
    """
    file = settings.client_secret_file
    try:
        secret = read_secret(file, SECRET_VARIABLE).strip()
    except UnreadableSecretError as error:
        raise TraitError(
            f"{file}: oauth.client_secret_file cannot be read ({error}); is it mounted "
            "(hub.extraVolumes and hub.extraVolumeMounts)?"
        ) from None
    if file and (not secret or not secret.isprintable()):
        raise TraitError(f"{file}: expected one line, the client secret")
    return secret


def make_single_sign_on(chosen: type[OAuthenticator]) -> type[SingleSignOn]:
    """`chosen`, with what `SingleSignOn` adds."""
    return type(
        f"SingleSignOnWith{chosen.__name__}",
        (SingleSignOn, chosen),
        {
            "__doc__": SingleSignOn.__doc__,
            "chosen_name": chosen.__name__,
            "login_handler": make_login_page(chosen.login_handler),
            "callback_handler": make_callback_page(chosen.callback_handler),
        },
    )
