"""A catalog is read as a whole, and every fault of it is told with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2xhub.domain.catalog import Catalog, Course
from e2xhub.domain.catalog.model import CatalogFault
from e2xhub.errors import FaultsFoundError
from e2xhub.storage.catalog_files import Check, load_catalog, place_faults
from tests.storage.hostile_files import broken_copies

CATALOG = """\
university: U
images:
  one: {name: "one:1"}
sizes:
  small: {title: Small, memory: 1G, cpu: 1}
defaults: {image: one, sizes: [small]}
courses:
  ml:
    title: ML
    terms:
      WS26: {start: 2026-10-01, end: 2027-03-31}
"""
KEYS_OF_A_COURSE = f"expected one of: {', '.join(sorted(Course.model_fields))}"
_PIECES = ["", "\n", ": ", "{", "}", "[]", "~", "x", "- ", '"\\ud800"', '"\\n"', "2027-13-01"]
_PIECES += ["!!int ", ".inf", "9" * 20, "*a", "exams", "'", "[key]", "0x" + "f" * 5000]
_UNIVERSITY = (Path(__file__).parents[1] / "university" / "catalog.yaml").read_text()


def faults_of(path: Path) -> list[str]:
    """The faults of the catalog at `path`, with paths below its directory."""
    with pytest.raises(FaultsFoundError) as caught:
        load_catalog(path)
    directory = path if path.is_dir() else path.parent
    return [line.removeprefix(f"{directory}/") for line in str(caught.value).splitlines()]


def write(directory: Path, **files: str) -> Path:
    for name, text in files.items():
        file = directory / name.replace("__", "/").replace("_", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return directory


def test_one_file_is_a_catalog(tmp_path: Path) -> None:
    catalog = load_catalog(write(tmp_path, c_yaml=CATALOG) / "c.yaml")
    assert list(catalog.courses) == ["ml"]


def test_files_of_a_directory_are_put_together(tmp_path: Path) -> None:
    write(tmp_path, a_yaml=CATALOG, sub__b_yml="courses:\n  db: {title: DB}\n")
    assert list(load_catalog(tmp_path).courses) == ["ml", "db"]


def test_file_of_a_directory_may_be_empty(tmp_path: Path) -> None:
    write(tmp_path, a_yaml=CATALOG, b_yaml="# nothing yet\n")
    assert load_catalog(tmp_path).university == "U"


def test_suffix_in_capitals_is_read_and_other_files_are_not(tmp_path: Path) -> None:
    write(tmp_path, A_YAML=CATALOG, b_yaml_bak="[", README_md="[")
    assert load_catalog(tmp_path).university == "U"


def test_mounted_config_map_is_read_once(tmp_path: Path) -> None:
    copy = write(tmp_path / "..2026_10_01", c_yaml=CATALOG)
    (tmp_path / "..data").symlink_to(copy.name)
    (tmp_path / "c.yaml").symlink_to("..data/c.yaml")
    assert load_catalog(tmp_path).university == "U"


def test_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_bytes(b"\xef\xbb\xbf" + CATALOG.encode())
    assert load_catalog(tmp_path).university == "U"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            ("title: ML\n", "title: ML\n    titel: ML\n"),
            "c.yaml:10: courses.ml.titel: unknown key 'titel' (did you mean 'title'?); "
            + KEYS_OF_A_COURSE,
        ),
        (
            ("university: U\n", ""),
            "c.yaml:1: university: the key 'university' is missing",
        ),
        (
            ("memory: 1G", "memory: 1 GB"),
            "c.yaml:5: sizes.small.memory: '1 GB' is not an amount of memory; "
            "expected a text such as '2G'",
        ),
        (
            ("end: 2027-03-31", "end: 2026-09-30"),
            "c.yaml:11: courses.ml.terms.WS26: the term ends on 2026-09-30, "
            "before it starts on 2026-10-01",
        ),
        (
            ("  ml:", "  m l:"),
            "c.yaml:8: courses.m l: 'm l' is not an id; expected 1 to 63 of the characters "
            "A-Z a-z 0-9 _ . - that begin and end with a letter or digit, "
            "such as 'machine-learning' or 'WS26'",
        ),
        (
            ("sizes: [small]", "sizes: [small, big]"),
            "c.yaml:6: size 'big' is not declared; expected one of: small",
        ),
        (
            ("start: 2026-10-01", "start: 2026-13-01"),
            "c.yaml:11: '2026-13-01' cannot be read (month must be in 1..12); "
            "correct it, or put it in quotes if it is a text",
        ),
        (
            ("    title: ML\n", "    title: ML\n    title: ML\n"),
            "c.yaml:10: the key 'title' stands here again, first in line 9",
        ),
    ],
)
def test_fault_is_told_with_its_line(tmp_path: Path, change: tuple[str, str], fault: str) -> None:
    assert change[0] in CATALOG
    write(tmp_path, c_yaml=CATALOG.replace(*change))
    assert faults_of(tmp_path / "c.yaml") == [fault]


def test_all_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    first = CATALOG.replace("cpu: 1}", "cpu: 0}").replace("title: Small", "title: ''")
    write(tmp_path, a_yaml=first, b_yaml="courses:\n  db:\n    x: 1\n")
    assert faults_of(tmp_path) == [
        "a.yaml:5: sizes.small.title: '' is too short; expected at least 1 character",
        "a.yaml:5: sizes.small.cpu: 0 is too small; expected more than 0",
        "b.yaml:2: courses.db.title: the key 'title' is missing",
        f"b.yaml:3: courses.db.x: unknown key 'x'; {KEYS_OF_A_COURSE}",
    ]


def test_quotes_that_are_never_closed_are_told_where_they_begin(tmp_path: Path) -> None:
    write(tmp_path, c_yaml=CATALOG.replace("title: ML", 'title: "ML'))
    expected = (
        "c.yaml:9: this is not YAML: found unexpected end of stream (column 12); "
        "close what is opened here"
    )
    assert faults_of(tmp_path) == [expected]


def test_two_files_that_set_the_same_key_are_a_fault(tmp_path: Path) -> None:
    write(tmp_path, a_yaml=CATALOG, b_yaml="courses:\n  ml:\n    title: Other\n")
    assert faults_of(tmp_path) == [
        f"b.yaml:3: courses.ml.title is set here again, first in {tmp_path}/a.yaml:9"
    ]


@pytest.mark.parametrize("text", ["- a", "x", "1"])
def test_catalog_that_is_no_mapping_is_a_fault(tmp_path: Path, text: str) -> None:
    write(tmp_path, c_yaml=text)
    assert faults_of(tmp_path) == ["c.yaml:1: expected a mapping such as 'courses:'"]


def test_directory_without_catalog_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(FaultsFoundError) as caught:
        load_catalog(tmp_path)
    assert str(caught.value).endswith(": no YAML file is here; expected a catalog")


def test_missing_file_is_a_fault(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path / "c.yaml")
    assert fault.endswith(": cannot be read: No such file or directory")


def test_text_that_is_not_utf8_is_a_fault_in_its_line(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_bytes(b"a: 1\nb: M\xfcnchen\n")
    assert faults_of(tmp_path) == ["c.yaml:2: this is not UTF-8; save the file as UTF-8"]


def test_excel_file_is_told_as_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_bytes(b"PK\x03\x04\x14\x00\xff")
    assert faults_of(tmp_path) == [
        "c.yaml: this is an Excel file; expected a catalog, which is a text in YAML"
    ]


def test_found_places_are_those_of_the_files(tmp_path: Path) -> None:
    write(tmp_path, a_yaml=CATALOG, b_yaml="courses:\n  db:\n    title: DB\n")
    found = [
        CatalogFault(place=("courses", "db", "image"), message="hm"),
        CatalogFault(place=("courses", "ml", "terms", "WS26"), message="so"),
    ]
    assert [str(fault) for fault in place_faults(tmp_path, found)] == [
        f"{tmp_path}/b.yaml:2: hm",
        f"{tmp_path}/a.yaml:11: so",
    ]
    assert place_faults(tmp_path / "missing", []) == []


@pytest.fixture(scope="module")
def scratch_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile") / "catalog.yaml"


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        (r'"a\nb"', r"courses.a\nb: unknown key 'a\nb'"),
        (r'"\e[2J"', r"courses.\x1b[2J: unknown key '\x1b[2J'"),
        ('"[key]"', "courses.[key]: unknown key '[key]'"),
    ],
)
def test_fault_is_one_printable_line_whatever_the_key_is(
    tmp_path: Path, key: str, fault: str
) -> None:
    write(tmp_path, c_yaml=CATALOG.replace("    title: ML", f"    title: ML\n    {key}: 1"))
    (found,) = faults_of(tmp_path / "c.yaml")
    expected = fault.replace("courses.", "courses.ml.")
    assert found == f"c.yaml:10: {expected}; {KEYS_OF_A_COURSE}"


@settings(max_examples=150)
@given(written=st.one_of(broken_copies(CATALOG, _PIECES), st.binary(max_size=60)))
def test_any_bytes_are_a_catalog_or_faults(scratch_file: Path, written: bytes) -> None:
    assert_loads_or_tells_faults(scratch_file, written)


@settings(max_examples=40)
@given(written=broken_copies(_UNIVERSITY, _PIECES))
def test_broken_catalog_of_a_university_is_a_catalog_or_faults(
    scratch_file: Path, written: bytes
) -> None:
    assert_loads_or_tells_faults(scratch_file, written)


def assert_loads_or_tells_faults(file: Path, written: bytes) -> None:
    file.write_bytes(written)
    try:
        assert isinstance(load_catalog(file), Catalog)
    except FaultsFoundError as error:
        found = error.faults
    else:
        return
    assert found
    lines = written.decode("utf-8", "replace").splitlines()  # YAML, too, ends lines with U+0085
    for fault in found:
        assert fault.file == str(file)
        assert 0 <= fault.line <= len(lines) + 1
        assert fault.message.isprintable()


def test_further_checks_are_asked_of_a_catalog_whose_names_are_declared(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(_UNIVERSITY.replace("image: notebook", "image: nope", 1), encoding="utf-8")
    asked: list[Catalog] = []
    with pytest.raises(FaultsFoundError, match="image 'nope' is not declared"):
        load_catalog(file, checks=[_remember(asked)])
    assert asked == []


def _remember(asked: list[Catalog]) -> Check:
    def check(catalog: Catalog) -> list[CatalogFault]:
        asked.append(catalog)
        return []

    return check
