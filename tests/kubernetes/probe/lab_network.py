"""A network of its own with a world in it: what the laboratory's pods can reach, and their links.

Everything is in the network namespace of this process, which nothing leaves. The machine of the
laboratory is the router between its pods and the world; `ip rule` on it is the firewall.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import cast

NODE = "10.99.0.1"
HUB, HUB_V6 = "10.96.0.20", "fd96::20"
PROXY_PUBLIC, PROXY_API = "10.96.0.30", "10.96.0.31"
API_SERVER, NAME_SERVER, FILE_SERVER = "10.96.0.1", "10.96.0.10", "10.50.0.9"
PUBLIC, LICENCES = "203.0.113.7", "203.0.113.80"
METADATA = "169.254.169.254"
INTERNET = ("1.1.1.1", "8.8.8.8", "9.9.9.9", "2606:4700:4700::1111", "2001:4860:4860::8888")

LISTENERS = [
    *((address, port) for address in INTERNET for port in (53, 443)),
    *((address, 8081) for address in (HUB, HUB_V6)),
    *((PROXY_PUBLIC, 80), (PROXY_PUBLIC, 443), (PROXY_API, 8001)),
    *((API_SERVER, 443), (NAME_SERVER, 53), (METADATA, 80), ("fd00:ec2::254", 80)),
    *((NODE, 22), (NODE, 10250), (FILE_SERVER, 111), (FILE_SERVER, 2049)),
    *((PUBLIC, 443), (LICENCES, 27000)),
]
QUESTIONS = (*INTERNET, NAME_SERVER)
_HOSTS = f"127.0.0.1 localhost\n{FILE_SERVER} nfs.example.org\n{PUBLIC} exam.example.org\n"


def run(*words: str) -> None:
    """Runs a program of the system; fails with its words."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"


def build_world(directory: Path) -> None:
    """Gives this namespace all addresses of the world, and makes it a router."""
    run("ip", "link", "set", "lo", "up")
    for address in sorted({host for host, _ in LISTENERS}):
        length = "128" if ":" in address else "32"
        # What is on the wire of the loopback device alone would not be looked for elsewhere.
        run("ip", "addr", "add", f"{address}/{length}", "dev", "lo")
    for path in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
        Path(f"/proc/sys/net/{path}").write_text("1", encoding="ascii")
    for version in ("-4", "-6"):
        # Rules about packets for the router's own addresses have to come before that table.
        run("ip", version, "rule", "add", "pref", "100", "lookup", "local")
        run("ip", version, "rule", "del", "pref", "0")
    (directory / "hosts").write_text(_HOSTS, encoding="ascii")
    run("mount", "--bind", str(directory / "hosts"), "/etc/hosts")


async def open_world() -> list[object]:
    """Lets the world answer; keep what is returned."""
    kept: list[object] = []
    for address, port in LISTENERS:
        server = await asyncio.start_server(lambda _, writer: writer.close(), address, port)
        kept.append(server)
    loop = asyncio.get_running_loop()
    for address in QUESTIONS:
        transport, _ = await loop.create_datagram_endpoint(_Answerer, local_addr=(address, 53))
        kept.append(transport)
    return kept


class _Answerer(asyncio.DatagramProtocol):
    """A name server that knows one address for every name."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, question: bytes, address: tuple[str, int]) -> None:
        end = question.index(b"\0", 12) + 5
        is_ipv4 = question[end - 4 : end - 2] == b"\0\1"
        head = question[:2] + struct.pack(">5H", 0x8180, 1, is_ipv4, 0, 0)
        record = struct.pack(">HHHIH", 0xC00C, 1, 1, 60, 4) + socket.inet_aton("192.0.2.99")
        answer = head + question[12:end] + (record if is_ipv4 else b"")
        self._transport.sendto(answer, address)


@dataclass
class Link:
    """One pod's network namespace: its addresses, and the process that holds it."""

    address: str
    address_v6: str
    holder: subprocess.Popen[bytes]

    @property
    def addresses(self) -> tuple[str, str]:
        return self.address, self.address_v6

    def enter(self, name_servers: Path) -> list[str]:
        """The words before a command that runs in the pod, with its own resolv.conf."""
        mount = 'mount --bind "$1" "$(readlink -f /etc/resolv.conf)" && shift && exec "$@"'
        words = ["nsenter", "--net", "--target", str(self.holder.pid), "unshare", "--mount"]
        return [*words, "sh", "-c", mount, "sh", str(name_servers)]

    def cut(self) -> None:
        self.holder.kill()
        self.holder.wait()


