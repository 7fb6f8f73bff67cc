"""A request for a job, as slurmrestd takes it.

What counts first is what the request says in `options`, then its other fields, then the `#SBATCH`
lines of its script: as with `sbatch`, whose command line wins. There is no environment to inherit:
a job gets PATH, who it is, and what the request gives it, beside Slurm's own variables.
"""

from collections.abc import Mapping
from typing import Any

from cloudmesh_sdk.errors import InvalidRequestError, UnavailableError
from cloudmesh_sdk.models import JobRequest
from cloudmesh_sdk.queues import arrays
from cloudmesh_sdk.queues.batch import scripts
from cloudmesh_sdk.queues.slurm import rest_options, tokens
from cloudmesh_sdk.queues.slurm.rest_values import number

_PATH = "/usr/local/bin:/usr/bin:/bin"
_WORKDIR = "current_working_directory"


def body(request: JobRequest, *, newer: bool, user: str, workdir: str | None) -> dict[str, Any]:
    """Return what is sent; `workdir` is that of a request which names none.

    Raises `InvalidRequestError` and `UnsupportedError` for what slurmrestd would not do.
    """
    script = scripts.script(request)
    if request.array is not None:
        arrays.size(request.array)
    job = {
        **rest_options.directed(script, newer=newer),
        **rest_options.fields(_words(request), newer=newer),
        **rest_options.fields(request.options, newer=newer),
    }
    job["comment"] = tokens.comment(request.token, job.get("comment"))
    job["environment"] = _environment(request, user, newer=newer)
    if job.setdefault(_WORKDIR, workdir) is None:
        raise InvalidRequestError(
            "name the directory that the job shall run in (workdir): slurmrestd, on another "
            "machine, knows none of yours"
        )
    return {"script": script, "job": job}


def submitted(name: str, data: Any) -> str:
    """Return the id of the job in an answer; raises `UnavailableError` where there is none."""
    id = taken(data)  # noqa: A001
    if id is None:
        raise UnavailableError(f"{name}: slurmrestd told no id of a job")
    return str(id)


def taken(data: Any) -> int | None:
    """Return the number of the job that was made, None for none.

    22.05 counts among errors that a job was submitted held, as was asked.
    """
    return number(data.get("job_id")) or None if isinstance(data, dict) else None


def _words(request: JobRequest) -> list[str]:
    """Return the fields of a request as words of sbatch."""
    given: Mapping[str, Any] = {
        "job-name": request.name,
        "partition": request.queue,
        "nodes": request.nodes,
        "ntasks": request.tasks,
        "cpus-per-task": request.cores,
        "mem": request.memory,
        "time": None if request.walltime is None else scripts.clock(request.walltime),
        "gpus-per-node": request.gpus,
        "account": request.account,
        "array": request.array,
        "dependency": scripts.after(request),
        "chdir": request.workdir,
        "output": request.output,
        "error": request.error,
    }
    words = [f"--{name}={value}" for name, value in given.items() if value is not None]
    return [*words, "--hold"] if request.held else words


def _environment(request: JobRequest, user: str, *, newer: bool) -> Any:
    given = {"PATH": _PATH, "USER": user, "LOGNAME": user, **request.environment}
    [*scripts.exports(request.environment)]  # it refuses what cannot be a variable
    return [f"{name}={value}" for name, value in given.items()] if newer else given
