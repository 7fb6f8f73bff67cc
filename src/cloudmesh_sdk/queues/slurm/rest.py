"""Slurm by slurmrestd, over TCP with a token or a Unix socket."""

import contextlib
import getpass
import threading
import time
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Protocol

import urllib3

from cloudmesh_sdk.errors import (
    AuthError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)
from cloudmesh_sdk.models import Health, Job, JobRequest, Node, QueueInfo
from cloudmesh_sdk.queues import arrays
from cloudmesh_sdk.queues.slurm import (
    rest_errors,
    rest_history,
    rest_ids,
    rest_records,
    rest_sockets,
    rest_submitting,
    rest_tokens,
    rest_versions,
)
from cloudmesh_sdk.queues.slurm.rest_changes import Changes
from cloudmesh_sdk.queues.slurm.rest_client import NOT_MODIFIED, Answer, Client
from cloudmesh_sdk.queues.slurm.rest_collecting import no_collecting
from cloudmesh_sdk.queues.slurm.rest_values import number, part
from cloudmesh_sdk.queues.slurm.rest_versions import Version
from cloudmesh_sdk.queues.slurm.settings import SlurmSettings
from cloudmesh_sdk.queues.slurm.transport import Transport
from cloudmesh_sdk.wire import Watch

_MANY = 500
_ROOT = "root"
"""Who may do with every job what its owner may."""


class Owner(Protocol):
    """The queue that a transport is made for."""

    name: str
    calls: int
    watch: Watch | None

    def _count(self) -> None: ...


