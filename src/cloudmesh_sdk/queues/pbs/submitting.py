"""A request for a job, as options of `qsub`, and the script that it reads.

A job has only those variables of ours that `-v` names; qsub takes their values from its own
environment, so that none stands on a command line.
"""

import re
import shlex
from collections.abc import Iterator

from cloudmesh_sdk.errors import InvalidRequestError, UnavailableError
from cloudmesh_sdk.models import JobRequest
from cloudmesh_sdk.queues import arrays
from cloudmesh_sdk.queues.batch import Done, scripts
from cloudmesh_sdk.queues.pbs import tokens

PREFIX = "#PBS"
_ID = re.compile(r"\s*(\d+(?:\[\])?(?:\.[\w.-]+)?)\s*")
_SHELLS = frozenset({"sh", "bash", "dash", "ksh", "mksh", "zsh"})


def options(request: JobRequest, *, torque: bool = False) -> Iterator[str]:
    """Yield the options of qsub; the user's own come late, for qsub takes the last.

    What stands here also wins over the directives of the script, as qsub has it.
    Raises `InvalidRequestError` for what qsub would misread.
    """
    yield from ("-N", request.name)
    for flag, value in _given(request, torque=torque).items():
        if value is not None:
            yield from (flag, value)
    for resource in _resources(request, torque=torque):
        yield from ("-l", resource)
    for attribute in _attributes(request, torque=torque):
        yield from ("-W", attribute)
    if request.held:
        yield "-h"
    own, others = _own_variables(request)
    yield from others
    names = [tokens.assignment(request.token), *request.environment, *own]
    yield from ("-v", ",".join(names))


def script(request: JobRequest, *, torque: bool = False) -> str:
    """Return the script, which goes to the working directory first; Torque does so by itself.

    PBS begins a job at home. Directives count only above the first command, so `cd` stands below
    them. A script of another language is run from within one of a shell.
    """
    text = scripts.script(request)
    if request.workdir is None or torque:
        return text
    place = shlex.quote(request.workdir if request.workdir[:1] != "-" else f"./{request.workdir}")
    go = f"cd {place} || exit 1\n"
    lines = text.splitlines(keepends=True)
    at = next((n for n, line in enumerate(lines) if _is_command(line)), len(lines))
    interpreter = lines[0].removeprefix("#!").split()
    if interpreter and _language(interpreter) in _SHELLS:
        head = "".join(lines[:at])
        return f"{head}{'' if head.endswith(chr(10)) else chr(10)}{go}{''.join(lines[at:])}"
    directives = "".join(line for line in lines[:at] if line.startswith(PREFIX))
    return f"#!{scripts.SHELL}\n{directives}{go}{_within(interpreter, text)}"


def submitted(name: str, done: Done) -> str:
    """Return the id that qsub told; a login may have said something before.

    Raises `UnavailableError` where there is none: the job may be in the queue.
    """
    for line in reversed(done.text.split("\n")):
        if found := _ID.fullmatch(line):
            return found[1]
    raise UnavailableError(f"{name}: qsub told no id of a job")


def _given(request: JobRequest, *, torque: bool) -> dict[str, str | None]:
    joined = request.output is not None and request.error is None
    return {
        "-q": request.queue,
        "-A": request.account,
        "-t" if torque else "-J": None if request.array is None else _array(request.array, torque),
        "-o": _file(request, request.output),
        "-e": _file(request, request.error),
        "-j": "oe" if joined else None,
        "-d": request.workdir if torque else None,
    }


def _file(request: JobRequest, path: str | None) -> str | None:
    """Return where to write, as seen from the working directory."""
    if path is None:
        return None
    if ":" in path:
        raise InvalidRequestError(f"PBS reads what is before ':' in {path!r} as a host")
    inside = request.workdir is not None and not path.startswith("/")
    return f"{(request.workdir or '').rstrip('/')}/{path}" if inside else path


