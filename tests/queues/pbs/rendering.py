"""PBS's attributes as its `qstat` prints them: JSON of both writers, and `-F dsv`.

`test_rendering.py` holds this to the captures, byte by byte. Text is one character a byte here
(latin-1), for what users write need not be text. The rules are those of `qstat.c`, `pbs_json.c`
(23.06.06) and of cJSON.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

Attribute = tuple[str, str | None, str]
"""Its name, the resource, and the value as the server keeps it."""

_C_ESCAPES = {"\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class Thing(NamedTuple):
    """A job, or a queue, with its attributes in their order."""

    id: str
    attributes: Sequence[Attribute]


def head(
    things: Sequence[Thing], kind: str = "Jobs", *, stamp: int = 1, version: str = "23.06.06"
) -> bytes:
    """Return JSON as clients of 2026 print it."""
    body = {thing.id: _tree(thing.attributes, variables_of_head) for thing in things}
    top: dict[str, object] = {"timestamp": stamp, "pbs_version": version, "pbs_server": "pbshost"}
    if body:
        top[kind] = body
    return (_cjson(top, 0) + "\n").encode("latin-1")


def old(
    things: Sequence[Thing], kind: str = "Jobs", *, stamp: int = 1, version: str = "23.06.06"
) -> bytes:
    """Return JSON as clients of 23.06.06 print it: valid or not."""
    lines: list[str] = []

    def emit(indent: int, text: str, *, comma: bool) -> None:
        lines.append(("," if comma else "") + "\n" + " " * indent + text)

    emit(4, f'"timestamp":{stamp}', comma=False)
    emit(4, f'"pbs_version":"{version}"', comma=True)
    emit(4, '"pbs_server":"pbshost"', comma=True)
    if things:
        emit(4, f'"{kind}":{{', comma=True)
        for number, thing in enumerate(things):
            emit(8, f'"{thing.id}":{{', comma=number > 0)
            _old_thing(thing, emit)
            emit(8, "}", comma=False)
        emit(4, "}", comma=False)
    return ("{" + "".join(lines) + "\n}\n").encode("latin-1")


def dsv(things: Sequence[Thing], head: str = "Job Id: ", *, old: bool = False) -> bytes:
    """Return `-F dsv`; `old` shows what cannot be printed as 23.06.06 does."""
    show = shown if old else _controls
    lines = []
    for thing in things:
        fields = [f"{head}{thing.id}"]
        for name, resource, value in thing.attributes:
            key = name if resource is None else f"{name}.{resource}"
            fields.append(f"{key}={show(_dsv_escaped(value))}")
        lines.append("|".join(fields) + "\n")
    return "".join(lines).encode("latin-1")


def shown(value: str) -> str:
    """Return what `show_nonprint_chars` of 23.06.06 makes of a value: `^` and another byte."""
    return "".join(
        letter if " " <= letter <= "~" or letter in "\t\n\v\f\r" else _caret(letter)
        for letter in value
    )


def _controls(value: str) -> str:
    return "".join(
        letter if letter >= " " or letter in "\t\n\v\f\r" else _caret(letter) for letter in value
    )


def _caret(letter: str) -> str:
    return "^" + chr((ord(letter) + 64) & 0xFF)


def _dsv_escaped(value: str) -> str:
    made = re.sub(r"\\(?![\"',])|\|", lambda found: "\\" + found[0], value)
    return made.replace("\n", "\\n").replace("\f", "\\f")


def variables_of_head(value: str) -> list[tuple[str, str]]:
    """Return a list of variables as cJSON gets it; one behind a backslash is swallowed."""
    parts = [part.replace("\0", ",") for part in value.replace("\\,", "\0").split(",")]
    return [(part.partition("=")[0], part.partition("=")[2]) for part in parts if part]


def variables_of_old(value: str) -> list[tuple[str, str | None]]:
    """Return it as 23.06.06 gets it: what is empty swallows the next one, too."""
    found: list[tuple[str, str | None]] = []
    at = 0
    while at < len(value):
        key, val, into = "", None, 0
        while at < len(value) and value[at] != ",":
            if value[at] == "\\" and value[at + 1 : at + 2] == ",":
                at += 1
            if not into and value[at] == "=":
                into, val = 1, ""
                at += 1
            if at < len(value):
                if into:
                    val = (val or "") + value[at]
                else:
                    key += value[at]
            at += 1
        found.append((key, val))
        at += 1
    return found


def _tree(attributes: Sequence[Attribute], split: object) -> dict[str, object]:
    tree: dict[str, object] = {}
    for name, resource, value in attributes:
        if name == "Variable_List":
            tree[name] = {key: _head_value(text) for key, text in variables_of_head(value)}
        elif resource is not None:
            group = tree.setdefault(name, {})
            assert isinstance(group, dict)
            group[resource] = _head_value(value)
        elif name in tree:
            tree[name] = f"{tree[name]},{value}"
        else:
            tree[name] = value if name in _STRINGS else _head_value(value)
    return tree


_STRINGS = ("Job_Name", "Account_Name", "Submit_arguments", "comment")


def _head_value(value: str) -> object:
    if re.fullmatch(r"-?\d[\d+\-eE.]*", value):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _cjson(value: object, depth: int) -> str:
    if isinstance(value, dict):
        pad = "\t" * (depth + 1)
        rows = [f"{pad}{_cjson(key, 0)}:\t{_cjson(item, depth + 1)}" for key, item in value.items()]
        body = ",\n".join(rows)
        return "{\n" + (body + "\n" if rows else "") + "\t" * depth + "}"
    if isinstance(value, str):
        escaped = "".join(_cjson_letter(letter) for letter in value)
        return f'"{escaped}"'
    assert isinstance(value, int | float)
    short = f"{value:.15g}"
    return short if float(short) == value else f"{value:.17g}"


def _cjson_letter(letter: str) -> str:
    if letter in '"\\':
        return "\\" + letter
    if letter in _C_ESCAPES:
        return _C_ESCAPES[letter]
    return f"\\u{ord(letter):04x}" if letter < " " else letter


def _old_thing(thing: Thing, emit: object) -> None:
    write = emit
    assert callable(write)
    open_group: str | None = None
    first = True
    for name, resource, value in thing.attributes:
        if open_group is not None and name != open_group:
            write(12, "}", comma=False)
            open_group, first = None, False
        if name == "Variable_List":
            write(12, '"Variable_List":{', comma=not first)
            for number, (key, text) in enumerate(variables_of_old(value)):
                write(16, _old_value(key, text), comma=number > 0)
            write(12, "}", comma=False)
        elif resource is not None:
            if open_group is None:
                write(12, f'"{name}":{{', comma=not first)
                first, open_group = True, name
            write(16, _old_value(resource, value), comma=not first)
        else:
            write(12, _old_value(name, value), comma=not first)
        first = False
    if open_group is not None:
        write(12, "}", comma=False)


def _old_value(key: str, value: str | None) -> str:
    if value is not None and _is_old_number(value):
        return f'"{key}":{value}'
    return f'"{key}":"{shown("".join(_old_escaped(value or "")))}"'


def _is_old_number(value: str) -> bool:
    """Tell what strtod(3) takes; with a leading 0 only what is less than one."""
    hexadecimal = r"0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)(?:[pP][+-]?\d+)?"
    decimal = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
    words = r"(?i:inf(?:inity)?|nan(?:\(\w*\))?)"
    found = re.fullmatch(rf"[ \t\n\v\f\r]*([+-]?)({hexadecimal}|{decimal}|{words})\s*", value)
    if found is None:
        return False
    number = found[2].lower()
    size = float.fromhex(number) if number.startswith("0x") else float(number.partition("(")[0])
    size = -size if found[1] == "-" else size
    return not value.startswith("0") or size < 1


def _old_escaped(value: str) -> Iterator[str]:
    at = 0
    while at < len(value):
        letter, following = value[at], value[at + 1 : at + 2]
        if letter in _C_ESCAPES:
            yield _C_ESCAPES[letter]
        elif letter == '"':
            yield '"' if at == 0 or value[at - 1] == "\\" else '\\"'
        elif letter == "\\":
            if not (following and following in "',"):
                yield "\\"
            yield following
            at += 1
        else:
            yield letter
        at += 1


def raw(answer: bytes) -> list[Thing]:
    """Return the attributes as the server keeps them, from a capture of `-F dsv`."""
    things = []
    for line in answer.decode("latin-1").split("\n"):
        if not line:
            continue
        first, *fields = re.split(r"(?<!\\)\|", line)
        attributes: list[Attribute] = []
        for field in fields:
            key, _, value = field.partition("=")
            name, dot, resource = key.partition(".")
            plain = re.sub(r"\\([\\n])", lambda f: "\n" if f[1] == "n" else "\\", value)
            attributes.append((name, resource if dot else None, plain))
        things.append(Thing(first.removeprefix("Job Id: "), attributes))
    return things


def stamp(answer: bytes) -> int:
    """Return the time stamp of a capture."""
    found = re.search(rb'"timestamp":\s*(\d+)', answer)
    assert found is not None
    return int(found[1])


def loads(answer: bytes) -> object:
    """Return what Python makes of JSON; raises ValueError."""
    return json.loads(answer.decode(errors="replace"), strict=False)


FORGED = {
    "one that is there": 'X":"1"}},"3.pbshost":{"job_state":"F","Variable_List":{"Y',
    "one that is not": 'X":"1"}},"99.pbshost":{"job_state":"F","Variable_List":{"Y',
    "another table": 'X":"1"}}},"Z":{"q":{"Variable_List":{"Y',
    "the table again": 'X":"1"}}},"Jobs":{"3.pbshost":{"Variable_List":{"Y',
    "the end": 'X":"1"}}}}',
}
"""Names of variables by which a job would stand for others: 23.06.06 prints names as they are."""
