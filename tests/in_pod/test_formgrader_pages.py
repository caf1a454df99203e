"""What is added to nbgrader's formgrader travels whole, and only to the formgrader's pages."""

from __future__ import annotations

import json
import re
from posixpath import basename

import pytest
from tornado.httputil import HTTPConnection, HTTPHeaders, HTTPServerRequest, RequestStartLine

from e2xhub.domain.exchange import CONFIG_DIRECTORY, FORMGRADER_FILES, LAB_EXTENSION
from e2xhub.in_pod import read_module
from e2xhub.in_pod.e2xhub_formgrader import find_places, make_tag, make_transform

MANIFEST = json.loads(read_module("grading/package.json"))
PREFIX = "/user/gina/formgrader"
PAGE = b"<head><title>x</title></head><body>student: </head></body>"
TAG = b"<script></script>"


def served(path: str, *, content_type: str = "text/html; charset=UTF-8") -> tuple[bytes, str]:
    """What a browser gets of PAGE at `path`, and the length that it is told."""
    request = HTTPServerRequest(
        start_line=RequestStartLine("GET", path, "HTTP/1.1"),
        headers=HTTPHeaders({"Host": "hub"}),
        connection=HTTPConnection(),
    )
    headers = HTTPHeaders({"Content-Type": content_type, "Content-Length": str(len(PAGE))})
    transform = make_transform(PREFIX, TAG)(request)
    _, headers, chunk = transform.transform_first_chunk(200, headers, PAGE, True)
    return chunk, headers["Content-Length"]


@pytest.mark.parametrize(
    "path", [PREFIX, f"{PREFIX}/manage_assignments", f"{PREFIX}/submissions/a/"]
)
def test_page_of_the_formgrader_gets_it_once_before_what_students_wrote(path: str) -> None:
    expected = b"<head><title>x</title><script></script></head><body>student: </head></body>"
    assert served(path) == (expected, str(len(expected)))


@pytest.mark.parametrize("path", ["/user/gina/lab", "/user/gina/formgraders", "/user/gina/"])
def test_other_pages_stay_as_they_are(path: str) -> None:
    assert served(path) == (PAGE, str(len(PAGE)))


@pytest.mark.parametrize("content_type", ["application/json", "text/css", ""])
def test_what_is_no_page_stays_as_it_is(content_type: str) -> None:
    assert served(f"{PREFIX}/api/grades", content_type=content_type) == (PAGE, str(len(PAGE)))


def test_ways_out_lead_to_the_persons_own_server_and_to_the_hub() -> None:
    variables = {"JUPYTERHUB_BASE_URL": "/teaching/", "E2XHUB_ROLE": "grader"}
    assert find_places("/teaching/user/gina/", variables) == {
        "files": "/teaching/user/gina/lab",
        "servers": "/teaching/hub/home",
        "observes": False,
    }


def test_hub_on_a_host_of_its_own_is_found() -> None:
    variables = {"JUPYTERHUB_HOST": "https://hub.example", "JUPYTERHUB_BASE_URL": "/"}
    assert find_places("/user/gina/", variables)["servers"] == "https://hub.example/hub/home"


def test_page_says_to_observers_alone_that_they_observe() -> None:
    assert find_places("/", {"E2XHUB_ROLE": "observer"})["observes"] is True


def test_no_name_ends_the_element() -> None:
    tag = make_tag("1", {"files": '"><script>alert(1)</script>'}).decode()
    assert tag.count("<script") == 1
    assert tag.count('"') == 2


def test_script_does_not_end_its_own_element() -> None:
    assert "</script" not in read_module("grading/formgrader.js")


def test_extension_that_is_turned_on_is_the_one_that_travels() -> None:
    turned_on = json.loads(read_module("grading/server_extension.json"))
    (name,) = turned_on["ServerApp"]["jpserver_extensions"]
    assert f"{CONFIG_DIRECTORY}/{name}.py" in FORMGRADER_FILES
    needed = re.findall(r'with_name\("(.+?)"\)', read_module(f"{name}.py"))
    assert [f"{CONFIG_DIRECTORY}/{file}" in FORMGRADER_FILES for file in needed] == [True]


def test_container_has_the_name_that_jupyterlab_looks_for() -> None:
    (name,) = re.findall(r'_JUPYTERLAB\["(.+?)"\] = ', read_module("grading/remoteEntry.js"))
    assert name == MANIFEST["name"] == basename(LAB_EXTENSION)
    assert f"{LAB_EXTENSION}/{MANIFEST['jupyterlab']['_build']['load']}" in FORMGRADER_FILES
