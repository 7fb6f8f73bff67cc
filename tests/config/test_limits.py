"""Limits of clouds and queue managers in cloudmesh.yaml."""

from pathlib import Path

import pytest

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import ConfigError
from cloudmesh_sdk.limits import Limits


def test_left_out_they_are_the_usual_ones() -> None:
    config = Config.parse("clouds: {a: {driver: memory}, b: {driver: memory, limits: }}")
    assert [entry.limits for entry in config.clouds.values()] == [Limits(), Limits()]


def test_clouds_and_queue_managers_have_their_own() -> None:
    config = Config.parse(
        "clouds: {a: {driver: memory, limits: {parallel: 3, rate: 0.5}}}\n"
        "queues: {q: {driver: memory, limits: {attempts: 1, deadline: 60}}}\n"
    )
    assert config.clouds["a"].limits == Limits(parallel=3, rate=0.5)
    assert config.queues["q"].limits == Limits(attempts=1, deadline=60)
    assert "limits" not in config.clouds["a"].options
    assert "limits" not in config.queues["q"].options


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ("parallel: 0", "clouds.a.limits.parallel: a number of operations, 1 or more,"),
        ("parallel: 2.5", "was wanted, found 2.5"),
        ("parallel: true", "was wanted, found True"),
        ("rate: 0", "clouds.a.limits.rate: a number of operations a second, more than 0,"),
        ("rate: .inf", "was wanted, found inf"),
        ("rate: fast", "was wanted, found 'fast'"),
        ("attempts: 0", "clouds.a.limits.attempts: a number of attempts, 1 or more,"),
        ("deadline: -1", "clouds.a.limits.deadline: a number of seconds, more than 0,"),
        ("paralel: 3", "clouds.a.limits.paralel: no such key; did you mean parallel?"),
    ],
)
def test_mistakes_are_told_with_their_place(limits: str, message: str) -> None:
    text = f"clouds:\n  a:\n    driver: memory\n    limits: {{{limits}}}\n"
    with pytest.raises(ConfigError) as raised:
        Config.parse(text, path=Path("mine.yaml"))
    assert message in str(raised.value)
    assert str(raised.value).startswith("mine.yaml:4: ")


def test_limits_that_are_no_mapping_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"clouds\.a\.limits: a mapping was wanted"):
        Config.parse("clouds: {a: {driver: memory, limits: 8}}")
