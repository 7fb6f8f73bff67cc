"""Python's collector of cycles, kept from walking through a list of jobs while that is made.

A list of 10,000 jobs is two million objects, none of them garbage; that they come into being makes
the collector look at all of them, which takes as long as making the records.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collecting() -> Iterator[None]:
    """Let the collector rest for a block that neither waits nor leaves cycles behind.

    One that was at rest before stays so. Two threads may overlap: then it wakes with the first.
    """
    active = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if active:
            gc.enable()
