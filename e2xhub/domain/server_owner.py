"""Whose server it is: what decides which directories it has, and what fills their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from e2xhub.domain.catalog.volumes import Mount
from e2xhub.domain.roles import HubKind, Role


@dataclass(frozen=True, kw_only=True)
class ServerOwner:
    """A person, as what they are in a term or an exam, on a kind of hub."""

    username: str
    role: Role
    hub: HubKind
    course: str
    term: str
    exam: str | None = None
    is_read_only: bool = False
    """Whether nothing may be written, whatever the mounts allow: the term is over."""

    @cached_property
    def values(self) -> Mapping[str, str]:
        """What fills path templates, and tells the programs in a server where they are."""
        found = {
            "username": self.username,
            "course": self.course,
            "term": self.term,
            "role": self.role.value,
            "hub": self.hub.value,
        }
        return found | {"exam": self.exam} if self.exam else found

    @property
    def writes_nothing(self) -> bool:
        """Whether the server has no place of the person's own."""
        return self.is_read_only or self.role.is_read_only

    def may_see(self, mount: Mount) -> bool:
        """Whether the server has this mount at all."""
        access = mount.access
        return self.hub in mount.hubs and self.role in access.read_only | access.read_write

    def may_write(self, mount: Mount) -> bool:
        """Whether the server may write to a mount that it has."""
        return self.role in mount.access.read_write and not self.is_read_only
