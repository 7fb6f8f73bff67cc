"""A request for a job, as options of `sbatch`.

The job inherits its environment from sbatch (`--export=ALL`), as users of sbatch know it: what it
shall have beside that stands there.
"""

import re
import shlex
from collections.abc import Iterator

from cloudmesh_sdk.errors import UnavailableError
from cloudmesh_sdk.models import JobRequest
from cloudmesh_sdk.queues import arrays
from cloudmesh_sdk.queues.batch import Done, scripts
from cloudmesh_sdk.queues.slurm import tokens

_ID = re.compile(r"\s*(\d+)(?:;\S+)?\s*")
_COMMENT = re.compile(r"--comment(?:=(.*))?", re.DOTALL)


def options(request: JobRequest, *, cluster: str | None = None) -> Iterator[str]:
    """Yield the options of sbatch; the user's own come late, for sbatch takes the last.

    Raises `InvalidRequestError` for what sbatch would misread.
    """
    if request.array is not None:
        arrays.size(request.array)  # what sbatch says of a bad one is also said of one too long
    yield "--parsable"
    yield "--export=ALL"
    given = {
        "clusters": cluster,
        "job-name": request.name,
        "partition": request.queue,
        "nodes": request.nodes,
        "ntasks": request.tasks,
        "cpus-per-task": request.cores,
        "mem": None if request.memory is None else f"{request.memory}M",
        # Slurm counts in minutes, and rounds up
        "time": None if request.walltime is None else scripts.clock(request.walltime),
        "gpus-per-node": request.gpus,
        "account": request.account,
        "array": request.array,
        "dependency": scripts.after(request),
        "chdir": request.workdir,
        "output": request.output,
        "error": request.error,
    }
    yield from (f"--{name}={value}" for name, value in given.items() if value is not None)
    if request.held:
        yield "--hold"
    own, others = _own_comment(request)
    yield from others
    yield f"--comment={tokens.comment(request.token, own)}"


def submitted(name: str, done: Done) -> str:
    """Return the id that sbatch told; a login may have said something before.

    Raises `UnavailableError` where there is none: the job may be in the queue.
    """
    for line in reversed(done.text.splitlines()):
        if found := _ID.fullmatch(line):
            return found[1]
    raise UnavailableError(f"{name}: sbatch told no id of a job")


def _own_comment(request: JobRequest) -> tuple[str | None, list[str]]:
    """Return the comment that the user gives (in his options, else in the script), and the rest."""
    own = _directed(request.script or "")
    rest: list[str] = []
    words = iter(request.options)
    for word in words:
        found = _COMMENT.fullmatch(word)
        if found is None:
            rest.append(word)
        else:
            own = next(words, "") if found[1] is None else found[1]
    return own, rest


def _directed(script: str) -> str | None:
    """Return the comment in a script's directives, which ours would replace."""
    own = None
    for directive in scripts.directives(script, "#SBATCH"):
        own = _comment(directive) or own
    return own


def _comment(directive: str) -> str | None:
    try:
        words = shlex.split(directive, comments=True)
    except ValueError:
        return None  # sbatch will complain, or not; it is none of ours
    for at, word in enumerate(words):
        if found := _COMMENT.fullmatch(word):
            return found[1] if found[1] is not None else " ".join(words[at + 1 : at + 2])
    return None
