"""What went over the wire to a service: one exchange as a record, without secrets.

Drivers make exchanges, whoever watches shows or keeps them.
"""

import json
import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs


@attrs.frozen(kw_only=True)
class Exchange:
    """One request and its answer; secrets in headers, URL and bodies are masked already."""

    cloud: str
    service: str
    """`compute`, `identity` …, in the words of the cloud."""
    method: str
    """That of HTTP, or `RUN`."""
    url: str
    """Of a command: where it was run."""
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: str = ""
    """What was sent; a command with its words, never what it read."""
    status: int | None = None
    """HTTP status, or that with which a command ended; None where there was no answer."""
    answered: Mapping[str, str] = attrs.field(factory=dict)
    """Headers of the answer."""
    answer: str = ""
    """Body of the answer."""
    error: str = ""
    """Why there was no answer."""
    at: datetime
    """When it was sent, UTC."""
    elapsed: float = 0.0
    """Seconds until the answer was read."""
    request_id: str | None = None


Watch = Callable[[Exchange], None]
"""Hears each exchange, in the thread that made it."""


RUN = "RUN"
"""The method of a command that was run."""

_NOISE = ("user-agent", "accept-encoding", "connection", "content-length", "accept")
"""Headers that a reader does not miss."""

SHOWN = 4_000
"""How many characters of a body are shown."""


def as_curl(exchange: Exchange, *, shown: int = SHOWN) -> str:
    """Return an exchange as a curl command and what came of it, several lines.

    Secrets are masked in it, so that the command shows what was asked and is not to be run as it
    is. Of each body `shown` characters are given. A command stands behind the place of its run.
    """
    lines = [_asked(exchange, shown), _outcome(exchange)]
    if exchange.answer:
        lines.append(_bounded(_pretty(exchange.answer), shown))
    return "\n".join(lines)


def _asked(exchange: Exchange, shown: int) -> str:
    if exchange.method == RUN:
        return f"{exchange.url}$ {_bounded(exchange.body, shown)}"
    words = ["curl", "-g", "-i", "-X", exchange.method, shlex.quote(exchange.url)]
    for name, value in exchange.headers.items():
        if name.lower() not in _NOISE:
            words += ["-H", shlex.quote(f"{name}: {value}")]
    if exchange.body:
        words += ["-d", shlex.quote(_bounded(exchange.body, shown))]
    return " ".join(words)


def _outcome(exchange: Exchange) -> str:
    took = f"in {exchange.elapsed:.3f} s"
    if exchange.status is None:
        return f"no answer {took}: {exchange.error}"
    told = {name.lower(): value for name, value in exchange.answered.items()}
    length = told.get("content-length", "")
    size = int(length) if length.isdigit() else len(exchange.answer.encode())
    kind = "exit status" if exchange.method == RUN else "HTTP"
    parts = [f"{kind} {exchange.status}", f"{size:,} bytes {took}", exchange.request_id or ""]
    return ", ".join(part for part in parts if part)


def _pretty(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


def _bounded(text: str, shown: int) -> str:
    if len(text) <= shown:
        return text
    return f"{text[:shown]}… ({len(text) - shown:,} characters more)"


def write(path: str | os.PathLike[str], exchange: Exchange) -> None:
    """Append an exchange to a tape: a file of JSON, one exchange a line, for its owner only."""
    data = attrs.asdict(exchange)
    data |= {key: dict(data[key]) for key in ("headers", "answered")}
    data["at"] = exchange.at.isoformat()
    line = json.dumps(data, ensure_ascii=False) + "\n"
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


def read(path: str | os.PathLike[str]) -> Iterator[Exchange]:
    """Yield the exchanges of a tape; raises `OSError`, and `ValueError` naming file and line."""
    with Path(path).open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _exchange(line, f"{path}, line {number}")


def _exchange(line: str, where: str) -> Exchange:
    try:
        data: dict[str, Any] = json.loads(line)
        return Exchange(**{**data, "at": datetime.fromisoformat(data["at"])})
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{where}: no exchange stands there: {error}") from error
