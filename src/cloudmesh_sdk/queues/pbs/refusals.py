"""What PBS's commands say when they fail, as our errors.

They end with their error number modulo 256 (pbs_error.h); what they say is read first, for
Torque has other numbers. Usage, which they print where an option is wrong, is left out.
"""

import re
from collections.abc import Mapping

from cloudmesh_sdk.errors import (
    AuthError,
    BackendError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    QuotaError,
    UnavailableError,
    UnsupportedError,
)
from cloudmesh_sdk.queues.batch import Done

UNKNOWN, FINISHED = 153, 35
"""How commands end for a job that there is none of, and for one that is over."""
GONE = re.compile(r"Unknown Job Id|Job has finished|invalid for state of job", re.IGNORECASE)
"""The job is over or unknown, which is what a cancel wanted."""

_SAID: tuple[tuple[type[BackendError], tuple[str, ...]], ...] = (
    (UnavailableError, (
        r"cannot connect to server", r"Connection refused", r"Unknown Host", r"Connection timed",
        r"pbs_iff: error", r"No free connections", r"server shutting down", r"End of File",
    )),
    (UnsupportedError, (r"command not found", r": not found$", r"job.history.enable")),
    (NotFoundError, (
        r"Unknown Job Id", r"illegally formed job identifier", r"Unknown node",
    )),
    (AuthError, (
        r"Unauthorized Request", r"Invalid credential", r"No Permission", r"Permission denied",
        r"Bad UID for job execution", r"not authorized", r"Access from host not allowed",
        r"Root user.* not allowed",
    )),
    (ConflictError, (
        r"Job has finished", r"invalid for state of job", r"Queue is not enabled",
    )),
    (QuotaError, (
        r"violates queue and/or server resource limits", r"exceeds queue resource limits",
        r"would exceed", r"Maximum number of jobs", r"array .*exceeds", r"limit exceeds allowable",
    )),
    (InvalidRequestError, (
        r"Unknown queue", r"Unknown resource", r"Illegal attribute or resource value",
        r"illegal -\w value", r"invalid option", r"Job name is too long", r"No such file",
    )),
)  # fmt: skip
"""What stands first counts; letters may be large or small."""
_FOUND = tuple((re.compile("|".join(said), re.IGNORECASE), error) for error, said in _SAID)

_ENDED: Mapping[int, type[BackendError]] = {
    2: InvalidRequestError,  # usage
    3: QuotaError,  # an array too large
    13: UnavailableError,  # too many connections
    35: ConflictError,  # it has finished
    36: UnsupportedError,  # history is off
    38: QuotaError,  # too many jobs of a user, group or project
    39: QuotaError,  # too much of a resource of one
    65: InvalidRequestError,  # a hook of the site refuses it
    104: UnavailableError,  # try again later
    127: UnsupportedError,  # a shell found no such command
    153: NotFoundError,  # unknown job
    159: AuthError,  # not its owner
    160: AuthError,  # from this host nobody may
    166: InvalidRequestError,  # a bad value
    168: ConflictError,  # not in that state of the job
    170: InvalidRequestError,  # unknown queue
    171: AuthError,  # bad credentials
    172: AuthError,  # expired ones
    173: ConflictError,  # the queue takes no jobs
    174: AuthError,  # nor any of ours
    175: AuthError,  # no such user there
    185: UnavailableError,  # no free connection
    186: UnavailableError,  # no server
    187: InvalidRequestError,  # unknown resource
    188: QuotaError,  # over a limit
    189: InvalidRequestError,  # no queue was named, and none is the default one
    191: QuotaError,  # no queue behind this one takes it
    196: QuotaError,  # not enough of a resource
    198: QuotaError,  # too many jobs in the queue
    200: QuotaError,  # over a limit
    201: InvalidRequestError,  # an account
    206: InvalidRequestError,  # a dependency
    212: UnavailableError,  # shutting down
    255: UnavailableError,  # no connection
}

_NOISE = re.compile(r"^(?:q\w+|pbsnodes): ")


def over(done: Done) -> bool:
    """Tell whether a command did what it should, or found the job over or gone."""
    return done.status in (0, UNKNOWN, FINISHED) or GONE.search(done.why) is not None


def refusal(name: str, done: Done) -> BackendError:
    """Return the error of a command that failed; `name` is that of the manager."""
    said = _said(done.err) or _said(done.out[:200])
    command = done.argv[0].rpartition("/")[2]
    why = said or f"it ended with status {done.status} and said nothing"
    found = (error for words, error in _FOUND if words.search(said))
    kind = next(found, _ENDED.get(done.status, UnavailableError))
    return kind(f"{name}: {command}: {why}")


def _said(words: bytes) -> str:
    """Return what was said as one line, without usage."""
    lines = words.decode(errors="replace").split("\n")
    kept = []
    for line in lines:
        if line.startswith("usage:"):
            break
        kept.append(_NOISE.sub("", " ".join(line.split())))
    return "; ".join(dict.fromkeys(line for line in kept if line))
