"""The tutorial's blocks are run: e2xhub's commands as they are, and of those that need a cluster
what can be told without one: that their files are there, and say what the chart understands.
"""

from __future__ import annotations

import contextlib
import io
import ipaddress
import os
import re
import socket
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from textwrap import dedent
from typing import Any

import jsonschema
import pytest
import yaml

from tests.helm.chart import CHART, KINDS, load, merge, merge_all, needs_chart
from tests.helm.chart_hub import run_chart_configuration
from tests.programs import find_program

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/tutorial-three-hubs.md"
BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```\n", re.MULTILINE | re.DOTALL)
FILES = re.compile(r"--(?:file|filename|values|from-file)[= ](?:[a-z-]+=)?(\S+)")
# Programs that need a cluster or a registry only note how they are called.
PROGRAM = """\
set -e
e2xhub() { "$PYTHON" -m e2xhub "$@"; }
kubectl() { echo "kubectl $*" >> calls; }
helm() { echo "helm $*" >> calls; }
docker() { echo "docker $*" >> calls; }
"""

pytestmark = needs_chart


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory in which the page's blocks were run, beside the files that the project ships.

    The chart's policies come from a file, where the page asks a cluster.
    """
    directory = tmp_path_factory.mktemp("tutorial")
    (directory / "helm-values").symlink_to(ROOT / "helm-values")
    script = "".join(BLOCK.findall(PAGE.read_text(encoding="utf-8")))
    policies = CHART / "rendered-default.yaml"
    script = re.sub(r"(?m)^(e2xhub lockdown .*)$", rf"\1 --policies {policies}", script)
    inherited = {key: text for key, text in os.environ.items() if not key.startswith("E2XHUB_")}
    done = subprocess.run(
        ["/bin/sh"],
        input=PROGRAM + script,
        cwd=directory,
        env={**inherited, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "No faults." in done.stdout
    assert "exams/databases-mock/student" in done.stdout
    assert "are locked: all policies that select them" in done.stdout
    return directory


def calls(directory: Path) -> list[str]:
    return (directory / "calls").read_text(encoding="utf-8").splitlines()


def values_of(directory: Path, kind: str) -> Any:
    """What helm makes of the files that the page names for a hub of `kind`, in their order."""
    (call,) = [it for it in calls(directory) if it.startswith(f"helm upgrade --install {kind} ")]
    files = re.findall(r"--values (\S+)", call)
    return merge_all([load(CHART / "values.yaml"), *(load(directory / file) for file in files)])


def test_every_file_that_a_command_of_the_page_names_is_there(page: Path) -> None:
    named = {file for call in calls(page) for file in FILES.findall(call) if file != "-"}
    assert {"helm-values/Dockerfile", "helm-values/rbac.yaml", "university/pepper"} <= named
    assert [file for file in sorted(named) if not (page / file).is_file()] == []


@pytest.mark.parametrize("kind", KINDS)
def test_values_of_the_page_fit_the_charts_schema(page: Path, kind: str) -> None:
    values = values_of(page, kind)
    jsonschema.validate(values, load(CHART / "values.schema.yaml"))
    assert values["custom"]["e2xhub"]["hub"] == kind
    assert values["prePuller"]["extraImages"]


@pytest.mark.parametrize("kind", KINDS)
def test_hubs_of_the_page_mount_what_their_settings_name(page: Path, kind: str) -> None:
    values = values_of(page, kind)
    hub, settings = values["hub"], values["custom"]["e2xhub"]
    mounted = {mount["mountPath"]: mount["name"] for mount in hub["extraVolumeMounts"]}
    assert {mounted[settings["catalog"]], mounted[settings["roster"]]} == {"catalog", "roster"}
    assert set(mounted.values()) == {volume["name"] for volume in hub["extraVolumes"]}
    if kind == "exam":
        assert mounted[str(Path(settings["pepper_file"]).parent)] == "e2xhub-secrets"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_hubs_of_the_page_accept_their_values(page: Path, kind: str, tmp_path: Path) -> None:
    here: dict[str, Any] = {"catalog": str(page / "university/catalog.yaml"), "reload_seconds": 0}
    here["roster"] = str(page / "university/roster.csv")
    if kind == "exam":
        here["pepper_file"] = str(page / "university/pepper")
        here["database_url"] = f"sqlite:///{tmp_path / 'e2xhub.sqlite'}"
    c = run_chart_configuration(merge({"custom": {"e2xhub": here}}, values_of(page, kind)))
    assert c.JupyterHub.spawner_class == "e2x"
    assert c.JupyterHub.authenticator_class == ("e2x-otp" if kind == "exam" else "dummy")


def test_page_puts_no_secret_where_others_read_it(page: Path) -> None:
    pepper = page / "university/pepper"
    assert pepper.stat().st_mode & 0o077 == 0
    secret = pepper.read_text(encoding="utf-8").strip()
    assert not [call for call in calls(page) if secret in call or "PASSWORD" in call]


def test_kubectl_makes_the_objects_of_the_page(page: Path) -> None:
    kubectl = find_program("kubectl")
    made = [call.split() for call in calls(page) if call.startswith("kubectl create ")]
    assert len(made) == 3 + 2 + 2 * 3
    for _, *words in made:
        dry = [] if "--dry-run=client" in words else ["--dry-run=client", "--output", "yaml"]
        done = subprocess.run(
            [kubectl, *words, *dry], cwd=page, capture_output=True, timeout=300, check=False
        )
        assert (done.returncode, done.stderr) == (0, b""), words
        assert yaml.safe_load(done.stdout)["metadata"]["name"] in words


def block_with(text: str, language: str) -> str:
    """The one block of the page in `language` that has `text` in it."""
    blocks = re.findall(
        rf"^ *```{language}\n(.*?)^ *```\n",
        PAGE.read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    (found,) = [dedent(block) for block in blocks if text in block]
    return found


def test_mock_exam_that_is_over_begins_anew(page: Path, tmp_path: Path) -> None:
    (tmp_path / "university").mkdir()
    catalog = (page / "university/catalog.yaml").read_text(encoding="utf-8")
    over = re.sub(r"(?m)^    start: .*$", "    start: 2020-01-01T09:00:00Z", catalog)
    copy = tmp_path / "university/catalog.yaml"
    copy.write_text(over, encoding="utf-8")
    block = block_with("begun-anew", "sh").replace("e2xhub check\n", "")
    subprocess.run(["/bin/sh", "-ec", block], cwd=tmp_path, timeout=300, check=True)
    begun = yaml.safe_load(copy.read_text(encoding="utf-8"))
    start = begun["exams"]["databases-mock"].pop("start")
    assert timedelta() <= datetime.now(timezone.utc) - start < timedelta(minutes=2)
    before = yaml.safe_load(over)
    del before["exams"]["databases-mock"]["start"]
    assert begun == before


def test_trial_of_the_lockdown_needs_no_name_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trial = block_with("create_connection", "python")
    (outside,) = re.findall(r'"the internet, must be closed": \("(.*?)", 443\)', trial)
    assert ipaddress.ip_address(outside).is_global
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # nobody listens
        port, closed = (it.getsockname()[1] for it in (listener, silent))
        monkeypatch.setenv("JUPYTERHUB_API_URL", f"http://127.0.0.1:{port}/hub/api")
        here = trial.replace('("licences.example.org", 27000)', f'("127.0.0.1", {port})')
        here = here.replace(f'("{outside}", 443)', f'("127.0.0.1", {closed})')
        with contextlib.redirect_stdout(io.StringIO()) as said:
            exec(here, {})
    assert said.getvalue().splitlines() == [
        "the hub, must be open - open",
        "the licence server, must be open - open",
        "the internet, must be closed - closed: [Errno 111] Connection refused",
    ]


def test_records_in_a_file_are_named_for_hub_and_commands(page: Path) -> None:
    instead = yaml.safe_load(block_with("sqlite:", "yaml"))
    values = merge(instead, values_of(page, "exam"))
    jsonschema.validate(values, load(CHART / "values.schema.yaml"))
    shipped = load(ROOT / "helm-values/exam.yaml")["custom"]["e2xhub"]["database_url"]
    assert values["hub"]["extraEnv"]["E2XHUB_DATABASE_URL"] == shipped
    assert values["custom"]["e2xhub"]["database_url"] == ""


def test_grading_hub_of_the_page_reads_the_exam_hubs_database(page: Path) -> None:
    """Else who sat an exam, and has left the roster, could grade it."""
    (made,) = [
        call
        for call in calls(page)
        if call.startswith("kubectl create secret generic e2xhub --namespace grading ")
    ]
    assert "--from-file=database-url=university/database-url" in made
    variable = values_of(page, "grading")["hub"]["extraEnv"]["E2XHUB_DATABASE_URL"]
    assert variable == values_of(page, "exam")["hub"]["extraEnv"]["E2XHUB_DATABASE_URL"]
    assert variable["valueFrom"]["secretKeyRef"] == {"name": "e2xhub", "key": "database-url"}
