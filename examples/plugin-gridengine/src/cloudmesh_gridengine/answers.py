"""Grid Engine's answers as records: pure functions, tried on what a real 8.1.9 said."""

import posixpath
import re
from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase
from xml.etree.ElementTree import Element

import attrs

from cloudmesh_sdk.masking import MASK
from cloudmesh_sdk.models import Job, JobState, Node, NodeState, QueueInfo, QueueState
from cloudmesh_sdk.queues import arrays
from cloudmesh_sdk.queues.batch.values import mebibytes, seconds, time
from cloudmesh_sdk.queues.batch.xml import plain, texts

_STATES = (
    ("E", JobState.HELD), ("d", JobState.EXITING), ("sST", JobState.SUSPENDED),
    ("rt", JobState.RUNNING), ("h", JobState.HELD), ("qw", JobState.PENDING),
)  # fmt: skip
"""Letters of a job's state, qstat(1), what counts most first; `E` waits for `qmod -cj`."""
_LETTERS, _OPEN, _SHUT = map(frozenset, ("EdsSTrthqwR", "aA", "aAcCdDEosSuP"))
_AGAIN, _LIMIT, _SIGNAL = ("24", "25"), "37", "100"
"""Why a job ended (`failed`), sge_status(5): to be run again; past a limit; by a signal."""


def job_state(word: str) -> JobState:
    """Return what the letters of a job's state mean."""
    found = (state for letters, state in _STATES if not set(letters).isdisjoint(word))
    return next(found, JobState.UNKNOWN) if _LETTERS.issuperset(word) else JobState.UNKNOWN


def jobs(cloud: str, told: Element) -> Iterator[Job]:
    """Yield the jobs of `qstat -f -r`; of an array each that runs, and the others as one."""
    found: dict[tuple[str, str], list[tuple[str, Element]]] = {}
    for part in (*told.iter("Queue-List"), *told.iterfind("job_info")):
        place = part.findtext("name", "")  # a parallel job is in several
        for row in part.iterfind("job_list"):
            tasks = row.findtext("tasks", "") if place else "those that wait"
            found.setdefault((row.findtext("JB_job_number", ""), tasks), []).append((place, row))
    names = dict.fromkeys(name.partition("@")[0] for name in texts(told, ".//Queue-List/name"))
    for rows in found.values():
        yield _job(cloud, [at for at, _ in rows if at], [row for _, row in rows], names)


def _job(cloud: str, places: list[str], rows: list[Element], known: Collection[str]) -> Job:
    row, number = rows[0], rows[0].findtext("JB_job_number", "")
    tasks = ",".join(text for each in rows if (text := each.findtext("tasks")))
    index = int(row.findtext("tasks", "")) if places and tasks else None
    asked = {each.get("name"): each.text for each in row.iterfind("hard_request")}
    slots = sum(int(each.findtext("slots", "1")) for each in (rows if places else rows[:1]))
    memory = mebibytes(asked.get("h_vmem"))  # for each slot
    hosts = dict.fromkeys(place.partition("@")[2] for place in places)
    named = [name.partition("@")[0] for name in places or texts(row, "hard_req_queue")]
    fit = [name for name in known if any(fnmatchcase(name, each) for each in named)]
    before = ":".join(texts(row, "predecessor_jobs_req"))
    states = {job_state(each.findtext("state", "?")) for each in rows}
    return Job(
        cloud=cloud, id=number if index is None else f"{number}_{index}",
        name=row.findtext("full_job_name", ""), user=row.findtext("JB_owner", ""),
        state=JobState.PENDING if JobState.PENDING in states else states.pop(),
        # one that waits and names no queue goes to the first that has room
        queues=tuple(fit or named or known), nodes=len(hosts) or None, hosts=",".join(hosts),
        cores=slots, memory=memory and memory * slots, walltime=seconds(asked.get("h_rt")),
        array=number if tasks else None, index=index, indices="" if places else tasks,
        count=arrays.size(tasks) if tasks and not places else 1,
        submitted=time(row.findtext("JB_submission_time")),
        started=time(row.findtext("JAT_start_time")),
        depends=f"afterany:{before}" if before else None,
        native={**plain(row), "queue_name": ",".join(places)},
    )  # fmt: skip


def with_details(job: Job, told: Element) -> Job:
    """Return a job with what `qstat -j` tells of it; the values of its variables are masked."""
    (detail,) = told.iterfind("djob_info/element")
    home = detail.findtext("JB_env_list/*[VA_variable='__SGE_PREFIX__O_HOME']/VA_value", "")
    for value in detail.iterfind("JB_env_list/*/VA_value"):
        value.text = MASK
    merged = detail.findtext("JB_merge_stderr") == "true"
    out, err = (detail.findtext(f"JB_std{x}_path_list//PN_path", "") for x in ("out", "err"))
    why = "; ".join(texts(told, ".//QIM_message") + texts(told, ".//MES_message"))
    job = attrs.evolve(
        job, account=detail.findtext("JB_account"), workdir=detail.findtext("JB_cwd", home),
        reason=why or None if not job.hosts else None,
        throttle=int(detail.findtext("JB_ja_task_concurrency", "0")) or None,
        token=detail.findtext("JB_context/*[VA_variable='cloudmesh']/VA_value"),
        native={**job.native, **plain(detail), "messages": why},
    )  # fmt: skip
    return attrs.evolve(
        job, output=_file(job, out, "o"), error=None if merged else _file(job, err, "e")
    )


