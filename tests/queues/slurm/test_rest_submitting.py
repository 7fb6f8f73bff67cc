"""What is sent to slurmrestd of a job: fields, words of sbatch, lines of its script."""

from typing import Any

import pytest

from cloudmesh_sdk.errors import InvalidRequestError, UnsupportedError
from cloudmesh_sdk.models import JobRequest
from cloudmesh_sdk.queues.slurm import SlurmQueue, rest_options, rest_submitting


def job(*, newer: bool = False, **more: Any) -> dict[str, Any]:
    what = {} if "script" in more else {"command": ("true",)}
    request = JobRequest(**{"name": "one", "token": "t", **what, **more})
    body = rest_submitting.body(request, newer=newer, user="albert", workdir="/home/albert")
    made: dict[str, Any] = body["job"]
    return made


def wrapped(number: int) -> dict[str, Any]:
    return {"set": True, "infinite": False, "number": number}


ALL: dict[str, Any] = {
    "queue": "sierra", "nodes": 2, "tasks": 4, "cores": 3, "memory": 500, "walltime": 5400,
    "gpus": 2, "account": "phys", "array": "1-9%2", "after": {"afterok": ("5", "6")},
    "workdir": "/w", "output": "out-%j", "error": "err", "held": True,
    "options": ("--qos", "high"), "environment": {"ODD": "a=b\nc"},
}  # fmt: skip
SAME = {
    "name": "one", "partition": "sierra", "nodes": "2", "tasks": 4, "cpus_per_task": 3,
    "account": "phys", "array": "1-9%2", "dependency": "afterok:5:6", "hold": True, "qos": "high",
    "current_working_directory": "/w", "standard_output": "out-%j", "standard_error": "err",
    "comment": "cloudmesh:t",
}  # fmt: skip
BARE = {"PATH": "/usr/local/bin:/usr/bin:/bin", "USER": "albert", "LOGNAME": "albert"}


def test_every_field_is_said_in_flat_words() -> None:
    assert job(**ALL) == SAME | {
        "memory_per_node": 500, "time_limit": 90, "gpus_per_node": "2",
        "environment": BARE | {"ODD": "a=b\nc"},
    }  # fmt: skip


def test_every_field_is_said_in_newer_words() -> None:
    assert job(newer=True, **ALL) == SAME | {
        "memory_per_node": wrapped(500), "time_limit": wrapped(90), "tres_per_node": "gres/gpu:2",
        "environment": [f"{name}={value}" for name, value in {**BARE, "ODD": "a=b\nc"}.items()],
    }  # fmt: skip


def test_all_fields_of_a_request_were_tried() -> None:
    assert set(ALL) == SlurmQueue.extras


def test_options_win_over_fields_and_these_over_the_script() -> None:
    script = (
        "#!/bin/sh\n#SBATCH -p india --time=1:00:00 # why\n#SBATCH -q low\n"
        "#SBATCH --comment='my own'\ntrue\n#SBATCH --nodes=7\n"
    )
    made = job(script=script, queue="sierra", options=("-qhigh",))
    assert (made["partition"], made["qos"], made["time_limit"]) == ("sierra", "high", 60)
    assert made["comment"] == "my own cloudmesh:t"
    assert "nodes" not in made  # below the first command nobody reads them


@pytest.mark.parametrize(
    ("words", "flat", "newer"),
    [
        (("--exclusive",), {"exclusive": "exclusive"}, {"shared": ["none"]}),
        (("--exclusive=user",), {"exclusive": "user"}, {"shared": ["user"]}),
        (("--nice",), {"nice": 100}, {"nice": 100}),
        (("-t", "90"), {"time_limit": 90}, {"time_limit": wrapped(90)}),
        (("--time=1:30",), {"time_limit": 2}, {"time_limit": wrapped(2)}),
        (("--time=2-12",), {"time_limit": 3600}, {"time_limit": wrapped(3600)}),
        (("--time=1-0:30",), {"time_limit": 1470}, {"time_limit": wrapped(1470)}),
        (("--mem=4G",), {"memory_per_node": 4096}, {"memory_per_node": wrapped(4096)}),
        (("-C", "a&b"), {"constraints": "a&b"}, {"constraints": "a&b"}),
        (("-H",), {"hold": True}, {"hold": True}),
        (("-w", "i1,i2"), {"nodelist": "i1,i2"}, {"required_nodes": ["i1", "i2"]}),
        (("--gres=gpu:k80:2",), {"gres": "gpu:k80:2"}, {"tres_per_node": "gres/gpu:k80:2"}),
        (("--export=ALL", "--parsable"), {}, {}),
    ],
)  # fmt: skip
def test_words_of_sbatch(
    words: tuple[str, ...], flat: dict[str, Any], newer: dict[str, Any]
) -> None:
    assert rest_options.fields(words, newer=False) == flat
    assert rest_options.fields(words, newer=True) == newer


@pytest.mark.parametrize(
    "words", [("--switches=2",), ("--mail",), ("-Z",), ("script.sh",), ("--export=NONE",), ("-",)]
)
def test_words_that_cannot_be_said_are_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(UnsupportedError, match="of sbatch cannot be said to slurmrestd"):
        rest_options.fields(words, newer=False)
    script = f"#!/bin/sh\n#SBATCH {words[0]}\ntrue\n"
    with pytest.raises(UnsupportedError, match="of sbatch"):
        job(script=script)


def test_words_of_one_family_are_refused_in_the_other() -> None:
    assert rest_options.fields(["--begin=now+1hour"], newer=False) == {"begin_time": "now+1hour"}
    for words, newer in ((["--begin=16:00"], True), (["-x", "i1"], False), (["--gres=x:1"], True)):
        with pytest.raises(UnsupportedError, match="this version of slurmrestd"):
            rest_options.fields(words, newer=newer)


@pytest.mark.parametrize(
    "more",
    [
        {"array": "banana"}, {"options": ("--time=soon",)}, {"options": ("--mem=much",)},
        {"options": ("-c", "two")}, {"options": ("--qos",)}, {"environment": {"A B": "x"}},
        {"script": "true\n"}, {"script": "#!/bin/sh\n#SBATCH --qos='x\n"},
        {"after": {"whenever": ("1",)}}, {"options": ("-t", "1-x:00")},
    ],
)  # fmt: skip
def test_nonsense_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError):
        job(**more)


def test_a_directory_is_wanted_where_none_can_be_known() -> None:
    request = JobRequest(name="one", token="t", command=("true",))
    with pytest.raises(InvalidRequestError, match="workdir"):
        rest_submitting.body(request, newer=False, user="albert", workdir=None)
    assert job()["current_working_directory"] == "/home/albert"
    directed = job(script="#!/bin/sh\n#SBATCH -D /data\n")
    assert directed["current_working_directory"] == "/data"
