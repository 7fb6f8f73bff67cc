"""Records as plain data, and plain data as JSON, YAML, CSV or aligned text."""

import enum
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import attrs

from cloudmesh_sdk.shell.where import look, shown
from cloudmesh_sdk.tables import age, ago, cell, harmless_json, visible


def plain(value: Any, *, native: bool = False) -> Any:
    """Return a value as JSON has it: records become mappings, times ISO 8601 in UTC."""
    if attrs.has(type(value)):
        fields = [name for name in shown(type(value)) if native or name != "native"]
        return {name: plain(getattr(value, name), native=native) for name in fields}
    if isinstance(value, Mapping):
        return {str(key): plain(item, native=native) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item, native=native) for item in value]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, enum.Enum):
        return value.value
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)


def documents(rows: Sequence[Any], columns: Sequence[str], *, native: bool) -> list[Any]:
    """Return records as plain data: whole where no columns are named."""
    if not columns:
        return [plain(row, native=native) for row in rows]
    return [{path: plain(look(row, path), native=native) for path in columns} for row in rows]


def as_json(data: Any) -> str:
    r"""Return JSON text; what a terminal would obey stands as `\uXXXX`."""
    return harmless_json(json.dumps(data, indent=2, ensure_ascii=False))


def as_yaml(data: Any) -> str:
    """Return YAML text."""
    import yaml  # the configuration has loaded it already

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    dumped: str = yaml.dump(data, Dumper=dumper, sort_keys=False, allow_unicode=True)
    if any(line != visible(line) for line in dumped.split("\n")):
        dumped = yaml.dump(data, Dumper=dumper, sort_keys=False, allow_unicode=False)
    return dumped.rstrip("\n")


def as_csv(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return CSV text with a header (RFC 4180, lines ended as the system does)."""
    import csv  # seldom needed
    from io import StringIO

    file = StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return file.getvalue().rstrip("\n")


def cells(
    rows: Sequence[Any], columns: Sequence[str], forms: "Mapping[str, Form] | None" = None
) -> list[list[str]]:
    """Return the text of every cell; `forms` say how people read some columns."""
    known = [(forms or {}).get(path) or _as_it_is(path) for path in columns]
    return [[form(row) for form in known] for row in rows]


def _as_it_is(path: str) -> "Form":
    return lambda row: text(look(row, path))


def text(value: Any) -> str:
    """Return the text of one value: an enumerated one as its word, fractions to four places."""
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".")
    return cell(value.value if isinstance(value, enum.Enum) else value)


Form = Callable[[Any], str]
"""Returns the text of a cell for a record."""

_SHORT = 32
"""Characters of a name that a table shows: anybody may call a job as long as he likes."""


def clock(seconds: int | None) -> str:
    """Return seconds as schedulers write them: `4:05`, `1:30:00`, `2-00:00:00`."""
    if seconds is None:
        return ""
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days}-{hour:02}:{minute:02}:{second:02}"
    return f"{hour}:{minute:02}:{second:02}" if hour else f"{minute}:{second:02}"


def short(said: str) -> str:
    """Return a text as far as a table has room for it."""
    return said if len(said) <= _SHORT else f"{said[: _SHORT - 1]}…"


def id_of(job: Any) -> str:
    """Return the id of a job, with the indices of those of an array that it stands for."""
    if not job.indices:
        return str(job.id)
    bracket = f"[{job.indices}]"
    return short(job.id.replace("[]", bracket) if "[]" in job.id else f"{job.id}_{bracket}")


FORMS: Mapping[str, Mapping[str, Form]] = {
    "jobs": {
        "id": id_of,
        "name": lambda job: short(job.name),
        "elapsed": lambda job: clock(job.elapsed),
        "walltime": lambda job: clock(job.walltime),
    },
    "orphans": {"age": lambda orphan: age(orphan.created) if orphan.created else ""},
    "queues": {"walltime": lambda queue: clock(queue.walltime)},
    "services": {"heard": lambda service: ago(service.heard) if service.heard else ""},
}
"""How people read some columns of a kind of records; programs get what stands there."""


def as_text(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return an aligned table without colours, for pipes and files."""
    return "\n".join(as_lines(columns, rows))


def as_lines(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    painted: Mapping[int, Callable[[str], str]] | None = None,
) -> list[str]:
    """Return the lines of an aligned table; `painted` changes the padded words of some columns."""
    table = [list(columns), *rows]
    widths = [max(len(row[place]) for row in table) for place in range(len(columns))]
    padded = [[word.ljust(width) for word, width in zip(row, widths, strict=True)] for row in table]
    for place, paint in (painted or {}).items():
        for row in padded[1:]:
            row[place] = paint(row[place])
    lines = ["  ".join(row).rstrip() for row in padded]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return lines
