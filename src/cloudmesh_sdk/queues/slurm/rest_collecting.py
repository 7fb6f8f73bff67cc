"""Python's collector of cycles, kept from walking through a list of jobs while that is made.

A list of 10,000 jobs is two million objects, none of them garbage; that they come into being makes
the collector look at all of them, which takes as long as making the records.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collecting(*, much: bool) -> Iterator[None]:
    """Let the collector rest for a block that makes much, and neither waits nor leaves cycles.

    What is young then counts as old at its end: it is looked at with all the rest, not at once.
    One that was at rest before stays so. Two threads may overlap: then it wakes with the first.
    """
    active = much and gc.isenabled()
    if active:
        gc.disable()
    try:
        yield
    finally:
        if active:
            if not gc.get_freeze_count():  # somebody else's would be let go, too
                gc.freeze()
                gc.unfreeze()
            gc.enable()
