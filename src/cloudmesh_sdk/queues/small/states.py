"""Words of the small scheduler for the state of a job, and what they mean."""

from collections.abc import Mapping

from cloudmesh_sdk.models import JobState

WAITING, HELD, STARTING, RUNNING = "WAITING", "HELD", "STARTING", "RUNNING"
DONE, FAILED, CANCELLED, TIMEOUT = "DONE", "FAILED", "CANCELLED", "TIMEOUT"

STATES: Mapping[str, JobState] = {
    WAITING: JobState.PENDING,
    HELD: JobState.HELD,
    STARTING: JobState.PENDING,
    RUNNING: JobState.RUNNING,
    DONE: JobState.DONE,
    FAILED: JobState.FAILED,
    CANCELLED: JobState.CANCELLED,
    TIMEOUT: JobState.TIMEOUT,
}

WAITS = (WAITING, HELD)
RUNS = (STARTING, RUNNING)
OVER = (DONE, FAILED, CANCELLED, TIMEOUT)
