"""Records as text and HTML: what one cell says, whoever draws the table."""

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

_UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""What moves the cursor, colours, breaks lines, turns text around or is no character at all."""

_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def age(moment: datetime | None, *, now: datetime | None = None) -> str:
    """Return how long ago a moment was (`3 min`), `never` for None."""
    if moment is None:
        return "never"
    seconds = max(0.0, ((now or datetime.now(UTC)) - moment).total_seconds())
    for length, unit in _UNITS:
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return "now"


def ago(moment: datetime | None, *, now: datetime | None = None) -> str:
    """Return how long ago a moment was as words: `3 min ago`, `just now`, `never`."""
    words = age(moment, now=now)
    return {"now": "just now", "never": "never"}.get(words, f"{words} ago")


def visible(text: str) -> str:
    r"""Return a text that a terminal shows as it is: control characters and bidi marks escaped.

    An escape becomes `\x1b`, a newline `\n`, a mark that turns text around `\u202e`.
    """
    return _UNSEEN.sub(_escape, text)


def harmless_json(text: str) -> str:
    r"""Return JSON text with the same meaning where such characters stand as `\uXXXX`.

    Newlines between values stay; within strings JSON has escaped them already.
    """
    return _UNSEEN.sub(lambda m: m[0] if m[0] == "\n" else f"\\u{ord(m[0]):04x}", text)


def _escape(match: re.Match[str]) -> str:
    found, code = match[0], ord(match[0])
    return _SHORT.get(found) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")  # noqa: PLR2004


def cell(value: Any) -> str:
    """Return the text of one value: nothing for None, lists joined, times in UTC to the second."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={cell(item)}" for key, item in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(map(cell, value))
    return str(value)


def html_table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, caption: str = "", foot: str = ""
) -> str:
    """Return an HTML table; every value is escaped."""
    parts = ['<table class="cloudmesh">']
    if caption:
        parts.append(f"<caption>{html.escape(caption)}</caption>")
    parts.append("<thead><tr>" + "".join(f"<th>{html.escape(c)}</th>" for c in columns))
    parts.append("</tr></thead><tbody>")
    for row in rows:
        cells = "".join(f"<td>{html.escape(visible(cell(value)))}</td>" for value in row)
        parts.append(f"<tr>{cells}</tr>")
    parts.append("</tbody>")
    if foot:
        parts.append(
            f'<tfoot><tr><td colspan="{len(columns)}">{html.escape(foot)}</td></tr></tfoot>'
        )
    parts.append("</table>")
    return "".join(parts)
