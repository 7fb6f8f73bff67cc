"""Queue managers in cloudmesh.yaml: what an entry means, and where a mistake in it is."""

import pytest

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.config.queues import INTERVAL
from cloudmesh_sdk.errors import ConfigError

SHARED = """
queues:
  fg:
    driver: slurm
    host: login.example.org
    interval: 45
    floor: 20
    shared: false
    machines:
      india: {queues: [batch, "long*"]}
      sierra: {nodes: "s[001-004]", accounts: bio}
    defaults: {queue: batch, walltime: "1:00:00"}
  laptop: {driver: local, active: false}
"""

TWICE = """
queues:
  a: {driver: pbs, machines: {m: {queues: [q]}}}
  b: {driver: pbs, machines: {m: {queues: [q]}}}
"""


def test_an_entry_is_read_whole() -> None:
    queues = Config.parse(SHARED).queues
    fg = queues["fg"]
    assert (fg.driver, fg.interval, fg.floor, fg.shared, fg.active) == (
        "slurm",
        45,
        20,
        False,
        True,
    )
    assert fg.options == {"host": "login.example.org"}
    assert fg.defaults == {"queue": "batch", "walltime": "1:00:00"}
    assert fg.machines["india"].queues == ("batch", "long*")
    assert (fg.machines["sierra"].nodes, fg.machines["sierra"].accounts) == (
        ("s[001-004]",),
        ("bio",),
    )


def test_what_is_left_out_is_gentle_and_shared() -> None:
    laptop = Config.parse(SHARED).queues["laptop"]
    assert (laptop.interval, laptop.floor, laptop.shared) == (INTERVAL, 0, True)
    assert INTERVAL == 30
    assert laptop.machines == {}
    assert not laptop.active


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("queues: {fg: {}}", "queues.fg.*driver"),
        ("queues: {fg: {driver: slurm, machines: [india]}}", "a mapping was wanted, found a list"),
        ("queues: {fg: {driver: slurm, machines: {india: }}}", "a mapping with queues, nodes"),
        (
            "queues: {fg: {driver: slurm, machines: {india: {queue: [a]}}}}",
            "no such key; .*queues",
        ),
        ("queues: {fg: {driver: slurm, interval: soon}}", "a number of seconds was wanted"),
        ("queues: {fg: {driver: slurm, interval: -1}}", "a number of seconds was wanted"),
        ("queues: {fg: {driver: slurm, shared: 7}}", "true or false was wanted"),
        (
            "clouds: {india: {driver: memory}}\nqueues: {india: {driver: slurm}}",
            "the name is taken by cloud india",
        ),
        (TWICE, "the name is taken by queue manager a"),
        (
            "queues: {fg: {driver: slurm, machines: {unassigned: {queues: [a]}}}}",
            "machines.unassigned: the name is taken by what no machine owns",
        ),
        ("queues: {unassigned: {driver: slurm}}", "the name is taken by what no machine owns"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        Config.parse(text)
    assert "queues" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_machine_may_have_the_name_of_its_manager() -> None:
    text = "queues: {fg: {driver: slurm, machines: {fg: {queues: [a]}, other: {queues: [b]}}}}"
    assert list(Config.parse(text).queues["fg"].machines) == ["fg", "other"]
