"""The private names of JupyterHub and KubeSpawner that we override or use are still what they were.

An upgrade that changes one of them has to fail here, and not in an exam.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jupyterhub import log, orm, roles, scopes
from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.app import JupyterHub
from jupyterhub.auth import Authenticator
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.handlers.login import LoginHandler
from jupyterhub.services.auth import HubAuth
from jupyterhub.spawner import Spawner
from jupyterhub.user import User
from kubespawner import KubeSpawner, clients, slugs
from kubespawner.reflector import ResourceReflector
from tornado.web import RequestHandler

from e2xhub.web import exam_login

PARAMETERS: dict[Callable[..., Any], str] = {
    BaseHandler._record_activity: "self obj timestamp",
    BaseHandler._resolve_roles_and_scopes: "self",
    BaseHandler._set_cookie: "self key value encrypted overrides",
    BaseHandler.auth_to_user: "self authenticated user",
    BaseHandler.check_xsrf_cookie: "self",
    KubeSpawner._build_common_labels: "self extra_labels",
    KubeSpawner._build_pod_labels: "self extra_labels",
    KubeSpawner._expand_all: "self src",
    KubeSpawner._get_initialized_profile_list: "self profile_list",
    KubeSpawner._get_reflector_key: "self kind",
    KubeSpawner._load_profile: "self slug profile_list",
    KubeSpawner._make_create_pod_request: "self pod request_timeout",
    KubeSpawner._options_from_form: "self formdata",
    KubeSpawner._sorted_dict_values: "self src",
    KubeSpawner._start: "self",
    KubeSpawner._start_reflector: "self kind reflector_class replace kwargs",
    KubeSpawner._stop_all_reflectors: "",
    KubeSpawner.get_pod_manifest: "self",
    KubeSpawner.load_user_options: "self",
    KubeSpawner.progress: "self",
    KubeSpawner.start: "self",
    KubeSpawner.stop: "self now",
    RequestHandler._log: "self",
    ResourceReflector._list_and_update: "self resource_version",
    ResourceReflector.start: "self",
    Authenticator.refresh_user: "self user handler",
    BaseHandler.get_auth_token: "self",
    BaseHandler.get_token: "self",
    LoginHandler._render: "self login_error username kwargs",
    Spawner.clear_state: "self",
    Spawner.get_args: "self",
    Spawner.start_polling: "self",
    Spawner.poll_and_notify: "self",
    User.stop: "self server_name",
    User.sync_groups: "self group_names",
    clients.shared_client: "ClientType args kwargs",
    log.log_request: "handler",
    roles.create_role: "db role_dict commit reset_to_defaults",
    scopes.get_scopes_for: "orm_object",
    scopes.has_scope: "scope have_scopes post_filter db",
    scopes.parse_scopes: "scope_list",
}
ATTRIBUTES = [
    (APIHandler, "_accept_cookie_auth"),
    (BaseHandler, "_jupyterhub_user"),
    (BaseHandler, "_session_id"),
    (RequestHandler, "_finished"),
    (RequestHandler, "_reason"),
    (KubeSpawner, "_options_form_default"),
    (KubeSpawner, "modify_pod_hook"),
    (KubeSpawner, "k8s_api_request_timeout"),
    (KubeSpawner, "k8s_api_request_retry_timeout"),
    (Spawner, "_log_name"),
    (Spawner, "_stop_pending"),
    (Spawner, "_start_pending"),
    (ResourceReflector, "first_load_future"),
    (ResourceReflector, "watch_task"),
    (ResourceReflector, "resources"),
    (ResourceReflector, "api"),
    (ResourceReflector, "request_timeout"),
    (KubeSpawner, "reflectors"),
    (KubeSpawner, "component_label"),
    (slugs, "strip_and_hash"),
    (HubAuth, "cache_max_age"),
    (orm.APIToken, "session_id"),
    (orm.OAuthCode, "session_id"),
    (orm.User, "cookie_id"),
]


@pytest.mark.parametrize("function", PARAMETERS, ids=lambda function: function.__qualname__)
def test_parameters_are_those_that_we_pass_or_take(function: Callable[..., Any]) -> None:
    assert " ".join(inspect.signature(function).parameters) == PARAMETERS[function]


@pytest.mark.parametrize(("owner", "name"), ATTRIBUTES, ids=lambda value: str(value))
def test_attribute_is_still_there(owner: Any, name: str) -> None:
    assert hasattr(owner, name) or name in inspect.getsource(owner)


def test_pod_is_sent_after_the_hook_that_finishes_it() -> None:
    """The one place of KubeSpawner's code that makes `modify_pod_hook` the last word."""
    source = inspect.getsource(KubeSpawner._start)
    hook, request = (
        source.index(name) for name in ("self.modify_pod_hook(", "self._make_create_pod_request")
    )
    assert hook < request


def test_role_that_the_authenticator_manages_outlives_a_start_of_the_hub() -> None:
    """Or proctors would lose the console when the hub is started again in an exam."""
    created = inspect.getsource(roles.create_role)
    assert "managed_by_auth = role_dict.get('managed_by_auth', False)" in created
    forgotten = inspect.getsource(JupyterHub.init_role_creation)
    assert "(orm.Role.managed_by_auth == False)" in forgotten


REFUSED = "Invalid username or password"
"""What JupyterHub's sign-in page says, and ours says in other words and languages."""
WEB = Path(exam_login.__file__).parent
SIGN_IN_PAGES = [WEB / "exam_login.py", WEB / "templates/hub/login.html"]


def test_words_of_a_refused_sign_in_are_those_that_our_pages_look_for() -> None:
    assert REFUSED in LoginHandler.post.__code__.co_consts


@pytest.mark.parametrize("page", SIGN_IN_PAGES, ids=lambda page: page.name)
def test_our_pages_look_for_the_words_of_a_refused_sign_in(page: Path) -> None:
    """Or people would read JupyterHub's, in English, and on an exam hub without what to do."""
    assert f'"{REFUSED}"' in page.read_text(encoding="utf-8")


def test_handler_says_that_a_token_was_shown() -> None:
    assert "_token_authenticated" in BaseHandler.get_current_user_token.__code__.co_names
