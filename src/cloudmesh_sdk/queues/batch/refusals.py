"""What a scheduler's command says when it fails, as our errors, by a table of the driver."""

import re
from collections.abc import Sequence

from cloudmesh_sdk.errors import BackendError, UnavailableError
from cloudmesh_sdk.queues.batch.commands import Done

Table = Sequence[tuple[type[BackendError], str]]
"""Errors, and what is said where they are meant (regular expressions); what stands first counts."""

_MOST = 500


def refusal(
    name: str, done: Done, table: Table, *, otherwise: type[BackendError] = UnavailableError
) -> BackendError:
    """Return the error of a command that failed, in one line; `name` is that of the manager.

    What it said on standard output counts, too: not all schedulers complain on the other one.
    """
    words = (done.err + b"\n" + done.out[:_MOST]).decode(errors="replace")
    said = " ".join(words.split())
    kinds = (kind for kind, pattern in table if re.search(pattern, said, re.IGNORECASE))
    kind = next(kinds, otherwise if said else UnavailableError)
    command = done.argv[0].rpartition("/")[2]
    why = said[:_MOST] or f"it ended with status {done.status} and said nothing"
    return kind(f"{name}: {command}: {why}")
