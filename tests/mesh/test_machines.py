"""Machines that share a queue manager."""

from typing import Any

import pytest

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import ConfigError
from cloudmesh_sdk.mesh.machines import Machines, Patterns
from cloudmesh_sdk.models import Job, JobState, Node, NodeState, QueueInfo, QueueState

SHARED = """
queues:
  fg:
    driver: memory
    machines:
      india: {queues: [batch, "long*"]}
      sierra: {nodes: "s[001-003]"}
      bravo: {accounts: bio}
  alone: {driver: memory}
  off: {driver: memory, active: false}
"""


@pytest.fixture
def machines() -> Machines:
    return Machines(Config.parse(SHARED).queues)


def job(**fields: Any) -> Job:
    given = {"id": "1", "name": "a", "state": JobState.RUNNING, "cloud": "fg", **fields}
    return Job(**given)


def queue(name: str, hosts: str = "") -> QueueInfo:
    return QueueInfo(cloud="fg", id=name, name=name, state=QueueState.OPEN, hosts=hosts)


def node(name: str, *queues: str) -> Node:
    return Node(cloud="fg", id=name, name=name, state=NodeState.IDLE, queues=queues)


QUEUES = [queue("batch", "i[001-009]"), queue("mixed", "i009,s[001-002]"), queue("own", "x1")]


def of(machines: Machines, found: Job) -> tuple[str, ...]:
    (placed,) = machines.placed_jobs("fg", [found], QUEUES)
    return placed.machines


@pytest.mark.parametrize(
    ("text", "fit", "not_fit"),
    [
        ("batch", ["batch"], ["batch2", "abatch", "BATCH", ""]),
        ("long*", ["long", "longer"], ["along"]),
        ("b?d", ["bad", "bed"], ["bd", "baad"]),
        ("s[001-003]", ["s001", "s003"], ["s004", "s1", "s0011"]),
        ("s[1,3]-gpu*", ["s1-gpu", "s3-gpu0"], ["s2-gpu", "s13-gpu"]),
        ("a,b[1-2]", ["a", "b1", "b2"], ["b", "a,b1"]),
        ("a.b", ["a.b"], ["axb"]),
    ],
)
def test_a_rule_is_a_hostlist_with_letters_left_open(
    text: str, fit: list[str], not_fit: list[str]
) -> None:
    pattern = Patterns([text])
    assert [name for name in fit if name not in pattern] == []
    assert [name for name in not_fit if name in pattern] == []


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("s[003-001]", r"'\[003-001\]' is no list of numbers"),
        ("s[1-99999999]", r"'\[1-99999999\]' is no list of numbers"),
        ("s[001", r"'s\[001' has a bracket without its other half"),
        ("s001]", r"'s001\]' has a bracket without its other half"),
    ],
)
def test_a_rule_that_cannot_be_read_is_told_with_its_place(rule: str, message: str) -> None:
    text = f"queues: {{fg: {{driver: memory, machines: {{a: {{nodes: '{rule}'}}}}}}}}"
    with pytest.raises(ConfigError, match=rf"^queues\.fg\.machines\.a\.nodes: {message}"):
        Machines(Config.parse(text).queues)


def test_without_rules_nothing_fits() -> None:
    assert "" not in Patterns([])
    assert not Patterns([])


def test_a_job_is_where_its_queue_is(machines: Machines) -> None:
    assert of(machines, job(queues=("batch",))) == ("india",)


def test_a_job_that_waits_in_queues_of_two_machines_is_each_ones(machines: Machines) -> None:
    waiting = job(queues=("long", "mixed"), state=JobState.PENDING)
    assert of(machines, waiting) == ("india", "sierra")


def test_a_job_that_runs_is_where_its_nodes_are(machines: Machines) -> None:
    assert of(machines, job(queues=("mixed",), hosts="s[001-002]")) == ("sierra",)
    assert of(machines, job(queues=("mixed",), hosts="i009")) == ("unassigned",)


def test_a_job_of_an_account_is_its_machines(machines: Machines) -> None:
    assert of(machines, job(queues=("batch",), account="bio")) == ("india", "bravo")


def test_what_no_rule_claims_is_unassigned(machines: Machines) -> None:
    assert of(machines, job(queues=("own",))) == ("unassigned",)


def test_a_queue_is_where_its_name_or_a_node_of_it_is(machines: Machines) -> None:
    placed = machines.placed_queues("fg", QUEUES)
    by_name = {row.name: row.machines for row in placed}
    assert by_name == {
        "batch": ("india", "bravo"), "mixed": ("sierra", "bravo"), "own": ("bravo",),
    }  # fmt: skip


def test_a_node_is_where_its_name_or_a_queue_of_it_is(machines: Machines) -> None:
    nodes = [node("s001", "mixed"), node("i001", "batch"), node("x1", "own")]
    assert [row.machines for row in machines.placed_nodes("fg", nodes)] == [
        ("sierra", "bravo"), ("india", "bravo"), ("bravo",),
    ]  # fmt: skip


def test_a_manager_without_rules_is_one_machine_of_its_name(machines: Machines) -> None:
    (placed,) = machines.placed_jobs("alone", [job(cloud="alone", queues=("any",))], [])
    assert placed.machines == ("alone",)


def test_names_of_machines_and_managers_mean_what_they_say(machines: Machines) -> None:
    assert machines.chosen(None) == {"fg": None, "alone": None}
    assert machines.chosen("india") == {"fg": frozenset({"india"})}
    assert machines.chosen(["india", "sierra"]) == {"fg": frozenset({"india", "sierra"})}
    assert machines.chosen(["india", "fg"]) == {"fg": None}
    assert machines.chosen(["fg", "india", "alone"]) == {"fg": None, "alone": None}
    assert machines.chosen("off") == {"off": None}
    assert machines.chosen([]) == {}


def test_a_machine_that_is_none_is_refused_with_near_ones(machines: Machines) -> None:
    with pytest.raises(ConfigError, match=r"there is no machine 'indja'; .*india"):
        machines.chosen("indja")
