"""What qsub is run with, and the script that it reads."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from cloudmesh_sdk.errors import InvalidRequestError, UnavailableError
from cloudmesh_sdk.models import JobRequest
from cloudmesh_sdk.queues.batch import Done, scripts
from cloudmesh_sdk.queues.pbs import submitting, tokens

SCRIPT = "#!/bin/bash\n#PBS -v A,B=2 -l select=1\n\n#PBS -m a\nhostname\n#PBS -v LATE\n"


def request(**asked: Any) -> JobRequest:
    what = {} if "script" in asked else {"command": ("true",)}
    return JobRequest(**{"name": "one", "token": "t1", **what, **asked})


def options(torque: bool = False, **asked: Any) -> list[str]:
    return list(submitting.options(request(**asked), torque=torque))


def test_everything_of_a_request_is_an_option() -> None:
    assert options(
        queue="india", nodes=2, tasks=4, cores=3, memory=500, walltime=3661, gpus=1,
        account="p7", array="1-9:2%3", after={"afterok": ("5.pbshost", "6[].pbshost")},
        workdir="/scratch/me", output="out", error="/tmp/err", held=True,
        environment={"KEY": "secret"}, options=("-m", "n"),
    ) == [
        "-N", "one", "-q", "india", "-A", "p7", "-J", "1-9:2", "-o", "/scratch/me/out",
        "-e", "/tmp/err", "-l", "select=2:ncpus=6:mpiprocs=2:mem=500mb:ngpus=1",
        "-l", "place=scatter", "-l", "walltime=01:01:01",
        "-W", "depend=afterok:5.pbshost:6[].pbshost", "-W", "max_run_subjobs=3", "-h",
        "-m", "n", "-v", "CLOUDMESH_TOKEN=cm-t1,KEY",
    ]  # fmt: skip


def test_what_is_not_asked_for_is_left_to_pbs() -> None:
    assert options() == ["-N", "one", "-v", "CLOUDMESH_TOKEN=cm-t1"]


@pytest.mark.parametrize(
    ("asked", "select"),
    [
        ({"cores": 4}, "select=1:ncpus=4:mpiprocs=1"),
        ({"tasks": 8, "cores": 2}, "select=8:ncpus=2:mpiprocs=1"),
        ({"nodes": 1, "tasks": 8}, "select=1:ncpus=8:mpiprocs=8"),
        ({"nodes": 2, "tasks": 5, "cores": 2},
         "select=1:ncpus=6:mpiprocs=3+1:ncpus=4:mpiprocs=2"),
        ({"nodes": 3}, "select=3:ncpus=1:mpiprocs=1"),
        ({"memory": 2000}, "select=1:ncpus=1:mpiprocs=1:mem=2000mb"),
        ({"tasks": 2, "gpus": 1}, "select=1:ncpus=2:mpiprocs=2:ngpus=1"),
    ],
)  # fmt: skip
def test_chunks_are_as_many_as_nodes_or_tasks(asked: dict[str, Any], select: str) -> None:
    assert select in options(**asked)


def test_one_file_for_both_where_no_other_was_asked_for() -> None:
    assert options(output="out")[2:6] == ["-o", "out", "-j", "oe"]
    assert "-j" not in options(output="out", error="err")
    assert "-j" not in options(error="err")


@pytest.mark.parametrize(
    ("asked", "variables"),
    [
        ({"script": SCRIPT}, "CLOUDMESH_TOKEN=cm-t1,A,B=2"),
        ({"script": SCRIPT, "environment": {"K": "v"}}, "CLOUDMESH_TOKEN=cm-t1,K,A,B=2"),
        ({"script": SCRIPT, "options": ("-v", "C")}, "CLOUDMESH_TOKEN=cm-t1,C"),
        ({"options": ("-vC=1", "-h")}, "CLOUDMESH_TOKEN=cm-t1,C=1"),
        ({"script": "#!/bin/sh\n#PBS -v 'torn\n"}, "CLOUDMESH_TOKEN=cm-t1"),
    ],
)
def test_a_users_own_variables_stand_behind_the_token(
    asked: dict[str, Any], variables: str
) -> None:
    words = options(**asked)
    assert words.count("-v") == 1
    assert words[words.index("-v") + 1] == variables


@pytest.mark.parametrize("token", ["0123456789", "1e5", "a,b=c", "ü \\ '\"", "x" * 40])
def test_a_token_comes_back_however_it_looks(token: str) -> None:
    name, _, value = tokens.assignment(token).partition("=")
    assert tokens.token({name: value}) == token
    # as 23.06.06 shows it behind a variable that is empty
    assert tokens.token({"EMPTY": f",{name}={value},OTHER=1"}) == token
    assert not value.replace(".", "").isdigit()


def test_what_is_no_token_of_ours_is_none() -> None:
    assert tokens.token({"CLOUDMESH_TOKEN": "mine"}) is None
    assert tokens.token({"MY_CLOUDMESH_TOKEN": "cm-t1"}) is None
    assert tokens.token(None) is None
    assert tokens.token("CLOUDMESH_TOKEN=cm-t1") is None


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"after": {"sometime": ("1",)}}, "'sometime': a job can wait"),
        ({"array": "one-two"}, "no indices of an array"),
        ({"array": "3,7,9"}, "PBS takes one range"),
        ({"array": "4"}, "PBS takes one range"),
        ({"output": "a:b"}, "reads what is before ':'"),
    ],
)
def test_what_qsub_would_misread_is_refused_before(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequestError, match=words):
        options(**asked)


def ran(script: str, tmp_path: Path) -> str:
    """Run a script as a job is run, at home; return what it says."""
    path = tmp_path / "job"
    path.write_text(script)
    path.chmod(0o700)
    said = subprocess.run([str(path)], capture_output=True, text=True, cwd="/", check=False)
    return f"{said.stdout}{said.returncode}"


@pytest.mark.parametrize("first", ["#!/bin/sh", "#!/bin/bash -e", "#!/usr/bin/env bash"])
def test_a_script_of_a_shell_begins_in_its_directory(tmp_path: Path, first: str) -> None:
    place = tmp_path / "it's here"
    place.mkdir()
    text = f"{first}\n#PBS -l ncpus=1\n# a word\n\npwd\nexit 3\n"
    made = submitting.script(request(script=text, workdir=str(place)))
    assert ran(made, tmp_path) == f"{place}\n3"
    assert list(scripts.directives(made, "#PBS")) == ["-l ncpus=1"]


def test_a_script_of_another_language_does_so_too(tmp_path: Path) -> None:
    text = (
        "#!/usr/bin/env python3\n#PBS -l ncpus=1\nimport os, sys\n"
        "print(os.getcwd(), '$X `id`')\nsys.exit(4)\n"
    )
    made = submitting.script(request(script=text, workdir=str(tmp_path)))
    assert ran(made, tmp_path) == f"{tmp_path} $X `id`\n4"
    assert list(scripts.directives(made, "#PBS")) == ["-l ncpus=1"]


def test_a_directory_that_is_not_there_ends_the_job(tmp_path: Path) -> None:
    made = submitting.script(request(command=("echo", "here"), workdir="/no/such/place"))
    assert ran(made, tmp_path) == "1"


def test_a_script_without_a_directory_is_as_it_was() -> None:
    assert submitting.script(request(script=SCRIPT)) == SCRIPT


def test_torque_has_words_of_its_own() -> None:
    assert options(
        torque=True, nodes=2, tasks=4, cores=3, memory=500, gpus=1, array="1-9%3",
        workdir="/scratch/me", output="out",
    ) == [
        "-N", "one", "-t", "1-9%3", "-o", "/scratch/me/out", "-j", "oe", "-d", "/scratch/me",
        "-l", "nodes=2:ppn=6:gpus=1", "-l", "mem=1000mb", "-v", "CLOUDMESH_TOKEN=cm-t1",
    ]  # fmt: skip
    with pytest.raises(InvalidRequestError, match="no steps"):
        options(torque=True, array="1-9:2")


def done(out: bytes) -> Done:
    return Done(argv=("/bin/sh",), status=0, out=out, err=b"")


def test_the_id_is_read_past_what_a_login_says(head: Path) -> None:
    said = (head / "qsub-ok.txt").read_bytes()
    assert submitting.submitted("hpc", done(said)) == "2.pbshost"
    assert submitting.submitted("hpc", done(b"Welcome, 42 users!\n" + said)) == "2.pbshost"
    assert submitting.submitted("hpc", done(b"5[].pbs-01.example.org\n")) == (
        "5[].pbs-01.example.org"
    )
    with pytest.raises(UnavailableError, match="hpc: qsub told no id"):
        submitting.submitted("hpc", done(b"Welcome\n"))
