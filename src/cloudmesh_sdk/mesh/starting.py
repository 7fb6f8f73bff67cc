"""Starting servers: what is left out comes from the defaults, keys are brought along."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from cloudmesh_sdk.errors import ConfigError, InvalidRequestError, UnsupportedError
from cloudmesh_sdk.fanout import Gathered
from cloudmesh_sdk.mesh.acting import Told
from cloudmesh_sdk.mesh.names import folded
from cloudmesh_sdk.mesh.naming import new_group, new_names
from cloudmesh_sdk.models import Flavor, Image, Server

if TYPE_CHECKING:
    from cloudmesh_sdk.mesh import Mesh

_EXTRAS: Mapping[str, str] = {
    "zone": "starts no server in a zone of choice",
    "config_drive": "gives servers no config drive",
    "boot_volume": "boots no server from a new volume",
    "hints": "takes no hints for its scheduler",
}
"""Arguments that only some drivers know, and what is said of the others."""

_LISTS = ("security_groups", "networks")


class Starting:
    """Starts the servers of one mesh."""

    def __init__(self, mesh: "Mesh") -> None:
        self._mesh = mesh

    def start(
        self,
        asked: Mapping[str, Any],
        *,
        count: int | None,
        cloud: str | None,
        name: str | Iterable[str] | None,
        user_data: str | None,
        told: Told | None,
    ) -> Gathered[Server]:
        """Start servers; what is None comes from the defaults."""
        where = self.where(cloud)
        extras = self._extras(where, asked)
        image, flavor, key = asked["image"], asked["flavor"], asked["key"]
        request = {
            "image": self._mesh._suggesting.default_id(Image, where, image),
            "flavor": self._mesh._suggesting.default_id(Flavor, where, flavor),
            "key": self._mesh._keypairs.bring(where, key),
            **{name: self._list(name, where, asked[name]) for name in _LISTS},
            "tags": dict(asked["tags"] or {}),
            **extras,
        }
        secrets = {"user_data": user_data} if user_data else None
        act, targets = self._targets(where, request, name, count)
        try:
            started = self._mesh._acts.run(act, targets, secrets=secrets, told=told)
        except InvalidRequestError:  # nothing was made; the key may have been taken off since
            if not self._mesh._keypairs.restored(where, request["key"]):
                raise
            started = self._mesh._acts.run(act, targets, secrets=secrets, told=told)
        if started:
            named = {"image": image, "flavor": flavor, "key": key}
            used = {k: request[k] for k, value in named.items() if value is not None}
            self._mesh._defaults.used(where, used)
        return cast("Gathered[Server]", started)

    def where(self, cloud: str | None) -> str:
        """Return the cloud for something new: the one named, else the default one."""
        where = cloud or self._mesh.default("cloud").value
        if where is None:
            raise ConfigError("no cloud is active; cm cloud list shows them, cm register adds one")
        self._mesh._names(where)
        return str(where)

    def _targets(
        self, where: str, request: Mapping[str, Any], name: Any, count: int | None
    ) -> tuple[str, list[tuple[str, str, Mapping[str, Any]]]]:
        """Return the act and its targets: one for all where the cloud starts many at once."""
        group = new_group(self._mesh, where, name, count)
        if group is not None:
            base, names = group
            several = {**request, "name": base, "names": list(names)}
            return "start_many", [(where, folded(names), several)]
        names = new_names(self._mesh, where, name, count)
        return "start", [(where, each, {**request, "name": each}) for each in names]

    def _extras(self, cloud: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments that only some drivers know; raises `UnsupportedError`."""
        wanted = {name: asked[name] for name in _EXTRAS if asked[name] not in (None, {})}
        known = self._mesh.clouds[cloud].extras
        for name in wanted:
            if name not in known:
                driver = self._mesh.clouds.driver(cloud)
                raise UnsupportedError(f"{cloud} {_EXTRAS[name]} (driver {driver})")
        if wanted.get("boot_volume", 1) < 1:
            raise InvalidRequestError("a volume to boot from has 1 GiB or more")
        default = self._mesh.default("zone", cloud=cloud).value
        if default and "zone" in known:
            wanted.setdefault("zone", default)
        return wanted

    def _list(self, key: str, cloud: str, asked: Sequence[str] | None) -> list[str]:
        value = asked if asked is not None else self._mesh.default(key, cloud=cloud).value
        return [value] if isinstance(value, str) else list(value or ())
