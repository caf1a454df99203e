from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.demo.node.path_rewriting import rewrite
from e2xhub.demo.node.pod_volumes import (
    StateDirectory,
    VolumeError,
    expand_sub_path,
    is_read_only,
    make_host_path,
    make_mounts,
    prepare_sub_path,
    write_files,
)

HOSTILE_NAMES = st.sampled_from(["..", ".", "", "a", "out", "loop", "in", "a b", "...", "~"])


@pytest.fixture
def state(tmp_path: Path) -> StateDirectory:
    return StateDirectory(tmp_path)


def test_a_sub_path_is_made_with_mode_755(tmp_path: Path) -> None:
    assert prepare_sub_path(tmp_path, "homes/alice") == "homes/alice"
    assert (tmp_path / "homes" / "alice").stat().st_mode & 0o777 == 0o755


def test_a_sub_path_may_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "config.py").touch()
    assert prepare_sub_path(tmp_path, "config.py") == "config.py"


def test_a_link_inside_the_volume_is_resolved(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert prepare_sub_path(tmp_path, "link/x") == "real/x"


@pytest.mark.parametrize(
    ("sub_path", "message"),
    [
        ("/etc", "subPath '/etc' must be relative and must not contain '..'"),
        ("a/../../b", "subPath 'a/../../b' must be relative and must not contain '..'"),
        ("out/etc", "subPath 'out/etc' leads out of its volume"),
        ("loop", "failed to prepare subPath: 'loop' is a symbolic link"),
        ("file/x", "failed to prepare subPath: [Errno 20] Not a directory: 'x'"),
    ],
)
def test_a_sub_path_that_leaves_the_volume_is_refused(
    tmp_path: Path, sub_path: str, message: str
) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()
    (volume / "out").symlink_to("/")
    (volume / "file").touch()
    (volume / "loop").symlink_to("loop")
    with pytest.raises(VolumeError) as caught:
        prepare_sub_path(volume, sub_path)
    assert str(caught.value) == message


@given(st.lists(HOSTILE_NAMES, max_size=6).map("/".join))
def test_no_sub_path_makes_anything_outside_its_volume(sub_path: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        outside, volume = Path(directory, "outside"), Path(directory, "volume")
        outside.mkdir()
        volume.mkdir()
        (volume / "out").symlink_to(outside)
        (volume / "loop").symlink_to("loop")
        (volume / "in").symlink_to("a")
        try:
            relative = prepare_sub_path(volume, sub_path)
        except VolumeError:
            relative = ""
        assert list(outside.iterdir()) == []
        assert sorted(p.name for p in Path(directory).iterdir()) == ["outside", "volume"]
        assert (volume / relative).resolve().is_relative_to(volume.resolve())


def test_a_volume_cannot_leave_the_state_directory(state: StateDirectory) -> None:
    with pytest.raises(VolumeError, match=r"^'/export/\.\./\.\.' must not contain '\.\.'$"):
        state.nfs("server", "/export/../..")
    with pytest.raises(VolumeError, match="must not contain"):
        state.nfs("..", "/")
    with pytest.raises(VolumeError, match="must not contain"):
        state.host("/../x")


def test_each_kind_of_volume_has_its_place(state: StateDirectory) -> None:
    root = state.root
    assert state.nfs("nfs.example", "/export/a") == root / "nfs/nfs.example/export/a"
    assert state.claim("hub", "claim-alice") == root / "claims/hub/claim-alice"
    assert state.host("/data") == root / "host/data"


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("Directory", "hostPath type check failed: /data is not a directory"),
        ("File", "hostPath type check failed: /data is not a file"),
    ],
)
def test_a_host_path_must_be_of_its_type(state: StateDirectory, kind: str, message: str) -> None:
    with pytest.raises(VolumeError) as caught:
        make_host_path(state, {"path": "/data", "type": kind})
    assert str(caught.value) == message


@pytest.mark.parametrize("kind", ["", "DirectoryOrCreate", "FileOrCreate"])
def test_a_host_path_is_made_where_its_type_allows(state: StateDirectory, kind: str) -> None:
    path = make_host_path(state, {"path": "/data/x", "type": kind})
    assert path.is_file() == (kind == "FileOrCreate")
    assert path.exists()


def test_files_get_their_modes_and_are_replaced(tmp_path: Path) -> None:
    write_files(tmp_path, {"deep/a": (b"1", 0o400)})
    write_files(tmp_path, {"deep/a": (b"2", 0o440)})
    path = tmp_path / "deep" / "a"
    assert path.read_bytes() == b"2"
    assert path.stat().st_mode & 0o777 == 0o440


def test_the_path_of_an_item_cannot_leave_the_volume(tmp_path: Path) -> None:
    with pytest.raises(VolumeError, match="must not contain"):
        write_files(tmp_path / "volume", {"../x": (b"1", 0o644)})
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        ({"nfs": {"server": "s", "path": "/"}}, False),
        ({"nfs": {"server": "s", "path": "/", "readOnly": True}}, True),
        ({"persistentVolumeClaim": {"claimName": "c", "readOnly": True}}, True),
        ({"secret": {"secretName": "s"}}, True),
        ({"configMap": {"name": "s"}}, True),
        ({"emptyDir": {}}, False),
    ],
)
def test_a_volume_may_be_read_only_as_a_whole(volume: dict[str, object], expected: bool) -> None:
    assert is_read_only({"name": "v", **volume}) is expected


def test_a_mount_is_read_only_when_it_or_its_volume_is(tmp_path: Path) -> None:
    pod = {"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}}
    container = {
        "volumeMounts": [
            {"name": "v", "mountPath": "/a/", "readOnly": True},
            {"name": "v", "mountPath": "/b", "subPathExpr": "$(USER)"},
        ]
    }
    first, second = make_mounts(container, pod, {"v": tmp_path}, {"USER": "alice"})
    assert (first.target, first.sub_path, first.read_only) == ("/a", "", True)
    assert (second.target, second.sub_path, second.read_only) == ("/b", "alice", False)


@pytest.mark.parametrize("expression", ["$(MISSING)", "homes/$(MISSING)", "$(EMPTY)"])
def test_a_sub_path_expression_needs_its_variables(expression: str) -> None:
    with pytest.raises(VolumeError, match="refers to a variable without a value"):
        expand_sub_path(expression, {"EMPTY": ""})


@pytest.mark.parametrize(
    ("text", "rewritten"),
    [
        ("/home/jovyan", "/state/home"),
        ("/home/jovyan/x", "/state/home/x"),
        ("/home/jovyan/shared/x", "/state/shared/x"),
        ("--dir=/home/jovyan", "--dir=/state/home"),
        ("/usr/bin:/home/jovyan/bin", "/usr/bin:/state/home/bin"),
        ("/home/jovyan2", "/home/jovyan2"),
        ("/home/jovyan.old", "/home/jovyan.old"),
        ("/srv/home/jovyan", "/srv/home/jovyan"),
        ("http://hub/home/jovyan", "http://hub/home/jovyan"),
    ],
)
def test_mount_paths_are_rewritten_where_they_are_whole_paths(text: str, rewritten: str) -> None:
    locations = {"/home/jovyan": "/state/home", "/home/jovyan/shared": "/state/shared"}
    assert rewrite(text, locations) == rewritten
