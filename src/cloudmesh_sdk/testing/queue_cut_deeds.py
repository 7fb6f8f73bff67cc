"""What is asked of a queue manager while connections break, as a table."""

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from cloudmesh_sdk.errors import NotFoundError
from cloudmesh_sdk.models import Job, JobState
from cloudmesh_sdk.queues.base import Queue
from cloudmesh_sdk.testing.cut_plays import Asked, Deed, Scene
from cloudmesh_sdk.testing.queues import SLEEP, Submit

_THREE = "1-3"


@attrs.frozen(kw_only=True)
class QueueScene(Scene):
    """A scene at a queue manager."""

    given: Mapping[str, Any]
    """What every job needs here."""
    submit: Submit
    """Hands in jobs that are there until the end."""
    waiting: Callable[[], Job]
    """Hands in a job that waits and is not held."""

    @property
    def queue(self) -> Queue:
        """The manager's driver."""
        queue: Queue = self.service
        return queue

    def jobs(self, token: str) -> list[Job]:
        """Return what is listed of a token or of the name, whatever its state."""
        listed = self.queue.jobs()
        return [job for job in listed if token == job.token or self.name == job.name]

    def state(self, id: str) -> JobState | None:  # noqa: A002
        """Return the state of a job as the manager tells it, None where it is gone."""
        try:
            return self.queue.job(id).state
        except NotFoundError:
            return None


def _submit(scene: QueueScene) -> Asked:
    held = {"held": True} if "held" in scene.queue.extras else {}
    return scene.name, {**scene.given, **held}


def _submit_array(scene: QueueScene) -> Asked:
    target, request = _submit(scene)
    return target, {**request, "array": _THREE}


def _made(scene: QueueScene, token: str) -> set[str]:
    return {job.array or job.id for job in scene.jobs(token)}


def _on(job: Job) -> Asked:
    """Return what is asked of a job, as the mesh asks."""
    kept = {"id": job.id, "user": job.user, "array": job.array, "indices": job.indices}
    return job.name, kept


def _any(scene: QueueScene) -> Asked:
    return _on(scene.submit(*SLEEP, name=scene.name))


def _held(scene: QueueScene) -> Asked:
    return _on(scene.submit(*SLEEP, name=scene.name, held=True))


def _held_array(scene: QueueScene) -> Asked:
    return _on(scene.submit(*SLEEP, name=scene.name, held=True, array=_THREE))


def _waiting(scene: QueueScene) -> Asked:
    job = scene.waiting()
    assert job.state is JobState.PENDING, f"what is to be held waits, and is not held: {job!r}"
    return _on(job)


def _is_over(scene: QueueScene, request: Mapping[str, Any]) -> bool:
    state = scene.state(request["id"])
    return state is None or state.is_over


def _is_held(scene: QueueScene, request: Mapping[str, Any]) -> bool:
    return scene.state(request["id"]) is JobState.HELD


def _is_free(scene: QueueScene, request: Mapping[str, Any]) -> bool:
    return scene.state(request["id"]) not in (JobState.HELD, None)


def _cancel_all(scene: QueueScene, token: str) -> None:
    for job in scene.jobs(token):
        if not job.state.is_over:
            scene.queue.cancel(job)


_COMMAND: Mapping[str, Any] = {"command": SLEEP}

QUEUE_DEEDS: Mapping[str, Deed] = {
    "submit": Deed(
        asked=_submit, made=_made, kind=Job.kind, needs=Queue, secrets=_COMMAND, sweep=_cancel_all,
    ),
    "submit_array": Deed(
        act="submit", asked=_submit_array, made=_made, kind=Job.kind, needs=Queue,
        extras=frozenset({"array"}), secrets=_COMMAND, sweep=_cancel_all,
    ),
    "cancel": Deed(act="cancel_job", asked=_any, reached=_is_over, needs=Queue),
    "cancel_array": Deed(
        act="cancel_job", asked=_held_array, reached=_is_over, needs=Queue,
        extras=frozenset({"array", "held"}),
    ),
    "hold": Deed(act="hold_job", asked=_waiting, reached=_is_held, needs=Queue),
    "release": Deed(
        act="release_job", asked=_held, reached=_is_free, needs=Queue, extras=frozenset({"held"})
    ),
    "release_array": Deed(
        act="release_job", asked=_held_array, reached=_is_free, needs=Queue,
        extras=frozenset({"array", "held"}),
    ),
}  # fmt: skip
"""Acts that the promises about broken connections are tried with at queue managers."""
