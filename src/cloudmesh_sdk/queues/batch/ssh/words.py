"""What is said to a login shell to run a command, and what of its answer is the command's own."""

import re
import secrets
import shlex
from collections.abc import Mapping, Sequence

import attrs

from cloudmesh_sdk.errors import AuthError, InvalidRequestError, UnsupportedError
from cloudmesh_sdk.queues.batch.commands import Done

_LONGEST = 120_000
"""Bytes of one word on a command line; Linux takes 131,072 (MAX_ARG_STRLEN in execve(2))."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SAFE = frozenset(
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _./:=,@%+-;|&<>(){}[]*?~#^"
)
"""Bytes that mean themselves within both kinds of quotes, to every shell."""

_NO_COMMAND = 127


@attrs.frozen(kw_only=True)
class Order:
    """A command as it is said to a login shell."""

    argv: tuple[str, ...]
    line: str = attrs.field(repr=False)
    mark: str
    """What stands before its own words, on both outputs."""

    @property
    def name(self) -> str:
        """What runs, for people."""
        return self.argv[0]


def order(argv: Sequence[str], env: Mapping[str, str | None]) -> Order:
    """Return what is said to run `argv`, whatever shell the user has there.

    A login shell may be csh or fish and quote in ways of its own, and may say something before
    (a `.bashrc` that greets): so `/bin/sh` does the work, what is quoted for it is written so that
    no other shell finds a meaning in it, and a mark on both outputs tells where the command's own
    words begin. Variables are set there, for sshd takes few from outside (AcceptEnv).

    Raises `InvalidRequestError` for what no command line can hold.
    """
    mark = secrets.token_hex(8)
    line = "; ".join(_steps(argv, env, mark)).encode(errors="surrogateescape")
    said = "".join(chr(byte) if byte in _SAFE else f"\\0{byte:03o}" for byte in line)
    if len(said) > _LONGEST:
        raise InvalidRequestError(f"{argv[0]}: {len(said):,} bytes are too long for a command line")
    if b"\0" in line:
        raise InvalidRequestError(f"{argv[0]}: a command line can hold no NUL")
    return Order(
        argv=tuple(argv), line=f"""exec /bin/sh -c 'eval "$(printf %b "{said}")"'""", mark=mark
    )


def _steps(argv: Sequence[str], env: Mapping[str, str | None], mark: str) -> list[str]:
    if wrong := [name for name in env if not _VARIABLE.fullmatch(name)]:
        raise InvalidRequestError(f"{argv[0]}: {wrong[0]!r} cannot be a variable")
    away = [name for name, value in env.items() if value is None]
    return [
        f'printf "{mark}%s:" $$',
        *([f"unset {' '.join(away)}"] if away else []),
        *(f"export {n}={shlex.quote(v)}" for n, v in env.items() if v is not None),
        f"command -v {shlex.quote(argv[0])} >/dev/null || exit {_NO_COMMAND}",
        f"printf %s {mark} >&2",
        f"exec {shlex.join(argv)}",
    ]


@attrs.frozen(kw_only=True)
class Ended:
    """How a command line ended; `status` is -N where signal N ended it."""

    status: int
    out: bytes
    err: bytes


def done(asked: Order, ended: Ended, *, where: str) -> Done:
    """Return what a command said, without what a login said before it.

    Raises `AuthError` where the login runs no commands, `UnsupportedError` where there is none of
    that name: then it was surely not run.
    """
    began = _began(asked, ended.out)
    _, runs, reasons = ended.err.partition(asked.mark.encode())
    if began is None:
        said = " ".join((ended.out + ended.err).decode(errors="replace").split())[:200]
        raise AuthError(f"{where} runs no commands for us; it says: {said or 'nothing'}")
    if not runs:
        raise UnsupportedError(
            f"there is no command {asked.name} at {where}, as a login without a terminal finds "
            "them; set path to the directory of the scheduler's commands"
        )
    return Done(argv=asked.argv, status=ended.status, out=ended.out[began.end() :], err=reasons)


def ending(asked: Order, out: bytes) -> str | None:
    """Return a command line that ends a command with all that it started; None: it has not begun.

    For sshd does not do it (before 7.9, and for root): a command goes on when we leave.
    """
    began = _began(asked, out)
    if began is None:
        return None
    process = began[1].decode()
    return f"exec /bin/sh -c 'kill -s KILL -- -{process} || kill -s KILL {process}'"


def _began(asked: Order, out: bytes) -> "re.Match[bytes] | None":
    return re.search(asked.mark.encode() + rb"(\d+):", out)