def _file(job: Job, path: str, kind: str) -> str:
    if not path or path.endswith("/"):
        path += f"$JOB_NAME.{kind}$JOB_ID" + (".$TASK_ID" if job.array else "")
    words = {"JOB_ID": job.array or job.id, "JOB_NAME": job.name, "USER": job.user}
    words |= {"TASK_ID": str(job.index)} if job.index else {}
    made = re.sub(r"\$(\w+)", lambda found: words.get(found[1], found[0]), path)
    return posixpath.join(job.workdir or "", made)


def queues(cloud: str, told: Element) -> Iterator[QueueInfo]:
    """Yield the queues of `qstat -f -F h_rt`, each made of its instances on hosts."""
    found: dict[str, list[Element]] = {}
    for instance in told.iter("Queue-List"):
        found.setdefault(instance.findtext("name", "").partition("@")[0], []).append(instance)
    for name, some in found.items():
        limits = [seconds(each.findtext("resource[@name='h_rt']")) for each in some]
        letters = [each.findtext("state", "") for each in some]
        shut = QueueState.STOPPED if _SHUT.issuperset("".join(letters)) else QueueState.UNKNOWN
        yield QueueInfo(
            cloud=cloud, id=name, name=name, nodes=len(some),
            state=QueueState.OPEN if any(map(_OPEN.issuperset, letters)) else shut,
            hosts=",".join(each.findtext("name", "").partition("@")[2] for each in some),
            cores=sum(int(each.findtext("slots_total", "0")) for each in some),
            walltime=None if None in limits else max(filter(None, limits)),
            native={each.findtext("name", ""): plain(each) for each in some},
        )  # fmt: skip


def nodes(cloud: str, told: Element) -> Iterator[Node]:
    """Yield the hosts of `qhost -q`."""
    for host in (each for each in told.iterfind("host") if each.get("name") != "global"):
        said = {each.get("name"): each.text or "" for each in host.iterfind("hostvalue")}
        used = sum(map(int, texts(host, "queue/*[@name='slots_used']")))
        up, cores = said["load_avg"] != "-", int(said["num_proc"].replace("-", "0"))
        works = NodeState.IDLE if not used else NodeState.MIXED if used < cores else NodeState.BUSY
        yield Node(
            cloud=cloud, id=host.get("name", ""), name=host.get("name", ""), native=plain(host),
            state=works if up else NodeState.DOWN, load=float(said["load_avg"]) if up else None,
            queues=tuple(each.get("name", "") for each in host.iterfind("queue")),
            cores=cores or None, memory=mebibytes(said["mem_total"]),
            cores_used=min(used, cores),  # its queues may have more slots than it has cores
        )  # fmt: skip


def history(cloud: str, told: str) -> Iterator[Job]:
    """Yield the jobs of `qacct -j`, each time that they ran and will not again."""
    for block in re.split(r"^=+$", told, flags=re.MULTILINE):
        said = {line[:13].strip(): line[13:].strip() for line in block.splitlines()}
        if said.get("jobnumber") and said["failed"].split()[0] not in _AGAIN:
            yield _past(cloud, said)


def _past(cloud: str, said: dict[str, str]) -> Job:
    number, index = said["jobnumber"], int(said["taskid"].replace("undefined", "0")) or None
    failed, status = said["failed"].split()[0], int(said["exit_status"].split()[0])
    started, ended = time(said["start_time"]), time(said["end_time"])
    limit = seconds(dict(re.findall(r"(h_rt)=([^, ]+)", said["category"])).get("h_rt"))
    signal = status - 128 if failed in (_LIMIT, _SIGNAL) and status > 128 else None
    state = JobState.DONE if failed == "0" and status == 0 else JobState.FAILED
    if signal and limit and started and ended and (ended - started).total_seconds() >= limit:
        state = JobState.TIMEOUT
    elif failed == _SIGNAL and signal == 9:  # as qdel does; nothing tells who sent it
        state = JobState.CANCELLED
    return Job(
        cloud=cloud, id=f"{number}_{index}" if index else number, name=said["jobname"],
        state=state, user=said["owner"], account=said["account"], queues=(said["qname"],),
        hosts=said["hostname"], cores=int(said["slots"]), walltime=limit, index=index,
        reason=said["failed"] if failed != "0" else None, array=number if index else None,
        submitted=time(said["qsub_time"]), started=started, ended=ended,
        exit_code=None if signal else status, signal=signal, native=said,
    )  # fmt: skip
