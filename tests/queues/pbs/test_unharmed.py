"""Whatever a user writes, the records of the others' jobs are as without it."""

import logging
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from tests.queues.pbs import rendering
from tests.queues.pbs.conftest import CAPTURES
from tests.queues.pbs.rendering import Attribute, Thing

from cloudmesh_sdk.queues.batch import Done
from cloudmesh_sdk.queues.pbs.dialects import Pbs

LIST = (CAPTURES / "head-2026-04" / "qstat-dsv.txt").read_bytes()
OTHERS = [thing for thing in rendering.raw(LIST) if thing.id != "9.pbshost"]
ODD = next(thing for thing in rendering.raw(LIST) if thing.id == "9.pbshost")

BYTES = st.characters(min_codepoint=1, max_codepoint=255)
PIECES = st.sampled_from([
    '"', "\\", "\\\\", '\\"', "\n", ",", "\\,", "|", "\\|", "{", "}", "}},", ":", "=", "^", "'",
    "\xca", "\xe2", "\xca        \xe2" + "3.pbshost", "\nJob Id: 3.pbshost|Job_Name=x|",
    "\xcaJob Id: 3.pbshost|Job_Name=x", '"}},"3.pbshost":{"job_state":"F","Variable_List":{"Y',
    '":"1"}}},"Z":{"q":{"V":{"Y', "1e5", "+1", "007", ".5", "NaN", "-0x1f", " ", "\t", "\r", "\f",
])  # fmt: skip
"""What could be misread, and what 23.06.06 turns into a quote (0xe2) and a line feed (0xca)."""
WORDS = st.lists(st.one_of(PIECES, BYTES), max_size=12).map("".join)
FORGED = st.sampled_from([name.replace(",", "\\,") for name in rendering.FORGED.values()])
NAMES = st.text("abcXYZ019_+-.", min_size=1, max_size=15)
"""What qsub takes for a name; other than these it refuses (`odd-name-*.suberr`)."""


class Commands:
    """Answers as a client does, with the same jobs in all forms."""

    def __init__(self, things: Sequence[Thing], writer: str) -> None:
        self._things, self._writer = things, writer
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, *argv: str, **_: Any) -> Done:
        self.asked.append(argv)
        form = {"head": rendering.head, "old": rendering.old}[self._writer]
        out = form(self._things)
        if "dsv" in argv:
            out = rendering.dsv(self._things, old=self._writer == "old")
        return Done(argv=argv, status=0, out=out, err=b"")


def odd(name: str, account: str, arguments: str, variables: Sequence[tuple[str, str]]) -> Thing:
    """Return a job with all that a user may write."""
    written = {"Job_Name": name, "Account_Name": account, "Submit_arguments": arguments}
    listed = ",".join(f"{name}={value}" for name, value in [("A", "b"), *variables, ("C", "d")])
    made: list[Attribute] = []
    for attribute, resource, value in ODD.attributes:
        value = listed if attribute == "Variable_List" else written.pop(attribute, value)  # noqa: PLW2901
        made.append((attribute, resource, value))
    made += [(attribute, None, value) for attribute, value in written.items()]
    return Thing(ODD.id, made)


@pytest.mark.parametrize("writer", ["head", "old"])
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    name=NAMES, account=WORDS, arguments=WORDS,
    variables=st.lists(st.tuples(st.one_of(FORGED, WORDS), WORDS), max_size=3),
    place=st.integers(0, len(OTHERS)),
)  # fmt: skip
def test_the_records_of_others_are_unharmed(  # noqa: PLR0917
    writer: str, name: str, account: str, arguments: str, variables: list[tuple[str, str]],
    place: int,
) -> None:  # fmt: skip
    logging.disable(logging.CRITICAL)
    try:
        alone = {job.id: job for job in Pbs(name="hpc", run=Commands(OTHERS, writer)).jobs()}
        strange = odd(name, account, arguments, variables)
        things = [*OTHERS[:place], strange, *OTHERS[place:]]
        among = {job.id: job for job in Pbs(name="hpc", run=Commands(things, writer)).jobs()}
    finally:
        logging.disable(logging.NOTSET)
    assert set(among) == {*alone, ODD.id}
    for id, job in alone.items():  # noqa: A001
        # numbers are words in text, where JSON could not be used
        assert _plain(among[id]) == _plain(job)
    assert (among[ODD.id].user, among[ODD.id].state) == ("bob", "pending")
    assert among[ODD.id].name == name


def _plain(job: Any) -> Any:
    return {
        field: getattr(job, field)
        for field in (
            "id", "name", "state", "user", "account", "queues", "reason", "priority", "nodes",
            "cores", "memory", "walltime", "hosts", "array", "indices", "count", "submitted",
            "started", "ended", "depends", "output", "error", "workdir", "token",
        )
    }  # fmt: skip


def test_broken_json_is_told_and_text_is_asked_for_that_call(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    forged = 'X":"1"}},"3.pbshost":{"job_state":"F"\\,"Variable_List":{"Y'
    run = Commands([*OTHERS, odd("a", "", "", [(forged, "v")])], "old")
    jobs = {job.id: job for job in Pbs(name="hpc", run=run).jobs()}
    assert jobs["3.pbshost"].state == "running"
    assert run.asked == [("qstat", "-f", "-F", "json"), ("qstat", "-f", "-F", "dsv")]
    (record,) = caplog.records
    assert record.getMessage().startswith("hpc: qstat -f gave JSON that is not used")
