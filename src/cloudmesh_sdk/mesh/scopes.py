"""Whose list of jobs it is: all who mean the same queue manager share one.

What is seen of a manager is kept under a scope where clouds have a user, so that many users,
shells, notebooks and pages cost it one question. Two that call different managers by one name
have different scopes.
"""

import getpass
import hashlib
import json
import socket
from collections.abc import Mapping
from typing import Any

from cloudmesh_sdk.config import QueueConfig
from cloudmesh_sdk.config.checks import is_secret
from cloudmesh_sdk.errors import ConfigError

_PLACES = ("host", "url")
"""Options that say where in the world a manager is; without one it is on this machine."""

_PERSONAL = ("user", "slurm_user", "identity", "known_hosts", "ssh_config")
"""Options that say how a user gets there, not where that is."""

_TUNING = ("timeout", "transport", "api_version", "path", "verify", "cacert", "retries", "cert")
"""Options that change nothing of what is seen."""

_OWN = ("local", "memory")
"""Drivers whose managers are each user's own."""


class Scopes(Mapping[str, str]):
    """The scope of each queue manager, for one user; raises `ConfigError` for an unread entry."""

    def __init__(self, entries: Mapping[str, QueueConfig], user: str) -> None:
        self._entries = entries
        self._user = user
        self._known: dict[str, str] = {}

    def __getitem__(self, manager: str) -> str:
        if manager not in self._known:
            self._known[manager] = scope(self._entries[manager], self._user)
        return self._known[manager]

    def __iter__(self) -> Any:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def account(self, manager: str) -> str | None:
        """Return the scope as what stands for the account; None while it cannot be read."""
        try:
            return self[manager]
        except (ConfigError, KeyError):
            return None


def scope(entry: QueueConfig, user: str) -> str:
    """Return the scope of a queue manager, as this user's entry means it; no secret is in it."""
    options = {k: v for k, v in entry.resolved().items() if not _is_personal(k)}
    where: list[Any] = [entry.name, entry.driver, options]
    if not any(option in options for option in _PLACES):
        where.append(socket.gethostname())
    if entry.driver in _OWN:
        where.append(getpass.getuser())
    if not entry.shared:
        where.append(user)
    text = json.dumps(where, sort_keys=True, default=str)
    return f"queue:{hashlib.sha256(text.encode()).hexdigest()[:24]}"


def _is_personal(option: str) -> bool:
    return option in (*_PERSONAL, *_TUNING) or is_secret(option)
