"""Progress of what asks many: a bar on a terminal, nothing elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

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


def _nothing(_: str, __: bool) -> None:
    """Show nothing."""
