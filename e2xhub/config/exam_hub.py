"""What makes a hub one for exams: codes, sessions, the console, and few rights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from traitlets.log import get_logger

from e2xhub.config.begun import Begun
from e2xhub.config.sections import append, set_handlers, update
from e2xhub.domain.proxies import DeclaredProxies
from e2xhub.errors import ConfigurationError
from e2xhub.hub_settings import HubSettings
from e2xhub.storage.database import masked_url
from e2xhub.storage.exam_records import ExamRecords, open_exam_records
from e2xhub.storage.live_exam_records import ExamRegistry, LiveExamRecords
from e2xhub.storage.live_registry import LiveRegistry
from e2xhub.storage.pepper_file import load_peppers
from e2xhub.web.console import make_console_handlers
from e2xhub.web.exam_desk import ExamDesk
from e2xhub.web.examinee_pages import make_examinee_handlers
from e2xhub.web.forward_auth import make_forward_auth_handlers
from e2xhub.web.proctor_groups import CUSTOM_SCOPES
from e2xhub.web.proctor_pages import first_page_of
from e2xhub.web.session_guard import SessionGuard
from e2xhub.web.standalone_pages import FILES_ROUTE
from e2xhub.web.trusted_proxies import TrustedProxies

# JupyterHub's role of everybody, without tokens: one would open a server long after the exam.
_EXAMINEE_ROLE = {
    "name": "user",
    "description": "Examinees: their own server, and nothing that outlives the sign-in",
    "scopes": [
        "users:activity!user",
        "read:users:name!user",
        "read:users:groups!user",
        "servers!user",
        "access:servers!user",
    ],
}


def set_up_exam_hub(c: Any, begun: Begun) -> None:
    """Everything that makes a hub one for exams."""
    registry, settings = begun.registry, begun.settings
    _check_safe_browser(registry, settings)
    desk = begun.desk = begun.desk or _make_desk(registry, settings)
    c.E2xSpawner.registry = desk.registry
    _set_exam_login(c, desk)
    _set_examinees_rights(c)
    _set_exam_pages(c, desk, settings)
    _set_staff_sign_in(c, settings)


def _check_safe_browser(registry: LiveRegistry, settings: HubSettings) -> None:
    """Safe Exam Browser signs the address that people see; the hub does not know it by itself."""
    current = registry.current
    demanding = [
        exam
        for exam, declared in current.catalog.exams.items()
        if declared.safe_exam_browser and current.serves_exam(exam)
    ]
    if demanding and not settings.public_url:
        raise ConfigurationError(
            f"{', '.join(demanding)} demands Safe Exam Browser, and the setting public_url is "
            "missing; set it to the address of the hub, such as https://exams.example.org/"
        )


def _make_desk(registry: LiveRegistry, settings: HubSettings) -> ExamDesk:
    peppers = load_peppers(Path(settings.pepper_file) if settings.pepper_file else None)
    opened = open_exam_records(settings.database_url, peppers)
    warn_of_another_pepper(opened)
    records = LiveExamRecords(opened)
    return ExamDesk(
        registry=ExamRegistry(registry, records),
        records=records,
        trusted_proxies=TrustedProxies(settings.trusted_proxies),
        public_url=settings.public_url,
    )


def _set_exam_login(c: Any, desk: ExamDesk) -> None:
    c.JupyterHub.authenticator_class = "e2x-otp"
    c.OneTimePasswordAuthenticator.desk = desk


def _set_staff_sign_in(c: Any, settings: HubSettings) -> None:
    c.OneTimePasswordAuthenticator.second_factor = settings.second_factor
    if settings.staff_authenticator:
        c.OneTimePasswordAuthenticator.staff_authenticator_class = settings.staff_authenticator
    update(c.JupyterHub, "custom_scopes", CUSTOM_SCOPES)
    if not c.JupyterHub.get("default_url"):
        c.JupyterHub.default_url = first_page_of


def _set_examinees_rights(c: Any) -> None:
    c.JupyterHub.allow_named_servers = False
    # A pod's token reports activity; it opens neither files nor terminals.
    c.E2xSpawner.server_token_scopes = ["users:activity!user"]
    append(c.JupyterHub, "load_roles", _EXAMINEE_ROLE)


def _set_exam_pages(c: Any, desk: ExamDesk, settings: HubSettings) -> None:
    forward_auth = make_forward_auth_handlers(SessionGuard(desk), settings.forward_auth_header)
    pages = [*make_examinee_handlers(desk), *make_console_handlers(desk)]
    set_handlers(c, [FILES_ROUTE, *pages, *forward_auth])
    update(c.JupyterHub, "template_vars", {"has_exam_bar": True})


def warn_of_many_proxies(settings: HubSettings) -> None:
    for network in DeclaredProxies.parse(settings.trusted_proxies).wide:
        get_logger().warning(
            "trusted_proxies: %s is more than a few proxies; whoever has an address in it may "
            "claim any address of a browser, such as one of an exam's room. Name the proxies "
            "alone: their addresses, or the headless Service of their pods",
            network,
        )


def warn_of_another_pepper(records: ExamRecords) -> None:
    with records.reading() as connection:
        found = records.find_foreign_key(connection)
    if found:
        get_logger().warning(
            "The last entry of the audit log in %s is sealed under the pepper %s, which is not in "
            "pepper_file (nor E2XHUB_PEPPER): codes under it open nothing, and 'e2xhub audit "
            "verify' cannot prove the log. Add that pepper as a line below the first; if another "
            "hub on this database has a pepper of its own, give it this hub's",
            masked_url(records.engine.url),
            found,
        )
