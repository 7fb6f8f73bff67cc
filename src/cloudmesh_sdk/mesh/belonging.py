"""Whose records the view has: what one account showed is not what another one has.

An entry of the configuration may come to mean another project, user, region or cloud: by an edit,
by one of `clouds.yaml`, by the `OS_*` variables of another shell. A list of changes would then
leave the former records as if they were seen just now, and a server that the new account does not
know would pass for deleted.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cloudmesh_sdk.config import CloudConfig
from cloudmesh_sdk.errors import ConfigError
from cloudmesh_sdk.models import Operation
from cloudmesh_sdk.store.base import Store

_ACCOUNT = "account"
"""Where the settings keep, per cloud, whose records the view has."""

_LAST = "last_"
"""How the settings name what was used last at a cloud."""

_WORDS = frozenset({
    "auth_url", "endpoint", "url", "host", "provider", "profile", "replay",
    "region", "region_name", "location", "interface", "compute_endpoint_override",
    "user", "username", "user_id", "user_domain_name", "user_domain_id",
    "default_domain_name", "default_domain_id", "account", "access_key",
    "application_credential_id", "application_credential_name", "trust_id",
    "project", "project_name", "project_id", "project_domain_name", "project_domain_id",
    "tenant", "domain_name", "domain_id", "system_scope", "all_projects",
})  # fmt: skip
"""Options that tell place and account; no secrets, and nothing that merely tunes."""


class Belonging:
    """Which account each cloud's part of one user's view belongs to."""

    def __init__(
        self,
        clouds: Mapping[str, CloudConfig],
        store: Store,
        owner: str,
        other: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        self._clouds = clouds
        self._store = store
        self._owner = owner
        self._other = other
        self._prints: dict[str, str] = {}

    def hold(self, clouds: Iterable[str]) -> None:
        """Forget what was seen of clouds whose entry means another account since.

        They are then asked as clouds that never were. An entry that cannot be read just now says
        nothing. Raises `StoreError`.
        """
        names = [name for name in clouds if self.account(name)]
        kept = self._store.settings.defaults(self._owner) if names else {}
        for name in names:
            known = kept.get(name, {})
            before = known.get(_ACCOUNT)
            if before == self._prints[name]:
                continue
            if before is not None:
                self._forget(name, known)
            self._store.settings.set_default(self._owner, name, _ACCOUNT, self._prints[name])

    def _forget(self, cloud: str, known: Mapping[str, Any]) -> None:
        self._store.view.forget(self._owner, cloud)
        for key in known:
            if key.startswith(_LAST):
                self._store.settings.set_default(self._owner, cloud, key, None)

    def account(self, cloud: str) -> str | None:
        """Return what stands for the account of a cloud; None while its entry cannot be read.

        `other` tells of what is no cloud: queue managers.
        """
        if cloud not in self._clouds:
            return self._other(cloud)
        if cloud not in self._prints:
            try:
                self._prints[cloud] = _print_of(self._clouds[cloud])
            except (ConfigError, KeyError):
                return None
        return self._prints[cloud]

    def ours(self, operation: Operation) -> bool:
        """Tell whether an operation was asked of the account that its cloud's entry means now.

        Another account cannot say what became of it, and would be asked to do it again.
        """
        now = self.account(operation.cloud)
        return operation.account is None or now is None or operation.account == now


def _print_of(entry: CloudConfig) -> str:
    told = {key: value for key, value in entry.resolved().items() if key in _WORDS}
    text = json.dumps([entry.driver, told], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
