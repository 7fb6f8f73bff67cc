"""Moments as people write them: a date, a time, or how long ago."""

import re
from datetime import UTC, datetime, timedelta

import click

_AGO = re.compile(r"(\d{1,6})(s|m|h|d|w)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str, *, now: datetime) -> datetime:
    """Return a moment (UTC where no zone is named); raises `click.UsageError`."""
    wanted = f"--since wants such as 2026-01-31, 2026-01-31T10:00, 6h or 2d, found {text!r}"
    if found := _AGO.fullmatch(text.strip().lower()):
        try:
            return now - timedelta(**{_UNITS[found[2]]: int(found[1])})
        except OverflowError as error:
            raise click.UsageError(wanted) from error
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise click.UsageError(wanted) from error
    return read if read.tzinfo else read.replace(tzinfo=UTC)
