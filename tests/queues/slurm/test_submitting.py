"""What sbatch is run with: as sbatch(1) wants it, and as a shell understands it."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from cloudmesh_sdk.errors import InvalidRequestError, UnavailableError
from cloudmesh_sdk.models import JobRequest
from cloudmesh_sdk.queues.batch import Done, scripts
from cloudmesh_sdk.queues.slurm import submitting

SCRIPT = "#!/bin/bash\n#SBATCH --comment='by hand, yes'\n\n#SBATCH -N 1\nhostname\n"


def request(**asked: Any) -> JobRequest:
    what = {} if "script" in asked else {"command": ("true",)}
    return JobRequest(**{"name": "one", "token": "t1", **what, **asked})


def options(**asked: Any) -> list[str]:
    return list(submitting.options(request(**asked)))


def ran(tmp_path: Path, asked: JobRequest, env: Mapping[str, str] | None = None) -> Any:
    """Return the arguments, the script and the environment that sbatch gets from the shell."""
    sbatch = tmp_path / "sbatch"
    sbatch.write_text(
        f"#!/bin/sh\nprintf '%s\\0' \"$@\" > {tmp_path}/argv\ncat > {tmp_path}/script\n"
        f"env -0 > {tmp_path}/env\n"
    )
    sbatch.chmod(0o755)
    text = scripts.program(
        [str(sbatch), *submitting.options(asked)], scripts.script(asked), asked.environment
    )
    subprocess.run([scripts.SHELL], input=text, check=True, env={**os.environ, **(env or {})})
    split = (tmp_path / "env").read_bytes().split(b"\0")
    variables = dict(item.partition(b"=")[::2] for item in split if item)
    argv = (tmp_path / "argv").read_bytes().decode().split("\0")[:-1]
    return argv, (tmp_path / "script").read_bytes().decode(), variables


def test_everything_of_a_request_is_an_option() -> None:
    assert options(
        queue="india,sierra", nodes=2, tasks=4, cores=3, memory=500, walltime=3661, gpus=1,
        account="p7", array="1-9:2%3", after={"afterok": ("5", "6_1"), "afterany": ("7",)},
        workdir="/scratch/me", output="o-%j", error="e-%j", held=True, options=("--qos=high",),
    ) == [
        "--parsable", "--export=ALL", "--job-name=one", "--partition=india,sierra", "--nodes=2",
        "--ntasks=4", "--cpus-per-task=3", "--mem=500M", "--time=01:01:01", "--gpus-per-node=1",
        "--account=p7", "--array=1-9:2%3", "--dependency=afterok:5:6_1,afterany:7",
        "--chdir=/scratch/me", "--output=o-%j", "--error=e-%j", "--hold", "--qos=high",
        "--comment=cloudmesh:t1",
    ]  # fmt: skip


def test_what_is_not_asked_for_is_left_to_slurm() -> None:
    assert options() == [
        "--parsable", "--export=ALL", "--job-name=one", "--comment=cloudmesh:t1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "comment"),
    [
        ({"options": ("--comment=my own",)}, "my own cloudmesh:t1"),
        ({"options": ("--comment", "my own")}, "my own cloudmesh:t1"),
        ({"script": SCRIPT}, "by hand, yes cloudmesh:t1"),
        ({"script": SCRIPT, "options": ("--comment=mine",)}, "mine cloudmesh:t1"),
        ({"script": "#!/bin/sh\ntrue\n#SBATCH --comment=late\n"}, "cloudmesh:t1"),
        ({"script": "#!/bin/sh\n#SBATCH --comment='torn\n"}, "cloudmesh:t1"),
    ],
)
def test_a_users_own_comment_survives(asked: dict[str, Any], comment: str) -> None:
    said = [word for word in options(**asked) if word.startswith("--comment")]
    assert said == [f"--comment={comment}"]


def test_a_command_becomes_a_script(tmp_path: Path) -> None:
    words = ("echo", "it's", 'a "b"', "$HOME", "c;d")
    _, script, _ = ran(tmp_path, request(command=words))
    assert script.startswith("#!/bin/sh\n")
    said = subprocess.run(["/bin/sh"], input=script, capture_output=True, text=True, check=True)
    assert said.stdout == 'it\'s a "b" $HOME c;d\n'


def test_a_script_comes_whole_and_nothing_of_it_is_done_before(tmp_path: Path) -> None:
    text = "#!/usr/bin/env python3\nprint('$HOME `id` \\\\ EOF')\nEOF\nEND\n"
    _, script, _ = ran(tmp_path, request(script=text))
    assert script == text


def test_variables_reach_the_job_and_no_command_line(tmp_path: Path) -> None:
    secret = "s3cret, 'with' \"all\" $kinds\nof things\\"
    argv, script, env = ran(tmp_path, request(environment={"KEY": secret, "EMPTY": ""}))
    assert env[b"KEY"].decode() == secret
    assert env[b"EMPTY"] == b""
    assert "--export=ALL" in argv
    assert not any("s3cret" in word for word in argv)
    assert "s3cret" not in script


@settings(max_examples=25, deadline=None)
@given(name=st.text(st.characters(exclude_characters="\0", codec="utf-8")))
def test_any_name_reaches_sbatch_as_it_is(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    argv, _, _ = ran(tmp_path_factory.mktemp("any"), request(name=name, options=(f"--x={name}",)))
    assert f"--job-name={name}" in argv
    assert f"--x={name}" in argv


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"after": {"sometime": ("1",)}}, "'sometime': a job can wait"),
        ({"array": "one-two"}, "no indices of an array"),
    ],
)
def test_what_sbatch_would_misread_is_refused_before(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequestError, match=words):
        options(**asked)


def done(out: bytes) -> Done:
    return Done(argv=("/bin/sh",), status=0, out=out, err=b"")


def test_the_id_is_read_past_what_a_login_says() -> None:
    assert submitting.submitted("hpc", done(b"4711\n")) == "4711"
    assert submitting.submitted("hpc", done(b"4711;india\n")) == "4711"
    assert submitting.submitted("hpc", done(b"Welcome, 42 users!\n4711\n")) == "4711"


def test_no_id_leaves_open_whether_there_is_a_job() -> None:
    with pytest.raises(UnavailableError, match="hpc: sbatch told no id"):
        submitting.submitted("hpc", done(b"Welcome\n"))
