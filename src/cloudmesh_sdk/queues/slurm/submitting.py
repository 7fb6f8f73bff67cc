"""A request for a job, as what `sbatch` is run with.

All of it goes by standard input to a shell, which runs sbatch: so neither the script nor the job's
variables stand on a command line, where everybody on that machine could read them. The job
inherits its environment from sbatch (`--export=ALL`), as users of sbatch know it.
"""

import re
import secrets
import shlex
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from cloudmesh_sdk.errors import InvalidRequestError, UnavailableError
from cloudmesh_sdk.models import JobRequest
from cloudmesh_sdk.queues import arrays
from cloudmesh_sdk.queues.batch import Done
from cloudmesh_sdk.queues.slurm import tokens

SHELL = "/bin/sh"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ID = re.compile(r"\s*(\d+)(?:;\S+)?\s*")
_COMMENT = re.compile(r"--comment(?:=(.*))?", re.DOTALL)
_AFTER = ("after", "afterok", "afternotok", "afterany")


def program(request: JobRequest, *, path: str | None = None, cluster: str | None = None) -> bytes:
    """Return the text for the shell; raises `InvalidRequestError`."""
    sbatch = str(PurePosixPath(path or "", "sbatch"))
    if request.array is not None:
        arrays.size(request.array)  # what sbatch says of a bad one is also said of one too long
    script = _script(request)
    end = f"END_{secrets.token_hex(8)}"
    lines = [
        *(f"export {name}={shlex.quote(value)}" for name, value in _environment(request)),
        f"exec {shlex.join([sbatch, *options(request, cluster=cluster)])} <<'{end}'",
        script.removesuffix("\n"),
        end,
        "",
    ]
    return "\n".join(lines).encode(errors="surrogateescape")


def options(request: JobRequest, *, cluster: str | None = None) -> Iterator[str]:
    """Yield the options of sbatch; the user's own come last, for sbatch takes the last."""
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
        "time": None if request.walltime is None else _time(request.walltime),
        "gpus-per-node": request.gpus,
        "account": request.account,
        "array": request.array,
        "dependency": _dependency(request),
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


def _script(request: JobRequest) -> str:
    if request.script is None:
        return f"#!{SHELL}\nexec {shlex.join(request.command)}\n"
    if not request.script.startswith("#!"):
        raise InvalidRequestError(
            "the first line of a script must name its interpreter, such as #!/bin/sh"
        )
    if "\0" in request.script or "\r\n" in request.script:
        raise InvalidRequestError("a script may hold neither NUL bytes nor DOS line ends (\\r\\n)")
    return request.script


def _environment(request: JobRequest) -> Iterable[tuple[str, str]]:
    for name, value in request.environment.items():
        if not _VARIABLE.fullmatch(name) or "\0" in value:
            # the value is not shown: it may be a secret
            raise InvalidRequestError(f"{name!r} cannot be a variable of a job's environment")
    return request.environment.items()


def _time(walltime: int) -> str:
    """Return seconds as minutes and seconds; Slurm counts in minutes, and rounds up."""
    return f"{walltime // 60}:{walltime % 60:02}"


def _dependency(request: JobRequest) -> str | None:
    for how in request.after:
        if how not in _AFTER:
            raise InvalidRequestError(f"{how!r}: a job can wait {', '.join(_AFTER)} others")
    return ",".join(f"{how}:{':'.join(ids)}" for how, ids in request.after.items() if ids) or None


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
    for line in script.splitlines():
        if line.startswith("#SBATCH"):
            own = _of_directive(line) or own
        elif line.strip() and not line.startswith("#"):
            break  # sbatch reads no directives below the first command
    return own


def _of_directive(line: str) -> str | None:
    try:
        words = shlex.split(line.removeprefix("#SBATCH"), comments=True)
    except ValueError:
        return None  # sbatch will complain, or not; it is none of ours
    for at, word in enumerate(words):
        if found := _COMMENT.fullmatch(word):
            return found[1] if found[1] is not None else " ".join(words[at + 1 : at + 2])
    return None
