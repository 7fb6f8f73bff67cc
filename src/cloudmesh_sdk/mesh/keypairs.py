"""The user's keys at the clouds: which have them, and bringing them where a server needs one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from cloudmesh_sdk.errors import ConflictError, InvalidRequestError, NotFoundError, near
from cloudmesh_sdk.fanout import Gathered
from cloudmesh_sdk.mesh.acting import Acts
from cloudmesh_sdk.mesh.keys import Key, fingerprint, same
from cloudmesh_sdk.models import Keypair
from cloudmesh_sdk.providers.base import HasKeypairs

if TYPE_CHECKING:
    from cloudmesh_sdk.mesh import Mesh


class Keypairs:
    """The keys of one mesh at its clouds."""

    def __init__(self, mesh: "Mesh", acts: Acts) -> None:
        self._mesh = mesh
        self._acts = acts

    def all(self) -> list[Key]:
        """Return the user's public keys and the clouds that were seen to have them."""
        mesh = self._mesh
        default = mesh._defaults.get("key").value
        names = mesh._keys.all()
        seen = mesh.keypairs() if names else []
        return [
            Key(
                name=name,
                public_key=text,
                fingerprint=fingerprint(text),
                default=name == default,
                clouds=tuple(
                    r.cloud for r in seen if r.name == name and same(text, r) is not False
                ),
            )
            for name, text in sorted(names.items())
        ]

    def upload(self, name: str | None, clouds: Sequence[str]) -> Gathered[Keypair]:
        """Put a key (the default one) on clouds that keep keypairs."""
        name = name or self._mesh.default("key").value
        own = self._mesh._keys.all()
        if not name or name not in own:
            hint = near(name or "", own, what="there")
            raise NotFoundError(f"there is no key {name or ''!r} ({hint}); cm key add NAME FILE")
        able = [c for c in clouds if isinstance(self._mesh.clouds[c], HasKeypairs)]
        if not able:
            raise InvalidRequestError(f"none of {', '.join(clouds) or 'no clouds'} keeps keypairs")
        request = {"public_key": own[name]}
        done = self._acts.run("upload", [(cloud, name, request) for cloud in able])
        return cast("Gathered[Keypair]", done)

    def forget(self, cloud: str, name: str) -> None:
        """Take a key off a cloud."""
        self._acts.run("forget", [(cloud, name, {})])

    def bring(self, cloud: str, asked: str | None) -> str | None:
        """Return the name of the key for a new server, brought to its cloud where it lacks.

        Raises `ConflictError` where the cloud has another key of that name: the server would
        let that one in and not the user.
        """
        mesh = self._mesh
        name = asked or mesh.default("key", cloud=cloud).value
        if not name or (asked is None and not isinstance(mesh.clouds[cloud], HasKeypairs)):
            return None
        name, own = str(name), mesh._keys.all()
        if name not in own:
            return mesh.keypair(cloud, name).name
        there = self._seen(cloud, name)
        if there is not None and same(own[name], there) is False:
            mesh.refresh(cloud, "keypairs")  # it may have been changed since
            there = self._seen(cloud, name)
        if there is None:
            self.upload(name, [cloud])
        elif same(own[name], there) is False:
            raise ConflictError(
                f"{cloud} has another key called {name!r} than yours ({fingerprint(own[name])}); "
                f"cm key delete {name} --cloud {cloud} takes it off there, "
                "or add yours under another name"
            )
        return name

    def restored(self, cloud: str, name: str | None) -> bool:
        """Bring a key of the user's again that a cloud has no more; tell whether that was so."""
        if not name or name not in self._mesh._keys.all():
            return False
        self._mesh.refresh(cloud, "keypairs")
        if self._seen(cloud, name) is not None:
            return False
        self.upload(name, [cloud])
        return True

    def _seen(self, cloud: str, name: str) -> Keypair | None:
        return next((row for row in self._mesh.keypairs(cloud) if row.name == name), None)
