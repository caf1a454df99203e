"""An exam hub whose lockdown tests disturb: policies of other people, proctors who look."""

from __future__ import annotations

import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from e2xhub.domain.roles import HubKind
from tests.hub.cluster_client import POLICIES, ClusterClient, Manifest
from tests.hub.configured_hub import OwnHub, wait_until
from tests.hub.console_browser import ConsoleBrowser
from tests.hub.demo_process import DemoProcess
from tests.hub.exam_sitting import Examinee
from tests.hub.exam_staff import OPEN, PASSWORD, SHARED_PASSWORD, ExamHub

RELEASE = "locked"
POLICY = f"e2xhub-exam-{OPEN}--{RELEASE}"
# A release of its own, so that the demo's exam hub looks after none of these policies; servers
# outlive the hub, as on a cluster.
LINES = f"""
c.KubeSpawner.common_labels = {{"app": "jupyterhub", "release": {RELEASE!r}}}
c.JupyterHub.cleanup_servers = False
{SHARED_PASSWORD}
"""
INTERNET: Manifest = {"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}
NOT_LOCKED = "The server cannot be started safely at the moment. Please tell the people in charge."


async def plan_locked_hub(directory: Path, demo: DemoProcess, *, lines: str = "") -> OwnHub:
    """An exam hub of a release of its own, whose exam has no policy; nobody is on its roster."""
    with suppress(urllib.error.HTTPError):
        demo.cluster.delete_policy(POLICY)
    return await OwnHub.plan_in(
        directory,
        demo,
        kind=HubKind.EXAM,
        usernames=[],
        lines=LINES + lines,
        staff_authenticator="shared-password",
        second_factor="off",
    )


def put_on_roster(own: OwnHub, students: tuple[str, ...]) -> None:
    """Makes petra and these the whole roster; returns when the hub has seen it."""
    own.change_catalog(lambda catalog: catalog["exams"][OPEN].update(room_code=False))
    people = [(name, OPEN, "student") for name in students]
    ExamHub(own).put_on_roster(("petra", OPEN, "proctor"), *people)


class Room:
    """What happens in the room of such an exam, and in its cluster."""

    def __init__(self, hub: ExamHub) -> None:
        self.hub = hub
        self.cluster: ClusterClient = hub.own.cluster
        self.petra = ConsoleBrowser(hub.url)
        self.petra.begin("petra", PASSWORD)
        assert self.petra.is_signed_in
        self.petra.get(self.petra.path)

    def sign_in(self, username: str) -> Examinee:
        """An examinee who has no server yet."""
        return Examinee(self.hub, username).sign_in()

    def is_refused(self, examinee: Examinee) -> None:
        """The start fails with a sentence for the person, and leaves nothing behind."""
        path = f"/hub/api/users/{examinee.username}/server"
        answer = examinee.browser.call_api("POST", path)
        assert (answer.status, answer.refusal) == (503, NOT_LOCKED)
        assert examinee.pod is None
        assert examinee.browser.is_signed_in  # and the hub is there

    # --- the console

    def warnings(self) -> list[dict[str, Any]]:
        """What stands on top of the console now."""
        with self.petra.stream() as events:
            told: list[dict[str, Any]] = next(events)["status"]["warnings"]
        return told

    def faults(self) -> str:
        """What the console says of the network lock, a sentence on each line."""
        found = [item["details"] for item in self.warnings() if item["kind"] == "lockdown"]
        return "\n".join(found[0]) if found else ""

    def wait_for_fault(self, *parts: str) -> str:
        """The faults, as soon as the console shows all these parts of sentences."""
        wait_until(lambda: all(part in self.faults() for part in parts), f"the console: {parts}")
        return self.faults()

    def wait_until_quiet(self) -> None:
        """Returns when the console says nothing of the network lock."""
        wait_until(lambda: not self.faults(), "the console says nothing of the network lock")

    # --- the hub's log

    def wait_for_log(self, *parts: str, since: str = "") -> None:
        """Returns when a line of the hub's log after `since` has all these parts."""

        def is_there() -> bool:
            lines = self.hub.own.log.removeprefix(since).splitlines()
            return any(all(part in line for part in parts) for line in lines)

        wait_until(is_there, f"the hub's log: {parts}")

    # --- policies

    def policy(self) -> Manifest | None:
        """The exam's policy, as the cluster has it."""
        found = [it for it in self.cluster.policies() if it["metadata"]["name"] == POLICY]
        return found[0] if found else None

    def replace(self, policy: Manifest) -> None:
        """Writes a policy over the one of its name, as `kubectl replace` does."""
        self.cluster.request("PUT", f"{POLICIES}/{policy['metadata']['name']}", policy)

    @contextmanager
    def policy_of_somebody(
        self, name: str, labels: dict[str, str], **spec: Any
    ) -> Iterator[Manifest]:
        """A policy of somebody else; by default it opens the internet to pods with `labels`."""
        made: Manifest = self.cluster.request(
            "POST",
            POLICIES,
            {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "NetworkPolicy",
                "metadata": {"name": name},
                "spec": {
                    "podSelector": {"matchLabels": labels},
                    "policyTypes": ["Egress"],
                    "egress": [INTERNET],
                    **spec,
                },
            },
        )
        try:
            yield made
        finally:
            self.delete_policy(name)

    def delete_policy(self, name: str) -> None:
        """Deletes a policy, if it is there."""
        with suppress(urllib.error.HTTPError):
            self.cluster.delete_policy(name)
