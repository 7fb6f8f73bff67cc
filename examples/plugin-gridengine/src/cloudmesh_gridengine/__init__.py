"""Grid Engine as a cloudmesh driver: its answers as records, in pure functions, then a class."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from xml.etree.ElementTree import Element

import attrs

from cloudmesh_sdk import errors
from cloudmesh_sdk.masking import MASK
from cloudmesh_sdk.models import Job, JobRequest, JobState, Node, NodeState, QueueInfo, QueueState
from cloudmesh_sdk.options import option
from cloudmesh_sdk.queues import arrays
from cloudmesh_sdk.queues.base import HasHistory
from cloudmesh_sdk.queues.batch import BatchQueue, BatchSettings, records, scripts
from cloudmesh_sdk.queues.batch.values import mebibytes, seconds, time
from cloudmesh_sdk.queues.batch.xml import grouped, plain, read, texts

_STATES = (
    ("E", JobState.HELD), ("d", JobState.EXITING), ("sST", JobState.SUSPENDED),
    ("rt", JobState.RUNNING), ("h", JobState.HELD), ("qw", JobState.PENDING),
)  # fmt: skip
"""Letters of a job's state, qstat(1), what counts most first; `E` waits for `qmod -cj`."""
_LETTERS, _OPEN, _SHUT = map(frozenset, ("EdsSTrthqwR", "aA", "aAcCdDEosSuP"))
_AGAIN, _LIMIT, _SIGNAL = ("24", "25"), "37", "100"  # why a job ended, sge_status(5)
_LIST = ("qstat", "-xml", "-s", "a", "-f", "-r", "-F", "h_rt", "-u")
_PAST = """ids=$1; shift; { "$0" -E -j "$@" || kill $$; } | awk -v ids="$ids" '
/^=/ {job = ""; it = 0} {job = job $0 RS} /^jobnumber/ {it = !ids || index(" " ids " ", " " $2 " ")}
it {printf "%s", job; job = ""}'"""  # `qacct -j ID` would read all of accounting for each of them


def job_state(word: str) -> JobState:
    """Return what the letters of a job's state mean."""
    found = (state for letters, state in _STATES if not set(letters).isdisjoint(word))
    return next(found, JobState.UNKNOWN) if _LETTERS.issuperset(word) else JobState.UNKNOWN


def listed(cloud: str, told: Element) -> Iterator[Job]:
    """Yield the jobs of `qstat -f -r`; of an array each that runs, and the others as one."""
    for instance in told.iter("Queue-List"):
        for row in instance.iterfind("job_list"):
            row.set("queue", instance.findtext("name", ""))
            row.set("task", row.findtext("tasks", ""))
    known = dict.fromkeys(name.partition("@")[0] for name in texts(told, ".//Queue-List/name"))
    parts = grouped(
        told.iter("job_list"), lambda r: (r.findtext("JB_job_number", ""), r.get("task"))
    )
    for (number, task), rows in parts.items():  # a parallel job stands in several queues
        row, places = rows[0], [each.get("queue", "") for each in rows if each.get("queue")]
        tasks = ",".join(text for each in rows if (text := each.findtext("tasks")))
        asked = {each.get("name"): each.text for each in row.iterfind("hard_request")}
        slots = sum(int(each.findtext("slots", "1")) for each in (rows if places else rows[:1]))
        memory = mebibytes(asked.get("h_vmem"))  # for each slot
        hosts = dict.fromkeys(place.partition("@")[2] for place in places)
        named = [name.partition("@")[0] for name in places or texts(row, "hard_req_queue")]
        fit = [name for name in known if any(fnmatchcase(name, each) for each in named)]
        before = ":".join(texts(row, "predecessor_jobs_req")) or None
        states = {job_state(each.findtext("state", "?")) for each in rows}
        yield Job(
            cloud=cloud, id=f"{number}_{task}" if task else number, native=plain(row),
            name=row.findtext("full_job_name", ""), user=row.findtext("JB_owner", ""),
            state=JobState.PENDING if JobState.PENDING in states else states.pop(),
            # one that waits and names no queue goes to the first that has room
            queues=tuple(fit or named or known), nodes=len(hosts) or None, hosts=",".join(hosts),
            cores=slots, memory=memory and memory * slots, walltime=seconds(asked.get("h_rt")),
            array=number if tasks else None, index=int(task) if task else None,
            indices="" if task else tasks, count=1 if task or not tasks else arrays.size(tasks),
            started=time(row.findtext("JAT_start_time")), depends=before and f"afterany:{before}",
            submitted=time(row.findtext("JB_submission_time")),
        )  # fmt: skip


