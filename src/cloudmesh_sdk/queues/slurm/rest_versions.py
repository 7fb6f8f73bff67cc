"""Which versions of its interface slurmrestd speaks, and which of them we take.

Its own description (`/openapi/v3`) names them all: one question, which the controller does not
hear of. From v0.0.40 on numbers are wrapped and lists are lists; v0.0.39 has some of each.
"""

import logging
import re
from collections.abc import Iterable
from typing import Any

import attrs

from cloudmesh_sdk.errors import ConfigError, UnsupportedError

_log = logging.getLogger(__name__)

_PATH = re.compile(r"/(slurm|slurmdb)/v0\.0\.(\d{1,4})/")
_GIVEN = re.compile(r"v?0\.0\.(\d{1,4})")
_OLDEST, _NEWEST = 36, 44
"""Versions of 20.11 to 25.11."""
_NEWER = 39
"""From here on a job is handed in with the newer family's fields (data_parser/v0.0.39)."""
_WRAPPED = 40
"""From here on accounting is asked as the newer family wants it."""


@attrs.frozen(kw_only=True)
class Version:
    """What is asked: `/slurm/v0.0.N/...`, and of accounting `/slurmdb/v0.0.M/...`."""

    number: int
    accounting: int | None
    """None where slurmrestd does not speak of accounting."""

    @property
    def newer(self) -> bool:
        """Whether what is sent is of the newer family."""
        return self.number >= _NEWER

    @property
    def filters(self) -> bool:
        """Whether accounting can be asked for a user, and for times as numbers."""
        return (self.accounting or 0) >= _WRAPPED

    @property
    def slurm(self) -> str:
        """Where paths of the controller begin."""
        return f"/slurm/v0.0.{self.number}"

    @property
    def slurmdb(self) -> str:
        """Where paths of the accounting begin; raises `UnsupportedError` where it has none."""
        if self.accounting is None:
            raise UnsupportedError("slurmrestd does not speak of accounting at this site")
        return f"/slurmdb/v0.0.{self.accounting}"


def given(text: str) -> Version:
    """Return a version that the settings name; raises `ConfigError`."""
    found = _GIVEN.fullmatch(text)
    if found is None:
        raise ConfigError(f"api_version: {text!r} is no version of slurmrestd's, such as v0.0.38")
    return Version(number=int(found[1]), accounting=int(found[1]))


def chosen(name: str, described: Any) -> Version:
    """Return the newest version of both, from slurmrestd's description of itself.

    Raises `UnsupportedError` where there is none.
    """
    paths = described.get("paths") if isinstance(described, dict) else None
    offered: dict[str, set[int]] = {"slurm": set(), "slurmdb": set()}
    for path in paths if isinstance(paths, dict) else ():
        if found := _PATH.match(path):
            offered[found[1]].add(int(found[2]))
    number = _best(name, offered["slurm"])
    if number is None:
        raise UnsupportedError(
            f"{name}: slurmrestd speaks no version that is known here "
            f"(v0.0.{_OLDEST} to v0.0.{_NEWEST}); set api_version to try one"
        )
    return Version(number=number, accounting=_best(name, offered["slurmdb"]))


def _best(name: str, offered: Iterable[int]) -> int | None:
    known = [number for number in offered if _OLDEST <= number <= _NEWEST]
    if known:
        return max(known)
    newer = [number for number in offered if number > _NEWEST]
    if not newer:
        return None
    _log.warning(
        "%s: slurmrestd speaks v0.0.%d at the oldest, which is newer than what was tried (v0.0.%d)",
        *(name, min(newer), _NEWEST),
    )
    return min(newer)
