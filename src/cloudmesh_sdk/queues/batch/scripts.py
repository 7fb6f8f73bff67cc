"""What hands in a job: its script, its variables and the command that takes them, as one text.

The whole goes by standard input to a shell over there, which runs the scheduler's command: so
neither the script nor the job's variables stand on a command line, where everybody on that
machine could read them.
"""

import re
import secrets
import shlex
from collections.abc import Iterator, Mapping, Sequence

from cloudmesh_sdk.errors import InvalidRequestError
from cloudmesh_sdk.models import JobRequest

SHELL = "/bin/sh"
"""What reads such a text."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_AFTER = ("after", "afterok", "afternotok", "afterany")


def script(request: JobRequest) -> str:
    """Return the script of a job, one made of its command where it has none.

    Raises `InvalidRequestError` where schedulers would misread it.
    """
    if request.script is None:
        return f"#!{SHELL}\nexec {shlex.join(request.command)}\n"
    if not request.script.startswith("#!"):
        raise InvalidRequestError(
            "the first line of a script must name its interpreter, such as #!/bin/sh"
        )
    if "\0" in request.script or "\r\n" in request.script:
        raise InvalidRequestError("a script may hold neither NUL bytes nor DOS line ends (\\r\\n)")
    return request.script


def for_shell(text: str) -> str:
    """Return a script that `/bin/sh` runs and that does what `text` does by its first line.

    That is for schedulers which read no first line, but run each script by a shell of their own.
    """
    interpreter = text.partition("\n")[0].removeprefix("#!").strip()
    if interpreter == SHELL:
        return text
    end = f"END_{secrets.token_hex(8)}"
    lines = [
        f"#!{SHELL}",
        "its=$(mktemp) && trap 'rm -f \"$its\"' EXIT || exit",
        f"cat > \"$its\" <<'{end}'",
        text.removesuffix("\n"),
        end,
        'chmod 700 "$its" && "$its" "$@"',
        "",
    ]
    return "\n".join(lines)


def options(given: Mapping[str, object]) -> Iterator[str]:
    """Yield options and their values, such as `-q`, `long`; those to nothing are left out.

    True is an option without a value, a tuple has several.
    """
    for name, value in given.items():
        if value is True:
            yield name
        elif value not in (None, False, "", ()):
            yield from (name, *map(str, value if isinstance(value, tuple) else (value,)))


def program(argv: Sequence[str], text: str, environment: Mapping[str, str] | None = None) -> bytes:
    """Return what a shell reads to run a command with variables and `text` as its input.

    All of it stands within braces: a shell runs nothing of that before it has read the last one.
    So where the way breaks in the middle, no half of a script is handed in.
    Raises `InvalidRequestError` for variables that no shell can have.
    """
    end = f"END_{secrets.token_hex(8)}"
    lines = [
        "{",
        *exports(environment or {}),
        f"exec {shlex.join(argv)} <<'{end}'",
        text.removesuffix("\n"),
        end,
        "}",
        "",
    ]
    return "\n".join(lines).encode(errors="surrogateescape")


def exports(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield lines of a shell that give variables; raises `InvalidRequestError`, without values."""
    for name, value in environment.items():
        if not _VARIABLE.fullmatch(name) or "\0" in value:
            raise InvalidRequestError(f"{name!r} cannot be a variable of a job's environment")
        yield f"export {name}={shlex.quote(value)}"


def directives(text: str, prefix: str) -> Iterator[str]:
    """Yield what stands behind `prefix` (`#SBATCH`, `#PBS`, `#$`) above a script's first command.

    That is how far schedulers read them.
    """
    for line in text.splitlines():
        if line.startswith(prefix):
            yield line.removeprefix(prefix).strip()
        elif line.strip() and not line.startswith("#"):
            return


def directed(text: str, prefix: str, *options: str) -> str:
    """Return a script with directives below its first line: a user's own come later, and win."""
    first, _, rest = text.partition("\n")
    return "\n".join([first, *(f"{prefix} {option}" for option in options), rest])


def clock(seconds: int) -> str:
    """Return seconds as `HH:MM:SS`, the walltime of PBS, Grid Engine and Slurm alike."""
    minutes, left = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{left:02}"


def after(request: JobRequest, *, known: Sequence[str] = _AFTER) -> str | None:
    """Return what a job waits for as `afterok:1:2,afterany:3`; None where it waits for none.

    Raises `InvalidRequestError` for a way of waiting that is not in `known`.
    """
    for how in request.after:
        if how not in known:
            raise InvalidRequestError(f"{how!r}: a job can wait {', '.join(known)} others")
    return ",".join(f"{how}:{':'.join(ids)}" for how, ids in request.after.items() if ids) or None