def _array(listed: str, torque: bool) -> str:
    """Return indices as qsub takes them: PBS one range, its throttle is an attribute."""
    ranges = arrays.indices(listed)
    if torque:
        if ":" in listed:
            raise InvalidRequestError(f"Torque takes no steps in an array, such as in {listed!r}")
        return listed
    if len(ranges) != 1 or len(ranges[0]) < 2:  # noqa: PLR2004 - one alone is no range
        raise InvalidRequestError(
            f"PBS takes one range of indices for an array, such as 1-100 or 1-9:2, not {listed!r}"
        )
    return listed.partition("%")[0]


def _attributes(request: JobRequest, *, torque: bool) -> Iterator[str]:
    if waits := scripts.after(request):
        yield f"depend={waits}"
    throttle = (request.array or "").partition("%")[2]
    if throttle and not torque:
        yield f"max_run_subjobs={throttle}"


def _resources(request: JobRequest, *, torque: bool) -> Iterator[str]:
    """Yield what stands behind `-l`.

    Without a number of nodes, tasks are placed wherever there is room; memory and GPUs are for
    each node, so those that ask for them get one node if they say nothing else.
    """
    asked = (request.nodes, request.tasks, request.cores, request.memory, request.gpus)
    if any(value is not None for value in asked):
        yield from _of_torque(request) if torque else _of_pbs(request)
    if request.walltime is not None:
        yield f"walltime={scripts.clock(request.walltime)}"


def _of_pbs(request: JobRequest) -> Iterator[str]:
    tasks, cores = request.tasks or request.nodes or 1, request.cores or 1
    if request.nodes is None and request.memory is None and request.gpus is None:
        yield f"select={tasks}:ncpus={cores}:mpiprocs=1"
        return
    nodes = request.nodes or 1
    each, more = divmod(tasks, nodes)
    sizes = [(more, each + 1), (nodes - more, each)]
    rest = "" if request.memory is None else f":mem={request.memory}mb"
    rest += "" if request.gpus is None else f":ngpus={request.gpus}"
    chunks = [f"{n}:ncpus={size * cores}:mpiprocs={size}{rest}" for n, size in sizes if n and size]
    yield f"select={'+'.join(chunks)}"
    if nodes > 1:
        yield "place=scatter"


def _of_torque(request: JobRequest) -> Iterator[str]:
    nodes = request.nodes or 1
    tasks = request.tasks or nodes
    each = -(-tasks // nodes) * (request.cores or 1)
    gpus = "" if request.gpus is None else f":gpus={request.gpus}"
    yield f"nodes={nodes}:ppn={each}{gpus}"
    if request.memory is not None:
        yield f"mem={request.memory * nodes}mb"


def _own_variables(request: JobRequest) -> tuple[list[str], list[str]]:
    """Return what the user gives behind `-v` (in his options, else in the script), and the rest."""
    own, rest = _taken(request.options)
    if not own:
        for directive in scripts.directives(request.script or "", PREFIX):
            try:
                words = shlex.split(directive, comments=True)
            except ValueError:
                continue  # qsub will complain, or not; it is none of ours
            own = _taken(words)[0] or own
    return own, rest


def _taken(words: tuple[str, ...] | list[str]) -> tuple[list[str], list[str]]:
    own: list[str] = []
    rest: list[str] = []
    each = iter(words)
    for word in each:
        if word.startswith("-v"):
            own = [word.removeprefix("-v") or next(each, "")]
        else:
            rest.append(word)
    return [word for word in own if word], rest


def _is_command(line: str) -> bool:
    return bool(line.strip()) and not line.startswith("#")


def _language(interpreter: list[str]) -> str:
    """Return the name of what runs a script: `bash` of `/bin/bash`, and of `env bash`."""
    names = [word.rpartition("/")[2] for word in interpreter]
    return names[1] if names[0] == "env" and len(names) > 1 else names[0]


def _within(interpreter: list[str], text: str) -> str:
    """Return lines of a shell that run a script of another language."""
    end = f"END_{tokens.mark()}"
    return (
        'script=$(mktemp) || exit 1\ncat > "$script" <<\'' + end + "'\n"
        + text + ("" if text.endswith("\n") else "\n") + end + "\n"
        + f'{shlex.join(interpreter)} "$script"\ncode=$?\nrm -f "$script"\nexit $code\n'
    )  # fmt: skip
