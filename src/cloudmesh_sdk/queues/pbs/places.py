"""Where a job writes to, and which indices an array has."""

from cloudmesh_sdk.errors import InvalidRequestError
from cloudmesh_sdk.queues import arrays
from cloudmesh_sdk.queues.pbs import values
from cloudmesh_sdk.queues.pbs.values import Told, word


def output(told: Told) -> str | None:
    """Return the file of the standard output."""
    joined = word(told, "Join_Path")
    return values.path(word(told, "Error_Path" if joined == "eo" else "Output_Path"))


def error(told: Told) -> str | None:
    """Return the file of the standard error, where that is another one."""
    return (
        None if word(told, "Join_Path") in ("oe", "eo") else values.path(word(told, "Error_Path"))
    )


def indices(told: Told) -> tuple[str, int | None]:
    """Return which indices an array was submitted with, and how many may run at once."""
    said = str(word(told, "array_indices_submitted", "job_array_request") or "")
    listed, _, throttle = said.partition("%")
    return _readable(listed), values.number(word(told, "max_run_subjobs") or throttle)


def waiting(told: Told) -> str:
    """Return which indices of an array have not begun, in the order of PBS."""
    return _readable(str(word(told, "array_indices_remaining") or ""))


def _readable(listed: str) -> str:
    """Return indices that can be read; `-` are none."""
    try:
        arrays.indices(listed)
    except InvalidRequestError:
        return ""
    return listed
