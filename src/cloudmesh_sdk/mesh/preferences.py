"""The user's defaults and keys, as the facade offers them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from cloudmesh_sdk.fanout import Gathered
from cloudmesh_sdk.mesh.lists import Lists
from cloudmesh_sdk.models import Keypair

if TYPE_CHECKING:
    from cloudmesh_sdk.mesh.defaults import Default
    from cloudmesh_sdk.mesh.keys import Key

_UNSET: Any = object()


class Preferences(Lists):
    """Defaults say what is meant when nothing is named; keys let the user into servers."""

    def default(self, key: str, value: Any = _UNSET, *, cloud: str | None = None) -> "Default":
        """Return a default and where it comes from; with a value, set it first.

        Keys are `cloud`, `image`, `flavor`, `key`, `prefix`, `security_groups`, `networks`,
        `zone`, `ssh_user`, `format`, `active`, and for jobs `machine`, `queue`, `account`,
        `walltime`. Without `cloud` (which may be a queue manager) it holds for all. Raises
        `NotFoundError` with near names where a cloud that was seen has no such thing.
        """
        if cloud is not None and cloud not in self.config.queues:
            self._names(cloud)
        if key == "machine" and value not in (_UNSET, None):
            self._machines.manager(value)
        if key == "cloud" and value not in (_UNSET, None):
            self._names(value)
        if value is not _UNSET:
            self._suggesting.set(key, value, cloud)
        found = self._defaults.get(key, cloud or "")
        if found.value is not None or key not in ("cloud", "image", "flavor"):
            return found
        return self._suggesting.suggested(found)

    def unset(self, key: str, *, cloud: str | None = None) -> "Default":
        """Forget a default that was set and return what holds then."""
        return self.default(key, None, cloud=cloud)

    def defaults(self, cloud: str | None = None) -> "list[Default]":
        """Return all defaults that something sets, for the user and each cloud (or one)."""
        if cloud is None:
            return self._defaults.all([*self.config.clouds, *self.config.queues])
        return self._defaults.all([cloud] if cloud in self.config.queues else self._names(cloud))

    def keys(self) -> "list[Key]":
        """Return the user's own public keys and the clouds that have them."""
        return self._keypairs.all()

    def add_key(self, name: str, public_key: str) -> "Key":
        """Keep a public key: its text, or the path of its file. The first becomes the default."""
        self._keys.add(name, public_key)
        if self.default("key").value is None:
            self.default("key", name)
        return next(key for key in self.keys() if key.name == name)

    def delete_key(self, name: str, *, cloud: str | None = None) -> None:
        """Forget a key here, or at a cloud where one is named."""
        if cloud is not None:
            self._keypairs.forget(self._names(cloud)[0], name)
            return
        self._keys.delete(name)
        if self.default("key").value == name:
            self.unset("key")

    def upload_key(
        self, name: str | None = None, *, cloud: str | Iterable[str] | None = None
    ) -> Gathered[Keypair]:
        """Put a key (the default one) on clouds (the active ones that keep keypairs)."""
        return self._keypairs.upload(name, self._names(cloud))
