"""Progress of what asks many: a bar on a terminal, nothing elsewhere."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Protocol

from cloudmesh_sdk.shell.session import Session


class Done(Protocol):
    """Takes the name of what is over, whether it failed, and how many of the total it is."""

    def __call__(self, name: str, failed: bool, amount: int = 1, /) -> None: ...


@contextmanager
def progress(session: Session, title: str, total: int) -> Iterator[Done]:
    """Show how many of `total` are done, on stderr where that is a terminal."""
    if not session.watched() or (session.watcher and session.watcher.shows):
        yield _nothing
        return
    from cloudmesh_sdk.shell import drawing  # rich takes 60 ms

    with drawing.progress(title, total) as done:
        yield done


@contextmanager
def late_progress(
    session: Session, title: str, total: int, *, after: float = 1.0
) -> Iterator[Done]:
    """Show the same of what is mostly over at once: after a second."""
    lock, heard, drawn = threading.Lock(), list[tuple[str, bool, int]](), list[Done]()
    over = threading.Event()

    def draw() -> None:
        with lock:
            if not over.is_set():
                drawn.append(stack.enter_context(progress(session, title, total)))
                for one in heard:
                    drawn[0](*one)

    def done(name: str, failed: bool, amount: int = 1, /) -> None:
        with lock:
            heard.append((name, failed, amount))
            for tell in drawn:
                tell(name, failed, amount)

    timer = threading.Timer(after, draw)
    timer.daemon = True
    with ExitStack() as stack:
        timer.start()
        try:
            yield done
        finally:
            timer.cancel()
            with lock:
                over.set()


def _nothing(_: str, __: bool, ___: int = 1, /) -> None:
    """Show nothing."""
