"""E2xSpawner: starts the server that the registry offers this person, and no other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, NoReturn

from jupyterhub.utils import maybe_future
from tornado import web
from traitlets import Any as AnyTrait
from traitlets import Integer, default

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.offers import Offer, Registry
from e2xhub.domain.refusals import NotOfferedError
from e2xhub.domain.roles import HubKind
from e2xhub.domain.standing import Lapse, StandingMemory, Started
from e2xhub.errors import ConfigurationError, printable
from e2xhub.kubernetes.configured import ConfiguredTraits, check_places, names_in
from e2xhub.kubernetes.labels import valid_labels
from e2xhub.kubernetes.lockdown import LockedSpawner, PolicyError
from e2xhub.kubernetes.pods import UnsafePodError, finish_pod
from e2xhub.kubernetes.profiles import make_profile
from e2xhub.kubernetes.server_names import find_name_fault, tell_running
from e2xhub.kubernetes.standing import WatchedSpawner
from e2xhub.kubernetes.starts import ExplainedSpawner
from e2xhub.web.spawn_page import SpawnPage
from e2xhub.web.titles import find_title, title_of
from e2xhub.web.translations import translator_for

_CHOICES = ("profile", "size")
_CHOICE_MAX = 300
_NAMES_NOTHING = "?"
_NOT_AUTHORIZED = "This server is not available."
# JupyterHub's servers believe for five minutes what the hub said of a browser. HubAuth reads this
# from the command line, which counts more than a configuration file that an examinee could write.
_ASK_AGAIN = "--HubAuth.cache_max_age=20"
_NOT_SAFE = "NOT_SAFE"  # beside the names of `StartFailure`
_UNSAFE = "The server cannot be started safely at the moment. Please tell the people in charge."


class SpawnRefusedError(web.HTTPError):
    """A refusal with a sentence for the person; JupyterHub shows it without status and reason."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(status, sentence)
        self.jupyterhub_message = sentence


