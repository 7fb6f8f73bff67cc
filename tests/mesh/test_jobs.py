"""Jobs, queues and nodes of managers that machines share, as a mesh shows and acts on them."""

import json
from typing import Any

import pytest
from tests.mesh.conftest import Make
from tests.mesh.manager import Manager

from cloudmesh_sdk.errors import (
    AuthError,
    BackendTimeoutError,
    ConfigError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    PartialFailure,
    UnavailableError,
    UnsupportedError,
)
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import Job, JobState, Operation, OperationState

SHARED = """
profile: {username: albert}
queues:
  fg:
    driver: memory
    interval: 0
    machines:
      india: {queues: [batch, long]}
      sierra: {nodes: "s[001-003]"}
  alone: {driver: memory, interval: 0, defaults: {queue: mixed}}
"""
SECRET = "correct-horse"


@pytest.fixture
def manager() -> Manager:
    return Manager()


@pytest.fixture
def alone() -> Manager:
    return Manager("alone")


@pytest.fixture
def mesh(make: Make, manager: Manager, alone: Manager, monkeypatch: pytest.MonkeyPatch) -> Mesh:
    made = make(SHARED)
    monkeypatch.setitem(made.queues._open, "fg", manager)
    monkeypatch.setitem(made.queues._open, "alone", alone)
    return made


def ids(jobs: Any) -> list[str]:
    return [job.id for job in jobs]


# lists


def test_the_machines_are_those_of_the_configuration(mesh: Mesh) -> None:
    assert mesh.machines == ("india", "sierra", "alone")
    assert list(mesh.queues) == ["fg", "alone"]


def test_a_job_of_two_machines_is_one_row_and_at_both_by_machine(
    mesh: Mesh, manager: Manager
) -> None:
    manager.put("1", queues=("batch", "mixed"), state=JobState.PENDING)
    (job,) = mesh.jobs()
    assert (job.machines, job.machine) == (("india", "sierra"), "india,sierra")
    found = mesh.qstat()
    assert {machine: list(jobs) for machine, jobs in found.items()} == {
        "india": ["1"], "sierra": ["1"], "alone": [],
    }  # fmt: skip
    info = {queue.name: queue.totals for queue in mesh.queue_info("fg")}
    assert info == {"batch": {"pending": 1}, "long": {}, "mixed": {"pending": 1}}


def test_what_no_machine_owns_is_shown_as_unassigned(mesh: Mesh, manager: Manager) -> None:
    manager.put("1", queues=("mixed",), hosts="i002")
    assert mesh.qstat()["unassigned"]["1"]["machines"] == ["unassigned"]
    assert ids(mesh.jobs("fg")) == ["1"]
    assert ids(mesh.jobs(["india", "sierra"])) == []


def test_what_no_machine_owns_can_be_asked_for_alone(
    mesh: Mesh, manager: Manager, alone: Manager
) -> None:
    manager.put("1", queues=("other",))
    manager.put("2", queues=("long",))
    alone.put("3")
    assert ids(mesh.jobs("unassigned")) == ["1"]
    assert list(mesh.qstat("unassigned")) == ["unassigned"]
    assert list(mesh.qstat("unassigned")["unassigned"]) == ["1"]
    assert ids(mesh.jobs(["unassigned", "india"])) == ["1", "2"]
    with pytest.raises(ConfigError, match="there is no machine 'unassigned'"):
        mesh.submit("true", machine="unassigned")


def test_dicts_are_plain_and_hold_the_native_data(mesh: Mesh, manager: Manager) -> None:
    manager.put("1", native={"Job_Name": "a", "list": [1, 2]})
    job = mesh.qstat("india")["india"]["1"]
    assert job["native"] == {"Job_Name": "a", "list": [1, 2]}
    assert (type(job), type(job["native"]), job["state"]) == (dict, dict, "running")
    assert json.loads(json.dumps(job, default=str))["queues"] == ["batch"]
    queue = mesh.qinfo("india")["india"]["batch"]
    assert (queue["state"], queue["totals"]) == ("open", {"running": 1})


