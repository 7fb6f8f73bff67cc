"""Names as users write them: hostlists, and which record is meant."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from cloudmesh_sdk.errors import InvalidRequestError
from cloudmesh_sdk.models import Record

R = TypeVar("R", bound=Record)


def hostlist(text: str) -> list[str]:
    """Return the names that `web-[001-020]`, `a,b` or a plain name means, in order.

    Raises `InvalidRequestError` on a list that cannot be read.
    """
    if "[" not in text and "," not in text:
        return [text]
    from ClusterShell.NodeSet import NodeSet, NodeSetException  # most names need it not

    try:
        return [str(name) for name in NodeSet(text, resolver=None)]
    except NodeSetException as error:
        raise InvalidRequestError(f"{text!r} is no list of names: {error}") from error


def hostlists(texts: Iterable[str]) -> list[str]:
    """Return the names of several hostlists, each once, in order."""
    return list(dict.fromkeys(name for text in texts for name in hostlist(text)))


def only(found: Sequence[R], name: str, *, what: str) -> R:
    """Return the one of some records that a name or id means.

    Raises `InvalidRequestError` where several have the name.
    """
    exact = [record for record in found if record.id == name] or list(found)
    if len(exact) == 1:
        return exact[0]
    choices = ", ".join(f"{record.cloud}:{record.id}" for record in exact[:5])
    raise InvalidRequestError(f"{len(exact)} {what}s are called {name!r} ({choices}); give the id")
