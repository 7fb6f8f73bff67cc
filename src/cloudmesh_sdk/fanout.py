"""One question, many services: a thread each, partial answers, and who failed why."""

import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Generic, Self, TypeVar

import attrs

from cloudmesh_sdk.errors import BackendTimeoutError, CloudmeshError, PartialFailure
from cloudmesh_sdk.tables import ago, html_table

T = TypeVar("T")
B = TypeVar("B")

ALERT = 0.5
"""Seconds that a wait for an answer lasts at a time."""


@attrs.frozen(kw_only=True)
class Source:
    """Where a part of the answers came from, and how fresh they are."""

    name: str
    count: int = 0
    error: CloudmeshError | None = None
    elapsed: float | None = None
    """Seconds the service took; None where it was not asked now."""
    calls: int = 0
    """Requests it cost."""
    seen: datetime | None = None
    """When the service last answered; None for never (or where that is now)."""
    stale: datetime | None = None
    """Since when it has failed to answer."""

    def __str__(self) -> str:
        """Return one line: the name, how it went, how long it took."""
        if self.error is not None:
            kept = f"; rows as of {ago(self.seen)}" if self.seen else ""
            why = str(self.error).removeprefix(f"{self.name}: ")  # most errors begin so, too
            return f"{self.name}: failed: {why}{kept}"
        calls = "call" if self.calls == 1 else "calls"
        took = f" in {self.elapsed:.1f} s, {self.calls} {calls}" if self.elapsed is not None else ""
        when = f", seen {ago(self.seen)}" if self.seen else ""
        stale = f", stale since {ago(self.stale)}" if self.stale else ""
        return f"{self.name}: {self.count}{took}{when}{stale}"


class Gathered(list[T]):
    """A list of answers; `sources` tells per service how it went, `errors` who failed."""

    def __init__(self, rows: Iterable[T] = (), sources: Mapping[str, Source] | None = None) -> None:
        super().__init__(rows)
        self.sources: dict[str, Source] = dict(sources or {})

    @property
    def errors(self) -> dict[str, CloudmeshError]:
        """What the services that failed raised, by name."""
        return {name: s.error for name, s in self.sources.items() if s.error is not None}

    def complete(self) -> Self:
        """Return these answers, or raise `PartialFailure` where some are missing."""
        if self.errors:
            raise PartialFailure(self.errors)
        return self

    def one(self) -> T:
        """Return the only answer; raises what went wrong, `ValueError` where there are several."""
        if not self and len(errors := list(self.errors.values())) == 1:
            raise errors[0]
        self.complete()
        if len(self) != 1:
            raise ValueError(f"expected one answer, found {len(self)}")
        return self[0]

    def _repr_html_(self) -> str:
        """Return the rows as an HTML table, the sources below it."""
        foot = " · ".join(map(str, self.sources.values()))
        columns: tuple[str, ...] = getattr(type(self[0]), "columns", ()) if self else ()
        if not columns:
            return html_table(("",), ((row,) for row in self), foot=foot)
        rows = (tuple(getattr(row, name) for name in columns) for row in self)
        return html_table(columns, rows, foot=foot)


@attrs.frozen(kw_only=True)
class Answer(Generic[T]):
    """What one service said: a value or an error, and how long it took in seconds."""

    name: str
    value: T | None = None
    error: CloudmeshError | None = None
    elapsed: float = 0.0


def ask(
    names: Iterable[str],
    question: Callable[[str], T],
    *,
    deadline: float | None = None,
    workers: int = 64,
    told: Callable[[Answer[T]], None] | None = None,
) -> list[Answer[T]]:
    """Ask every named service once, in a thread of its own; return answers in order of names.

    `question` opens and asks one service; only `CloudmeshError` is an answer, any other exception
    is a bug and is raised. `told` hears each answer as it comes, in the caller's thread. A service
    that has not answered after `deadline` seconds is given up (its thread cannot be killed, but it
    keeps nobody waiting, not even the interpreter's end). None is asked after this has ended.
    """
    asked = list(dict.fromkeys(names))
    if not asked:
        return []
    box: queue.SimpleQueue[Answer[T] | BaseException] = queue.SimpleQueue()
    todo: queue.SimpleQueue[str] = queue.SimpleQueue()
    for name in asked:
        todo.put(name)
    for _ in range(min(workers, len(asked))):
        threading.Thread(target=_work, args=(todo, question, box), daemon=True).start()
    try:
        answers = _collect(asked, box, deadline, told or _nobody)
    finally:
        _drop(todo)
    return [answers[name] for name in asked]


def taken(box: "queue.SimpleQueue[B]", end: float | None = None) -> B:
    """Return what comes next; raises `queue.Empty` for nothing until `end` (`time.monotonic`).

    The wait is made of short ones: a signal that comes just before one begins does not end it, and
    Ctrl-C must not wait for the slowest service.
    """
    while True:
        left = ALERT if end is None else min(ALERT, max(0.0, end - time.monotonic()))
        try:
            return box.get(timeout=left)
        except queue.Empty:
            if end is not None and time.monotonic() >= end:
                raise


def _nobody(_: Answer[Any]) -> None:
    """Hear an answer that nobody waits for."""


def _drop(todo: "queue.SimpleQueue[str]") -> None:
    """Take away what no thread has begun: nobody waits for it any more."""
    while not todo.empty():
        with suppress(queue.Empty):  # a thread was faster
            todo.get_nowait()


def _work(
    todo: "queue.SimpleQueue[str]",
    question: Callable[[str], T],
    box: "queue.SimpleQueue[Answer[T] | BaseException]",
) -> None:
    while True:
        try:
            name = todo.get_nowait()
        except queue.Empty:
            return
        begun = time.monotonic()
        try:
            value = question(name)
        except CloudmeshError as error:
            box.put(Answer(name=name, error=error, elapsed=time.monotonic() - begun))
        except BaseException as error:  # noqa: BLE001 - a bug: raised in the caller's thread
            box.put(error)
            return
        else:
            box.put(Answer(name=name, value=value, elapsed=time.monotonic() - begun))


def _collect(
    names: list[str],
    box: "queue.SimpleQueue[Answer[T] | BaseException]",
    deadline: float | None,
    told: Callable[[Answer[T]], None],
) -> dict[str, Answer[T]]:
    answers: dict[str, Answer[T]] = {}
    end = None if deadline is None else time.monotonic() + deadline
    while len(answers) < len(names):
        try:
            got = taken(box, end)
        except queue.Empty:
            for name in names:
                if name not in answers:
                    answers[name] = _late(name, deadline or 0.0)
                    told(answers[name])
            break
        if isinstance(got, BaseException):
            raise got
        answers[got.name] = got
        told(got)
    return answers


def _late(name: str, deadline: float) -> Answer[T]:
    error = BackendTimeoutError(f"{name} did not answer within {deadline:g} s")
    return Answer(name=name, error=error, elapsed=deadline)
