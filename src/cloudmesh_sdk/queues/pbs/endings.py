"""How a job ended: by its exit status, its substate, and what it used of its walltime."""

import re
from collections.abc import Mapping
from datetime import datetime

import attrs

from cloudmesh_sdk.models import JobState
from cloudmesh_sdk.queues.pbs import states, values
from cloudmesh_sdk.queues.pbs.values import Told, group, word

_SIGNALLED = 256
_SHELL_SIGNALLED = 128
_SIGNALS = 64
_KILLED = (9, 15)
"""Signals by which PBS ends a job: SIGKILL and SIGTERM."""

PARTS: Mapping[str, JobState] = {
    "Running": JobState.RUNNING,
    "Exiting": JobState.EXITING,
    "Queued": JobState.PENDING,
}
"""Of an array that has begun: what its parts do, the most lively first."""

_COUNTED = re.compile(r"(\w+):(\d+)")


@attrs.frozen(kw_only=True)
class Ending:
    """How and when a job ended."""

    state: JobState
    at: datetime | None
    code: int | None = None
    signal: int | None = None
    reason: str | None = None


def ending(told: Told) -> Ending | None:
    """Return how a job ended, None for one that is not over."""
    state = word(told, "job_state")
    if state not in states.OVER:
        return None
    torque = state == "C"
    status = values.number(word(told, "Exit_status", "exit_status"))
    own = (states.TORQUE_CODES if torque else states.OWN_CODES).get(status or 0)
    code, signal = _wait_status(status)
    became = states.ENDS.get(values.number(word(told, "substate")) or 0)
    if became is None or torque:
        became = _guessed(status, signal, torque=torque)
    if became is JobState.DONE and status not in (0, None):
        became = JobState.FAILED
    late = own == states.TIMEOUT or (signal in _KILLED and _used_up(told))
    if late and (torque or became is JobState.FAILED):
        became = JobState.TIMEOUT
    if became is JobState.CANCELLED and code == 0:
        code = None  # PBS says so of one that was deleted while it ran
    comment = values.text(word(told, "comment"))
    reason = own or (states.TIMEOUT if late else comment)
    reason = None if became is JobState.DONE else reason
    return Ending(state=became, at=_when(told), code=code, signal=signal, reason=reason)


def counted(listed: str | float | None) -> dict[str, int]:
    """Return `Queued:1 Running:2 Exiting:0 Expired:0` by state, those that are over left out."""
    found = {name: int(count) for name, count in _COUNTED.findall(str(listed or ""))}
    return {name: count for name, count in found.items() if name != "Expired"}


def _wait_status(status: int | None) -> tuple[int | None, int | None]:
    """Return exit code and signal: 256 + signal (PBS saw it) or 128 + signal (a shell did)."""
    if status is None or status < 0:
        return None, None
    if status > _SIGNALLED:
        return None, status - _SIGNALLED
    if _SHELL_SIGNALLED < status <= _SHELL_SIGNALLED + _SIGNALS:
        return status, status - _SHELL_SIGNALLED
    return status, None


def _guessed(status: int | None, signal: int | None, *, torque: bool) -> JobState:
    """Return what an exit status means where no substate says more."""
    if status is None or (torque and signal == _KILLED[1]):
        return JobState.CANCELLED
    return JobState.DONE if status == 0 else JobState.FAILED


def _used_up(told: Told) -> bool:
    used, may = (
        values.seconds(word(group(told, name), "walltime"))
        for name in ("resources_used", "Resource_List")
    )
    return used is not None and may is not None and used >= may


def _when(told: Told) -> datetime | None:
    names = ("obittime", "comp_time", "history_timestamp", "mtime")
    found = (values.time(word(told, name)) for name in names)
    return next((at for at in found if at is not None), None)