_NUMBERS: Iterator[int] = count(100)


def link_pod() -> Link:
    """A new namespace with a wire to the router."""
    number = next(_NUMBERS)
    holder = subprocess.Popen(["unshare", "--net", "sleep", "600"])
    link = Link(f"10.99.0.{number}", f"fd99::{number}", holder)
    outer, pid = f"pod{number}", str(holder.pid)
    outer_mac, inner_mac = f"02:00:00:00:01:{number:02x}", f"02:00:00:00:02:{number:02x}"
    _wait_for_namespace(pid)
    make = ["ip", "link", "add", outer, "address", outer_mac, "type", "veth", "peer"]
    run(*make, "name", "eth0", "address", inner_mac, "netns", pid)
    run("ip", "link", "set", outer, "up")
    run("ip", "-6", "addr", "add", "fe80::1/64", "dev", outer, "nodad")
    inside = ["nsenter", "--net", "--target", pid, "ip"]
    run(*inside, "link", "set", "lo", "up")
    run(*inside, "link", "set", "eth0", "up")
    run(*inside, "addr", "add", f"{link.address}/32", "dev", "eth0")
    run(*inside, "addr", "add", f"{link.address_v6}/128", "dev", "eth0", "nodad")
    run(*inside, "route", "add", NODE, "dev", "eth0")
    run(*inside, "route", "add", "default", "via", NODE)
    run(*inside, "-6", "route", "add", "default", "via", "fe80::1", "dev", "eth0")
    run("ip", "route", "add", link.address, "dev", outer)
    run("ip", "-6", "route", "add", link.address_v6, "dev", outer)
    # The rules below would drop the questions by which the two find each other.
    for there in (NODE, "fe80::1"):
        run(*inside, "neigh", "add", there, "lladdr", outer_mac, "dev", "eth0")
    for there in link.addresses:
        run("ip", "neigh", "add", there, "lladdr", inner_mac, "dev", outer)
    return link


def _wait_for_namespace(pid: str) -> None:
    """Until the holder is in its own namespace, and not in ours."""
    ours = Path("/proc/self/ns/net").readlink()
    for _ in range(1000):
        with suppress(OSError):
            if Path(f"/proc/{pid}/ns/net").readlink() != ours:
                return
        subprocess.run(["sleep", "0.01"], check=True)
    raise AssertionError("a namespace was not made")


def lock(link: Link) -> None:
    """From now on the pod reaches the hub alone, and is reached by nobody else."""
    for version, address, hub in (("-4", link.address, HUB), ("-6", link.address_v6, HUB_V6)):
        add = ["ip", version, "rule", "add"]
        run(*add, "pref", "10", "from", address, "to", hub, "lookup", "local")
        run(*add, "pref", "11", "from", hub, "to", address, "lookup", "main")
        run(*add, "pref", "20", "from", address, "blackhole")
        run(*add, "pref", "21", "to", address, "blackhole")


def allow(link: Link, address: str) -> None:
    """A hole: what some other policy might allow."""
    run("ip", "rule", "add", "pref", "5", "from", link.address, "to", address, "lookup", "local")
    run("ip", "rule", "add", "pref", "6", "from", address, "to", link.address, "lookup", "main")
