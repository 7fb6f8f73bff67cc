"""Colours of the words that tell a state."""

from collections.abc import Mapping

STYLES: Mapping[str, str] = {
    "running": "green", "active": "green", "available": "green", "in-use": "green",
    "success": "green", "done": "green", "ok": "green", "yes": "green",
    "pending": "cyan", "rebooting": "cyan", "stopping": "cyan", "deleting": "cyan",
    "resizing": "cyan", "build": "cyan", "creating": "cyan", "attaching": "cyan",
    "detaching": "cyan",
    "stopped": "yellow", "suspended": "yellow", "unknown": "yellow", "warning": "yellow",
    "stale": "yellow", "paused": "yellow", "shelved": "yellow", "resized": "yellow",
    "rescued": "yellow", "down": "yellow", "backing off": "yellow",
    "error": "red", "failed": "red", "broken": "red", "timeout": "red",
    "crashed": "red",
    "open": "green", "idle": "green", "mixed": "green", "busy": "green",
    "exiting": "cyan", "reserved": "cyan",
    "held": "yellow", "draining": "yellow", "drained": "yellow", "closed": "yellow",
    "missing": "dim", "deleted": "dim", "cancelled": "dim", "no": "dim", "off": "dim",
}  # fmt: skip
"""Colours by word."""

STATES = ("state", "active")
"""Columns that hold such words."""

BAR = "bar"
"""Column of how much of a limit is used, with the part in per cent at the end."""

_NEAR, _FULL = 80, 95
"""Per cent of a limit from which on it is worth a look, and from which on it soon refuses."""


def style(column: str, word: str) -> str:
    """Return the colour of a cell; empty for none."""
    if column in STATES:
        return STYLES.get(word, "")
    if column != BAR or not word.endswith("%"):
        return ""
    part = int(word.removesuffix("%").rpartition(" ")[2])
    return "red" if part >= _FULL else "yellow" if part >= _NEAR else "green"
