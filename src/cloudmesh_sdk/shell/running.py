"""Running one command line: whatever happens becomes one line and an exit code."""

import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from cloudmesh_sdk.errors import CloudmeshError
from cloudmesh_sdk.shell import codes, streams
from cloudmesh_sdk.shell.app import NoCommand, app
from cloudmesh_sdk.shell.extras import EXTRA, missing
from cloudmesh_sdk.shell.session import Session
from cloudmesh_sdk.tables import visible

_STOPPED = "interrupted"
_JOURNALLED = (
    "; what was sent already is journalled, the next command finds out what became of it (cm op "
    "list)"
)


def command_line(args: Sequence[str]) -> int:
    """Run one command line in a session of its own and return the exit code."""
    if "_CM_COMPLETE" in os.environ:  # the user's shell asks for completions
        app.main(list(args), prog_name="cm")
    if not streams.ready():
        return codes.ERROR
    return execute(args, Session(), last=True)


def execute(args: Sequence[str], session: Session, *, last: bool = False) -> int:
    """Run one command and return its exit code; `last` closes the session too.

    Errors are told on stderr, one line each (with `--debug` the traceback too).
    """
    watched = session.watcher
    with session.line():
        try:
            code = guarded(session, lambda: _invoke(args, session), last=last)
            if session.watcher is not watched and session.watcher is not None:
                close = partial(session.watcher.close, failed=code != codes.OK)
                code = guarded(session, close) or code
            if last:
                streams.deafen()
                code = guarded(session, session.close) or code
            sys.stdout.flush()
        except OSError as error:  # of the output: all others are told by then
            return streams.lost(error)
        finally:
            session.acted = False
    return code


def guarded(session: Session, act: Callable[[], int | None], *, last: bool = False) -> int:
    """Do something and return its exit code; what it raises is told and has a code too.

    Where it is the `last` thing of a process, nobody can interrupt what follows an interruption.
    Raises `OSError` where the output cannot be written.
    """
    try:
        return act() or codes.OK
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        if last and isinstance(error, KeyboardInterrupt | click.Abort):
            streams.deafen()
        if isinstance(error, OSError) and streams.unwritable(error):
            raise
        text, code = words(error)
        if code == codes.INTERRUPTED and session.acted:
            text += _JOURNALLED
        if session.debug:
            import traceback  # 12 ms, seldom needed

            traceback.print_exception(error)
        if text:
            print(text, file=sys.stderr)
        return code


def words(error: BaseException) -> tuple[str, int]:
    """Return what to tell about an exception, and its exit code."""
    if isinstance(error, ModuleNotFoundError) and error.name in EXTRA:
        return missing(error.name), codes.ERROR
    say = next((say for kind, say in _WORDS if isinstance(error, kind)), _bug)
    return say(error)


def _invoke(args: Sequence[str], session: Session) -> int | None:
    with app.make_context("cm", list(args), obj=session) as context:
        code = app.invoke(context)
    return code if isinstance(code, int) else None


def _line(error: BaseException) -> str:
    return visible(" ".join(str(error).split())) or type(error).__name__


def _usage(error: click.UsageError) -> str:
    path = error.ctx.command_path if error.ctx else "cm"
    text = error.format_message().strip().removesuffix(".")
    if isinstance(error, click.NoSuchOption):
        hint = f"; did you mean {', '.join(error.possibilities)}?" if error.possibilities else ""
        text = f"there is no option {error.option_name!r}{hint}"
    return f"cm: {visible(text[:1].lower() + text[1:])} ({path} --help shows how)"


def _unwritable(error: UnicodeEncodeError) -> tuple[str, int]:
    """Return what to tell where a word of the line is no text: it cannot be sent, nor stored."""
    if error.encoding.replace("-", "") != "utf8":
        return _bug(error)
    word = error.object.encode(errors="surrogateescape").decode(errors="backslashreplace")
    return f"cm: '{visible(word)}' is no text in UTF-8", codes.USAGE


def _left(error: SystemExit) -> int:
    return error.code if isinstance(error.code, int) else int(error.code is not None)


def _bug(error: BaseException) -> tuple[str, int]:
    import traceback  # as above

    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    text = (
        f"cm: unexpected {type(error).__name__}{where}: {_line(error)}; this is a bug: please "
        "report it with what --debug and cm doctor show"
    )
    return text, codes.BUG


_WORDS: tuple[tuple[type[BaseException], Callable[[Any], tuple[str, int]]], ...] = (
    (NoCommand, lambda error: (error.format_message(), codes.USAGE)),
    (CloudmeshError, lambda error: (f"cm: {_line(error)}", codes.code_of(error))),
    (click.UsageError, lambda error: (_usage(error), codes.USAGE)),
    (click.ClickException, lambda e: (f"cm: {visible(e.format_message())}", e.exit_code)),
    (KeyboardInterrupt, lambda _: (f"cm: {_STOPPED}", codes.INTERRUPTED)),
    (click.Abort, lambda _: (f"cm: {_STOPPED}", codes.INTERRUPTED)),
    (SystemExit, lambda error: ("", _left(error))),
    (UnicodeEncodeError, _unwritable),
)
"""What is said of each kind of exception; the first that fits."""
