"""What Slurm's commands say when they fail, as our errors. Source: slurm_errno.c, 22.05 and 25.11.

The exit status only tells that something failed: scancel's is the error number modulo 256.
"""

import re

from cloudmesh_sdk.errors import (
    AuthError,
    BackendError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    QuotaError,
    ThrottledError,
    UnavailableError,
    UnsupportedError,
)
from cloudmesh_sdk.queues.batch import Done

GONE = re.compile(r"Invalid job id|already completing or completed|No such file", re.IGNORECASE)
"""The job is over or unknown, which is what a cancel wanted."""

NOBODY = re.compile(r"Invalid user(?: id)?: ")
"""There is no such user, who then has no jobs."""

_TABLE: tuple[tuple[type[BackendError], tuple[str, ...]], ...] = (
    (UnavailableError, (
        r"Unable to contact slurm controller", r"connect failure", r"Connection refused",
        r"Socket timed out", r"Zero Bytes were transmitted", r"Insane message length",
        r"backup controller", r"in standby", r"being reconfigured", r"slurm_persist_conn_open",
    )),
    (UnsupportedError, (
        r"command not found", r": not found$", r"accounting storage is disabled",
    )),
    (ThrottledError, (r"rate limit",)),
    (QuotaError, (
        r"queue full", r"temporarily unable to accept job", r"MaxJobCount", r"quota",
        r"violates accounting/QOS policy", r"limit is invalid", r"exceeds some limit",
        r"Node count specification invalid", r"More processors requested than permitted",
        r"Memory specification can not", r"Memory required by", r"configuration is not available",
        r"Invalid job array specification", r"Job size or limits",
    )),
    (NotFoundError, (
        r"Invalid job id", r"No such job", r"Job/step not found", r"Invalid node name",
    )),
    (InvalidRequestError, (
        r"Invalid partition", r"Invalid account", r"Invalid qos", r"partition name",
        r"Invalid user:",
    )),
    (AuthError, (
        r"permission denied", r"Invalid user id", r"not permitted", r"authentication",
        r"credential", r"munge",
    )),
    (ConflictError, (
        r"already completing", r"already pending", r"no longer pending", r"presently disabled",
    )),
)  # fmt: skip
"""What stands first counts; letters may be large or small."""
_FOUND = tuple((re.compile("|".join(said), re.IGNORECASE), error) for error, said in _TABLE)

_NOISE = re.compile(r"^\w+: (?:(?:error|fatal): )?|^slurm_\w+ error: ?")
_CAN_NOT = re.compile(r"\b(error|fatal):|_error\b| error: |^slurm_\w+ error", re.MULTILINE)


def failed(done: Done) -> bool:
    """Tell whether a command failed, also where its exit status is 0 (22.05 does that)."""
    if done.status != 0:
        return True
    return not done.out.strip() and _CAN_NOT.search(done.err.decode(errors="replace")) is not None


def refusal(name: str, done: Done) -> BackendError:
    """Return the error of a command that failed; `name` is that of the manager."""
    said = _said(done.err) or _said(done.out[:200])
    # 255: sbatch did not understand an option, and has asked nobody
    other = InvalidRequestError if done.status in (1, 255) and said else UnavailableError
    command = _command(done)
    why = said or f"it ended with status {done.status} and said nothing"
    return (kind(said) or other)(f"{name}: {command}: {why}")


def kind(said: str) -> type[BackendError] | None:
    """Return which error Slurm's own words mean, None for none that we know."""
    return next((error for found, error in _FOUND if found.search(said)), None)


def _said(words: bytes) -> str:
    """Return what was said as one line."""
    lines = (_NOISE.sub("", line).strip() for line in words.decode(errors="replace").splitlines())
    return "; ".join(line for line in lines if line)


def _command(done: Done) -> str:
    return "sbatch" if done.argv[0] == "/bin/sh" else done.argv[0].rpartition("/")[2]
