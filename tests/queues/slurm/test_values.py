"""Slurm's ways of writing values, as its manual pages and its answers have them."""

from datetime import UTC, datetime

import pytest

from cloudmesh_sdk.queues.slurm import values


@pytest.mark.parametrize(
    ("word", "seconds"),
    [
        ("1-00:00:00", 86400), ("2-03:04:05", 183845), ("01:00:00", 3600), ("30:00", 1800),
        ("0:05", 5), ("UNLIMITED", None), ("NOT_SET", None), ("infinite", None), ("NONE", None),
        ("Partition_Limit", None), ("INVALID", None), ("N/A", None), ("", None),
    ],
)  # fmt: skip
def test_durations(word: str, seconds: int | None) -> None:
    assert values.seconds(word) == seconds


@pytest.mark.parametrize("word", ["N/A", "Unknown", "None", "NONE", "(null)", "", "2026-13-41T"])
def test_a_time_that_is_none(word: str) -> None:
    assert values.time(word) is None


def test_a_time_is_in_utc() -> None:
    assert values.time("2026-11-23T09:00:37") == datetime(2026, 11, 23, 9, 0, 37, tzinfo=UTC)


@pytest.mark.parametrize(
    ("word", "mebibytes"),
    [
        ("4000M", 4000), ("4000", 4000), ("1G", 1024), ("1.50G", 1536), ("2T", 2 << 20),
        ("512K", 0), ("2048K", 2), ("500Mc", 500), ("4Gn", 4096), ("UNLIMITED", None), ("", None),
    ],
)  # fmt: skip
def test_sizes(word: str, mebibytes: int | None) -> None:
    assert values.mebibytes(word) == mebibytes


@pytest.mark.parametrize(
    ("word", "gpus"),
    [
        ("gres:gpu:1", 1), ("gres:gpu:k80:2", 2), ("gres/gpu:2", 2), ("gpu:k80:2", 2),
        ("gpu:k80:2(S:0-1)", 2), ("gpu:a100:2,gpu:h100:1", 3), ("N/A", None), ("(null)", None),
        ("cpu=4,mem=8G,node=1,gres/gpu=2", 2),
        ("cpu=4,gres/gpu=3,gres/gpu:a100=3", 3), ("cpu=4,gres/gpu:a100=3", 3),
        ("gres/shard:4", None),
    ],
)  # fmt: skip
def test_gpus(word: str, gpus: int | None) -> None:
    assert values.gpus(word) == gpus


@pytest.mark.parametrize(
    ("word", "code", "signal"),
    [
        ("0", 0, None), ("768", 3, None), ("15", None, 15), ("137", None, 9),  # wait(2), 22.05
        ("0:0", 0, None), ("3:0", 3, None), ("0:15", None, 15),  # sacct, scontrol, 25.11
        ("", None, None), ("N/A", None, None),
    ],
)  # fmt: skip
def test_exit_codes(word: str, code: int | None, signal: int | None) -> None:
    assert values.ended(word) == (code, signal)


def test_a_number_that_stands_for_nothing() -> None:
    assert values.number("4294967294") is None  # NO_VAL
    assert values.number("4294967295") is None  # INFINITE
    assert values.number("4294901760") == 4294901760  # a priority
    assert values.number("N/A") is None


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/a/%j.out", "/a/60.out"), ("%A_%a.out", "/home/me/12_3.out"), ("%5j", "/home/me/00060"),
        ("%x-%u", "/home/me/na/me-me"), ("%%j", "/home/me/%j"), ("%N.out", "/home/me/%N.out"),
        ("out.txt", "/home/me/out.txt"),
    ],
)  # fmt: skip
def test_names_of_output_files(pattern: str, path: str) -> None:
    known = {"j": "60", "A": "12", "a": "3", "x": "na/me", "u": "me"}
    assert values.path(pattern, "/home/me/", known) == path
