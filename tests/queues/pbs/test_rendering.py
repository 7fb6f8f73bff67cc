"""The forms that the property tests and the fake PBS print are those of real clients."""

from pathlib import Path

import pytest
from tests.queues.pbs import rendering

CAPTURES = Path(__file__).parent / "captures"
HEAD, CLIENT = CAPTURES / "head-2026-04", CAPTURES / "client-23.06.06"
ODD = sorted(path.stem for path in HEAD.glob("odd-*.dsv"))


@pytest.mark.parametrize("odd", ODD)
def test_each_odd_job_is_rendered_as_real_qstat_did(odd: str) -> None:
    said = (HEAD / f"{odd}.dsv").read_bytes()
    things = rendering.raw(said)
    assert len(things) == 1
    if odd != "odd-env-control":  # there the capture itself has `^G`, and no longer the byte
        head = (HEAD / f"{odd}.json").read_bytes()
        assert rendering.head(things, stamp=rendering.stamp(head)) == head
        assert rendering.dsv(things) == said
    client = (CLIENT / f"{odd}.json").read_bytes()
    assert rendering.old(things, stamp=rendering.stamp(client)) == client


def test_a_list_is_rendered_as_real_qstat_did() -> None:
    said = (HEAD / "qstat-dsv.txt").read_bytes()
    assert rendering.dsv(rendering.raw(said)) == said
