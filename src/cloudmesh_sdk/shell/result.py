"""The shell within a Python process: `cloudmesh.shell("vm list")`."""

import atexit
import contextvars
import io
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import attrs

from cloudmesh_sdk.shell.script import run_line
from cloudmesh_sdk.shell.session import Session


@attrs.frozen
class Result:
    """What a line did; `str()` of it is its output."""

    exit_code: int
    output: str
    error: str
    """What was told on stderr: errors, and how fresh the answer is."""

    def __str__(self) -> str:
        return self.output

    def __bool__(self) -> bool:
        return self.exit_code == 0


def run(line: str, *, session: Session | None = None) -> Result:
    """Run one line in this process and return its exit code, output and errors; never raises.

    A leading `cm` may be left out. All calls of a process share one mesh, unless a `session` is
    given. Threads may call at once; their lines run one after the other. A pending Ctrl-C is
    raised as always.
    """
    output, error = io.StringIO(), io.StringIO()
    with _LOCK, _captured(output, error):
        code = run_line(session or _shared(), line)
    return Result(code, output.getvalue(), error.getvalue())


_LOCK = threading.RLock()
_SHARED: list[Session] = []


def _shared() -> Session:
    """Return the session of this process; its mesh is closed as the process ends."""
    if not _SHARED:
        _SHARED.append(Session(embedded=True))
        atexit.register(_SHARED[0].close)
    return _SHARED[0]


_OUT: contextvars.ContextVar[TextIO | None] = contextvars.ContextVar("output", default=None)
_ERR: contextvars.ContextVar[TextIO | None] = contextvars.ContextVar("error", default=None)


class _Router(io.TextIOBase):
    """Stands in for a stream while lines run: what their thread writes is captured.

    What other threads write goes to the stream as before.
    """

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, stream: TextIO, captured: contextvars.ContextVar[TextIO | None]) -> None:
        self._stream = stream
        self._captured = captured

    def write(self, text: str) -> int:
        return (self._captured.get() or self._stream).write(text)

    def flush(self) -> None:
        (self._captured.get() or self._stream).flush()

    def isatty(self) -> bool:
        return self._captured.get() is None and self._stream.isatty()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._stream.fileno()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def _captured(output: TextIO, error: TextIO) -> Iterator[None]:
    """Capture what this thread writes; the caller holds the lock."""
    streams = sys.stdout, sys.stderr
    tokens = _OUT.set(output), _ERR.set(error)
    sys.stdout, sys.stderr = _Router(streams[0], _OUT), _Router(streams[1], _ERR)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
        _OUT.reset(tokens[0])
        _ERR.reset(tokens[1])
