"""Runs programs inside a person's server, as people do: through the hub, in a notebook's kernel."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.hub.http_session import HubSession

START_SECONDS = 90.0
RUN_SECONDS = 120.0
_RUN = """
import json, subprocess
ended = subprocess.run({command!r}, cwd={directory!r}, capture_output=True, text=True)
print(json.dumps([ended.returncode, ended.stdout + ended.stderr]))
"""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a program ended, and what it said."""

    status: int
    output: str


class PodShell:
    """The running server of who is signed in to `session`."""

    def __init__(self, session: HubSession, slug: str) -> None:
        self.session = session
        self.username = session.username
        if self._user()["servers"]:  # that of an earlier test
            self.stop()
        self._start(slug)
        self._token = self._call("POST", f"/hub/api/users/{self.username}/tokens", {"note": "t"})[
            "token"
        ]
        session.get(f"/user/{self.username}/lab")  # signs in to the server
        self._kernel = self._call("POST", f"/user/{self.username}/api/kernels", {})["id"]

    def run(self, *command: str, directory: str = "/home/jovyan") -> Ended:
        """Runs a program in the server."""
        printed = self.execute(_RUN.format(command=list(command), directory=directory))
        status, output = json.loads(printed.splitlines()[-1])
        return Ended(status=status, output=output)

    def execute(self, code: str) -> str:
        """Runs Python in the server's kernel and returns what it prints."""
        return asyncio.run(asyncio.wait_for(self._execute(code), RUN_SECONDS))

    def stop(self) -> None:
        """Ends the server."""
        self.session.call_api("DELETE", f"/hub/api/users/{self.username}/server")
        self._wait(lambda: self._user()["servers"] == {})

    def _start(self, slug: str) -> None:
        path = f"/hub/api/users/{self.username}/server"
        answer = self.session.call_api("POST", path, {"profile": slug})
        assert answer.status in (201, 202), answer
        self._wait(lambda: self._user()["server"] is not None)

    def _user(self) -> Any:
        return self.session.get(f"/hub/api/users/{self.username}").json()

    def _call(self, method: str, path: str, value: Any) -> Any:
        answer = self.session.call_api(method, path, value)
        assert answer.status in (200, 201), answer
        return answer.json()

    def _wait(self, condition: Any) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not condition():
            assert time.monotonic() < deadline, "the server did not start or end"
            time.sleep(0.3)

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"token {self._token}"}

    async def _execute(self, code: str) -> str:
        """The kernel's messages: https://jupyter-client.readthedocs.io/en/stable/messaging.html"""
        sent = _make_message(code)
        headers = self._authorization()
        url = f"{self.session.hub_url}/user/{self.username}/api/kernels/{self._kernel}/channels"
        async with (
            aiohttp.ClientSession(headers=headers) as client,
            client.ws_connect(url, max_msg_size=0) as kernel,
        ):
            await kernel.send_json(sent)
            return await _read_output(kernel, sent["header"]["msg_id"])


async def _read_output(kernel: aiohttp.ClientWebSocketResponse, request_id: str) -> str:
    """What a request prints, up to its end."""
    printed = ""
    while True:
        message = await kernel.receive_json()
        if message["parent_header"].get("msg_id") != request_id:
            continue
        content = message["content"]
        assert message["msg_type"] != "error", content
        if message["msg_type"] == "stream":
            printed += content["text"]
        if message["msg_type"] == "status" and content["execution_state"] == "idle":
            return printed


def _make_message(code: str) -> dict[str, Any]:
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": "execute_request",
        "session": uuid.uuid4().hex,
        "username": "test",
        "version": "5.3",
    }
    return {
        "channel": "shell",
        "header": header,
        "parent_header": {},
        "metadata": {},
        "content": {"code": code, "silent": False, "store_history": False, "allow_stdin": False},
    }


class ExamineeShell(PodShell):
    """The same in an exam: an examinee can make no token, and has cookies alone."""

    def __init__(self, session: HubSession) -> None:
        self.session = session
        self.username = session.username
        answer = session.call_api("POST", f"/hub/api/users/{self.username}/server")
        assert answer.status in (201, 202), answer
        self._wait(self._is_open)
        self._kernel = self._call("POST", f"/user/{self.username}/api/kernels", {})["id"]

    def stop(self) -> None:
        """Ends the server."""
        self.session.call_api("DELETE", f"/hub/api/users/{self.username}/server")

    def _is_open(self) -> bool:
        self.session.get(f"/user/{self.username}/lab")  # signs in to the server
        answer = self.session.call_api("GET", f"/user/{self.username}/api/contents")
        return answer.status == 200 and answer.text.startswith("{")

    def _authorization(self) -> dict[str, str]:
        path = f"/user/{self.username}/api/kernels"
        return {
            "Cookie": self.session.cookie_header(path),
            "X-XSRFToken": self.session.xsrf_token(path),
        }