class E2xSpawner(ExplainedSpawner, WatchedSpawner, LockedSpawner):
    """A KubeSpawner that takes image, size, volumes, environment and network from one offer.

    What a person may start is decided by the registry alone. A form, a query string, a REST
    body or stored options can say which offer (`profile`) and which of its sizes (`size`), and
    nothing else; everything is checked again at start. Settings of the chart and of the admin
    stay: an offer adds to them.

    Use it through `e2xhub.configure`, which gives it its registry::

        configure(c, hub="assignment", catalog="/etc/e2xhub/catalog", roster="/etc/e2xhub/roster")
    """

    registry = AnyTrait(
        config=True,
        help="""
        What this hub offers to whom: an object with a property `current` that gives the
        `e2xhub.domain.offers.Registry` in force.

        Set by `e2xhub.configure`. A hub without a registry does not start a server.
        """,
    )

    named_servers = Integer(
        0,
        config=True,
        help="""
        How many named servers a person may have besides the one without a name; 0: none.

        Set by `e2xhub.configure`, which has JupyterHub count them. On an exam hub there are none,
        whatever is set here.
        """,
    )

    auto_start_seconds = Integer(
        0,
        min=0,
        config=True,
        help="""
        After how many seconds the spawn page starts the only offer that somebody has by itself,
        unless they press a key or the page; 0: never.

        Set by `e2xhub.configure`. A server that is read-only because its term is over waits.
        """,
    )

    user_options: dict[str, Any]
    modify_pod_hook: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._configured = ConfiguredTraits(self)
        self._standing_memory = StandingMemory()
        super().__init__(*args, **kwargs)

    @property
    def _current_registry(self) -> Registry:
        if self.registry is None:
            raise ConfigurationError(
                "E2xSpawner.registry is not set; "
                "call e2xhub.configure(c, …) in the hub's configuration"
            )
        return self.registry.current  # type: ignore[no-any-return]

    @property
    def _groups(self) -> list[str]:
        """The groups that the sign-in service or an admin put the person into."""
        return [group.name for group in self.user.groups]

    # --- what a person sees and chooses

    @default("options_form")
    def _options_form_default(self) -> Any:
        return E2xSpawner._render_spawn_page

    @staticmethod
    def _render_spawn_page(spawner: E2xSpawner) -> str:
        """The offers of this person as cards. Never empty: an empty form would start a server."""
        spawner._check_name()
        registry, now = spawner._current_registry, _now()
        page = SpawnPage(
            listed=registry.offers_for(spawner.user.name, now, spawner._groups),
            catalog=registry.catalog,
            now=now,
            chosen=_clean_choice(spawner.user_options),
            translator=translator_for(spawner.handler),
            running=spawner._find_running(),
            auto_start_seconds=spawner.auto_start_seconds,
        )
        return page.render()

    @property
    def course(self) -> str:
        """Course and term of the server that is there, or else of its last start, for pages; of an
        exam its title; empty: not known."""
        if self.offer:
            return title_of(self.offer)
        started, chosen = self.standing.started, _clean_choice(self.user_options)
        slug = started.slug if started else chosen.get("profile")
        if not slug:
            return ""
        listed = self._current_registry.offers_for(self.user.name, _now(), self._groups)
        return find_title(listed, slug)

    def _find_running(self) -> dict[str, str]:
        """The paths of the person's servers that are there, each by the slug of its offer."""
        return {
            other.standing.started.slug: self.user.server_url(other.name)
            for other in self.user.spawners.values()
            if other.active and other.standing.started
        }

    def _options_from_form(self, formdata: Mapping[str, list[str]]) -> dict[str, str]:
        """The choice in a form or query; refused here already, before the spawn counts as one."""
        if self.name and self.user.spawner.handler is None:
            # After a refusal, JupyterHub has that spawner make the page: in the same language.
            self.user.spawner.handler = self.handler
        options = {key: formdata[key][0] for key in _CHOICES if formdata.get(key)}
        # The page names each card's sizes after the card, so that they may all be in one form.
        size = formdata.get(f"size:{options.get('profile', '')}")
        if size:
            options["size"] = size[0]
        self._authorize(options)
        return options

    def options_from_query(self, query_data: Mapping[str, list[str]]) -> dict[str, str]:
        """The choice in a link such as `/hub/spawn?profile=machine-learning/WS26/student`."""
        return self._options_from_form(query_data)

    @default("apply_user_options")
    def _apply_user_options_default(self) -> Any:
        return E2xSpawner._leave_options_alone

    @staticmethod
    def _leave_options_alone(_spawner: E2xSpawner, _user_options: Any) -> None:
        """Does nothing, and says so: without it JupyterHub warns that nobody reads the options."""

    # --- what the person's server is

    async def load_user_options(self) -> None:
        """Makes this spawner the one of the authorised offer, starting from what was configured."""
        self._forget_offer()
        offer, size = self._authorize(self.user_options)
        try:
            self.apply_offer(offer, size)
        except ConfigurationError as error:
            self._refuse_as_unsafe(offer, error)
        self.standing.start(Started.of(offer))
        self.log.info("%s starts %s", self._log_name, self.user_options)
        await self._ensure_policy(offer)

    def apply_offer(self, offer: Offer, size: str) -> None:
        """Sets the traits that make the pod of `offer` in one of its sizes."""
        check_places(offer, self._expand_all(self._sorted_dict_values(self.volume_mounts)))
        self.offer = offer
        self.user_options = {"profile": offer.slug, "size": size}
        profile = make_profile(offer)
        self._configured.remember({*names_in(profile), "modify_pod_hook"})
        self._load_profile(offer.slug, self._get_initialized_profile_list([profile]))
        self._finish_last()

    def get_args(self) -> list[str]:
        """What is configured; an examinee's server soon asks again whether a session is open."""
        args: list[str] = super().get_args()
        return [*args, _ASK_AGAIN] if self.offer and self.offer.is_exam else args

    def clear_state(self) -> None:
        """Forgets the offer; JupyterHub calls this before and after a server, around all hooks."""
        super().clear_state()
        self._forget_offer()

    async def get_pod_manifest(self) -> Any:
        """The pod of the authorised offer; refuses to make any other."""
        if self.offer is None:
            raise SpawnRefusedError(403, translator_for(self.handler)(_NOT_AUTHORIZED))
        return await super().get_pod_manifest()

    def _finish_last(self) -> None:
        """Has the pod finished after the admin's `modify_pod_hook`, the last step before it is
        sent."""
        hook = self.modify_pod_hook

        async def finish(spawner: E2xSpawner, pod: Any) -> Any:
            if hook is not None:
                pod = await maybe_future(hook(spawner, pod))
            return await spawner._finish(pod)

        self.modify_pod_hook = finish

    async def _finish(self, pod: Any) -> Any:
        """The pod as it is sent; locked by its own making, and by all policies that there are."""
        assert self.offer is not None
        try:
            finished = finish_pod(
                pod,
                self.offer,
                await self._hub_hosts(self.offer),
                selected_by=self.surroundings.release,
            )
            self.check_lockdown(self.offer, finished.metadata.labels)
        except (UnsafePodError, PolicyError) as error:
            self._refuse_as_unsafe(self.offer, error)
        return finished

    async def _hub_hosts(self, offer: Offer) -> dict[str, list[str]]:
        lockdown = offer.server.lockdown
        needs_them = lockdown is not None and not lockdown.name_service
        return await self.find_hub_hosts() if needs_them else {}

    def _catalog_in_force(self) -> Catalog:
        return self._current_registry.catalog

    def _build_common_labels(self, extra_labels: Mapping[str, str]) -> dict[str, str]:
        """The labels of every object, also of those beside the pod (claim, secret, service)."""
        return valid_labels(super()._build_common_labels(extra_labels))

    def _build_pod_labels(self, extra_labels: Mapping[str, str]) -> dict[str, str]:
        """The labels of the pod, by which its service finds it."""
        return valid_labels(super()._build_pod_labels(extra_labels))

    def _authorize(self, user_options: Any) -> tuple[Offer, str]:
        """The offer and the size that `user_options` name; raises HTTPError 403."""
        self._check_name()
        choice = _clean_choice(user_options)
        try:
            registry = self._current_registry
            offer = registry.authorize(self.user.name, choice.get("profile"), _now(), self._groups)
            registry.check_session(offer, self.user.name)
            size = offer.choose_size(choice.get("size"))
        except NotOfferedError as refusal:
            translate = translator_for(self.handler)
            self.log.warning("%s is refused %r: %s", self._log_name, choice, refusal)
            raise SpawnRefusedError(403, translate.refusal(refusal.reason, refusal.at)) from None
        self._check_runs_once(offer)
        return offer, size

    def find_lapse(self, started: Started, now: datetime) -> Lapse | None:
        """Why the running server is not offered any more; asks the registry in force."""
        return self._standing_memory.find_lapse(
            self._current_registry, self.user.name, started, now, self._groups
        )

    def find_next_change(self) -> datetime | None:
        """The end of the exam. Thousands of servers of a term need not end at the same moment."""
        if self._current_registry.hub is not HubKind.EXAM:
            return None
        return self._standing_memory.offered_until

    def _check_name(self) -> None:
        """Refuses a named server where, or with a name that, there may be none."""
        sentence = find_name_fault(
            self.name,
            hub=self._current_registry.hub,
            most=self.named_servers,
            translate=translator_for(self.handler),
        )
        if sentence:
            self.log.warning("%s is refused: %s", printable(self._log_name), sentence)
            raise SpawnRefusedError(403, sentence)

    def _check_runs_once(self, offer: Offer) -> None:
        """Refuses a second server on the directories, and the files of databases, of the first."""
        for other in self.user.spawners.values():
            started = other.standing.started
            if other.name != self.name and other.active and started and started.slug == offer.slug:
                sentence = tell_running(title_of(offer), other.name, translator_for(self.handler))
                self.log.warning("%s is refused %s: %s", self._log_name, offer.slug, sentence)
                raise SpawnRefusedError(403, sentence)

    def _forget_offer(self) -> None:
        self.offer = None
        self._configured.restore()

    async def _ensure_policy(self, offer: Offer) -> None:
        """Makes the offer's NetworkPolicies exist; without them no pod is created."""
        try:
            await self.ensure_lockdown(offer)
        except PolicyError as error:
            self._refuse_as_unsafe(offer, error)

    def _refuse_as_unsafe(self, offer: Offer, error: Exception) -> NoReturn:
        """The reason for the log, a sentence for the person."""
        self.note_failed_start(offer, _NOT_SAFE)
        self.log.error("%s is not started: %s", self._log_name, error)
        raise SpawnRefusedError(503, translator_for(self.handler)(_UNSAFE)) from error


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _clean_choice(user_options: Any) -> dict[str, str]:
    """What `user_options` say about offer and size; everything else in them is dropped."""
    if not isinstance(user_options, Mapping):
        return {}
    return {
        # What is no short text names nothing; it must not fall back to the only offer.
        key: value if isinstance(value, str) and len(value) <= _CHOICE_MAX else _NAMES_NOTHING
        for key in _CHOICES
        if (value := user_options.get(key)) not in (None, "")
    }
