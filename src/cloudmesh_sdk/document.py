"""A user's YAML as plain data that knows the lines of its keys.

Taken is what a configuration needs: texts, numbers, true and false, dates, lists, mappings,
aliases and merge keys (`<<`). Refused, with file, line and key, is what would be read as something
else than it looks, or be too much: tags of other types, numbers in the odd forms of YAML 1.1
(`0123`, `12:30`, `1_000`), more than `SIZE`, `DEPTH` or `NODES`. No message shows a value: it may
be a secret.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import attrs
import yaml

from cloudmesh_sdk.errors import ConfigError

SIZE = 1_000_000
"""Most bytes of a file."""
DEPTH = 50
"""Most mappings and lists within each other (libyaml's composer is recursive)."""
_TOO_DEEP = f"more than {DEPTH} lists and mappings within each other"
_DEEP = "maximum nesting depth"
"""What newer versions of libyaml say when even they have had enough."""
NODES = 100_000
"""Most values, those behind an alias counted each time it is used."""

Key = tuple[str, ...]
Lines = Mapping[Key, int]
"""Path of a key → its line, counted from 1."""

_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_COLLECTIONS = (f"{_TAG}map", f"{_TAG}seq")
_TEXTS = (f"{_TAG}str", f"{_TAG}value", f"{_TAG}merge")
_NUMBERS = {
    f"{_TAG}int": re.compile(r"0|-?[1-9][0-9]*"),
    f"{_TAG}float": re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?\.inf"),
}
"""Tag of a number → its forms that everybody reads alike."""
_QUOTED = re.compile(r"'[^']{3,}'")
"""What PyYAML quotes from a file: names of aliases, which may be an unquoted secret."""
_OTHERS = (f"{_TAG}bool", f"{_TAG}null", f"{_TAG}timestamp")
_KINDS: Mapping[type, str] = {
    dict: "a mapping", list: "a list", str: "a text", bool: "true or false",
    int: "a number", float: "a number", type(None): "nothing",
}  # fmt: skip


@attrs.frozen(kw_only=True)
class Place:
    """A file and the lines of its keys: what an error message needs."""

    path: Path | None = None
    lines: Lines = attrs.field(factory=dict, repr=False)

    def at(self, *key: str) -> str:
        """Return `file:line: a.b.c` of a key, or of the nearest one above it that is there."""
        shown = ".".join(key)
        if self.path is None:
            return shown
        for end in range(len(key), 0, -1):
            if key[:end] in self.lines:
                return f"{self.path}:{self.lines[key[:end]]}: {shown}"
        return f"{self.path}: {shown}"

    def wrong(self, message: str, *key: str) -> NoReturn:
        """Raise a `ConfigError` about a key, or about the whole file."""
        about = self.at(*key) if key else str(self.path or "the configuration")
        raise ConfigError(f"{about}: {message}")


def read_text(path: Path) -> str:
    """Return the text of a file; raises `ConfigError` where it is not there, or not UTF-8."""
    try:
        with path.open("rb") as file:
            data = file.read(SIZE + 1)
        return data.decode("utf-8")
    except (OSError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):  # it holds the text
            text = f"{path}: is not UTF-8: {error.reason} at {error.start}"
            raise ConfigError(text) from None
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"{path}: cannot be read: {reason}") from error


def parse(text: str, path: Path | None = None) -> tuple[dict[str, Any], Place]:
    """Return what a text says, keys as they are written; an empty one says nothing.

    Raises `ConfigError` for what is not YAML and for all that this module refuses.
    """
    place = Place(path=path, lines={})
    if len(text) > SIZE:
        place.wrong(f"more than {SIZE:,} characters")
    try:
        _check_depth(text, place)
        data = _data(text, place)
    except yaml.MarkedYAMLError as error:
        mark, problem = error.problem_mark, _QUOTED.sub("…", error.problem or error.context or "")
        where = _line(place, mark.line + 1) if mark else str(path or "the configuration")
        told = _TOO_DEEP if _DEEP in problem else f"this is not YAML: {problem}"
        raise ConfigError(f"{where}: {told}") from None  # it shows the text
    except (yaml.YAMLError, UnicodeError) as error:
        problem = str(error).partition("\n")[0]
        raise ConfigError(f"{path}: this is not YAML: {problem}") from None
    if not isinstance(data, dict):
        place.wrong(f"a mapping was wanted, found {kind_of(data)}")
    return data, place


