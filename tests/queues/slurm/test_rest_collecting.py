"""Python's collector rests while much is made, and is then as it was."""

import gc

import pytest

from cloudmesh_sdk.queues.slurm.rest_collecting import no_collecting


def test_it_rests_in_the_block_alone() -> None:
    with no_collecting(much=True):
        assert not gc.isenabled()
    assert gc.isenabled()
    with no_collecting(much=False):
        assert gc.isenabled()


def test_it_wakes_when_the_block_fails() -> None:
    with pytest.raises(ValueError, match="bad"), no_collecting(much=True):
        raise ValueError("bad")
    assert gc.isenabled()


def test_one_that_was_at_rest_stays_so() -> None:
    gc.disable()
    try:
        with no_collecting(much=True):
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_was_frozen_stays_frozen() -> None:
    gc.freeze()
    try:
        with no_collecting(much=True):
            pass
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


def test_what_is_made_is_not_looked_at_until_all_is() -> None:
    seen: list[int] = []

    def hear(phase: str, info: dict[str, int]) -> None:
        seen.append(info["generation"])

    gc.callbacks.append(hear)
    try:
        with no_collecting(much=True):
            made = [{"n": [number]} for number in range(20_000)]
        before = list(seen)
        assert before == []
        assert len(made) == 20_000
    finally:
        gc.callbacks.remove(hear)
