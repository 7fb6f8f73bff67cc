"""Progress of what asks many: a bar on a terminal, nothing elsewhere."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from cloudmesh_sdk.shell.session import Session

Done = Callable[[str, bool], None]
"""Takes the name of what is done, and whether it failed."""


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
    lock, heard, drawn = threading.Lock(), list[tuple[str, bool]](), list[Done]()
    over = threading.Event()

    def draw() -> None:
        with lock:
            if not over.is_set():
                drawn.append(stack.enter_context(progress(session, title, total)))
                for name, failed in heard:
                    drawn[0](name, failed)

    def done(name: str, failed: bool) -> None:
        with lock:
            heard.append((name, failed))
            for tell in drawn:
                tell(name, failed)

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


def _nothing(_: str, __: bool) -> None:
    """Show nothing."""
