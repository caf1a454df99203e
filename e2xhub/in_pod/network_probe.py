"""Tries from inside a pod what can be reached over the network, and tells it to the cluster.

Runs as `python3 -I -c TEXT TASK` in whatever image an exam has (Python 3.8 or newer). TASK is a
JSON object of one of three kinds; what is tried, and what follows from the answers, is decided
outside (`e2xhub.kubernetes.probe`):

    {"do": "listen", "port": 8888}       accepts connections until it is ended
    {"do": "look", "names": [...]}       tells where the pod finds name servers, the API server
                                         and what has these names
    {"do": "try", "seconds": 2, "patience": 10, "targets": [[protocol, host, port, want], ...]}

A protocol is `tcp` (a connection), `dns` (a question over UDP, and any answer) or `name` (what the
pod's own resolver says); `@NAME` is a host that the pod's environment names. What is wanted
`first` is tried until it answers, because before that nothing is known about the rest; `open` is
tried as long as `patience` seconds last; `closed` until it is closed, and once more after that.

The answer is one letter for each target (`LETTERS`) in the container's termination message.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import signal
import socket
import struct
import sys
import time
from typing import Any

MESSAGE = "/dev/termination-log"
LETTERS = {
    "o": "a connection, or an answer",
    "r": "refused at once: nobody listens, or the network says no",
    "s": "silence",
    "u": "no way there",
    "n": "a name that nobody knows",
    "-": "there is no such thing in this pod",
}
REACHED, REFUSED, SILENT, NO_WAY, NO_NAME, ABSENT = LETTERS
PAUSE_SECONDS = 0.2
AGAIN_SECONDS = 1.0
LOOK_UP_SECONDS = 8.0
AT_ONCE = 100
MOST_LATE = 150  # so that the answer fits into the message


class Trial:
    """One run of all targets, and how long it took until what has to be closed was closed."""

    def __init__(self, task: dict[str, Any]) -> None:
        self.targets = task["targets"]
        self.seconds = float(task["seconds"])
        self.patience = float(task["patience"])
        self.began = time.monotonic()
        self.outcomes = [ABSENT] * len(self.targets)
        self.closed_after: dict[int, float] = {}
        self.gate = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> dict[str, Any]:
        """Tries everything; returns the outcomes in the order of the targets."""
        await self.for_all("first", self.insist)
        is_up = all(self.outcomes[index] in (REACHED, ABSENT) for index in self.wanted("first"))
        up_after = self.elapsed()
        await asyncio.gather(
            self.for_all("open", self.insist), self.for_all("closed", self.wait_until_closed)
        )
        if self.wanted("closed"):
            await asyncio.sleep(AGAIN_SECONDS)
            await self.for_all("closed", self.confirm)
        latest = sorted(self.closed_after.items(), key=lambda item: -item[1])[:MOST_LATE]
        return {
            "outcomes": "".join(self.outcomes),
            "up": round(up_after, 1) if is_up else None,
            "late": {str(index): round(after, 1) for index, after in latest},
        }

    def wanted(self, want: str) -> list[int]:
        return [index for index, target in enumerate(self.targets) if target[3] == want]

    async def for_all(self, want: str, attempt: Any) -> None:
        await asyncio.gather(*(attempt(index) for index in self.wanted(want)))

    def elapsed(self) -> float:
        return time.monotonic() - self.began

    async def attempt(self, index: int) -> str:
        async with self.gate:
            self.outcomes[index] = await try_target(self.targets[index], self.seconds)
        return self.outcomes[index]

    async def insist(self, index: int) -> None:
        while await self.attempt(index) not in (REACHED, ABSENT):
            if self.elapsed() >= self.patience:
                return
            await asyncio.sleep(PAUSE_SECONDS)

    async def wait_until_closed(self, index: int) -> None:
        was_open = False
        while True:
            started = self.elapsed()
            if await self.attempt(index) != REACHED:
                break
            was_open = True
            if self.elapsed() >= self.patience:
                return
            await asyncio.sleep(PAUSE_SECONDS)
        if was_open:
            self.closed_after[index] = started

    async def confirm(self, index: int) -> None:
        """What is open at the end was never closed, whatever it was in between."""
        if self.outcomes[index] != REACHED and await self.attempt(index) == REACHED:
            self.closed_after.pop(index, None)


async def try_target(target: list[Any], seconds: float) -> str:
    """The letter of what happens at one target."""
    protocol, host, port = target[:3]
    if host.startswith("@"):
        host = os.environ.get(host[1:], "").split(",")[0]
        if not host:
            return ABSENT
    try:
        return await asyncio.wait_for(reach(protocol, host, port), seconds)
    except (asyncio.TimeoutError, TimeoutError):
        return SILENT
    except socket.gaierror:
        return NO_NAME
    except ConnectionError:
        return REFUSED
    except OSError:
        return NO_WAY


async def reach(protocol: str, host: str, port: int) -> str:
    """REACHED; raises OSError where the target cannot be reached."""
    loop = asyncio.get_running_loop()
    address = await find_address(host)
    if protocol == "name":
        return REACHED
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = socket.SOCK_DGRAM if protocol == "dns" else socket.SOCK_STREAM
    with socket.socket(family, kind) as opened:
        opened.setblocking(False)
        await loop.sock_connect(opened, (address, port))
        if protocol == "dns":
            await loop.sock_sendall(opened, make_question("example.com"))
            await loop.sock_recv(opened, 512)
    return REACHED


async def find_address(host: str) -> str:
    """The address in or of `host`; raises socket.gaierror where nobody knows the name."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        # Not for addresses: name servers that are silent would keep all threads.
        found = await asyncio.get_running_loop().getaddrinfo(host, None)
        return str(found[0][4][0])


