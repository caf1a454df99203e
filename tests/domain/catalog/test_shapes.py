"""Each value of the catalog is checked on its own, and a refusal says what was expected."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from e2xhub.domain.catalog import Catalog as CatalogModel
from e2xhub.domain.catalog import Exam, Level, Term
from e2xhub.domain.catalog.servers import Image, Size
from e2xhub.domain.catalog.values import Memory, parse_memory
from e2xhub.domain.catalog.volumes import Access, Mount, NfsSource, Volume
from e2xhub.domain.identifiers import Username
from e2xhub.domain.roles import HubKind, Role

ALICE = Username.parse("alice")
EXAM = {
    "title": "Exam",
    "course": "ml",
    "term": "WS26",
    "start": "2027-02-15T09:00:00+01:00",
    "duration_minutes": 90,
    "rooms": ["lab"],
}
SIZE = {"title": "Small", "memory": "1G", "cpu": 1}
MOUNT = {"volume": "files", "path": "homes/{username}", "mount_at": "/home/x", "access": {}}
CATALOG = {"university": "U", "images": {}, "sizes": {}}


def message_of(model: type[BaseModel], written: dict[str, Any]) -> str:
    """The only message with which `model` refuses `written`."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(written)
    (fault,) = caught.value.errors()
    return str(fault["msg"]).removeprefix("Value error, ")


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("512", 512),
        (512, 512),
        ("1K", 2**10),
        ("512M", 2**29),
        ("1.5G", 3 * 2**29),
        ("1.0G", 2**30),
        ("2Gi", 2**31),
        ("1T", 2**40),
    ],
)
def test_memory_is_counted_in_powers_of_1024(text: object, amount: int) -> None:
    assert parse_memory(text) == amount


@pytest.mark.parametrize("value", ["", "G", "1 G", "-1G", "1g", "1GB", "1e3", True, None, "1.G"])
def test_text_that_is_no_amount_of_memory_is_refused(value: object) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is asserted
        parse_memory(value)
    assert str(caught.value) == (
        f"{value!r} is not an amount of memory; expected a text such as '2G'"
    )


@pytest.mark.parametrize("digits", [5000, 1_100_000])
def test_absurd_amount_of_memory_is_a_fault(digits: int) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Memory).validate_python("9" * digits + "T")


@pytest.mark.parametrize("memory", [0, "0", "0.0001"])
def test_no_memory_is_refused(memory: object) -> None:
    expected = "0 bytes are too little; expected at least '16M', such as '2G'"
    assert message_of(Size, {**SIZE, "memory": memory}) == expected


@pytest.mark.parametrize(("memory", "is_enough"), [("2", False), ("2M", False), ("16M", True)])
def test_memory_without_its_unit_is_a_fault(memory: str, is_enough: bool) -> None:
    if is_enough:
        assert Size.model_validate({**SIZE, "memory": memory}).memory == 2**24
    else:
        assert "bytes are too little; expected at least '16M'" in message_of(
            Size, {**SIZE, "memory": memory}
        )


@pytest.mark.parametrize(
    "name", ["JUPYTERHUB_OAUTH_ACCESS_SCOPES", "JUPYTERHUB_API_URL", "JPY_X", "E2XHUB_USERNAME"]
)
def test_what_the_hub_tells_a_server_cannot_be_set(name: str) -> None:
    assert message_of(Level, {"environment": {name: "x"}}) == (
        f"{name!r} is set by the hub; expected a name that begins with none of "
        "JUPYTERHUB_, JPY_, E2XHUB_"
    )


def test_kind_of_single_user_server_may_be_chosen() -> None:
    Level.model_validate({"environment": {"JUPYTERHUB_SINGLEUSER_APP": "notebook"}})


@pytest.mark.parametrize("url", ["//evil.example/x", "lab", "https://evil.example", "/\\evil", ""])
def test_server_opens_inside_itself(url: str) -> None:
    assert message_of(Level, {"default_url": url}) == (
        f"{url!r} is no place in a server; expected one such as '/lab'"
    )


@pytest.mark.parametrize(
    "place", ["/etc", "/proc/", "/sys/x", "/usr", "/dev/shm", "/var/run/secrets/x", "/lib64"]
)
def test_mount_takes_nothing_of_the_systems_place(place: str) -> None:
    written = {"volume": "v", "path": "x", "mount_at": place, "access": {}}
    assert message_of(Mount, written) == (
        f"{place!r} belongs to the system in the image; expected a directory such as '/srv/data'"
    )


@pytest.mark.parametrize("place", ["/etc/licences", "/usr/share/data", "/srv", "/opt/x"])
def test_mount_may_be_below_a_directory_of_the_system(place: str) -> None:
    Mount.model_validate({"volume": "v", "path": "x", "mount_at": place, "access": {}})


@pytest.mark.parametrize("cpu", [float("inf"), float("nan"), 0, -1])
def test_cpu_that_is_no_amount_is_refused(cpu: float) -> None:
    assert message_of(Size, {**SIZE, "cpu": cpu}) in (
        "Input should be greater than 0",
        "Input should be a finite number",
    )


