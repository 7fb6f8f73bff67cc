"""`cm op`: what was asked for, waited for, cancelled, asked again, found out about."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from click.shell_completion import ShellComplete
from tests.shell.calling import Cm

from cloudmesh_sdk.models import Operation, OperationState, ServerRequest
from cloudmesh_sdk.operations.runner import intent
from cloudmesh_sdk.shell import progress
from cloudmesh_sdk.shell.app import app
from cloudmesh_sdk.shell.progress import Done
from cloudmesh_sdk.shell.session import Session

DEAD = "elsewhere.example.org/1/0.00"


def left(session: Session, target: str, **fields: Any) -> Operation:
    """Leave an operation as a process that is gone would."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    found = attrs.evolve(
        intent(session.mesh.user, "start", "india", target),
        **{"runner": DEAD, "lease": past, **fields},
    )
    session.mesh.store.journal.add([found])
    return found


def failed(session: Session) -> Operation:
    """Return a start that failed, as the journal has it."""
    server = session.mesh.start(cloud="india", name="web").one()
    session.mesh.delete(server)
    done = next(o for o in session.mesh.operations() if o.act == "start")
    now = session.mesh.store.journal.change(done, state=OperationState.FAILED)
    assert now is not None
    return now


def test_waiting_shows_what_became_of_each(cm: Cm, session: Session) -> None:
    cm("vm start --name w-[1-2] --cloud india")
    done = [operation.id for operation in session.mesh.operations()]
    never = left(session, "never")
    result = cm(f"op wait {done[0][:8]} {done[1]} --format json")
    assert result.exit_code == 0
    assert [(row["id"], row["state"]) for row in json.loads(result.output)] == [
        (done[0], "done"), (done[1], "done")
    ]  # fmt: skip
    result = cm(f"op wait {done[0]} {never.id} --format csv --columns id,state")
    assert (result.exit_code, result.output) == (
        6, f"id,state\n{done[0]},done\n{never.id},cancelled\n"
    )  # fmt: skip
    assert "was cancelled: it was never sent" in result.error
    assert cm(f"op wait {never.id}").exit_code == 1
    line = f"op wait {done[0]} {never.id} --where state=done --format csv --columns id"
    assert cm(line).output == f"id\n{done[0]}\n"


def test_waiting_ends_in_time(cm: Cm, session: Session) -> None:
    alive = datetime.now(UTC) + timedelta(minutes=1)
    slow = left(session, "slow", state=OperationState.RUNNING, lease=alive)
    result = cm(f"op wait {slow.id} --timeout 0")
    assert result.exit_code == 7
    assert f"start slow ({slow.id}) is running after 0 s" in result.error
    assert cm("op wait 123456").exit_code == 4


def test_cancelling_tells_what_became_of_each(cm: Cm, session: Session) -> None:
    alive = datetime.now(UTC) + timedelta(minutes=1)
    waits = left(session, "waits", lease=alive)
    runs = left(session, "runs", state=OperationState.RUNNING, sent=datetime.now(UTC), lease=alive)
    result = cm(f"op cancel {waits.id} {runs.id} --timeout 0 --format json")
    assert result.exit_code == 6
    assert [(row["id"], row["state"]) for row in json.loads(result.output)] == [
        (waits.id, "cancelled"), (runs.id, "running")
    ]  # fmt: skip
    assert f"start runs ({runs.id}) is running after 0 s; it is never sent again" in result.error
    assert "cancelling" in cm("op list --state running --columns id,progress").output
    assert session.mesh.operation(runs.id).cancelling is not None
    info = cm(f"op info {runs.id}").output
    assert dict(line.split(maxsplit=1) for line in info.splitlines() if " " in line)["cancelling"]
    alone = cm(f"op cancel {runs.id} --timeout 0 --format csv --columns id,state")
    assert (alone.exit_code, alone.output) == (7, f"id,state\n{runs.id},running\n")
    again = cm(f"op cancel {waits.id}")
    assert (again.exit_code, again.output) == (1, "")
    assert again.error == f"cm: start waits ({waits.id}) is cancelled already\n"


def test_cancelling_says_how_to_undo_what_is_done(cm: Cm, session: Session) -> None:
    cm("vm start --name w --cloud india")
    done = session.mesh.operations()[0]
    result = cm(f"op cancel {done.id[:8]}")
    assert (result.exit_code, result.output) == (1, "")
    assert result.error == f"cm: start w ({done.id}) is done already: cm vm delete w undoes it\n"


