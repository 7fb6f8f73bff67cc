"""PBS's JSON, valid or not, as plain data by name: `{"2.host": {"Job_Name": ...}}`.

Up to 23.06.06 the writer is one of PBS's own: each thing has a line, numbers stand as the user
wrote them (`+1`, `00`), backslashes go out as they are, and names of variables are not escaped at
all. What can surely be read in such an answer, line by line, is put right here. An answer in
which one job could stand for another, or hide it, is not believed.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

Things = dict[str, dict[str, Any]]
"""Jobs, queues, nodes or servers by their name, with their attributes."""

KINDS = ("Jobs", "Queue", "nodes", "Server")
_ROOT = frozenset({"timestamp", "pbs_version", "pbs_server", *KINDS})
_ID = re.compile(r"\d+(\[[^\]]*\])?\.")
_START = re.compile(r"^\{\s*$", re.MULTILINE)
_HEAD = re.compile(r'^(?:\t\t| {8})"[^"\n]+":\s*\{\s*$', re.MULTILINE)
"""How both writers begin a thing; a name of a variable may look so too, but within a line."""

_LINE = re.compile(
    r'(?P<before> *(?:"(?P<key>[^"\\]+)":)?)'
    r'(?:(?P<open>[{\[])|(?P<close>[}\]],?)|"(?P<text>.*)"(?P<t>,?)|(?P<bare>[^\s"{}\[\],]+)(?P<b>,?))'
)
_ESCAPE = re.compile(r'\\(["\\/bfnrt]|u[0-9a-fA-F]{4})')
_MEANT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class NoAnswerError(ValueError):
    """It is no JSON of PBS at all."""


class DoubtfulError(ValueError):
    """It is JSON of PBS's that cannot be read, or must not be believed."""


def read(answer: bytes, kind: str) -> Things:
    """Return the things of a kind in an answer; that the key is missing means there are none.

    Raises `NoAnswerError` and `DoubtfulError`.
    """
    text = answer.decode(errors="replace")
    begin = _START.search(text)  # a login may have said something before
    if begin is None:
        raise NoAnswerError("it is no JSON")
    text = text[begin.start() :]
    try:
        told = _loaded(text)
    except DoubtfulError:
        raise
    except ValueError:
        told = _loaded_anyhow(text)
    if not isinstance(told, dict) or "pbs_version" not in told:
        raise NoAnswerError("it is no JSON of PBS")
    if strange := told.keys() - _ROOT:
        raise DoubtfulError(f"it has {sorted(strange)[0][:40]!r} beside {kind!r}")
    things = told.get(kind, {})
    if not isinstance(things, dict) or not all(isinstance(one, dict) for one in things.values()):
        raise DoubtfulError(f"its {kind!r} are no table")
    heads = len(_HEAD.findall(text))
    if heads and heads != len(things):
        raise DoubtfulError(f"it has {len(things)} of {kind!r} where it begins {heads}")
    return things


def _loaded_anyhow(text: str) -> Any:
    repaired = "\n".join(_repaired(line) for line in text.rstrip().split("\n"))
    try:
        return _loaded(repaired)
    except DoubtfulError:
        raise
    except ValueError as error:
        raise DoubtfulError(f"it is no valid JSON: {error}") from error


def _loaded(text: str) -> Any:
    return json.loads(
        text,
        strict=False,
        parse_int=_whole,
        parse_float=_decimal,
        parse_constant=str,
        object_pairs_hook=_table,
    )


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; 23.06.06 writes limits of several kinds under one key several times."""
    table = dict(pairs)
    if len(table) == len(pairs):
        return table
    table = {}
    for key, value in pairs:
        table[key] = _both(key, table[key], value) if key in table else value
    return table


def _both(key: str, first: Any, second: Any) -> Any:
    if key in KINDS or _ID.match(key):
        _doubt(key)
    if isinstance(first, dict) and isinstance(second, dict):
        return first | second
    if isinstance(first, dict | list) or isinstance(second, dict | list):
        _doubt(key)
    return f"{first},{second}"


def _doubt(key: str) -> NoReturn:
    raise DoubtfulError(f"it has {key[:40]!r} twice")


def _whole(word: str) -> int | str:
    value = int(word) if len(word) < 20 else 0  # noqa: PLR2004 - none of PBS's own is longer
    return value if str(value) == word else word


def _decimal(word: str) -> float | str:
    """Return a number that is written as Python would, else the word: a job may be called 1e5."""
    value = float(word)
    return value if repr(value) == word else word


def _repaired(line: str) -> str:
    """Return a line of PBS's own writer as valid JSON; one that is none of its lines, as it is."""
    found = _LINE.fullmatch(line.rstrip())
    if found is None:
        return line
    if found["text"] is not None:
        return f"{found['before']}{json.dumps(_plain(found['text']))}{found['t']}"
    if found["bare"] is not None and not _is_valid(found["bare"]):
        return f"{found['before']}{json.dumps(found['bare'])}{found['b']}"
    return line


def _plain(word: str) -> str:
    return _ESCAPE.sub(_unescaped, word)


def _unescaped(found: re.Match[str]) -> str:
    if found[1][0] == "u":
        return chr(int(found[1][1:], 16))
    return _MEANT.get(found[1], found[1])


def _is_valid(word: str) -> bool:
    try:
        json.loads(word)
    except ValueError:
        return False
    return True


def nested(flat: Mapping[str, str]) -> dict[str, Any]:
    """Return attributes with dots (`Resource_List.mem`) and variables as JSON has them."""
    told: dict[str, Any] = {}
    for key, value in flat.items():
        group, dot, name = key.partition(".")
        inner = told.setdefault(group, {}) if dot else None
        if isinstance(inner, dict):
            inner[name] = value
        else:
            told[key] = value
    if isinstance(told.get("Variable_List"), str):
        told["Variable_List"] = variables(told["Variable_List"])
    return told


_COMMA = re.compile(r"(?<!\\),")


def variables(word: str) -> dict[str, str]:
    """Return `A=1,B=2` by name; a comma within a value has a backslash before it."""
    parts = (part.replace("\\,", ",").partition("=") for part in _COMMA.split(word) if part)
    return {name: value for name, _, value in parts}