class RestTransport(Transport):
    """slurmrestd; the last list of jobs is kept, so that it need not be sent again unchanged."""

    def __init__(self, queue: Owner, settings: SlurmSettings) -> None:
        self._name = queue.name
        self._settings = settings
        self._user = _user(settings)
        self._client = Client(queue.name, settings, self._user, queue._count, lambda: queue.watch)
        self._fixed = rest_versions.given(settings.api_version) if settings.api_version else None
        self._known: Version | None = None
        self._finding = threading.Lock()
        self._changes = Changes()

    @property
    def native(self) -> urllib3.HTTPConnectionPool:
        return self._client.pool

    @property
    def reads_files(self) -> bool:
        return self._settings.host is not None or rest_sockets.is_here(self._settings)

    def ping(self) -> Health:
        pings = self._get("ping").data.get("pings")
        said = [each for each in pings or () if isinstance(each, dict)]
        if not any("UP" in (each.get("ping"), each.get("pinged")) for each in said):
            raise UnavailableError(f"{self._name}: slurmrestd does not reach Slurm's controller")
        answer = self._get("diag")
        meta = part(answer.data, "meta")
        slurm = part(meta, "Slurm") or part(meta, "slurm")
        return Health(
            service=self._name,
            version=str(slurm.get("release") or ""),
            identity=f"{self._user} at {self._settings.url or self._settings.socket}",
            skew=self._skew(answer),
        )

    def _skew(self, answer: Answer) -> float | None:
        """Return how far our clock is ahead of the controller's, to the second."""
        told = number(part(answer.data, "statistics").get("req_time"))
        if not told:
            return None
        self._changes.tell(told, answer.answered)
        ours = time.time() - (time.monotonic() - answer.answered)
        return float(round(ours) - told)

    def jobs(self, *, ids: Collection[str] | None = None, user: str | None = None) -> Iterator[Job]:
        whose = self._user if user == "" else user
        if ids is not None and len(ids) == 1:
            listed: Iterable[Job] = self._parts(next(iter(ids)))
        else:
            # whether a submit came through is never told by what was kept
            listed = self._listed(full=user is not None)
        for job in listed:
            if whose in (None, job.user) and (ids is None or rest_ids.among(job, ids)):
                yield job

    def job(self, id: str) -> Job:  # noqa: A002
        found = self._parts(id)
        if not found:
            self._check_not_cut(id)
            raise NotFoundError(f"{self._name} has no job with id {id}")
        whole = arrays.whole(found) if found[0].array == id else found[0]
        return rest_records.with_files(whole)

    def _check_not_cut(self, id: str) -> None:  # noqa: A002
        """Raise `UnsupportedError` where one of an array may be there, and is not told of."""
        whole, _, index = id.partition("_")
        if index and any(
            rest_records.is_cut(str(job.native.get("array_task_string")))
            for job in self._parts(whole)
        ):
            raise UnsupportedError(
                f"{self._name}: slurmrestd cuts the indices of array {whole} off and does not tell "
                f"of {id}; set SLURM_BITSTR_LEN=0 in its environment"
            )

    def partitions(self) -> Iterable[QueueInfo]:
        data = self._get("partitions").data
        return rest_records.records(self._name, data, "partitions", rest_records.partition)

    def nodes(self) -> Iterable[Node]:
        data = self._get("nodes").data
        return rest_records.records(self._name, data, "nodes", rest_records.node)

    def submit(self, request: JobRequest) -> str:
        version = self._version()
        workdir = str(Path.cwd()) if rest_sockets.is_here(self._settings) else None
        body = rest_submitting.body(request, newer=version.newer, user=self._user, workdir=workdir)
        answer = self._client.ask(
            "POST", f"{version.slurm}/job/submit", body=body, again=False, fine=_was_made
        )
        return rest_submitting.submitted(self._name, answer.data)

    def cancel(self, job: Job) -> None:
        if found := self._own(job, "cancelled"):
            path = f"{self._version().slurm}/job/{rest_ids.to_cancel(job.id, found[0])}"
            self._client.ask("DELETE", path, fine=_is_over)

    def hold(self, job: Job) -> None:
        self._put(job, "held", hold=True)

    def release(self, job: Job) -> None:
        self._put(job, "released", hold=False)

    def history(
        self,
        *,
        ids: Collection[str] | None = None,
        user: str | None = None,
        since: datetime | None = None,
    ) -> Iterable[Job]:
        whose = self._user if user == "" else user
        try:
            return self._past(ids=ids, user=whose, since=since)
        except UnsupportedError:
            if ids is None:
                raise
            # what the controller still remembers (MinJobAge) is all that there is
            return rest_history.ordered(self.jobs(ids=ids), user=whose, since=since)

    def _past(
        self, *, ids: Collection[str] | None, user: str | None, since: datetime | None
    ) -> list[Job]:
        version = self._version()
        query = rest_history.query(ids=ids, user=user, since=since, newer=version.filters)
        answer = self._client.ask(
            "GET", f"{version.slurmdb}/jobs", query=query,
            fine=lambda answer: rest_history.is_empty(answer.data),
        )  # fmt: skip
        made = rest_records.records(self._name, answer.data, "jobs", rest_history.job)
        return rest_history.ordered(made, user=user, since=since)

    def close(self) -> None:
        self._changes.forget()
        self._client.close()

    def _version(self) -> Version:
        """Return the version that is spoken; found out once, whoever asks first."""
        with self._finding:
            if self._fixed is None:
                described = self._client.ask("GET", "/openapi/v3").data
                self._fixed = rest_versions.chosen(self._name, described)
            return self._fixed

    def _get(self, path: str, **query: str) -> Answer:
        return self._client.ask(
            "GET", f"{self._version().slurm}/{path}", query=query,
            fine=lambda answer: bool(query) and answer.status == NOT_MODIFIED,
        )  # fmt: skip

    def _listed(self, *, full: bool) -> Iterable[Job]:
        """Return all jobs by one question, or those of the last list where nothing changed."""
        query = {} if full else self._changes.query()
        answer = self._get("jobs", **query)
        if query:
            if answer.status == NOT_MODIFIED or rest_errors.says_unchanged(answer.data):
                return self._changes.unchanged()
            if not answer.data.get("jobs"):
                answer = self._get("jobs")  # of none at all only a full list is believed
        told = answer.data.get("jobs")
        with no_collecting(much=isinstance(told, list) and len(told) > _MANY):
            jobs = [*rest_records.records(self._name, answer.data, "jobs", rest_records.job)]
        self._changes.keep(jobs, answer.data, answer.asked, answer.answered)
        return jobs

    def _parts(self, id: str) -> list[Job]:  # noqa: A002
        """Return the job of an id, all parts of an array; none where there is no such job."""
        number = rest_ids.asked(id)
        if number is None:
            return []
        try:
            data = self._get(f"job/{number}").data
        except NotFoundError:
            return []
        jobs = rest_records.records(self._name, data, "jobs", rest_records.job)
        return rest_ids.meant(jobs, id)

    def _own(self, job: Job, done: str) -> list[Job]:
        """Return a job as it is, none where it is gone; raises `AuthError` for another's.

        It is asked for first: the controller of 25.11.7 hung when somebody cancelled by slurmrestd
        what was not his.
        """
        found = self._parts(job.id)
        for owner in {each.user for each in found}:
            if self._user not in (owner, _ROOT):
                raise AuthError(
                    f"{self._name}: job {job.id} is {owner}'s and cannot be {done} by {self._user}"
                )
        return found

    def _put(self, job: Job, done: str, *, hold: bool) -> None:
        found = [each for each in self._own(job, done) if not each.state.is_over]
        if found:
            version = self._version()
            id = rest_ids.to_update(job.id, found[0], newer=version.newer)  # noqa: A001
            path = f"{version.slurm}/job/{id}"
            self._client.ask("POST", path, body={"hold": hold}, fine=_is_over)


def _is_over(answer: Answer) -> bool:
    return rest_errors.is_gone(answer.data)


def _was_made(answer: Answer) -> bool:
    return rest_submitting.taken(answer.data) is not None


def _user(settings: SlurmSettings) -> str:
    """Return who we are there: of a socket without a token, who it belongs to."""
    named = settings.slurm_user or rest_tokens.user(settings.token)
    if named is not None:
        return named
    if settings.token is None and settings.socket is not None:
        with contextlib.suppress(OSError, KeyError):  # there is no slurmrestd, which it says later
            return Path(settings.socket).owner()
    return getpass.getuser()
