"""Queue managers, jobs and nodes, as the facade offers them."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cloudmesh_sdk.fanout import Gathered
from cloudmesh_sdk.mesh.facade import Facade, Told
from cloudmesh_sdk.models import Health, Job, Node, QueueInfo

if TYPE_CHECKING:
    from cloudmesh_sdk.mesh.joblists import Which
    from cloudmesh_sdk.mesh.jobs import Jobs, Jobs_
    from cloudmesh_sdk.mesh.jobwaiting import Heard
    from cloudmesh_sdk.mesh.load import Load
    from cloudmesh_sdk.mesh.submitting import Submitting

DAY = 86_400.0


class Batch(Facade):
    """Batch queues. `machine` is a machine or a queue manager; None means all that are on.

    Lists are at most as old as the manager's `interval` (seconds) says, and are shared by all who
    look: however many those are, a manager gets one question per interval. `sources` tells per
    manager how fresh they are.
    """

    @property
    def machines(self) -> tuple[str, ...]:
        """Names of all machines; a manager that none share is one of its own name."""
        return tuple(self._machines)

    def jobs(
        self,
        machine: "Which" = None,
        *,
        user: str | Iterable[str] | None = None,
        state: str | Iterable[str] | None = None,
        name: str | Iterable[str] | None = None,
        queue: str | Iterable[str] | None = None,
        account: str | Iterable[str] | None = None,
        where: Mapping[Any, Any] | None = None,
        sort: str | Sequence[str] | None = None,
        limit: int | None = None,
        expand: bool = False,
        missing: bool = False,
        refresh: bool = False,
    ) -> Gathered[Job]:
        """Return the jobs of all users; one of several machines is one row.

        `expand` makes of an array one row for each of its jobs. `missing` adds those that their
        manager lists no more. `refresh` waits for a question that is being asked just now; it asks
        none before its time. `where` and `sort` are as for `servers`.
        """
        return self._jobs.lists.jobs(
            machine, user=user, state=state, name=name, queue=queue, account=account, where=where,
            sort=sort, limit=limit, expand=expand, missing=missing, refresh=refresh,
        )  # fmt: skip

    def job(self, id: str | int, *, machine: "Which" = None) -> Job:  # noqa: A002
        """Return one job as it is now, with its whole native record; its manager is asked.

        The state of one that its manager has no more is `unknown`, unless accounting tells. Raises
        `NotFoundError` with near ids.
        """
        return self._jobs.job(id, machine)

    def find_jobs(self, jobs: "Jobs_", *, machine: "Which" = None) -> list[Job]:
        """Return the jobs that ids, names, `12_[1-3]` or records mean, each once, as last seen.

        Raises `NotFoundError` with near ids for one that is not there.
        """
        return self._jobs.found(jobs, machine)

    def queue_info(
        self,
        machine: "Which" = None,
        *,
        queue: str | Iterable[str] | None = None,
        sort: str | Sequence[str] | None = None,
    ) -> Gathered[QueueInfo]:
        """Return queues: what they allow, and how many jobs are in them by state.

        A job that waits in several queues is counted in each.
        """
        return self._jobs.lists.queue_info(machine, queue=queue, sort=sort)

    def nodes(
        self,
        machine: "Which" = None,
        *,
        state: str | Iterable[str] | None = None,
        name: str | Iterable[str] | None = None,
        queue: str | Iterable[str] | None = None,
        sort: str | Sequence[str] | None = None,
        limit: int | None = None,
    ) -> Gathered[Node]:
        """Return the nodes that jobs run on."""
        return self._jobs.lists.nodes(
            machine, state=state, name=name, queue=queue, sort=sort, limit=limit
        )

    def qstat(self, machine: "Which" = None) -> dict[str, dict[str, dict[str, Any]]]:
        """Return jobs as `{machine: {id: job}}`, all plain dicts; raises `PartialFailure`.

        A job of two machines stands at both; what no machine owns is at `unassigned`.
        """
        return self._dicts(self.jobs(machine), machine, "id")

    def qinfo(self, machine: "Which" = None) -> dict[str, dict[str, dict[str, Any]]]:
        """Return queues as `{machine: {name: queue}}`, all plain dicts; raises `PartialFailure`."""
        return self._dicts(self.queue_info(machine), machine, "name")

    def submit(
        self,
        *command: str,
        script: str | None = None,
        machine: str | None = None,
        name: str | None = None,
        queue: str | None = None,
        nodes: int | None = None,
        tasks: int | None = None,
        cores: int | None = None,
        memory: int | str | None = None,
        walltime: int | str | None = None,
        gpus: int | None = None,
        account: str | None = None,
        array: str | None = None,
        after: "Jobs_ | Mapping[str, Any] | None" = None,
        environment: Mapping[str, str] | None = None,
        workdir: str | None = None,
        output: str | None = None,
        error: str | None = None,
        held: bool = False,
        options: str | Iterable[str] = (),
        told: Told | None = None,
    ) -> Job:
        """Hand in a command with its arguments, or a `script`; return the job as it then is.

        `machine`, `queue`, `account` and `walltime` come from the defaults. `cores` are for each
        task, `memory` (MiB, or `4G`) and `gpus` for each node; `walltime` is seconds, or `1:30:00`.
        `after` names jobs that must have ended well, or says how: `{"afterany": [id]}`. `options`
        are the manager's own words. What was handed in is journalled, but for the command, the
        script and the environment, which may hold secrets. However the way there breaks, it is
        handed in once. Raises `UnsupportedError` for what the manager cannot do.
        """
        asked = {
            "command": command, "script": script, "queue": queue, "nodes": nodes, "tasks": tasks,
            "cores": cores, "memory": memory, "walltime": walltime, "gpus": gpus,
            "account": account, "array": array, "after": after, "environment": environment,
            "workdir": workdir, "output": output, "error": error, "held": held, "options": options,
        }  # fmt: skip
        return self._submitting.submit(asked, machine=machine, name=name, told=told)

    def cancel_jobs(
        self, jobs: "Jobs_", *, machine: "Which" = None, told: Told | None = None
    ) -> Gathered[Job]:
        """End jobs, or keep them from beginning; return them as they are then.

        One that is over already is no error. Of several, `errors` names those that failed.
        """
        return self._jobs.act("cancel_job", jobs, machine, told)

    def hold_jobs(
        self, jobs: "Jobs_", *, machine: "Which" = None, told: Told | None = None
    ) -> Gathered[Job]:
        """Keep waiting jobs from beginning; raises `ConflictError` for one that runs."""
        return self._jobs.act("hold_job", jobs, machine, told)

    def release_jobs(
        self, jobs: "Jobs_", *, machine: "Which" = None, told: Told | None = None
    ) -> Gathered[Job]:
        """Let held jobs begin when their time comes."""
        return self._jobs.act("release_job", jobs, machine, told)

    def wait_jobs(
        self,
        jobs: "Jobs_",
        *,
        machine: "Which" = None,
        timeout: float = DAY,
        told: "Heard | None" = None,
    ) -> Gathered[Job]:
        """Wait until jobs are over, `timeout` seconds at most; `told` hears changes of state.

        All who wait share the manager's one list, so a change is heard an interval late at most.
        `errors` names those that are not over then, or of which nobody knows how they ended.
        """
        from cloudmesh_sdk.mesh.jobwaiting import wait

        return wait(self._whole, self._jobs.found(jobs, machine), timeout=timeout, told=told)

    def keep_jobs_fresh(self, stop: threading.Event, *, machine: "Which" = None) -> None:
        """Have managers asked for their jobs as they may be, until `stop` is set.

        No more often than ever: who does this shares each list with all who look. For those who
        `watch`, since a scheduler tells nothing by itself.
        """
        self._polling.keep(self._machines.chosen(machine), "jobs", stop)

    def job_output(
        self,
        job: str | int | Job,
        *,
        machine: "Which" = None,
        error: bool = False,
        tail: int | None = None,
    ) -> str:
        """Return what a job wrote so far (its errors), the last `tail` bytes of it.

        Raises `NotFoundError` where there is nothing yet.
        """
        return self._jobs.output(job, machine, error=error, tail=tail)

    def job_history(
        self,
        machine: "Which" = None,
        *,
        user: str | None = None,
        since: datetime | None = None,
        ids: Iterable[str] | None = None,
    ) -> Gathered[Job]:
        """Ask managers for jobs that are over, by their accounting; oldest first.

        `errors` names those that keep none (`UnsupportedError`).
        """
        return self._jobs.history(machine, user=user, since=since, ids=ids)

    def queue_load(self, machine: "Which" = None) -> "list[Load]":
        """Return how many questions managers were asked within the last hour, from everywhere."""
        return self._jobs.load(machine)

    def check_queues(self, machine: "Which" = None) -> Gathered[Health]:
        """Ask managers who we are there: credentials, version."""
        return self._jobs.check(machine)

    @cached_property
    def _jobs(self) -> "Jobs":
        from cloudmesh_sdk.mesh.jobs import Jobs

        return Jobs(self._whole)

    @cached_property
    def _submitting(self) -> "Submitting":
        from cloudmesh_sdk.mesh.submitting import Submitting

        return Submitting(self._whole)

    def _dicts(
        self, rows: Gathered[Any], which: "Which", key: str
    ) -> dict[str, dict[str, dict[str, Any]]]:
        from cloudmesh_sdk.mesh.joblists import plain

        by_machine = self._jobs.lists.by_machine(rows.complete(), which)
        return {
            machine: {getattr(row, key): plain(row) for row in mine}
            for machine, mine in by_machine.items()
        }
