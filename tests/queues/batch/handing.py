"""A scheduler of two small commands, and a driver for it: to hand in jobs and to break the way.

`hand-in` writes each job that it gets into a file, `list-jobs` shows that file. Files in its
directory make `hand-in` wait: `wait-before`, `wait-after` the job is written, until they are gone.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.labs.openstack.processes import wait

from cloudmesh_sdk.errors import BackendError, InvalidRequestError, UnavailableError
from cloudmesh_sdk.models import Job, JobRequest, JobState, Node, QueueInfo
from cloudmesh_sdk.queues.batch import BatchQueue, Done, scripts

_HAND_IN = """#!/bin/sh
cd {place} || exit 9
[ "$2" != refused ] || {{ echo 'no such queue' >&2; exit 1; }}
[ "$2" != busy ] || {{ echo 'busy' >&2; exit 2; }}
cat > script.$$
touch begun
while [ -e wait-before ]; do sleep 0.05; done
id=$(( $(wc -l < jobs) + 1 ))
echo "$id $1 $2 $(wc -c < script.$$) $KEY" >> jobs
while [ -e wait-after ]; do sleep 0.05; done
echo $id
"""
_LIST = """#!/bin/sh
[ ! -e {place}/blind ] || {{ echo 'not permitted' >&2; exit 3; }}
exec cat {place}/jobs
"""


class Scheduler:
    """The commands of one scheduler, in a directory."""

    def __init__(self, place: Path) -> None:
        self.place = place
        place.mkdir()
        (place / "jobs").touch()
        for name, text in (("hand-in", _HAND_IN), ("list-jobs", _LIST)):
            (place / name).write_text(text.format(place=place))
            (place / name).chmod(0o755)

    def made(self) -> list[list[str]]:
        """Return the jobs that were handed in: id, token, queue, length of the script, KEY."""
        return [line.split() for line in (self.place / "jobs").read_text().splitlines()]

    def hinder(self, how: str) -> None:
        """Make the commands wait, or fail."""
        (self.place / how).touch()

    def let(self, how: str) -> None:
        """Make them go on."""
        (self.place / how).unlink()

    def begun(self) -> None:
        """Wait until a job is being handed in."""
        wait("its start", (self.place / "begun").exists, 20)


class Handing(BatchQueue):
    """The driver."""

    settle = 0.0

    def _submission(self, request: JobRequest) -> tuple[Sequence[str], str]:
        return ("hand-in", request.token, request.queue or "main"), scripts.script(request)

    def _submitted(self, request: JobRequest, done: Done) -> Job:
        return self.job(done.text.strip())

    def _refusal(self, done: Done) -> BackendError:
        kinds = {1: InvalidRequestError, 2: UnavailableError}
        kind: type[BackendError] = kinds.get(done.status, BackendError)
        return kind(f"{self.name}: {done.why}")

    def jobs(self) -> Iterator[Job]:
        for line in self._run("list-jobs").text.splitlines():
            id, token, queue, *_ = line.split()  # noqa: A001
            yield Job(
                cloud=self.name, id=id, name=token, state=JobState.PENDING, queues=(queue,),
                token=token,
            )  # fmt: skip

    def info(self, jobs: object = None) -> Iterator[QueueInfo]:
        yield from ()

    def nodes(self) -> Iterator[Node]:
        yield from ()

    def cancel(self, job: Job) -> None:
        raise NotImplementedError

    hold = release = cancel
