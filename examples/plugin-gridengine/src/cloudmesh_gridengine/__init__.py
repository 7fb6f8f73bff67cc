"""Grid Engine as a cloudmesh driver: the class that the entry point names."""

import math
import re
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from xml.etree.ElementTree import Element

import attrs

from cloudmesh_gridengine import answers
from cloudmesh_sdk import errors
from cloudmesh_sdk.models import Job, JobRequest, JobState, Node, QueueInfo
from cloudmesh_sdk.options import option
from cloudmesh_sdk.queues import arrays
from cloudmesh_sdk.queues.base import HasHistory
from cloudmesh_sdk.queues.batch import BatchQueue, BatchSettings, records, scripts, xml

_PAST = """ids=$1; shift; { "$0" -E -j "$@" || kill $$; } | awk -v ids="$ids" '
/^=/ {job = ""; told = 0} {job = job $0 RS} /^jobnumber/ {told = !ids || index(ids, " " $2 " ")}
told {printf "%s", job; job = ""}'"""
"""Prints the jobs of some ids: `qacct -j ID` would read all of accounting for each of them."""


@attrs.frozen(kw_only=True)
class GridEngineSettings(BatchSettings):
    """What stands beside `driver: gridengine` in cloudmesh.yaml."""

    pe: str = option("parallel environment of jobs with several cores", default="smp")


class GridEngineQueue(BatchQueue, HasHistory):
    """One cell of Grid Engine, by its commands."""

    Settings = GridEngineSettings
    extras = frozenset({
        "queue", "tasks", "cores", "memory", "walltime", "account", "array", "after",
        "environment", "workdir", "output", "error", "held", "options",
    })  # fmt: skip
    id = r"(\d+)(?:\.\d+-\d+:\d+)?"
    gone = r"does not exist|job id \d+ not found|no jobs running since startup"
    secret = r"(?<=<VA_value>).*?(?=</VA_value>|$)"
    refused = (
        (errors.AuthError, r"access denied|privileges|must be|(submit|admin) host"),
        (errors.UnavailableError, r"qmaster|commlib|gdi request"),
        (errors.QuotaError, r"more than \d+|maximum|no suitable queues"),
        (errors.InvalidRequestError, r"Unable to run job|qsub:"),
        (errors.NotFoundError, r"does not exist"),
    )

    def info(self, jobs: Iterable[Job] | None = None) -> Iterable[QueueInfo]:
        told = self._list()
        listed = answers.jobs(self.name, told) if jobs is None else jobs
        return records.counted(answers.queues(self.name, told), listed)

    def jobs(self) -> Iterable[Job]:
        return answers.jobs(self.name, self._list())

    def job(self, id: str) -> Job:  # noqa: A002
        told = self._xml("qstat", "-xml", "-j", id.partition("_")[0])
        owner = told.findtext("djob_info/element/JB_owner")
        found = arrays.one(answers.jobs(self.name, self._list(owner)), id) if owner else None
        return answers.with_details(found, told) if found else self._gone(id)

    def find(self, token: str) -> Job | None:
        # the list does not show it: all of our own are asked for at once
        ids = {job.array or job.id for job in answers.jobs(self.name, self._list("$user"))}
        told = self._xml("qstat", "-xml", "-j", ",".join(ids) or "0")
        for job in told.iterfind("djob_info/element"):
            if token in xml.texts(job, "JB_context/*/VA_value"):
                return self.job(job.findtext("JB_job_number", ""))
        return None

    def cancel(self, job: Job) -> None:
        said = self._run("qdel", _own(job), fine=self._well_or_gone).text
        if "has deleted" in said and "registered" not in said:  # accounting never hears of it
            self._over[job.id] = attrs.evolve(job, state=JobState.CANCELLED)

    def hold(self, job: Job) -> None:
        records.must_wait(self.job(job.id))
        self._run("qhold", _own(job))

    def release(self, job: Job) -> None:
        self._run("qrls", _own(job))

    def nodes(self) -> Iterable[Node]:
        return answers.nodes(self.name, self._xml("qhost", "-xml", "-q"))

    def history(
        self, *, ids: Collection[str] | None = None, user: str | None = None,
        since: datetime | None = None,
    ) -> Iterable[Job]:  # fmt: skip
        numbers = "" if ids is None else " ".join(["", *(one.partition("_")[0] for one in ids), ""])
        begin = since and f"{since.astimezone(UTC):%Y%m%d%H%M.%S}"
        words = (self._program("qacct"), numbers, *scripts.options({"-o": user, "-b": begin}))
        done = self._run(scripts.SHELL, "-c", _PAST, *words, fine=self._well_or_gone)
        told = answers.history(self.name, done.text)
        return records.past(told, ids=ids, user=user, since=since)

    def _submission(self, request: JobRequest) -> tuple[Sequence[str], str]:
        if re.fullmatch("[!-~]+", request.name) is None:
            raise errors.InvalidRequestError(
                f"names are ASCII without blanks, not {request.name!r}"
            )
        indices, _, throttle = (request.array or "").partition("%")
        slots = (request.tasks or 1) * (request.cores or 1)
        each = math.ceil((request.memory or 0) / slots)  # MiB for each slot
        limits = {"h_rt": request.walltime, "h_vmem": f"{each}M" if each else None}
        after = scripts.after(request, known=("afterany",)) or ""
        given = {
            "-N": request.name, "-q": request.queue, "-A": request.account, "-t": indices,
            "-tc": throttle, "-v": ",".join(request.environment), "-wd": request.workdir,
            "-hold_jid": after.removeprefix("afterany:").replace(":", ","),
            "-l": ",".join(f"{k}={v}" for k, v in limits.items() if v), "-o": request.output, "-e": request.error,
            "-j": "n" if request.error else "y",
        }  # fmt: skip
        more = ["-pe", self._settings.pe, str(slots)] if slots > 1 else []
        more += ["-h"] if request.held else []
        more += ["-C", ""] if request.script is None else []  # nothing in it is an option
        fixed = ("-terse", "-sync", "n", "-now", "n", "-S", scripts.SHELL)
        ours = ("-ac", f"cloudmesh={request.token}")
        words = ("qsub", *fixed, *scripts.options(given), *more, *request.options, *ours)
        return words, scripts.for_shell(scripts.script(request))

    def _list(self, user: str = "*") -> Element:
        return self._xml("qstat", "-xml", "-u", user, "-s", "a", "-f", "-r", "-F", "h_rt")

    def _xml(self, *argv: str) -> Element:
        told = self._run(*argv).out.replace(b"%lt;", b"&lt;")  # so it writes a "<"
        return xml.read(self.name, told, "job_info", "detailed_job_info", "unknown_jobs", "qhost")


def _own(job: Job) -> str:
    return job.id.replace("_", ".")  # one of an array is 3.7 there
