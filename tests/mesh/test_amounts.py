"""Amounts as people write them."""

import pytest

from cloudmesh_sdk.errors import InvalidRequestError
from cloudmesh_sdk.mesh.amounts import memory, walltime


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (60, 60), ("60", 60), ("1:30:00", 5400), ("90:00", 5400), ("2-00:00:00", 172_800),
        ("90m", 5400), ("1h30m", 5400), ("1h 30m", 5400), ("1d", 86_400), ("45s", 45), (1.9, 1),
    ],
)  # fmt: skip
def test_a_walltime_is_seconds(text: float | str, seconds: int) -> None:
    assert walltime(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "1:2:3:4", "-5", 0, -1, True, "1h30", "h", "30 min"])
def test_what_is_no_walltime_is_refused_with_what_is_wanted(text: float | str) -> None:
    with pytest.raises(InvalidRequestError, match=r"is no walltime; wanted are seconds, or such"):
        walltime(text)


@pytest.mark.parametrize(
    ("text", "mib"),
    [(512, 512), ("512", 512), ("4G", 4096), ("4GiB", 4096), ("4gb", 4096), ("1.5G", 1536),
     ("512M", 512), ("2048K", 2), ("1T", 1_048_576), ("1K", 1)],
)  # fmt: skip
def test_memory_is_mib(text: float | str, mib: int) -> None:
    assert memory(text) == mib


@pytest.mark.parametrize("text", ["", "much", "4X", "-4G", 0, True, "G", "1.2345G"])
def test_what_is_no_memory_is_refused_with_what_is_wanted(text: float | str) -> None:
    with pytest.raises(InvalidRequestError, match=r"is no memory; wanted are MiB, or such"):
        memory(text)
