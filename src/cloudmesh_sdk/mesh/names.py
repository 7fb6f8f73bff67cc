"""Names as users write them: hostlists, words for states, and which record is meant."""

import enum
import re
from collections.abc import Iterable, Iterator, Sequence
from math import prod
from typing import Any, TypeVar

from cloudmesh_sdk.errors import InvalidRequestError, near
from cloudmesh_sdk.models import Record

R = TypeVar("R", bound=Record)
E = TypeVar("E", bound=enum.StrEnum)

MOST = 10_000
"""Names that one hostlist may mean."""

_BRACKET = re.compile(r"\[([^\]]*)\]")
_RANGE = re.compile(r"(\d+)-(\d+)(?:/(\d+))?$")
_SPECIAL = re.compile(r"[@&!^*?]")
"""What means sets and patterns to ClusterShell, and would drop names without a word."""

_DIGITS = 9
"""A number with more of these is past all bounds."""


def hostlist(text: str) -> list[str]:
    """Return the names that `web-[001-020]`, `b,a` or a plain name means, each once.

    They come in order of the commas, those of one bracket as its numbers rise. Raises
    `InvalidRequestError` on a list that cannot be read, an empty name, more than `MOST` names.
    """
    if not isinstance(text, str):
        raise InvalidRequestError(f"a name is a text, not {text!r}")
    if "[" not in text and "," not in text:
        return [_filled(text, text)]
    if found := _SPECIAL.search(text):
        raise InvalidRequestError(
            f"{text!r} is no list of names: it has {found[0]!r}; name the servers one by one"
        )
    items = [_filled(item.strip(), text) for item in split(text)]
    if sum(map(_size, items)) > MOST:
        raise InvalidRequestError(f"{text[:60]!r} means more than {MOST:,} names; take fewer")
    return list(dict.fromkeys(name for item in items for name in _expanded(item)))


def text(value: str, *, what: str) -> str:
    """Return a text; raises `InvalidRequestError` where it cannot be written down as UTF-8.

    Bytes of a command line that are none are in Python's texts as halves of characters.
    """
    try:
        value.encode()
    except UnicodeEncodeError as error:
        shown = value.encode(errors="surrogateescape").decode(errors="backslashreplace")
        raise InvalidRequestError(f"{what} '{shown}' is no text in UTF-8") from error
    return value


def several(value: Any) -> list[Any]:
    """Return several things as a list, and a text or one thing as a list of it."""
    alone = isinstance(value, str) or not isinstance(value, Iterable)
    return [value] if alone else list(value)


def hostlists(texts: Iterable[str]) -> list[str]:
    """Return the names of several hostlists, each once, in order."""
    return list(dict.fromkeys(name for text in texts for name in hostlist(text)))


def split(text: str) -> Iterator[str]:
    """Yield the items of a list of names: what stands between the commas outside brackets."""
    start = depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "[") - (letter == "]")
        if letter == "," and depth == 0:
            yield text[start:place]
            start = place + 1
    yield text[start:]


def _filled(name: str, text: str) -> str:
    if not name.strip():
        raise InvalidRequestError(f"a name is empty in {text!r}" if text else "a name is empty")
    return name


def _size(item: str) -> int:
    """Return how many names an item means at most, before any is made."""
    return prod(sum(map(_length, bracket.split(","))) for bracket in _BRACKET.findall(item))


def _length(numbers: str) -> int:
    found = _RANGE.match(numbers)
    if found is None:
        return 1
    if max(map(len, found.groups(default=""))) > _DIGITS:
        return MOST + 1
    first, last, step = map(int, found.groups(default="1"))
    return max(0, last - first) // max(1, step) + 1


def _expanded(item: str) -> list[str]:
    if "[" not in item and "]" not in item:
        return [item]
    from ClusterShell.NodeSet import NodeSet, NodeSetException  # most names need it not

    try:
        return [str(name) for name in NodeSet(item, resolver=None)]
    except NodeSetException as error:
        raise InvalidRequestError(f"{item!r} is no list of names: {error}") from error


def folded(names: Sequence[str]) -> str:
    """Return names as one short hostlist: `web-[1-50]`; those that are none, by commas."""
    if len(names) == 1 or any(_SPECIAL.search(name) or "[" in name for name in names):
        return ",".join(names)
    from ClusterShell.NodeSet import NodeSet  # most names need it not

    return str(NodeSet.fromlist(list(names), resolver=None))


def states(kind: type[E], words: str | Iterable[str]) -> tuple[E, ...]:
    """Return the states that words mean; raises `InvalidRequestError` with near ones."""
    asked = several(words)
    for word in asked:
        if word not in kind.__members__.values():
            hint = near(str(word), [state.value for state in kind], what="there are")
            raise InvalidRequestError(f"there is no state {str(word)!r}; {hint}")
    return tuple(kind(word) for word in asked)


def only(found: Sequence[R], name: str, *, what: str) -> R:
    """Return the one of some records that a name or id means.

    Raises `InvalidRequestError` where several have the name.
    """
    exact = [record for record in found if record.id == name] or list(found)
    if len(exact) == 1:
        return exact[0]
    choices = ", ".join(f"{record.cloud}:{record.id}" for record in exact[:5])
    raise InvalidRequestError(
        f"{len(exact)} {what}s are called {name!r} ({choices}); name its cloud, or give its id"
    )
