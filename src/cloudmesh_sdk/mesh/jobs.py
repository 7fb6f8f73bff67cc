"""Jobs of one mesh: finding the one that is meant, acting on it, how it went."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast

import attrs

from cloudmesh_sdk.errors import (
    CloudmeshError,
    InvalidRequestError,
    NotFoundError,
    UnsupportedError,
    near,
)
from cloudmesh_sdk.fanout import Gathered, Source, ask
from cloudmesh_sdk.mesh import names
from cloudmesh_sdk.mesh.joblists import JobLists, Which
from cloudmesh_sdk.mesh.load import Load, load, since
from cloudmesh_sdk.mesh.polling import DEADLINE
from cloudmesh_sdk.mesh.vanished import learn, shown
from cloudmesh_sdk.models import Health, Job
from cloudmesh_sdk.operations import see
from cloudmesh_sdk.queues.arrays import indices, whole
from cloudmesh_sdk.queues.base import HasHistory, HasOutput, Queue
from cloudmesh_sdk.store.base import Query

if TYPE_CHECKING:
    from cloudmesh_sdk.mesh import Mesh
    from cloudmesh_sdk.mesh.acting import Told

T = TypeVar("T")

Jobs_ = str | int | Job | Iterable[str | int | Job]
"""Jobs as users name them: a record, an id, a name, `12_[1-3]`, or several of these."""

_OF_ARRAY = re.compile(r"(\d+)_\[(.+)\]")
_HALF = re.compile(r"\d+_\[.*")


class Jobs:
    """The jobs of one mesh."""

    def __init__(self, mesh: "Mesh") -> None:
        self._mesh = mesh
        self.lists = JobLists(mesh.store, mesh._polling, mesh._machines, mesh._scopes)

    def job(self, id: str | int, machine: Which) -> Job:  # noqa: A002
        """Return one job as it is now, with its whole native record."""
        return self._now(self.one(id, machine))

    def one(self, which: str | int | Job, machine: Which) -> Job:
        """Return the one job that an id or a name means; raises `NotFoundError`."""
        found = self.found(which, machine)
        if len(found) != 1:
            raise InvalidRequestError(f"one job was wanted, {which!r} means {len(found)}")
        return found[0]

    def found(self, which: Jobs_, machine: Which) -> list[Job]:
        """Return the jobs that are meant, each once; raises `NotFoundError` for what is none."""
        alone = isinstance(which, str | int | Job)
        asked = [which] if alone else list(cast("Iterable[Any]", which))
        found: dict[tuple[str, str], Job] = {}
        for item in asked:
            for job in [item] if isinstance(item, Job) else self._named(str(item), machine):
                found[job.cloud, job.id] = job
        return list(found.values())

    def act(self, act: str, which: Jobs_, machine: Which, told: "Told | None") -> Gathered[Job]:
        """Do an act on jobs, and return them as they are then."""
        targets = self.targets(which, machine)
        if not targets:
            return Gathered()
        done = cast("Gathered[Job]", self._mesh._acts.run(act, targets, told=told))
        return Gathered(self.placed(done), done.sources)

    def targets(self, which: Jobs_, machine: Which) -> list[tuple[str, str, dict[str, Any]]]:
        """Return the manager, name and request of each job that is meant."""
        found = self.found(which, machine)
        return [(job.cloud, job.name or job.id, _request(job)) for job in found]

    def output(
        self, which: str | int | Job, machine: Which, *, error: bool, tail: int | None
    ) -> str:
        """Return what a job wrote; raises `UnsupportedError` where that cannot be read."""
        job = self.one(which, machine)
        with self._mesh._polling.use(job.cloud, "output") as queue:
            if not isinstance(queue, HasOutput):
                driver = self._mesh.queues.driver(job.cloud)
                raise UnsupportedError(f"{job.cloud} lets no output be read (driver {driver})")
            return queue.output(job, error=error, tail=tail)

    def history(
        self,
        machine: Which,
        *,
        user: str | None,
        since: datetime | None,
        ids: Iterable[str] | None,
    ) -> Gathered[Job]:
        """Ask managers for jobs that are over."""
        wanted = None if ids is None else [str(id) for id in ids]  # noqa: A001

        def question(queue: Queue) -> list[Job]:
            if not isinstance(queue, HasHistory):
                raise UnsupportedError(f"{queue.name} keeps no history of jobs")
            return list(queue.history(ids=wanted, user=user, since=since))

        return self._gather(machine, "history", question)

    def load(self, machine: Which) -> list[Load]:
        """Return what managers were asked within the last hour."""
        polls, scopes = self._mesh.store.polls, self._mesh._scopes
        return [
            load(
                manager,
                self._mesh.queues.driver(manager),
                self._mesh._polling.interval(manager),
                polls.questions(scopes[manager], since=since()),
            )
            for manager in self._mesh._machines.chosen(machine)
        ]

    def check(self, machine: Which) -> Gathered[Health]:
        """Ask managers who we are there."""
        from cloudmesh_sdk.mesh.refreshing import check

        return check(self._mesh.queues, list(self._mesh._machines.chosen(machine)))

    def placed(self, jobs: Iterable[Job]) -> list[Job]:
        """Return jobs that know their machines."""
        return [
            placed
            for job in jobs
            for placed in self._mesh._machines.placed_jobs(
                job.cloud, [job], self._queues(job.cloud)
            )
        ]

    # Which job is meant

    def _named(self, text: str, machine: Which) -> list[Job]:
        names.text(text, what="job")
        if found := _OF_ARRAY.fullmatch(text):
            several = [f"{found[1]}_{index}" for part in indices(found[2]) for index in part]
            return [job for one in several for job in self._named(one, machine)]
        if _HALF.fullmatch(text):
            raise InvalidRequestError(f"{text!r} are no jobs of an array; wanted is 12_[1-3,7]")
        chosen = self._mesh._machines.chosen(machine)
        listed = [job for manager in chosen for job in self._seen(manager, text)]
        if not listed:
            listed = self._asked(list(chosen), text)
        placed = self.placed(listed)
        mine = [
            job
            for job in placed
            if (own := chosen.get(job.cloud)) is None or own & set(job.machines)
        ]
        if len(mine) > 1 and mine[0].array and len({(job.cloud, job.array) for job in mine}) == 1:
            return [whole(mine)]
        if len(mine) > 1:
            choices = ", ".join(f"{job.cloud}:{job.id}" for job in mine[:5])
            raise InvalidRequestError(
                f"{len(mine)} jobs are called {text!r} ({choices}); name the machine, or give an id"
            )
        if not mine:
            raise self._unknown(text, chosen)
        return mine

    def _seen(self, manager: str, text: str) -> list[Job]:
        """Return the jobs of a manager that an id, its number, or a name means, as last seen."""
        self._mesh._polling.look([manager], Job.kind)
        asked: Sequence[dict[Any, Any]] = (
            {"id": text}, {"id": {"$regex": f"^{re.escape(text)}\\."}}, {"name": text},
        )  # fmt: skip
        for where in asked:
            for missing in (False, True):
                query = Query(clouds=(manager,), where=where, missing=missing)
                rows = self._mesh.store.view.find(self._scope(manager), Job.kind, query)
                if rows:
                    return [shown(row) for row in rows if isinstance(row, Job)]
        return []

    def _asked(self, managers: list[str], text: str) -> list[Job]:
        """Ask managers for a job that the lists do not have: it may be new, or over for long."""
        if not re.match(r"\d", text):
            return []
        errors: list[CloudmeshError] = []

        def question(manager: str) -> list[Job]:
            with self._mesh._polling.use(manager, "job") as queue:
                return [queue.job(text)]

        found: list[Job] = []
        for answer in ask(managers, question, deadline=DEADLINE):
            found += answer.value or []
            if answer.error is not None and not isinstance(answer.error, NotFoundError):
                errors.append(answer.error)
        if errors and not found:
            raise errors[0]
        return found

    def _unknown(self, text: str, managers: Iterable[str]) -> NotFoundError:
        known = [job.id for job in self.lists.jobs(list(managers))]
        where = ", ".join(managers) or "no manager"
        return NotFoundError(f"{where} has no job {text!r}; {near(text, known, what='there')}")

    def _now(self, job: Job) -> Job:
        """Return a job as its manager has it now; of one that it has no more, what is known."""
        scope = self._scope(job.cloud)
        with self._mesh._polling.use(job.cloud, "job") as queue:
            try:
                now = attrs.evolve(queue.job(job.id), token=job.token)
            except NotFoundError:
                (now,) = learn(self._mesh.store, scope, queue, [job])
            else:
                now = cast("Job", see(self._mesh.store, scope, now))
        (placed,) = self.placed([now])
        return placed

    def _scope(self, manager: str) -> str:
        return self._mesh._scopes[manager]

    def _queues(self, manager: str) -> Any:
        return self.lists.queues_by_nodes(manager)

    def _gather(
        self, machine: Which, what: str, question: Callable[[Queue], list[Job]]
    ) -> Gathered[Job]:
        chosen = self._mesh._machines.chosen(machine)

        def one(manager: str) -> list[Job]:
            with self._mesh._polling.use(manager, what) as queue:
                return self._mesh._machines.placed_jobs(
                    manager, question(queue), self._queues(manager)
                )

        rows: list[Job] = []
        sources: dict[str, Source] = {}
        for answer in ask(chosen, one, deadline=DEADLINE):
            own = chosen[answer.name]
            mine = [job for job in answer.value or () if own is None or own & set(job.machines)]
            rows += mine
            sources[answer.name] = Source(
                name=answer.name, count=len(mine), error=answer.error, elapsed=answer.elapsed
            )
        return Gathered(rows, sources)


def _request(job: Job) -> dict[str, Any]:
    return {"id": job.id, "user": job.user, "array": job.array, "indices": job.indices}
