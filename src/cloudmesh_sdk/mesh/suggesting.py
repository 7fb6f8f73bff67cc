"""Defaults that nothing sets: what fits best of what is there; and checking those that are set."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from cloudmesh_sdk.errors import NotFoundError
from cloudmesh_sdk.mesh.defaults import Default, suggest_flavor, suggest_image
from cloudmesh_sdk.mesh.names import several
from cloudmesh_sdk.mesh.viewing import raise_alone
from cloudmesh_sdk.models import Flavor, Image, Network, Record, SecurityGroup

if TYPE_CHECKING:
    from cloudmesh_sdk.mesh import Mesh

_NAMED: Mapping[str, type[Record]] = {
    "image": Image, "flavor": Flavor, "security_groups": SecurityGroup, "networks": Network,
}  # fmt: skip
"""Defaults that name records of a cloud."""


class Suggesting:
    """The defaults of one mesh, as far as the clouds have a say."""

    def __init__(self, mesh: "Mesh") -> None:
        self._mesh = mesh

    def set(self, key: str, value: Any, cloud: str | None) -> None:
        """Set a default; raises `NotFoundError` where its cloud was seen and has no such thing."""
        if cloud and value is not None and key in _NAMED:
            for name in several(value):
                if isinstance(name, str) and name.strip():
                    self._mesh._view.require(_NAMED[key], cloud, name)
        self._mesh._defaults.set(key, value, cloud or "")

    def suggested(self, unset: Default) -> Default:
        """Return what fits best of what is there for a default that nothing sets."""
        suggest = _SUGGEST.get(unset.key)
        return (suggest and suggest(self, unset.cloud or None)) or unset

    def default_id(self, kind: type[Image] | type[Flavor], cloud: str, asked: Any) -> str:
        """Return the id of the image or flavor that is meant, the default one for None."""
        if isinstance(asked, kind):
            return asked.id
        what = kind.__name__.lower()
        default = None if asked is not None else self._mesh.default(what, cloud=cloud)
        name = asked if default is None else default.value
        if name is None:
            raise NotFoundError(f"{cloud} has no {what} to start with; cm {what} list {cloud}")
        try:
            return self._mesh._view.one(kind, [cloud], str(name)).id
        except NotFoundError as error:
            if default is None:
                raise
            raise NotFoundError(f"{error} (the default {what}: {default.source})") from error

    def _cloud(self, _: str | None) -> Default | None:
        candidates = list(self._mesh.active)
        if not candidates:
            return None
        chosen = self._mesh._acts.hooks.choose_cloud(candidates=candidates, request=None)
        if chosen is not None:
            return Default(key="cloud", value=chosen, source="chosen by a plug-in")
        return Default(key="cloud", value=candidates[0], source="the first active cloud")

    def _image(self, cloud: str | None) -> Default | None:
        if not cloud:
            return None
        images = self._mesh.images(cloud)
        image = suggest_image(images)
        if image is None:
            raise_alone(images)
            return None
        why = "the newest of a common family"
        return Default(key="image", cloud=image.cloud, value=image.id, source=why)

    def _flavor(self, cloud: str | None) -> Default | None:
        if not cloud:
            return None
        image = self._mesh.default("image", cloud=cloud).value
        record = self._mesh.image(cloud, image) if image else None
        flavors = self._mesh.flavors(cloud)
        flavor = suggest_flavor(flavors, record)
        if flavor is None:
            raise_alone(flavors)
            return None
        why = "the smallest that runs the image"
        return Default(key="flavor", cloud=cloud, value=flavor.id, source=why)


_SUGGEST: Mapping[str, Callable[[Suggesting, str | None], Default | None]] = {
    "cloud": Suggesting._cloud,
    "image": Suggesting._image,
    "flavor": Suggesting._flavor,
}