def detailed(job: Job, told: Element) -> Job:
    """Return a job with what `qstat -j` tells of it; the values of its variables are masked."""
    (detail,) = told.iterfind("djob_info/element")
    home = detail.findtext("JB_env_list/*[VA_variable='__SGE_PREFIX__O_HOME']/VA_value", "")
    for value in detail.iterfind("JB_env_list/*/VA_value"):
        value.text = MASK
    words = {"JOB_ID": job.array or job.id, "JOB_NAME": job.name, "USER": job.user}
    words |= {"TASK_ID": str(job.index)} if job.index else {}
    workdir, paths = detail.findtext("JB_cwd", home), {}
    for stream in ("out", "err"):
        path = detail.findtext(f"JB_std{stream}_path_list//PN_path", "")
        if not path or path.endswith("/"):
            path += f"$JOB_NAME.{stream[0]}$JOB_ID" + (".$TASK_ID" if job.array else "")
        path = re.sub(r"\$(\w+)", lambda found: words.get(found[1], found[0]), path)
        paths[stream] = path if path.startswith("/") else f"{workdir}/{path}"
    why = "; ".join(texts(told, ".//QIM_message") + texts(told, ".//MES_message"))
    return attrs.evolve(
        job, account=detail.findtext("JB_account"), workdir=workdir, output=paths["out"],
        error=None if detail.findtext("JB_merge_stderr") == "true" else paths["err"],
        reason=None if job.hosts else why or None,
        throttle=int(detail.findtext("JB_ja_task_concurrency", "0")) or None,
        token=detail.findtext("JB_context/*[VA_variable='cloudmesh']/VA_value"),
        native={**job.native, **plain(detail), "messages": why},
    )  # fmt: skip


def queues(cloud: str, told: Element) -> Iterator[QueueInfo]:
    """Yield the queues of `qstat -f -F h_rt`, each made of its instances on hosts."""
    parts = grouped(told.iter("Queue-List"), lambda each: each.findtext("name", "").split("@")[0])
    for name, some in parts.items():
        limits = [seconds(each.findtext("resource[@name='h_rt']")) for each in some]
        letters = [each.findtext("state", "") for each in some]
        bare = [{k: v for k, v in plain(each).items() if k != "job_list"} for each in some]
        shut = QueueState.STOPPED if _SHUT.issuperset("".join(letters)) else QueueState.UNKNOWN
        yield QueueInfo(
            cloud=cloud, id=name, name=name, nodes=len(some), native={"instances": bare},
            state=QueueState.OPEN if any(map(_OPEN.issuperset, letters)) else shut,
            hosts=",".join(each.findtext("name", "").partition("@")[2] for each in some),
            cores=sum(int(each.findtext("slots_total", "0")) for each in some),
            walltime=None if None in limits else max(filter(None, limits)),
        )  # fmt: skip


def nodes(cloud: str, told: Element) -> Iterator[Node]:
    """Yield the hosts of `qhost -q`, whose queues may have more slots than they have cores."""
    for host in (each for each in told.iterfind("host") if each.get("name") != "global"):
        said = {each.get("name"): each.text or "" for each in host.iterfind("hostvalue")}
        used = sum(map(int, texts(host, "queue/*[@name='slots_used']")))
        up, cores = said["load_avg"] != "-", int(said["num_proc"].replace("-", "0"))
        works = NodeState.IDLE if not used else NodeState.MIXED if used < cores else NodeState.BUSY
        yield Node(
            cloud=cloud, id=host.get("name", ""), name=host.get("name", ""), native=plain(host),
            state=works if up else NodeState.DOWN, load=float(said["load_avg"]) if up else None,
            queues=tuple(each.get("name", "") for each in host.iterfind("queue")),
            cores=cores or None, cores_used=min(used, cores), memory=mebibytes(said["mem_total"]),
        )  # fmt: skip


def past(cloud: str, told: str) -> Iterator[Job]:
    """Yield the jobs of `qacct -j`, each time that they ran and will not again."""
    for block in re.split(r"^=+$", told, flags=re.MULTILINE):
        said = {line[:13].strip(): line[13:].strip() for line in block.splitlines()}
        failed = said.get("failed", _AGAIN[0]).split()[0]
        if failed in _AGAIN:
            continue
        number, index = said["jobnumber"], int(said["taskid"].replace("undefined", "0")) or None
        limit = dict(re.findall("(h_rt)=([^, ]+)", said["category"])).get("h_rt")
        status = int(said["exit_status"].split()[0])
        signal = status - 128 if failed in (_LIMIT, _SIGNAL) and status > 128 else None
        ended = JobState.DONE if failed == "0" and status == 0 else JobState.FAILED
        yield records.late(Job(
            cloud=cloud, id=f"{number}_{index}" if index else number, name=said["jobname"],
            # SIGKILL is what qdel sends; nothing tells who sent it
            state=JobState.CANCELLED if (failed, signal) == (_SIGNAL, 9) else ended,
            user=said["owner"], account=said["account"], queues=(said["qname"],), native=said,
            hosts=said["hostname"], cores=int(said["slots"]), walltime=seconds(limit), index=index,
            array=number if index else None, exit_code=None if signal else status, signal=signal,
            reason=said["failed"] if failed != "0" else None, submitted=time(said["qsub_time"]),
            started=time(said["start_time"]), ended=time(said["end_time"]),
        ))  # fmt: skip


