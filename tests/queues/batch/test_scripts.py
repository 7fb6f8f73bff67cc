"""What hands in a job."""

import shutil
import subprocess
from typing import Any

import pytest

from cloudmesh_sdk.errors import InvalidRequestError
from cloudmesh_sdk.models import JobRequest
from cloudmesh_sdk.queues.batch import scripts

SCRIPT = "#!/bin/sh\n#PBS -N x\n\n# a comment\n#PBS -q long\necho `x` \"$HOME\" 'q'\n#PBS -N late\n"
SHELLS = [shell for shell in ("sh", "dash", "bash") if shutil.which(shell)]


def asked(**fields: Any) -> JobRequest:
    return JobRequest(name="job", token="t0ken", **fields)


def run(shell: str, text: bytes) -> bytes:
    return subprocess.run([shell], input=text, capture_output=True, check=False).stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_gets_the_script_and_the_variables_as_they_are(shell: str) -> None:
    odd = 'it\'s "$x" `y` \\ \n!\t'
    argv = ["sh", "-c", 'printf %s "$A"; cat']
    text = scripts.program(argv, SCRIPT, {"A": odd})
    assert run(shell, text) == odd.encode() + SCRIPT.encode()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_program_that_was_cut_anywhere_hands_in_nothing(shell: str) -> None:
    text = scripts.program(["cat"], "#!/bin/sh\necho 1\n", {"A": "1"})
    whole = len(text) - len(b"\n")
    assert run(shell, text) == b"#!/bin/sh\necho 1\n"
    assert [end for end in range(whole) if run(shell, text[:end])] == []


@pytest.mark.parametrize("name", ["1A", "A B", "A=B", "", "A;id", "Ü"])
def test_what_is_no_variable_is_refused_without_its_value(name: str) -> None:
    with pytest.raises(InvalidRequestError, match="cannot be a variable") as error:
        scripts.program(["cat"], SCRIPT, {name: "pa55"})
    assert "pa55" not in str(error.value)


def test_a_command_becomes_a_script_that_runs_just_that() -> None:
    text = scripts.script(asked(command=("printf", "%s|", "it's", "a b", "$HOME")))
    assert run("sh", text.encode()) == b"it's|a b|$HOME|"


@pytest.mark.parametrize("text", ["echo 1\n", "#!/bin/sh\r\necho 1\r\n", "#!/bin/sh\necho \0\n"])
def test_a_script_that_would_be_misread_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError, match="script"):
        scripts.script(asked(script=text))


def test_directives_are_read_as_far_as_the_first_command() -> None:
    assert list(scripts.directives(SCRIPT, "#PBS")) == ["-N x", "-q long"]


def test_our_directives_stand_before_the_users_own_which_win() -> None:
    lines = scripts.directed(SCRIPT, "#PBS", "-N ours", "-q short").splitlines()
    assert lines[:4] == ["#!/bin/sh", "#PBS -N ours", "#PBS -q short", "#PBS -N x"]
    assert lines[4:] == SCRIPT.splitlines()[2:]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "00:00:00"), (59, "00:00:59"), (3661, "01:01:01"), (864_000, "240:00:00")],
)
def test_walltimes_are_hours_minutes_and_seconds(seconds: int, text: str) -> None:
    assert scripts.clock(seconds) == text


def test_dependencies_are_words_that_schedulers_know() -> None:
    assert scripts.after(asked()) is None
    both = {"afterok": ("1", "2[]"), "afterany": ("3",), "after": ()}
    assert scripts.after(asked(after=both)) == "afterok:1:2[],afterany:3"
    with pytest.raises(InvalidRequestError, match="'before'"):
        scripts.after(asked(after={"before": ("1",)}))