def test_dicts_of_a_manager_that_fails_are_an_error_not_empty(mesh: Mesh, manager: Manager) -> None:
    manager.error = UnavailableError("fg: the controller is down")
    with pytest.raises(PartialFailure, match="the controller is down"):
        mesh.qstat()
    with pytest.raises(PartialFailure):
        mesh.qinfo()


def test_jobs_are_picked_by_what_they_are(mesh: Mesh, manager: Manager, alone: Manager) -> None:
    manager.put("1", user="albert", queues=("batch",), account="bio")
    manager.put("2", user="berta", queues=("long",), state=JobState.PENDING)
    manager.put("12_[1-9]", user="berta", array="12", indices="1-9", count=9)
    alone.put("3", user="albert", name="solo")
    assert ids(mesh.jobs(user="berta", queue="long")) == ["2"]
    assert ids(mesh.jobs(state="pending")) == ["2"]
    assert ids(mesh.jobs(account="bio")) == ["1"]
    assert ids(mesh.jobs(name="solo")) == ["3"]
    assert ids(mesh.jobs("alone")) == ["3"]
    assert ids(mesh.jobs(where={"native.of": "3"})) == ["3"]
    assert ids(mesh.jobs(user=["albert"], sort="-id")) == ["3", "1"]
    assert ids(mesh.jobs(limit=1, sort="id")) == ["1"]
    assert len(mesh.jobs(user="berta", expand=True)) == 10
    with pytest.raises(InvalidRequestError, match="jobs have no field 'colour'"):
        mesh.jobs(sort="colour")


def test_ids_stand_in_order_of_numbers(mesh: Mesh, manager: Manager) -> None:
    for id_ in ("10", "9", "100.host", "11[2].host"):
        manager.put(id_)
    assert ids(mesh.jobs(sort="id")) == ["9", "10", "11[2].host", "100.host"]


def test_jobs_of_an_array_stand_in_order_of_their_indices(mesh: Mesh, manager: Manager) -> None:
    manager.put("7", array="7", indices="9-11", count=3, state=JobState.PENDING)
    for id_ in ("7_2", "7_1", "7_100"):
        manager.put(id_, array="7")
    found = ids(mesh.jobs(sort="id", expand=True))
    assert found[-4:] != sorted(found)[-4:]
    assert [id_ for id_ in found if id_ in ("7_1", "7_2", "7_100")] == ["7_1", "7_2", "7_100"]


def test_a_number_of_any_length_is_put_in_order(mesh: Mesh, manager: Manager) -> None:
    for id_, name in (("1", "9" * 5000), ("2", "10"), ("3", "2"), ("4", "")):
        manager.put(id_, name=name)
    assert ids(mesh.jobs(sort="name")) == ["4", "3", "2", "1"]


@pytest.mark.parametrize("field", ["name", "queue", "account"])
def test_a_job_with_what_is_no_text_is_refused_before_it_is_written_down(
    mesh: Mesh, manager: Manager, field: str
) -> None:
    given: dict[str, Any] = {field: "caf\udce9"}
    with pytest.raises(InvalidRequestError, match=rf"{field} 'caf\\xe9' is no text in UTF-8"):
        mesh.submit("true", machine="fg", **given)
    assert manager.requests == []
    assert mesh.operations() == []


def test_a_program_whose_name_is_no_text_may_be_handed_in(mesh: Mesh, manager: Manager) -> None:
    assert mesh.submit("./caf\udce9", machine="fg").name == "caf?"
    assert manager.requests[0].command == ("./caf\udce9",)


def test_no_job_is_called_what_is_no_text(mesh: Mesh) -> None:
    with pytest.raises(InvalidRequestError, match=r"job 'caf\\xe9' is no text in UTF-8"):
        mesh.find_jobs("caf\udce9")


def test_arrays_count_one_by_one_in_totals(mesh: Mesh, manager: Manager) -> None:
    manager.put("12", array="12", indices="1-100000", count=100_000, state=JobState.PENDING)
    manager.put("12_0", array="12", index=0)
    batch = next(row for row in mesh.queue_info() if (row.cloud, row.name) == ("fg", "batch"))
    assert batch.totals == {"pending": 100_000, "running": 1}
    assert (batch.jobs, batch.pending, batch.running) == (100_001, 100_000, 1)