@attrs.frozen(kw_only=True)
class GridEngineSettings(BatchSettings):
    """What stands beside `driver: gridengine` in cloudmesh.yaml."""

    pe: str = option("parallel environment of jobs with several cores", default="smp")


class GridEngineQueue(BatchQueue, HasHistory):
    """One cell of Grid Engine."""

    Settings = GridEngineSettings
    extras = BatchQueue.extras - {"nodes", "gpus"}
    names, ranges = "[!-~]+", r"[1-9]\d*(-\d+(:\d+)?)?(%\d+)?"
    id = r"(\d+)(?:\.\d+-\d+:\d+)?"
    gone = r"does not exist|job id \d+ not found|accounting: No such file"
    secret = r"(?<=<VA_value>).*?(?=</VA_value>|$)"
    refused = (
        (errors.AuthError, r"access denied|privileges|must be|(submit|admin) host"),
        (errors.UnavailableError, r"qmaster|commlib|gdi request"),
        (errors.QuotaError, r"more than \d+|maximum|no suitable queues"),
        (errors.InvalidRequestError, r"Unable to run job|qsub:"),
    )

    def info(self, jobs: Iterable[Job] | None = None) -> Iterable[QueueInfo]:
        told = self._xml(*_LIST, "*")
        jobs = listed(self.name, told) if jobs is None else jobs
        return records.counted(queues(self.name, told), jobs)

    def jobs(self) -> Iterable[Job]:
        return listed(self.name, self._xml(*_LIST, "*"))

    def job(self, id: str) -> Job:  # noqa: A002
        told = self._xml("qstat", "-xml", "-j", id.partition("_")[0])
        owner = told.findtext("djob_info/element/JB_owner")
        found = arrays.one(listed(self.name, self._xml(*_LIST, owner)), id) if owner else None
        return detailed(found, told) if found else self._gone(id)

    def find(self, token: str) -> Job | None:
        ids = {job.array or job.id for job in listed(self.name, self._xml(*_LIST, "$user"))}
        told = self._xml("qstat", "-xml", "-j", ",".join(ids) or "0")  # no list shows tokens
        for job in told.iterfind("djob_info/element"):
            if token in texts(job, "JB_context/*/VA_value"):
                return self.job(job.findtext("JB_job_number", ""))
        return None

    def cancel(self, job: Job) -> None:
        said = self._run("qdel", job.id.replace("_", "."), fine=self._well_or_gone).text
        if "has deleted" in said and "registered" not in said:  # accounting never hears of it
            self._over[job.id] = attrs.evolve(job, state=JobState.CANCELLED)

    def hold(self, job: Job) -> None:
        records.must_wait(self.job(job.id))
        self._run("qhold", job.id.replace("_", "."))

    def release(self, job: Job) -> None:
        self._run("qrls", job.id.replace("_", "."))

    def nodes(self) -> Iterable[Node]:
        return nodes(self.name, self._xml("qhost", "-xml", "-q"))

    def history(
        self, *, ids: Collection[str] | None = None, user: str | None = None,
        since: datetime | None = None,
    ) -> Iterable[Job]:  # fmt: skip
        numbers = " ".join(one.partition("_")[0] for one in ids or ())
        begin = since and f"{since.astimezone(UTC):%Y%m%d%H%M.%S}"
        words = (self._program("qacct"), numbers, *scripts.options({"-o": user, "-b": begin}))
        told = self._run(scripts.SHELL, "-c", _PAST, *words, fine=self._well_or_gone).text
        return records.past(past(self.name, told), ids=ids, user=user, since=since)

    def _submission(self, request: JobRequest) -> tuple[Sequence[str], str]:
        indices, _, throttle = (request.array or "").partition("%")
        slots = (request.tasks or 1) * (request.cores or 1)
        memory = -(-(request.memory or 0) // slots)  # for each slot, rounded up
        limits = {"h_rt": request.walltime, "h_vmem": memory and f"{memory}M"}
        after = scripts.after(request, known=("afterany",)) or ""
        options = {
            "-terse": True, "-sync": "n", "-now": "n", "-S": scripts.SHELL, "-h": request.held,
            "-N": request.name, "-q": request.queue, "-A": request.account, "-t": indices,
            "-tc": throttle, "-v": ",".join(request.environment), "-wd": request.workdir,
            "-hold_jid": after.removeprefix("afterany:").replace(":", ","), "-o": request.output,
            "-l": ",".join(f"{name}={value}" for name, value in limits.items() if value),
            "-pe": (self._settings.pe, slots) if slots > 1 else None, "-e": request.error,
            "-j": "n" if request.error else "y", "-ac": f"cloudmesh={request.token}",
            "-C": "#$" if request.script else request.token,  # a command has no options within
        }  # fmt: skip
        text = scripts.for_shell(scripts.script(request))
        return ("qsub", *scripts.options(options), *request.options), text

    def _xml(self, *argv: str) -> Element:
        told = self._run(*argv).out.replace(b"%lt;", b"&lt;")  # so it writes a "<"
        return read(self.name, told, "job_info", "detailed_job_info", "unknown_jobs", "qhost")
