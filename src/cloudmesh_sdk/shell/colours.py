"""Colours of the words that tell a state."""

from collections.abc import Mapping

STYLES: Mapping[str, str] = {
    "running": "green", "done": "green", "ok": "green", "yes": "green",
    "pending": "cyan", "rebooting": "cyan", "stopping": "cyan", "deleting": "cyan",
    "stopped": "yellow", "suspended": "yellow", "unknown": "yellow", "warning": "yellow",
    "stale": "yellow",
    "error": "red", "failed": "red", "broken": "red",
    "missing": "dim", "deleted": "dim", "cancelled": "dim", "no": "dim", "off": "dim",
}  # fmt: skip
"""Colours by word."""

STATES = ("state", "active")
"""Columns that hold such words."""
