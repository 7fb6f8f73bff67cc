"""Acts on batch jobs, as a table."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs

from cloudmesh_sdk.errors import NotFoundError
from cloudmesh_sdk.models import Job, JobRequest, JobState, Operation, Record
from cloudmesh_sdk.operations.act import Act, Reached, Records, Secrets, gone, look_at, look_for
from cloudmesh_sdk.queues.base import Queue

SECRETS = ("command", "script", "environment")
"""What of a request is not kept: it may hold secrets."""

CARRIED = ("command", "script")
"""What of these is written down for another process until the job is handed in."""

_OPEN = tuple(state for state in JobState if not state.is_over)
_FOLLOWS: Mapping[JobState, tuple[JobState, ...]] = {
    JobState.DONE: _OPEN,
    JobState.CANCELLED: _OPEN,
    JobState.EXITING: (JobState.RUNNING, JobState.SUSPENDED),
    JobState.HELD: (JobState.PENDING,),
    JobState.PENDING: (JobState.HELD,),
}
"""Where a whole array is in a state, its jobs are too that were last seen in these."""


def rows(seen: Record, known: Iterable[Record]) -> Iterator[Record]:
    """Yield what the view is to have once a record was seen, `known` being its array's rows.

    A record that stands for a whole array never stands beside its jobs: they would count twice.
    """
    listed = [row for row in known if isinstance(row, Job)]
    if not isinstance(seen, Job) or all(row.id == seen.id for row in listed):
        yield seen
        return
    for row in listed:
        if row.state in _FOLLOWS.get(seen.state, ()):
            yield attrs.evolve(row, state=seen.state, seen=seen.seen)


def _request(operation: Operation, secrets: Secrets) -> JobRequest:
    given = {key: _frozen(value) for key, value in {**operation.request, **secrets}.items()}
    return JobRequest(name=operation.target, token=operation.token, **given)


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, Mapping):
        return {key: _frozen(item) for key, item in value.items()}
    return value


def _submit(queue: Queue, operation: Operation, secrets: Secrets) -> Records:
    made = queue.submit(_request(operation, secrets))
    return (attrs.evolve(made, token=operation.token),)


def _find(queue: Queue, operation: Operation) -> Job | None:
    found = queue.find(operation.token)
    return None if found is None else attrs.evolve(found, token=operation.token)


def _now(queue: Queue, operation: Operation) -> Job | None:
    try:
        return queue.job(operation.request["id"])
    except NotFoundError:
        return None


def _kept(operation: Operation, state: JobState = JobState.UNKNOWN) -> Job:
    """Return the job of a request, as far as it is known here."""
    request = operation.request
    return Job(
        cloud=operation.cloud,
        id=request["id"],
        name=operation.target,
        state=state,
        user=request.get("user", ""),
        array=request.get("array"),
        indices=request.get("indices", ""),
    )


def _cancelled(operation: Operation) -> Job:
    return _kept(operation, JobState.CANCELLED)


def _act(
    asked: Callable[[Queue, Job], None],
    reached: Reached,
    left: Callable[[Operation], Job] = _kept,
) -> Act:
    """Return an act on a job; `left` is what is shown of one that is gone then."""

    def go(queue: Queue, operation: Operation, _: Secrets) -> Records:
        asked(queue, _kept(operation))
        return (_now(queue, operation) or gone(left(operation)),)

    return Act(go=go, look=look_at(_now, left, reached), needs=Queue, harmless=True)


def _is_over(now: Job | None, _: Operation) -> bool:
    return now is None or now.state.is_over or now.state is JobState.EXITING


def _is_held(now: Job | None, _: Operation) -> bool:
    return now is not None and now.state is JobState.HELD


def _is_free(now: Job | None, _: Operation) -> bool:
    return now is not None and now.state is not JobState.HELD


JOB_ACTS: Mapping[str, Act] = {
    "submit": Act(go=_submit, look=look_for("job", _find), needs=Queue),
    "cancel_job": _act(lambda queue, job: queue.cancel(job), _is_over, _cancelled),
    "hold_job": _act(lambda queue, job: queue.hold(job), _is_held),
    "release_job": _act(lambda queue, job: queue.release(job), _is_free),
}
"""Acts on jobs: how it is done, and whether it is then as it was wanted."""