def kind_of(value: Any) -> str:
    """Return what a value is, in words for a message."""
    return _KINDS.get(type(value), f"a {type(value).__name__}")


def reads_as_text(text: str) -> bool:
    """Tell whether a text without quotes is that text to YAML, not a number, a date, a truth."""
    resolver = yaml.resolver.Resolver()
    found = resolver.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    return bool(found == f"{_TAG}str")


def written(value: bool | float | None) -> str:
    """Return the text that stands for a number, a truth, or nothing."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = repr(value)
    if "e" in text and "." not in text:  # a number to YAML 1.1 only with a point
        text = text.replace("e", ".0e")
    return text.replace("inf", ".inf")


def _line(place: Place, line: int) -> str:
    return f"{place.path}:{line}" if place.path else f"line {line}"


def _check_depth(text: str, place: Place) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH:
            mark = event.start_mark
            where = _line(place, mark.line + 1 if mark else 1)
            raise ConfigError(f"{where}: {_TOO_DEEP}")


def _data(text: str, place: Place) -> Any:
    loader = _LOADER(text)
    try:
        node = loader.get_single_node()
        return {} if node is None else _Reader(place, loader).value(node, (), 0)
    finally:
        loader.dispose()


class _Reader:
    """Turns nodes into data, and notes the lines of their keys."""

    def __init__(self, place: Place, loader: Any) -> None:
        self._place = place
        self._lines: dict[Key, int] = place.lines  # type: ignore[assignment]
        self._loader = loader
        self._left = NODES

    def value(self, node: Any, key: Key, depth: int) -> Any:
        self._left -= 1
        if self._left < 0:
            self._wrong(f"more than {NODES:,} values, counted at every alias", node, key)
        if depth > DEPTH:
            self._wrong("nested too deep (an alias within what it names?)", node, key[:3])
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, key)
        if node.tag not in _COLLECTIONS:
            self._wrong("a tag (!…) of a type that is not taken here", node, key)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, key, depth + 1) for item in node.value]
        return self._mapping(node, key, depth)

    def _mapping(self, node: Any, key: Key, depth: int) -> dict[str, Any]:
        written = [(self._name(name, key), name, value) for name, value in node.value]
        found: dict[str, Any] = {}
        for _, name, value in written:
            if name.tag == f"{_TAG}merge":
                found = {**self._merged(value, key, depth), **found}
        seen: set[str] = set()
        for text, name, value in written:
            inner = (*key, text)
            if text in seen:
                self._wrong(f"the key {'.'.join(inner)} stands here a second time", name, ())
            seen.add(text)
            if name.tag != f"{_TAG}merge":
                self._lines[inner] = name.start_mark.line + 1
                found[text] = self.value(value, inner, depth + 1)
        return found

    def _name(self, node: Any, key: Key) -> str:
        if not isinstance(node, yaml.ScalarNode):
            self._wrong("a key must be a text", node, key)
        return str(node.value)  # as written: a cloud may be called `on`

    def _merged(self, node: Any, key: Key, depth: int) -> dict[str, Any]:
        """Return what a merge key lays under its mapping; of several the first wins."""
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if not all(isinstance(one, yaml.MappingNode) for one in nodes):
            self._wrong("the merge key << takes a mapping, or a list of them", node, key)
        found: dict[str, Any] = {}
        for one in reversed(nodes):
            found |= self.value(one, key, depth + 1)
        return found

    def _scalar(self, node: Any, key: Key) -> Any:
        if node.tag in _TEXTS:
            return node.value
        if node.tag in _NUMBERS and not _NUMBERS[node.tag].fullmatch(node.value.lower()):
            self._wrong(
                "YAML reads this number otherwise than it looks; put quotes around it, or write "
                "plain digits", node, key,
            )  # fmt: skip
        if node.tag not in _NUMBERS and node.tag not in _OTHERS:
            self._wrong("a tag (!…) of a type that is not taken here", node, key)
        try:
            return self._loader.construct_object(node)
        except (ValueError, LookupError, AttributeError, ArithmeticError):
            kind = node.tag.removeprefix(_TAG)
            self._wrong(f"this is no {kind}, though it looks like one; quote it", node, key)

    def _wrong(self, message: str, node: Any, key: Key) -> NoReturn:
        where = _line(self._place, node.start_mark.line + 1)
        about = f"{where}: {'.'.join(key)}" if key else where
        raise ConfigError(f"{about}: {message}") from None