@pytest.mark.parametrize("key", ["cpu", "cpu_limit"])
@pytest.mark.parametrize("value", [True, False])
def test_truth_value_is_no_amount_of_cpu(key: str, value: bool) -> None:
    assert message_of(Size, {**SIZE, key: value}) == f"{value} is no number"


@pytest.mark.parametrize("key", ["duration_minutes", "early_entry_minutes"])
def test_truth_value_is_no_number_of_minutes(key: str) -> None:
    assert message_of(Exam, {**EXAM, key: True}) == "True is no number"


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ({"memory_limit": "512M"}, "memory_limit is below memory; expected at least as much"),
        ({"cpu_limit": 0.5}, "cpu_limit is below cpu; expected at least as much"),
    ],
)
def test_limit_below_its_guarantee_is_refused(limit: dict[str, object], message: str) -> None:
    assert message_of(Size, {**SIZE, **limit}) == message


@pytest.mark.parametrize(
    ("written", "source"),
    [
        ({"nfs": {"server": "n", "path": "/x"}}, {"nfs": {"server": "n", "path": "/x"}}),
        ({"hostPath": {"path": "/x"}}, {"hostPath": {"path": "/x"}}),
        (
            {"persistentVolumeClaim": {"claimName": "homes"}},
            {"persistentVolumeClaim": {"claimName": "homes"}},
        ),
    ],
)
def test_source_of_a_volume_is_spelled_as_in_kubernetes(
    written: dict[str, Any], source: dict[str, Any]
) -> None:
    assert Volume.model_validate(written).source == source


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"nfs": None},
        {"nfs": {"server": "n", "path": "/x"}, "hostPath": {"path": "/x"}},
        {"nfs": None, "hostPath": {"path": "/x"}},
    ],
)
def test_volume_has_exactly_one_source(written: dict[str, Any]) -> None:
    expected = "expected exactly one of nfs, persistentVolumeClaim, hostPath, kubernetes"
    assert message_of(Volume, written) == expected


@pytest.mark.parametrize(
    ("path", "example"),
    [
        ("export", "/export"),
        ("", "/srv/data"),
        ("/export/../etc", "/srv/data"),
        ("~/x", "/srv/data"),
    ],
)
def test_exported_path_is_absolute(path: str, example: str) -> None:
    assert message_of(NfsSource, {"server": "n", "path": path}) == (
        f"{path!r} is not usable here; expected an absolute path without '..', such as {example!r}"
    )


@pytest.mark.parametrize("name", ["Files", "my_files", "files-", "-files", "a" * 60, "a.b", ""])
def test_name_of_a_volume_fits_into_a_pod(name: str) -> None:
    volumes = {name: {"hostPath": {"path": "/srv"}}}
    assert message_of(CatalogModel, {**CATALOG, "volumes": volumes}) == (
        f"{name!r} is no name of a volume; expected at most 59 of the characters a-z 0-9 - "
        "that begin and end with a letter or digit, such as 'homes'"
    )


@pytest.mark.parametrize("name", ["Homes", "homes_1", "", "-a", "a b"])
def test_name_of_a_claim_is_one_that_kubernetes_takes(name: str) -> None:
    assert message_of(Volume, {"persistentVolumeClaim": {"claimName": name}}) == (
        f"{name!r} is no name of a PersistentVolumeClaim; expected one such as 'jupyter-homes'"
    )


@pytest.mark.parametrize(
    "name", ["registry.example.org/scipy-notebook:1.0", "busybox:1.36", f"a/b@sha256:{'0' * 64}"]
)
def test_image_may_have_registry_tag_and_digest(name: str) -> None:
    assert Image.model_validate({"name": name}).pull_policy == "IfNotPresent"


@pytest.mark.parametrize("name", ["", "A/b", "a b", "a\n", "{username}", "a@sha256:12"])
def test_text_that_is_no_image_is_refused(name: str) -> None:
    assert message_of(Image, {"name": name}) == (
        f"{name!r} is no image; expected one such as 'registry.example.org/scipy-notebook:1.0'"
    )


def test_observer_among_the_writers_is_refused() -> None:
    message = message_of(Access, {"read_write": ["grader", "observer"]})
    assert message == "observer writes nothing; expected it in read_only"


def test_role_that_both_reads_and_writes_is_refused() -> None:
    written = {"read_only": ["student", "grader"], "read_write": ["student", "grader"]}
    message = message_of(Access, written)
    assert message == "grader, student is in read_only and read_write; expected one"


def test_role_that_is_not_named_gets_nothing() -> None:
    access = Access.model_validate({"read_only": ["student"]})
    assert (access.read_only, access.read_write) == (frozenset({Role.STUDENT}), frozenset())


def test_mount_is_not_on_exam_hubs_unless_it_says_so() -> None:
    assert Mount.model_validate(MOUNT).hubs == {HubKind.ASSIGNMENT, HubKind.GRADING}


