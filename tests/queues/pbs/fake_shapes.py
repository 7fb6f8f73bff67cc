"""What the fake PBS tells of its jobs, queues and node, as attributes in PBS's order."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.queues.pbs import fake_pbs, rendering
from tests.queues.pbs.rendering import Attribute, Thing

Row = dict[str, Any]
_COUNTS = ("Transit", "Queued", "Held", "Waiting", "Running", "Exiting", "Begun")
_STARTED = {"maint": "False"}
_ENABLED = {"closed": "False"}


class Shape:
    """Prints things as one of the two clients does."""

    def __init__(self, directory: Path, *, form: str) -> None:
        self._writer = (directory / "writer").read_text()
        self._form = form

    def show(self, kind: str, things: Sequence[Thing], ids: Sequence[str] = ()) -> None:
        heads = {"Jobs": "Job Id: ", "Queue": "Queue: ", "Server": "Server: ", "nodes": "Name="}
        if self._form == "dsv":
            said = rendering.dsv(things, heads[kind], old=self._writer == "old")
        elif self._writer == "old":
            said = rendering.old(things, kind, stamp=int(time.time()))
        else:
            shown = things[:1] if len(ids) > 1 else things  # as clients of 2026 do
            said = rendering.head(shown, kind, stamp=int(time.time()))
        sys.stdout.buffer.write(said)


def job(id: str, rows: dict[str, Row], key: str) -> Thing:  # noqa: A002
    row = rows[key]
    state = row["state"]
    if state == "F" and row["array"] and rows[row["array"]]["state"] != "F":
        state = "X"
    me = f"{fake_pbs.user()}@{fake_pbs.HOST}"
    own = [(one["state"], one["index"]) for one in rows.values() if one["array"] == key]
    plain: list[tuple[str, object]] = [
        ("Job_Name", row["name"]), ("Job_Owner", me), ("job_state", state),
        ("queue", row["queue"]), ("server", fake_pbs.HOST), ("Account_Name", row["account"]),
        ("Checkpoint", "u"), ("ctime", _ctime(row["created"])),
        ("depend", ",".join(":".join(one) for one in row["after"])),
        ("Error_Path", f"{fake_pbs.HOST}:{row['error']}"),
        ("exec_host", f"{fake_pbs.HOST}/0" if row["started"] else None),
        ("exec_vnode", f"({fake_pbs.HOST}:ncpus=1)" if row["started"] else None),
        ("Hold_Types", row["holds"]), ("Join_Path", "oe" if row["joined"] else "n"),
        ("Output_Path", f"{fake_pbs.HOST}:{row['output']}"), ("Priority", 0),
    ]  # fmt: skip
    attributes: list[Attribute] = [(n, None, str(v)) for n, v in plain if v not in (None, "")]
    attributes += [
        ("Resource_List", name, value)
        for name, value in {"ncpus": "1", "nodect": "1", "walltime": "01:00:00",
                            **row["resources"]}.items()
    ]  # fmt: skip
    last: list[tuple[str, object]] = [
        ("stime", _ctime(row["started"])), ("obittime", _ctime(row["ended"])),
        ("substate", row["substate"]), ("Variable_List", _variables(row)), ("euser", me),
        ("Exit_status", row["exit"]), ("Submit_arguments", row["arguments"]),
        ("array", "True" if row["indices"] else None),
        ("array_state_count", _counted([one for one, _ in own]) if own else None),
        ("array_indices_submitted", row["indices"]),
        ("array_indices_remaining", _remaining(own) if own else None),
        ("max_run_subjobs", row["throttle"]),
        ("array_id", f"{row['array']}[].{fake_pbs.HOST}" if row["array"] else None),
        ("array_index", row["index"]),
    ]  # fmt: skip
    attributes += [(name, None, str(value)) for name, value in last if value not in (None, "")]
    return Thing(id, [(n, r, _bytes(v)) for n, r, v in attributes])


def others(rows: dict[str, Row], *, queues: bool) -> tuple[str, list[Thing]]:
    """Return the queues, or the server."""
    if not queues:
        told = [
            ("server_state", None, "Active"), ("default_queue", None, fake_pbs.QUEUES[0]),
            ("pbs_version", None, "23.06.06"), ("job_history_enable", None, "True"),
        ]  # fmt: skip
        return "Server", [Thing(fake_pbs.HOST, told)]
    made = []
    for name in fake_pbs.QUEUES:
        here = [row["state"] for row in rows.values() if row["queue"] == name]
        made.append(
            Thing(name, [
                ("queue_type", None, "Execution"), ("total_jobs", None, str(len(here))),
                ("state_count", None, "".join(f"{word}:{here.count(word[0])} "
                                              for word in _COUNTS)),
                ("resources_default", "walltime", "01:00:00"),
                ("enabled", None, _ENABLED.get(name, "True")),
                ("started", None, _STARTED.get(name, "True")),
            ])
        )  # fmt: skip
    return "Queue", made


def node(rows: dict[str, Row]) -> Thing:
    running = sum(row["state"] == "R" for row in rows.values())
    told = [
        ("Mom", None, fake_pbs.HOST), ("Port", None, "15002"), ("ntype", None, "PBS"),
        ("state", None, "free" if running < 16 else "job-busy"),
        ("resources_available", "mem", "16777216kb"), ("resources_available", "ncpus", "16"),
        ("resources_assigned", "mem", "0kb"), ("resources_assigned", "ncpus", str(running)),
    ]  # fmt: skip
    return Thing(fake_pbs.HOST, told)


def _variables(row: Row) -> str:
    """Return the variables as the server keeps them: what could be misread has a backslash."""
    made = {"PBS_O_HOME": str(Path.home()), "PBS_O_SYSTEM": "Linux", **row["env"],
            "PBS_O_WORKDIR": row["workdir"], "PBS_O_QUEUE": row["queue"]}  # fmt: skip
    letters = {mark: f"\\{mark}" for mark in "\\,\"'"}
    return ",".join(f"{k}={v.translate(str.maketrans(letters))}" for k, v in made.items())


def _bytes(value: str) -> str:
    return value.encode(errors="surrogateescape").decode("latin-1")


def _ctime(at: int | None) -> str | None:
    return None if at is None else time.ctime(at)


def _counted(parts: list[str]) -> str:
    words = {"Queued": "Q", "Running": "R", "Exiting": "E", "Expired": "F"}
    return " ".join(f"{word}:{parts.count(state)}" for word, state in words.items())


def _remaining(parts: list[tuple[str, int]]) -> str:
    return ",".join(str(index) for state, index in parts if state == "Q") or "-"
