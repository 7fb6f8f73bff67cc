"""The PBS driver: what holds for OpenPBS, PBS Professional and Torque."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from cloudmesh_sdk.errors import (
    BackendError,
    ConflictError,
    NotFoundError,
    UnsupportedError,
)
from cloudmesh_sdk.masking import MASK, masked_text
from cloudmesh_sdk.models import Health, Job, JobRequest, Node, QueueInfo
from cloudmesh_sdk.queues.base import HasHistory
from cloudmesh_sdk.queues.batch import BatchQueue, Commands, Done, records as shared
from cloudmesh_sdk.queues.pbs import dialects, submitting
from cloudmesh_sdk.queues.pbs.refusals import over, refusal
from cloudmesh_sdk.queues.pbs.settings import PbsSettings

_DIALECTS: Mapping[str, type[dialects.Dialect]] = {"pbs": dialects.Pbs, "torque": dialects.Torque}
_VARIABLES = re.compile(
    r'("Variable_List":\s*)\{(?:[^"}]|"(?:[^"\\]|\\.)*(?:"|\Z))*'
    r"|(Variable_List(?:=|>))(?:[^|<\n\\]|\\.)*",
    re.DOTALL,
)

_ID = re.compile(r"\d+(?:\[\d*\])?(?:\.[\w.-]+)?(?:@[\w.:-]+)?")
_NO_COMMAND = 127


class PbsQueue(BatchQueue, HasHistory):
    """One PBS, by its commands. Whose they are is asked once, by `qstat --version`.

    Tried on answers of OpenPBS 23.06.06 and of its sources of April 2026. What concerns Torque is
    written from its documentation and was never run against a real server.

    Numbers of jobs are counted from the list: PBS's own (`state_count`) leave out those of an
    array that wait. An array is one record, and counts those of it that are not over.
    """

    Settings = PbsSettings
    inherited: ClassVar[Mapping[str, str | None]] = {"PBS_DPREFIX": None}

    def __init__(self, name: str, settings: PbsSettings, commands: Commands | None = None) -> None:
        super().__init__(name, settings, commands)
        self._known: dialects.Dialect | None = None
        self._remembers = True

    def check(self) -> Health:
        server = self._dialect.server()
        where = f"{self._commands.where} at {server.name}"
        return Health(service=self.name, version=server.version, identity=where)

    def info(self, jobs: Iterable[Job] | None = None) -> Iterator[QueueInfo]:
        given = self.jobs() if jobs is None else jobs
        return shared.counted(self._dialect.queues(), given)

    def jobs(self) -> Iterable[Job]:
        return self._dialect.jobs()

    def job(self, id: str) -> Job:  # noqa: A002
        found = self._all((self._sure(id),))
        # PBS takes the number alone, too, and shows the job with its server
        for job in found:
            if job.id == id or job.id.partition(".")[0] == id:
                return job
        raise NotFoundError(f"{self.name} has no job with id {id}")

    def find(self, token: str) -> Job | None:
        return next((job for job in self._all() if job.token == token), None)

    def cancel(self, job: Job) -> None:
        self._run("qdel", self._sure(job.id), fine=over)

    def hold(self, job: Job) -> None:
        # qhold says nothing of a running job, which from then on has a hold and runs
        now = self.job(job.id)
        if now.state not in shared.WAITS and not _waits_in_part(now):
            raise ConflictError(
                f"{self.name}: job {job.id} is {now.state}; only one that waits can be held"
            )
        if "u" not in str(now.native.get("Hold_Types", "")):
            self._run("qhold", now.id)

    def release(self, job: Job) -> None:
        self._run("qrls", self._sure(job.id), fine=over)

    def nodes(self) -> Iterable[Node]:
        return self._dialect.nodes()

    def history(
        self,
        *,
        ids: Collection[str] | None = None,
        user: str | None = None,
        since: datetime | None = None,
    ) -> Iterable[Job]:
        asked = [id for id in ids or () if _ID.fullmatch(id)]  # noqa: A001
        if ids is not None and not asked:
            return ()
        try:
            found = self._dialect.jobs(asked, history=True, parts=ids is not None)
        except NotFoundError:
            return ()  # the only one that was asked for
        whole = {job.array for job in found if job.index is not None}
        alone = (job for job in found if job.id not in whole)
        return shared.past(alone, user=user, since=since)

    def _sure(self, id: str) -> str:  # noqa: A002
        """Return an id that a command may be given; raises `NotFoundError` for another word."""
        if _ID.fullmatch(id) is None:
            raise NotFoundError(f"{self.name} has no job with id {id}: such ids PBS does not have")
        return id

    def _all(self, ids: Collection[str] = ()) -> list[Job]:
        """Return jobs with those that are over, as long as the manager remembers them."""
        if self._remembers:
            try:
                return self._dialect.jobs(ids, history=True)
            except UnsupportedError:
                self._remembers = False
        return self._dialect.jobs(ids)

    @property
    def _dialect(self) -> dialects.Dialect:
        if self._known is None:
            kind = _DIALECTS.get(self._settings.dialect) or self._asked_for()
            self._known = kind(name=self.name, run=self._run)
        return self._known

    def _asked_for(self) -> type[dialects.Dialect]:
        done = self._run("qstat", "--version", fine=lambda done: done.status != _NO_COMMAND)
        said = (done.out + done.err).decode(errors="replace")
        if (kind := dialects.known(said)) is None:
            raise dialects.unknown(self.name, self._commands.where, said)
        return kind

    def _submission(self, request: JobRequest) -> tuple[Sequence[str], str]:
        return self._dialect.submission(request)

    def _submitted(self, request: JobRequest, done: Done) -> Job:
        return self._looked_at(submitting.submitted(self.name, done), request)

    def _refusal(self, done: Done) -> BackendError:
        return refusal(self.name, done)

    def _shown(self, said: str) -> str:
        """Return what was said without the variables of jobs, which may be secret."""
        return masked_text(_VARIABLES.sub(rf"\1\2{MASK}", said))


def _waits_in_part(job: Job) -> bool:
    return job.native.get("array_indices_remaining", "-") not in ("-", "")
