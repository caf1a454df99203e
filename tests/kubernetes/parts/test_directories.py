"""New directories belong to those whom they are for; what somebody has stays as it is."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from e2xhub.domain.catalog.servers import Image, UserIds
from e2xhub.domain.volumes import NewDirectory, VolumeMount
from e2xhub.kubernetes.parts.directories import make_directories_container

IMAGE = Image(name="registry.example.org/notebook:1")
ALICE = UserIds(user=1000, group=100)
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can give directories away")


def make_mount(sub_path: str = "homes/alice", **changes: Any) -> VolumeMount:
    new = NewDirectory(owner=ALICE, mode="0700", inner_directories=())
    written: dict[str, Any] = {
        "name": "home",
        "volume": "files",
        "source": {"nfs": {}},
        "sub_path": sub_path,
        "mount_path": "/home/jovyan",
        "read_only": False,
        "if_new": new,
        **changes,
    }
    return VolumeMount(**written)


def make_container(*mounts: VolumeMount) -> dict[str, Any]:
    container = make_directories_container(mounts, IMAGE)
    assert container is not None
    return container


def run(container: dict[str, Any], root: Path) -> subprocess.CompletedProcess[str]:
    """Runs the container's command, as a node would, with its mounts below `root`."""
    command = [
        word.replace("{{", "{").replace("}}", "}").replace("/srv/e2xhub-directories", str(root))
        for word in container["command"]
    ]
    for mount in container["volumeMounts"]:
        (root / mount["mountPath"].rpartition("/")[2]).mkdir(exist_ok=True)
    return subprocess.run(command, capture_output=True, text=True, check=False)


def owner_and_mode(path: Path) -> tuple[int, int, str]:
    status = path.stat()
    return status.st_uid, status.st_gid, f"{status.st_mode & 0o7777:04o}"


def test_nothing_to_prepare_makes_no_container() -> None:
    assert make_directories_container([make_mount(if_new=None)], IMAGE) is None


def test_directory_that_is_mounted_twice_is_prepared_once() -> None:
    container = make_container(make_mount(), make_mount(mount_path="/srv/again"))
    assert [mount["subPath"] for mount in container["volumeMounts"]] == ["homes/alice"]


def test_container_may_give_away_and_nothing_else() -> None:
    container = make_container(make_mount())
    assert container["securityContext"] == {
        "runAsUser": 0,
        "runAsGroup": 0,
        "runAsNonRoot": False,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"], "add": ["CHOWN", "DAC_OVERRIDE", "FOWNER"]},
    }
    assert container["resources"]["requests"] == container["resources"]["limits"]


def test_braces_in_a_path_survive_kubespawner() -> None:
    container = make_container(make_mount("homes/{x}"))
    assert container["volumeMounts"][0]["subPath"] == "homes/{{x}}"
    assert "files:homes/{{x}}" in container["command"]


@needs_root
def test_new_directory_is_given_to_its_owner(tmp_path: Path) -> None:
    assert run(make_container(make_mount()), tmp_path).returncode == 0
    assert owner_and_mode(tmp_path / "0") == (1000, 100, "0700")


@needs_root
def test_inner_directories_belong_to_the_same_owner(tmp_path: Path) -> None:
    new = NewDirectory(owner=ALICE, mode="0755", inner_directories=("outbound", "in bound"))
    assert run(make_container(make_mount(if_new=new)), tmp_path).returncode == 0
    for name in ("0", "0/outbound", "0/in bound"):
        assert owner_and_mode(tmp_path / name) == (1000, 100, "0755")


@needs_root
def test_directory_of_somebody_stays_as_it_is(tmp_path: Path) -> None:
    home = tmp_path / "0"
    home.mkdir(mode=0o711)
    os.chown(home, 4711, 4711)
    new = NewDirectory(owner=ALICE, mode="0755", inner_directories=("outbound",))
    assert run(make_container(make_mount(if_new=new)), tmp_path).returncode == 0
    assert owner_and_mode(home) == (4711, 4711, "0711")
    assert owner_and_mode(home / "outbound") == (1000, 100, "0755")


@needs_root
def test_link_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir(mode=0o755)
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "outbound").symlink_to(victim)
    new = NewDirectory(owner=ALICE, mode="0755", inner_directories=("outbound",))
    assert run(make_container(make_mount(if_new=new)), tmp_path).returncode == 0
    assert owner_and_mode(victim) == (0, 0, "0755")


@needs_root
def test_link_that_takes_the_place_of_a_directory_meanwhile_is_not_followed(
    tmp_path: Path,
) -> None:
    victim = tmp_path / "victim"
    victim.mkdir(mode=0o755)
    new = NewDirectory(owner=ALICE, mode="0755", inner_directories=("work",))
    container = make_container(make_mount(if_new=new))
    # Somebody who is exactly in time: after the script has looked, before it enters.
    script = container["command"][2]
    swap = f'rmdir "$1"; ln -s "{victim}" "$1"; (cd -P'
    assert script.count("(cd -P") == 1
    container["command"][2] = script.replace("(cd -P", swap)
    assert run(container, tmp_path).returncode == 1
    assert owner_and_mode(victim) == (0, 0, "0755")


@needs_root
def test_directory_that_cannot_be_given_away_ends_the_start(tmp_path: Path) -> None:
    container = make_container(make_mount())
    # Somebody without the right to give away, as root is on a file server that maps it to nobody.
    (tmp_path / "0").mkdir()
    tmp_path.chmod(0o755)
    container["command"] = [
        "setpriv", "--bounding-set=-chown", "--inh-caps=-chown", "--", *container["command"]
    ]  # fmt: skip
    result = run(container, tmp_path)
    assert result.returncode == 1
    assert result.stdout == (
        "files:homes/alice cannot be given to 1000:100, because the file server does not let root "
        "do that; make it on the file server, or set prepare_directories: false\n"
    )


@needs_root
def test_image_that_cannot_tell_whose_a_directory_is_ends_the_start(tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("chmod", "chown", "mkdir"):
        (programs / name).symlink_to(shutil.which(name) or "")
    container = make_container(make_mount())
    container["command"] = ["/usr/bin/env", f"PATH={programs}", *container["command"]]
    assert run(container, tmp_path).returncode == 1
    assert owner_and_mode(tmp_path / "0")[:2] == (0, 0)