def make_question(name: str) -> bytes:
    """A question for the IPv4 address of `name` (RFC 1035, section 4.1)."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack(">6H", os.getpid() & 0xFFFF, 0x100, 1, 0, 0, 0) + labels + b"\0\0\1\0\1"


async def look(names: list[str]) -> dict[str, Any]:
    """What a pod without a policy is told of its cluster, and finds under `names`."""
    host = os.environ.get("KUBERNETES_SERVICE_HOST")
    port = os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    found = await asyncio.gather(*(find_quietly(name) for name in names))
    return {
        "name_servers": read_name_servers(),
        "api_server": [host, int(port)] if host else None,
        "addresses": dict(zip(names, found)),  # noqa: B905 - Python 3.8 has no `strict`
    }


def read_name_servers() -> list[str]:
    """The addresses of the pod's name servers."""
    try:
        with open("/etc/resolv.conf", encoding="utf-8") as lines:  # noqa: PTH123
            return [line.split()[1] for line in lines if line.startswith("nameserver ")]
    except OSError:
        return []


async def find_quietly(name: str) -> str | None:
    """The address of `name`, or None."""
    try:
        return await asyncio.wait_for(find_address(name), LOOK_UP_SECONDS)
    except (OSError, asyncio.TimeoutError):
        return None


async def listen(port: int) -> None:
    """Accepts, and ends, connections at the pod's own addresses."""
    addresses = os.environ["E2XHUB_POD_ADDRESSES"].split(",")
    await asyncio.gather(*(listen_at(address, port) for address in addresses))


async def listen_at(address: str, port: int) -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), address, port)
    await server.serve_forever()


def tell(answer: dict[str, Any]) -> None:
    """To the cluster, which keeps 4096 bytes, and to the log."""
    text = json.dumps(answer, separators=(",", ":"))
    print(text, flush=True)
    try:
        with open(MESSAGE, "w", encoding="ascii") as file:  # noqa: PTH123
            file.write(text)
    except OSError as error:
        print(error, file=sys.stderr, flush=True)


async def perform(task: dict[str, Any]) -> None:
    if task["do"] == "listen":
        await listen(task["port"])
    else:
        is_trial = task["do"] == "try"
        tell(await (Trial(task).run() if is_trial else look(task["names"])))
        # A name server that is silent must not keep the pod.
        os._exit(0)


def main() -> None:
    # Process 1 of a container gets no signal that it has not asked for.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    asyncio.run(perform(json.loads(sys.argv[1])))


if __name__ == "__main__":
    main()
