"""From a job as it is kept to a `Job`, and to what is written down of a request."""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cloudmesh_sdk.models import Job, JobRequest
from cloudmesh_sdk.queues import arrays
from cloudmesh_sdk.queues.small.states import HELD, STATES, WAITING
from cloudmesh_sdk.queues.small.table import Document

_OURS = ("starter", "base", "began")
"""What of a job is of the scheduler alone."""


def job(manager: str, row: Mapping[str, Any]) -> Job:
    """Return a job as it is kept as a record."""
    return Job(
        cloud=manager,
        id=row["id"],
        name=row["name"],
        state=STATES[row["state"]],
        user=row["user"],
        account=row["account"],
        queues=(row["queue"],),
        reason=row["reason"],
        nodes=1,
        cores=row["cores"],
        walltime=row["walltime"],
        hosts=row["node"] if row["started"] else "",
        array=row["array"],
        index=row["index"],
        throttle=row["throttle"],
        submitted=_time(row["submitted"]),
        started=_time(row["started"]),
        ended=_time(row["ended"]),
        exit_code=row["exit"],
        signal=row["signal"],
        depends=",".join(f"{how}:{':'.join(ids)}" for how, ids in row["after"].items()) or None,
        workdir=row["workdir"],
        output=row["output"],
        error=row["error"],
        token=row["token"],
        native={key: value for key, value in row.items() if key not in _OURS},
    )


def documents(
    request: JobRequest, *, first: int, user: str, node: str, queue: str, rooms: Path
) -> Iterator[Document]:
    """Yield what is written down of a request: one for each of an array."""
    if request.array is None:
        yield _document(request, str(first), user, node, queue, rooms)
        return
    throttle = request.array.partition("%")[2]
    for part in arrays.indices(request.array):
        for index in part:
            row = _document(request, f"{first}_{index}", user, node, queue, rooms)
            yield row | {
                "array": str(first), "index": index,
                "throttle": int(throttle) if throttle else None,
            }  # fmt: skip


def _document(  # noqa: PLR0917 - each is needed
    request: JobRequest,
    id: str,  # noqa: A002
    user: str,
    node: str,
    queue: str,
    rooms: Path,
) -> Document:
    workdir = Path(request.workdir or ".").absolute()
    output = workdir / request.output if request.output else rooms / id / "output"
    return {
        "id": id, "name": request.name, "user": user, "account": request.account, "queue": queue,
        "state": HELD if request.held else WAITING, "reason": None, "token": request.token,
        "cores": (request.tasks or 1) * (request.cores or 1), "walltime": request.walltime,
        "after": {how: list(ids) for how, ids in request.after.items()},
        "workdir": str(workdir), "output": str(output),
        "error": str(workdir / request.error) if request.error else None,
        "node": node, "base": id.partition("_")[0],
        "array": None, "index": None, "throttle": None, "submitted": time.time(), "started": None,
        "ended": None, "exit": None, "signal": None, "attempt": 0, "starter": [None, None],
        "pid": None, "group": None, "began": None, "ending": "", "asked": None,
    }  # fmt: skip


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
