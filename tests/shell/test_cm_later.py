"""Acts on jobs that are left to a worker: `--async` of `cm job`."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.canaries import canary, find_in
from tests.mesh.manager import Manager
from tests.shell.calling import Cm

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import JobState
from cloudmesh_sdk.services import control, store

CM = [sys.executable, "-c", "from cloudmesh_sdk.shell.start import main; exit(main())"]


def test_a_submit_that_is_left_prints_its_operation_and_what_follows(cm: Cm, fg: Manager) -> None:
    result = cm("job submit -m india --name fit --nodes 2 --async --format json ./fit -x")
    assert result.exit_code == 0, result.error
    (row,) = json.loads(result.output)
    assert (row["act"], row["cloud"], row["target"], row["state"]) == (
        "submit", "fg", "fit", "pending",
    )  # fmt: skip
    assert cm(f"op wait {row['id']}").exit_code == 0
    (request,) = fg.requests
    assert (request.command, request.nodes) == (("./fit", "-x"), 2)
    done = json.loads(cm(f"op info {row['id']} --format json").output)
    assert fg.table[done["result"]].name == "fit"


def test_in_a_table_one_line_says_how_to_go_on(cm: Cm, fg: Manager) -> None:
    result = cm("job submit -m india --async true")
    id_ = result.output.splitlines()[-1].split()[0]
    assert result.error == f"cm op wait {id_} waits for it, cm op list shows how far all are\n"
    assert cm(f"op wait {id_}").exit_code == 0


@pytest.mark.parametrize(
    ("act", "before", "after"),
    [
        ("cancel --yes", JobState.RUNNING, JobState.CANCELLED),
        ("hold", JobState.PENDING, JobState.HELD),
        ("release", JobState.HELD, JobState.PENDING),
    ],
)
def test_acts_on_jobs_are_left(
    cm: Cm, fg: Manager, act: str, before: JobState, after: JobState
) -> None:
    for id_ in ("1", "2"):
        fg.put(id_, state=before)
    result = cm(f"job {act} 1,2 --async --format json")
    assert result.exit_code == 0, result.error
    ids = [row["id"] for row in json.loads(result.output)]
    assert len(ids) == 2
    assert cm(f"op wait {' '.join(ids)}").exit_code == 0
    assert {fg.job(id_).state for id_ in ("1", "2")} == {after}


def test_jobs_are_asked_about_before_their_end_is_left(cm: Cm, fg: Manager) -> None:
    fg.put("1")
    fg.put("2")
    result = cm("job cancel 1 2 --async")
    assert (result.exit_code, result.output) == (2, "")
    assert "say --yes" in result.error
    assert cm("op list --format json").output.split() == ["[]"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--wait", "--async goes with no --wait; cm op wait waits for operations"),
        ("--id-only", "--async goes with no --id-only: a job has its id once it is handed in"),
        ("--env A=1", "--async goes with no --env: it would have to be written down"),
    ],
)
def test_what_cannot_be_left_is_one_line_and_nothing_is_written_down(
    cm: Cm, fg: Manager, words: str, says: str
) -> None:
    result = cm(f"job submit -m india --async {words} true")
    assert (result.exit_code, len(result.error.splitlines())) == (2, 1)
    assert says in result.error
    assert cm("op list --format json").output.split() == ["[]"]


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """A configuration with a store and a queue that several processes see."""
    path = tmp_path / "cloudmesh.yaml"
    path.write_text(
        f'store: {{directory: "{tmp_path}/mongo", linger: 60}}\n'
        f'queues: {{desk: {{driver: local, interval: 0, directory: "{tmp_path}/desk"}}}}\n'
    )
    yield path
    config = Config.load(path)
    control.stop(config, "worker")
    store.stop(config, force=True)


@pytest.mark.timeout(200)
def test_a_worker_hands_a_job_in_and_nothing_shows_or_keeps_its_script(
    path: Path, tmp_path: Path
) -> None:
    secret = canary("script")
    script = tmp_path / "fit.sh"
    script.write_text(f"#!/bin/sh\n# {secret}\necho was here\n")

    def cm(*words: str) -> str:
        done = subprocess.run(
            [*CM, "--config", str(path), *words], capture_output=True, text=True, check=True,
            timeout=90, env=dict(os.environ),
        )  # fmt: skip
        said.append(done.stdout + done.stderr)
        return done.stdout

    said: list[str] = []
    (row,) = json.loads(cm("job", "submit", "--async", "--script", str(script), "--format", "json"))
    for format_ in ("table", "json", "yaml"):
        cm("op", "info", row["id"], "--format", format_)
    for format_ in ("table", "json", "yaml", "csv"):
        cm("op", "list", "--format", format_)
    assert find_in("cm", "".join(said), [secret]) == {}
    cm("op", "wait", row["id"])
    job = json.loads(cm("op", "info", row["id"], "--format", "json"))["result"]
    cm("job", "wait", job)
    assert cm("job", "output", job) == "was here\n"
    with Mesh.open(config=Config.load(path)) as mesh:
        done = mesh.operation(row["id"])
        assert (done.state, done.parcel, done.withheld) == ("done", {}, ("script",))