def test_ctrl_c_leaves_the_wish(cm: Cm, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    alive = datetime.now(UTC) + timedelta(minutes=1)
    runs = left(session, "runs", state=OperationState.RUNNING, sent=datetime.now(UTC), lease=alive)

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cloudmesh_sdk.mesh.settling.time.sleep", interrupt)
    result = cm(f"op cancel {runs.id}")
    assert result.exit_code == 130
    assert "what was to be cancelled is so all the same" in result.error
    assert session.mesh.operation(runs.id).cancelling is not None


@pytest.mark.parametrize("late", [True, False])
def test_progress_is_shown_of_what_takes_a_while(
    session: Session, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    shown = threading.Event()
    told: list[tuple[str, bool, int]] = []

    @contextmanager
    def drawn(_: Session, title: str, total: int) -> Iterator[Done]:
        assert (title, total) == ("cancel", 2)
        yield lambda name, failed, amount=1, /: told.append((name, failed, amount))
        shown.set()

    monkeypatch.setattr(progress, "progress", drawn)
    with progress.late_progress(session, "cancel", 2, after=0.05 if late else 60) as done:
        done("a", False)
        end = time.monotonic() + 30
        while late and not told:
            assert time.monotonic() < end
            time.sleep(0.01)
        done("b", True, 3)
    assert told == ([("a", False, 1), ("b", True, 3)] if late else [])
    assert shown.is_set() == late


def test_a_group_of_servers_is_counted_as_so_many(
    cm: Cm, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    totals, told = list[int](), list[tuple[str, bool, int]]()

    @contextmanager
    def drawn(_: Session, __: str, total: int) -> Iterator[Done]:
        totals.append(total)
        yield lambda name, failed, amount=1, /: told.append((name, failed, amount))

    for module in ("starting", "opacts"):
        monkeypatch.setattr(f"cloudmesh_sdk.shell.{module}.progress", drawn)
    assert cm("vm start --cloud india --count 3").exit_code == 0
    assert cm("vm start --cloud india web-[1-2]").exit_code == 0
    (group,) = [o.id for o in session.mesh.operations() if o.act == "start_many"][-1:]
    assert cm(f"op wait {group}").exit_code == 0
    assert totals == [3, 2, 3]
    assert [amount for _, _, amount in told] == [3, 1, 1, 3]  # names are started one by one


def test_what_failed_is_asked_for_again(cm: Cm, session: Session) -> None:
    old = failed(session)
    result = cm(f"op retry {old.id[:8]} --format yaml --columns act,target,state,retry_of")
    assert (result.exit_code, result.output) == (
        0, f"- act: start\n  target: web\n  state: done\n  retry_of: {old.id}\n"
    )  # fmt: skip
    assert "web" in {server.name for server in session.mesh.clouds["india"].servers()}
    again = cm(f"op retry {old.id}")
    assert again.exit_code == 1
    assert "was asked for again already" in again.error


def test_reconcile_shows_what_was_left_open(
    cm: Cm, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "no operation was left open" in cm("op reconcile").error
    sent = datetime.now(UTC) - timedelta(minutes=1)
    lost = left(session, "lost", state=OperationState.RUNNING, attempts=1, sent=sent)
    monkeypatch.setattr(session.mesh.clouds["india"], "settle", 3600.0)
    result = cm("op reconcile --format json")
    assert result.exit_code == 7
    assert [(row["id"], row["state"]) for row in json.loads(result.output)] == [
        (lost.id, "unknown")
    ]
    assert "of 1 it is not known yet" in result.error
    monkeypatch.setattr(session.mesh.clouds["india"], "settle", 0.0)
    result = cm("op reconcile --format json --columns state")
    assert (result.exit_code, json.loads(result.output)) == (0, [{"state": "failed"}])


@pytest.mark.parametrize("command", ["info", "wait", "cancel", "retry"])
def test_ids_are_completed(session: Session, command: str) -> None:
    known = left(session, "web", state=OperationState.FAILED)
    complete = ShellComplete(app, {"obj": session}, "cm", "_CM_COMPLETE")
    found = complete.get_completions(["op", command], known.id[:6])
    assert [item.value for item in found] == [known.id]


def test_orphans_are_shown_in_every_format(cm: Cm, session: Session) -> None:
    mesh = session.mesh
    web = mesh.start(cloud="india", name="web").one()
    mesh.clouds["india"].delete(web)
    token = "6c1f1d5e-0d0b-4b3e-8a55-2f4d0c6f9a11"
    request = ServerRequest(
        name="lost", image=web.image or "", flavor=web.flavor or "", token=token
    )
    lost = mesh.clouds["india"].start(request)
    asked = next(o for o in mesh.operations() if o.act == "start")
    result = cm("vm orphans --format json")
    assert result.exit_code == 0
    rows = {row["what"]: row for row in json.loads(result.output)}
    assert [rows["leaked"][key] for key in ("cloud", "name", "id", "token", "operation")] == [
        "india", "lost", lost.id, token, None
    ]  # fmt: skip
    assert [rows["gone"][key] for key in ("name", "id", "operation")] == ["web", web.id, asked.id]
    assert "look before you delete" in result.error
    csv = cm("vm orphans india --format csv --columns what,name,price --sort name").output
    assert csv == "what,name,price\nleaked,lost,\ngone,web,\n"
    table = cm("vm orphans india --sort name").output.splitlines()
    assert table[0].split() == ["what", "cloud", "name", "state", "age", "price", "id", "why"]
    assert table[2].split()[:4] == ["leaked", "india", "lost", "running"]
    assert table[2].endswith("no operation in this store asked for it")
    assert cm("vm orphans sierra --format yaml").output == "[]\n"


def test_a_cloud_that_cannot_tell_leaks_says_so(
    cm: Cm, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = session.mesh.clouds["india"]
    monkeypatch.setattr(type(cloud), "shows_tokens", property(lambda own: own.name != "india"))
    result = cm("vm orphans")
    assert result.exit_code == 6
    assert "its servers carry no tokens, so what leaked there cannot be told" in result.error
    assert cm("vm orphans sierra").exit_code == 0