@pytest.mark.parametrize("path", ["/homes/{username}", "//x"])
def test_path_of_a_mount_is_relative_to_its_volume(path: str) -> None:
    assert message_of(Mount, {**MOUNT, "path": path}) == (
        f"{path!r} begins with '/'; expected a path inside the volume, such as 'homes/{{username}}'"
    )


@pytest.mark.parametrize("place", ["home/x", "{username}", "/a/../b"])
def test_place_of_a_mount_is_absolute(place: str) -> None:
    with pytest.raises(ValidationError, match=r"without '\.\.'|'\.' or '\.\.' component"):
        Mount.model_validate({**MOUNT, "mount_at": place})


@pytest.mark.parametrize("place", ["/", "//", "/a:b"])
def test_place_of_a_mount_is_one_that_kubernetes_takes(place: str) -> None:
    assert message_of(Mount, {**MOUNT, "mount_at": place}) == (
        f"{place!r} is no place for a mount; expected a directory below '/', without ':'"
    )


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A=B", "A B", "Ä"])
def test_name_of_an_environment_variable_is_checked(name: str) -> None:
    assert message_of(Level, {"environment": {name: "x"}}) == (
        f"{name!r} is no name of an environment variable; expected one such as 'LANG'"
    )


def test_unknown_key_is_a_fault() -> None:
    assert message_of(Level, {"img": "x"}) == "Extra inputs are not permitted"


def test_term_that_ends_before_it_starts_is_refused() -> None:
    message = message_of(Term, {"start": "2027-03-31", "end": "2026-10-01"})
    assert message == "the term ends on 2026-10-01, before it starts on 2027-03-31"


@pytest.mark.parametrize("year", ["0001", "1999", "9999"])
def test_year_outside_of_the_calendar_is_refused(year: str) -> None:
    day = f"{year}-06-01"
    expected = f"the year {int(year)} cannot be meant; expected one from 2000 to 2999"
    with pytest.raises(ValidationError) as caught:
        Term.model_validate({"start": day, "end": day})
    assert [fault["msg"] for fault in caught.value.errors()] == [f"Value error, {expected}"] * 2
    assert message_of(Exam, {**EXAM, "start": f"{day}T09:00:00Z"}) == expected


def test_exam_admits_from_early_entry_until_its_end() -> None:
    exam = Exam.model_validate({**EXAM, "early_entry_minutes": 15})
    assert exam.opens_at == datetime(2027, 2, 15, 7, 45, tzinfo=timezone.utc)
    assert exam.ends_at == datetime(2027, 2, 15, 9, 30, tzinfo=timezone.utc)


def test_extra_time_is_for_the_person_who_is_named() -> None:
    exam = Exam.model_validate({**EXAM, "extra_minutes": {"Alice": 30}})
    late = exam.ends_at + timedelta(minutes=29)
    assert exam.ends_for(ALICE) == exam.ends_at + timedelta(minutes=30)
    assert exam.ends_for(ALICE) > late
    assert exam.ends_for(Username.parse("bob")) == exam.ends_at


def test_start_of_an_exam_without_time_zone_is_refused() -> None:
    message = message_of(Exam, {**EXAM, "start": "2027-02-15T09:00:00"})
    assert message == "Input should have timezone info"


def test_exam_without_rooms_is_refused() -> None:
    assert message_of(Exam, {**EXAM, "rooms": []}) == (
        "an exam without rooms would admit nobody; expected at least one room"
    )


@pytest.mark.parametrize("network", ["open", "no-internet"])
def test_exam_with_another_network_is_refused(network: str) -> None:
    message = message_of(Exam, {**EXAM, "network": network})
    assert message == f"network is {network}; expected 'exam' (or leave it out)"


@pytest.mark.parametrize("name", ["Europe/Berlin", "UTC"])
def test_time_zone_is_one_of_the_database(name: str) -> None:
    assert CatalogModel.model_validate({**CATALOG, "time_zone": name}).time_zone == name


@pytest.mark.parametrize("name", ["", "Europe", "Berlin", "../etc/passwd", "\0", "x" * 5000, "/"])
def test_any_other_time_zone_is_refused(name: str) -> None:
    assert message_of(CatalogModel, {**CATALOG, "time_zone": name}) == (
        f"{name!r} is no time zone; expected one such as 'Europe/Berlin'"
    )


@pytest.mark.parametrize("network", ["10.0.0.0/33", "10.0.0.1/8", "lab", "", "::/129"])
def test_network_of_a_room_is_checked(network: str) -> None:
    with pytest.raises(ValidationError) as caught:
        CatalogModel.model_validate({**CATALOG, "rooms": {"lab": [network]}})
    (fault,) = caught.value.errors()
    assert fault["loc"] == ("rooms", "lab", 0)
    assert network in fault["msg"]
    assert fault["msg"].endswith("; expected a network such as '10.1.2.0/24'")


def test_catalog_cannot_be_changed() -> None:
    catalog = CatalogModel.model_validate(CATALOG)
    with pytest.raises(ValidationError, match="frozen"):
        catalog.university = "other"
