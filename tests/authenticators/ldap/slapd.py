"""A real OpenLDAP server with people, groups, a password policy and TLS, for one test or for many.

with slapd(tmp_path) as server:
    settings = server.settings(lookup_dn=True)
"""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from e2xhub.authenticators.ldap.settings import (
    DirectorySettings,
    Masked,
    ServerAddress,
    TlsMode,
)
from tests.authenticators.ldap.certificates import Authority, Certificate
from tests.authenticators.ldap.people import (
    BASE,
    GROUPS,
    PEOPLE,
    PUBLIC,
    ROOT_DN,
    SERVICE_DN,
    make_groups,
    make_people,
    password_of,
)
from tests.programs import find_program

HOST = "localhost"
_START_SECONDS = 60
_CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload refint
moduleload ppolicy
pidfile {directory}/pid
{tls}
access to attrs=userPassword by anonymous auth by * none
access to dn.subtree="{public}" by * read
access to * by dn.exact="{service}" read by users read by * none
database mdb
suffix "{base}"
rootdn "{root}"
rootpw {root_password}
directory {directory}/data
maxsize 16777216
index uid,cn,member,uniqueMember,memberUid eq
overlay memberof
memberof-refint TRUE
overlay refint
refint_attributes member uniqueMember
overlay ppolicy
ppolicy_default "cn=default,ou=policies,{base}"
ppolicy_use_lockout
"""


class Slapd:
    """A server that can be stopped and started again, on the same ports."""

    def __init__(
        self, directory: Path, authority: Authority, certificate: Certificate | None
    ) -> None:
        self.directory = directory
        self.authority = authority
        self.port, self.tls_port = find_free_ports(2)
        self._certificate = certificate
        self._process: subprocess.Popen[bytes] | None = None
        (directory / "data").mkdir(parents=True)
        self._configuration = directory / "slapd.conf"
        self._configuration.write_text(self._make_configuration())
        self._fill()

    @property
    def ca_file(self) -> Path:
        return self.authority.ca_file

    @property
    def address(self) -> ServerAddress:
        """Where it speaks in the clear, and STARTTLS."""
        return ServerAddress(host=HOST, port=self.port)

    @property
    def tls_address(self) -> ServerAddress:
        """Where it speaks LDAPS."""
        return ServerAddress(host=HOST, port=self.tls_port)

    def settings(self, **changes: Any) -> DirectorySettings:
        """A look-up with the service account over STARTTLS, and all groups; with `changes`."""
        values: dict[str, Any] = {
            "servers": (self.address,),
            "tls_strategy": TlsMode.BEFORE_BIND,
            "ca_file": self.ca_file,
            "lookup_dn": True,
            "lookup_dn_search_user": SERVICE_DN,
            "lookup_dn_search_password": Masked(password_of("hub")),
            "user_search_base": BASE,
            "user_attribute": "uid",
            "group_search_base": GROUPS,
        }
        return DirectorySettings(**{**values, **changes})

    def direct_settings(self, **changes: Any) -> DirectorySettings:
        """DNs made of a template, without a service account; with `changes`."""
        values: dict[str, Any] = {
            "servers": (self.address,),
            "ca_file": self.ca_file,
            "bind_dn_template": (f"uid={{username}},{PEOPLE}",),
            "user_attribute": "uid",
            "group_search_base": GROUPS,
        }
        return DirectorySettings(**{**values, **changes})

    def start(self) -> None:
        """Returns when it takes connections."""
        urls = f"ldap://127.0.0.1:{self.port}/"
        if self._certificate:
            urls += f" ldaps://127.0.0.1:{self.tls_port}/"
        command = [find_program("slapd"), "-f", str(self._configuration), "-h", urls, "-d", "0"]
        with (self.directory / "slapd.output").open("ab") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output)
        _wait_for(self.port, self._process)

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def change(self, ldif: str) -> None:
        """Changes entries as the directory's root; `ldif` is what `ldapmodify` reads."""
        self._run_online("ldapmodify", ldif)

    def fill_groups(self) -> None:
        self._run_online("ldapadd", make_groups())

    def _run_online(self, program: str, ldif: str) -> None:
        password_file = self.directory / "root-password"
        command = [find_program(program), "-x", "-H", f"ldap://127.0.0.1:{self.port}/"]
        login = ["-D", ROOT_DN, "-y", str(password_file)]
        _run([*command, *login], ldif)

    def _make_configuration(self) -> str:
        (self.directory / "root-password").write_text(password_of("root"))
        return _CONFIGURATION.format(
            directory=self.directory,
            tls=self._configure_tls(),
            base=BASE,
            public=PUBLIC,
            service=SERVICE_DN,
            root=ROOT_DN,
            root_password=password_of("root"),
        )

    def _configure_tls(self) -> str:
        if self._certificate is None:
            return ""
        return (
            f"TLSCertificateFile {self._certificate.certificate_file}\n"
            f"TLSCertificateKeyFile {self._certificate.key_file}\n"
            f"TLSCACertificateFile {self.ca_file}"
        )

    def _fill(self) -> None:
        command = [find_program("slapd"), "-T", "add", "-q", "-f", str(self._configuration)]
        _run([*command, "-b", BASE], make_people(self.port))


@contextmanager
def slapd(
    directory: Path,
    *,
    authority: Authority | None = None,
    certificate: Certificate | None = None,
    has_tls: bool = True,
) -> Iterator[Slapd]:
    """A server that answers; it ends with the block.

    Its certificate is for `localhost` and good, unless another one is given.
    """
    authority = authority or Authority(directory)
    if has_tls and certificate is None:
        certificate = authority.sign(HOST)
    server = Slapd(directory / "slapd", authority, certificate)
    try:
        server.start()
        server.fill_groups()
        yield server
    finally:
        server.stop()


def find_free_ports(number: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on at the moment."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    try:
        return [made.getsockname()[1] for made in sockets]
    finally:
        for made in sockets:
            made.close()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, "slapd has ended"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"slapd took no connection within {_START_SECONDS} s")


def _run(command: list[str], text: str) -> None:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[0]}: {done.stderr}"