def test_nodes_know_their_machine(mesh: Mesh) -> None:
    found = {node.name: node.machine for node in mesh.nodes("fg")}
    assert found == {"i001": "unassigned", "i002": "unassigned", "s001": "sierra"}
    assert [node.name for node in mesh.nodes("sierra")] == ["s001"]


def test_a_manager_that_is_off_is_asked_by_name_alone(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh = make("queues: {fg: {driver: memory, active: false}}")
    manager = Manager()
    manager.put("1")
    monkeypatch.setitem(mesh.queues._open, "fg", manager)
    assert (ids(mesh.jobs()), ids(mesh.jobs("fg"))) == ([], ["1"])


def test_an_entry_that_cannot_be_opened_hides_no_other(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh = make("queues: {bad: {driver: nowhere}, fg: {driver: memory}}")
    manager = Manager()
    manager.put("1")
    monkeypatch.setitem(mesh.queues._open, "fg", manager)
    found = mesh.jobs()
    assert ids(found) == ["1"]
    assert "no driver named 'nowhere'" in str(found.errors["bad"])


# handing in


def test_a_job_goes_to_a_queue_of_its_machine(mesh: Mesh, manager: Manager) -> None:
    first = mesh.submit("sleep", "5", machine="india")
    assert (first.queues, first.machines, first.name) == (("batch",), ("india",), "sleep")
    second = mesh.submit("sleep", "5", machine="sierra")
    assert (second.queues, second.machines) == (("mixed",), ("sierra",))
    assert ids(mesh.jobs("sierra")) == [second.id]
    assert [request.command for request in manager.requests] == [("sleep", "5")] * 2


def test_a_queue_of_another_machine_is_refused(mesh: Mesh, manager: Manager) -> None:
    with pytest.raises(InvalidRequestError, match=r"sierra has no queue 'long'; its queues: mixed"):
        mesh.submit("true", machine="sierra", queue="long")
    assert manager.requests == []


def test_the_machine_comes_from_the_default(mesh: Mesh, alone: Manager) -> None:
    with pytest.raises(ConfigError, match="name one of india, sierra, alone"):
        mesh.submit("true")
    with pytest.raises(ConfigError, match="there is no machine 'indja'"):
        mesh.default("machine", "indja")
    mesh.default("machine", "alone")
    mesh.default("walltime", "1:30:00", cloud="alone")
    job = mesh.submit("true")
    assert (job.machine, job.queues) == ("alone", ("mixed",))
    assert alone.requests[0].walltime == 5400


def test_a_machine_by_account_gives_its_account(
    make: Make, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh = make("queues: {fg: {driver: memory, interval: 0, machines: {bio: {accounts: [bio]}}}}")
    monkeypatch.setitem(mesh.queues._open, "fg", manager)
    mesh.submit("true", machine="bio")
    assert manager.requests[0].account == "bio"
    with pytest.raises(InvalidRequestError, match=r"jobs on bio have an account of bio; 'chem'"):
        mesh.submit("true", machine="bio", account="chem")


def test_amounts_are_taken_as_people_write_them(mesh: Mesh, alone: Manager) -> None:
    before = mesh.submit("true", machine="alone")
    mesh.submit(
        script="#!/bin/sh\ntrue\n", machine="alone", name="all", memory="4G", walltime="90m",
        array="1-5", after=before, options="--qos=high", nodes=2, environment={"A": "b"},
    )  # fmt: skip
    request = alone.requests[1]
    assert (request.name, request.memory, request.walltime, request.nodes) == ("all", 4096, 5400, 2)
    assert (request.array, request.options) == ("1-5", ("--qos=high",))
    assert dict(request.after) == {"afterok": (before.id,)}
    assert dict(request.environment) == {"A": "b"}


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({}, "a command or a script was wanted, found neither"),
        ({"script": "echo hi"}, "a script begins with #! and its interpreter"),
        ({"command": ("a",), "script": "#!/bin/sh"}, "found both"),
        ({"command": ("a",), "walltime": "soon"}, "'soon' is no walltime"),
        ({"command": ("a",), "memory": "much"}, "'much' is no memory"),
        ({"command": ("a",), "nodes": 0}, "nodes is 1 or more, not 0"),
        ({"command": ("a",), "array": "5-1"}, "are no indices of an array"),
        ({"command": ("a",), "after": {"when": "1"}}, "'when' is no way to wait for a job"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_sent(
    mesh: Mesh, alone: Manager, asked: dict[str, Any], why: str
) -> None:
    command = asked.pop("command", ())
    with pytest.raises(InvalidRequestError, match=why):
        mesh.submit(*command, machine="alone", **asked)
    assert alone.requests == []
    assert mesh.operations() == []


def test_what_the_driver_cannot_do_is_refused(mesh: Mesh, alone: Manager) -> None:
    with pytest.raises(UnsupportedError, match=r"alone takes no 'gpus' for a job"):
        mesh.submit("true", machine="alone", gpus=1)
    assert alone.requests == []


def test_an_array_counts_once_also_when_it_was_asked_for_as_a_whole(make: Make) -> None:
    mesh = make("queues: {fg: {driver: memory, interval: 3600, slots: 1}}")
    held = mesh.submit("true", name="sweep", array="1-3", held=True)
    mesh.store.polls.done(mesh._scopes["fg"], "jobs", holder="", wait=0)
    assert [(job.id, job.state) for job in mesh.jobs()] == [
        (f"{held.id}_{index}", JobState.HELD) for index in (1, 2, 3)
    ]
    assert mesh.job(held.id).count == 3
    assert sum(job.count for job in mesh.jobs()) == 3
    mesh.cancel_jobs(held.id).complete()
    assert [job.state for job in mesh.jobs()] == [JobState.CANCELLED] * 3


def test_a_submit_is_journalled_without_what_may_be_secret(mesh: Mesh) -> None:
    job = mesh.submit(
        "run", f"--password={SECRET}", machine="alone", walltime=60, environment={"KEY": SECRET}
    )
    mesh.submit(script=f"#!/bin/sh\nlogin {SECRET}\n", machine="alone")
    journal = mesh.operations()
    assert SECRET not in repr(journal)
    asked = next(operation for operation in journal if operation.result == job.id)
    assert (asked.act, asked.state, asked.cloud) == ("submit", OperationState.DONE, "alone")
    assert asked.request == {"queue": "mixed", "walltime": 60}


def test_a_submit_whose_answer_was_lost_is_found_and_not_done_twice(
    mesh: Mesh, alone: Manager
) -> None:
    alone.lost = UnavailableError("alone: the connection broke")
    job = mesh.submit("true", machine="alone")
    assert (len(alone.table), len(alone.requests)) == (1, 1)
    assert job.id in alone.table
    assert mesh.operations()[0].state is OperationState.DONE


def test_a_submit_of_which_nothing_is_known_says_so_and_which_operation_it_is(
    mesh: Mesh, alone: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(token: str) -> None:
        raise UnavailableError("alone: the controller is down")

    monkeypatch.setattr(alone, "find", silent)
    alone.lost = BackendTimeoutError("alone: no answer in 60 s")
    with pytest.raises(BackendTimeoutError) as error:
        mesh.submit("true", machine="alone")
    (operation,) = mesh.operations()
    assert operation.state is OperationState.UNKNOWN
    assert str(error.value) == (
        f"alone: no answer in 60 s; what became of it is found out later (operation {operation.id})"
    )
    assert isinstance(error.value.__cause__, BackendTimeoutError)


def test_a_default_machine_that_is_gone_is_told_to_be_the_default(mesh: Mesh) -> None:
    mesh.store.settings.set_default(mesh.user, "", "machine", "gone")
    with pytest.raises(ConfigError, match=r"no machine 'gone'; .*; it is your default"):
        mesh.submit("true")
    with pytest.raises(ConfigError) as named:
        mesh.submit("true", machine="gone")
    assert "default" not in str(named.value)


def test_a_submit_that_was_refused_is_failed(mesh: Mesh, alone: Manager) -> None:
    alone.lost = AuthError("alone: no such account")
    with pytest.raises(AuthError):
        mesh.submit("true", machine="alone")
    assert mesh.operations()[0].state is OperationState.FAILED


def test_a_new_job_is_seen_at_once_without_a_question(
    make: Make, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh = make("queues: {fg: {driver: memory, interval: 3600}}")
    monkeypatch.setitem(mesh.queues._open, "fg", manager)
    mesh.jobs()
    job = mesh.submit("true")
    assert ids(mesh.jobs()) == [job.id]
    assert manager.asked == ["jobs", "submit"]


# acts


def test_jobs_are_held_released_and_cancelled(mesh: Mesh, manager: Manager) -> None:
    manager.put("1", state=JobState.PENDING)
    manager.put("2", state=JobState.PENDING)
    told: list[Operation] = []
    held = mesh.hold_jobs(["1", 2], told=told.append)
    assert [job.state for job in held] == [JobState.HELD] * 2
    assert [job.machine for job in held] == ["india"] * 2
    assert [operation.act for operation in told] == ["hold_job"] * 2
    assert mesh.release_jobs("1").one().state is JobState.PENDING
    assert mesh.cancel_jobs(mesh.jobs(state="held")).one().id == "2"
    assert {job.id: job.state for job in mesh.jobs()} == {
        "1": JobState.PENDING, "2": JobState.CANCELLED,
    }  # fmt: skip


def test_of_several_those_that_fail_are_named(mesh: Mesh, manager: Manager) -> None:
    manager.put("1", name="a", state=JobState.PENDING)
    manager.put("2", name="b", state=JobState.RUNNING)
    done = mesh.hold_jobs(["1", "2"])
    assert ids(done) == ["1"]
    assert isinstance(done.errors["b"], ConflictError)
    with pytest.raises(ConflictError):
        mesh.hold_jobs("2")


def test_one_that_is_gone_when_cancelled_is_remembered_as_cancelled(
    mesh: Mesh, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager.put("1", state=JobState.PENDING, name="mine", account="bio")
    mesh.jobs()
    monkeypatch.setattr(manager, "cancel", lambda job: manager.table.pop(job.id))
    (job,) = mesh.cancel_jobs("1")
    assert (job.state, job.account) == (JobState.CANCELLED, "bio")
    assert job.missing is not None
    assert mesh.jobs() == []


@pytest.mark.parametrize(
    ("before", "after"),
    [(JobState.RUNNING, JobState.UNKNOWN), (JobState.DONE, JobState.DONE)],
)
def test_one_that_was_gone_before_is_not_called_cancelled(
    mesh: Mesh, manager: Manager, before: JobState, after: JobState
) -> None:
    manager.put("1", state=before)
    mesh.jobs()
    del manager.table["1"]
    mesh.jobs()
    (job,) = mesh.cancel_jobs("1")
    assert (job.state, job.missing is not None) == (after, True)
    assert [row.state for row in mesh.jobs(missing=True)] == [after]


def test_a_job_is_meant_by_its_id_its_number_or_its_name(
    mesh: Mesh, manager: Manager, alone: Manager
) -> None:
    manager.put("1.host", name="first")
    alone.put("2", name="same")
    alone.put("3", name="same")
    assert mesh.job("1").id == mesh.job("first").id == mesh.job("1.host").id == "1.host"
    with pytest.raises(InvalidRequestError, match=r"2 jobs are called 'same' \(alone:2, alone:3\)"):
        mesh.job("same")
    with pytest.raises(NotFoundError, match="fg, alone has no job '77'"):
        mesh.job(77)


def test_an_id_at_two_managers_needs_a_machine(
    mesh: Mesh, manager: Manager, alone: Manager
) -> None:
    manager.put("1")
    alone.put("1")
    with pytest.raises(InvalidRequestError, match=r"fg:1, alone:1.*name the machine"):
        mesh.job("1")
    assert mesh.job("1", machine="alone").cloud == "alone"
    assert mesh.job("1", machine="india").cloud == "fg"


def test_a_part_of_an_array_is_meant_by_its_indices(mesh: Mesh, manager: Manager) -> None:
    for index in range(1, 5):
        manager.put(f"12_{index}", array="12", index=index, state=JobState.PENDING)
    assert ids(mesh.cancel_jobs("12_[2-3]")) == ["12_2", "12_3"]
    for half in ("12_[1-", "12_[]", "12_[2]x"):
        with pytest.raises(InvalidRequestError, match=r"wanted is 12_\[1-3,7\]"):
            mesh.find_jobs(half)


def test_the_name_of_an_array_means_all_of_it(mesh: Mesh, manager: Manager, alone: Manager) -> None:
    for index in range(1, 5):
        manager.put(f"12_{index}", name="sweep", array="12", index=index)
    (whole,) = mesh.find_jobs("sweep")
    assert (whole.id, whole.indices, whole.count) == ("12", "1-4", 4)
    alone.put("13_1", name="sweep", array="13", index=1)
    with pytest.raises(InvalidRequestError, match="5 jobs are called 'sweep'"):
        mesh.find_jobs("sweep")


def test_one_that_is_new_is_found_though_no_list_has_it(
    make: Make, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh = make("queues: {fg: {driver: memory, interval: 3600}}")
    monkeypatch.setitem(mesh.queues._open, "fg", manager)
    mesh.jobs()
    manager.put("5")
    assert mesh.job(5).id == "5"
    assert manager.asked.count("jobs") == 1


# how it went


def test_output_is_read_where_the_job_is(mesh: Mesh, manager: Manager) -> None:
    job = manager.put("1")
    assert mesh.job_output("1") == "output of 1"
    assert mesh.job_output(job, error=True, tail=4) == "of 1"


def test_history_is_asked_of_all_and_names_those_that_keep_none(
    mesh: Mesh, manager: Manager, alone: Manager
) -> None:
    manager.over = {"5": manager.put("5", state=JobState.DONE)}
    found = mesh.job_history()
    assert ids(found) == ["5"]
    assert found[0].machines == ("india",)
    assert isinstance(found.errors["alone"], UnsupportedError)
    assert ids(mesh.job_history("fg", ids=["6"])) == []


def test_waiting_ends_when_all_are_over_and_tells_of_changes(
    mesh: Mesh, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager.put("1", state=JobState.PENDING)
    manager.put("2", state=JobState.RUNNING)
    course = iter([
        {"1": JobState.PENDING, "2": JobState.DONE},
        {"1": JobState.RUNNING, "2": JobState.DONE},
        {"1": JobState.FAILED, "2": JobState.DONE},
    ])  # fmt: skip
    jobs = mesh.jobs()

    def listed() -> list[Job]:
        for id_, state in next(course).items():
            manager.put(id_, state=state)
        return list(manager.table.values())

    monkeypatch.setattr(manager, "jobs", listed)
    told: list[tuple[str, str]] = []
    done = mesh.wait_jobs(jobs, timeout=30, told=lambda job: told.append((job.id, job.state.value)))
    assert {job.id: job.state for job in done} == {"1": JobState.FAILED, "2": JobState.DONE}
    assert done.errors == {}
    assert [what for what in told if what[0] == "1"] == [("1", "running"), ("1", "failed")]


def test_an_array_is_over_when_all_of_it_is(mesh: Mesh, manager: Manager) -> None:
    manager.put("12", array="12", indices="3-9", count=7, state=JobState.PENDING)
    manager.put("12_1", array="12", index=1, state=JobState.DONE)
    manager.put("12_2", array="12", index=2, state=JobState.FAILED, exit_code=4)
    late = mesh.wait_jobs("12", timeout=0.1)
    assert late[0].state is JobState.PENDING
    assert "12" in late.errors
    del manager.table["12"]
    over = mesh.wait_jobs("12", timeout=10)
    assert (over[0].state, over[0].exit_code, over.errors) == (JobState.FAILED, 4, {})


def test_waiting_that_is_too_long_says_what_each_job_is(mesh: Mesh, manager: Manager) -> None:
    manager.put("1", state=JobState.PENDING)
    late = mesh.wait_jobs("1", timeout=0.1)
    assert str(late.errors["1"]) == "1 is pending after 0.1 s"


def test_waiters_share_one_list(
    make: Make, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh = make("queues: {fg: {driver: memory, interval: 3600}}")
    monkeypatch.setitem(mesh.queues._open, "fg", manager)
    manager.put("1", state=JobState.PENDING)
    mesh.jobs()
    mesh.wait_jobs("1", timeout=0.5)
    mesh.wait_jobs("1", timeout=0.5)
    assert manager.asked == ["jobs"]


def test_managers_are_checked_at_once(mesh: Mesh) -> None:
    assert [health.service for health in mesh.check_queues()] == ["fg", "alone"]
