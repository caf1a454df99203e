"""From a container's manifest to what the sandbox is told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from e2xhub.demo.api.resources import Manifest
from e2xhub.demo.node.context import NodeContext
from e2xhub.demo.node.images import Image
from e2xhub.demo.node.path_rewriting import rewrite_spec
from e2xhub.demo.node.pod_environment import (
    EnvironmentMaker,
    make_command,
    replace_wildcard_address,
)
from e2xhub.demo.node.pod_volumes import make_mounts
from e2xhub.demo.node.sandbox.spec import SandboxMount, SandboxSpec
from e2xhub.demo.node.termination import make_message_file

_DEFAULT_USER = 1000
_DEFAULT_GROUP = 100
_USER_NAME = "jovyan"
_GROUP_NAME = "users"


async def make_spec(
    pod: Manifest,
    container: Manifest,
    image: Image,
    volumes: Mapping[str, Path],
    context: NodeContext,
) -> SandboxSpec:
    """Return what the launcher starts; `pod` has its address, `volumes` are the pod's by name.

    Raises:
        ContainerConfigError: the environment refers to something that does not exist.
        VolumeError: a subPath leads out of its volume.
    """
    metadata = pod["metadata"]
    address = pod["status"]["podIP"]
    variables = await EnvironmentMaker(pod, context.client, context.allocatable).make(container)
    environment = {**image.environment, "HOSTNAME": metadata["name"], **variables}
    directory: str = container.get("workingDir") or image.working_directory
    home: str = environment.get("HOME", directory)
    place = context.state.pod(metadata["uid"]) / "containers" / container["name"]
    place.mkdir(parents=True, exist_ok=True)
    user, group = find_user(pod, container)
    accounts = write_accounts(place.with_suffix(".etc"), user, group, home)
    message = make_message_file(context.state.messages(metadata["uid"]), container)
    spec = SandboxSpec(
        command=make_command(container, image.command, variables, address),
        environment={n: replace_wildcard_address(v, address) for n, v in environment.items()},
        working_directory=directory,
        uid=user,
        gid=group,
        hostname=metadata["name"],
        mount_point=str(place),
        mounts=[*accounts, message, *make_mounts(container, pod, volumes, variables)],
        host_paths=image.host_paths,
        hidden=context.hidden,
        scratch=[home, directory],
    )
    return spec if context.isolated else rewrite_spec(spec, place)


def find_user(pod: Manifest, container: Manifest) -> tuple[int, int]:
    """Return the container's user and group id: by default those of Jupyter's images.

    Nobody is root here. All containers are one user of the machine, whatever number they see, so
    that what one makes is every other one's, and there is nothing to give away.
    """
    user, group = _DEFAULT_USER, _DEFAULT_GROUP
    for context in (pod["spec"].get("securityContext"), container.get("securityContext")):
        user = (context or {}).get("runAsUser", user)
        group = (context or {}).get("runAsGroup", group)
    return user or _DEFAULT_USER, group or _DEFAULT_GROUP


def write_accounts(directory: Path, user: int, group: int, home: str) -> list[SandboxMount]:
    """Write the container's own /etc/passwd and /etc/group, in place of this machine's."""
    shell = "/bin/bash"
    files = {
        "passwd": f"root:x:0:0:root:/root:{shell}\n{_USER_NAME}:x:{user}:{group}::{home}:{shell}\n",
        "group": f"root:x:0:\n{_GROUP_NAME}:x:{group}:\n",
    }
    directory.mkdir(exist_ok=True)
    for name, text in files.items():
        (directory / name).write_text(text)
    return [
        SandboxMount(source=str(directory / name), target=f"/etc/{name}", read_only=True)
        for name in files
    ]
