"""A cloud with no ability beside the least."""

from collections.abc import Iterator
from typing import Any

from cloudmesh_sdk.models import Flavor, Image, Server, ServerRequest
from cloudmesh_sdk.providers import Cloud
from cloudmesh_sdk.providers.memory import MemoryCloud, MemorySettings


class PlainCloud(Cloud):
    """What every driver must do, and nothing more."""

    Settings = MemorySettings
    parallel = 16

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._whole = MemoryCloud(name)

    @property
    def native(self) -> Any:
        return self._whole

    def servers(self) -> Iterator[Server]:
        self.calls += 1
        return self._whole.servers()

    def images(self) -> Iterator[Image]:
        return self._whole.images()

    def flavors(self) -> Iterator[Flavor]:
        return self._whole.flavors()

    def start(self, request: ServerRequest) -> Server:
        return self._whole.start(request)

    def delete(self, server: Server) -> None:
        self._whole.delete(server)

    def stop(self, server: Server) -> None:
        self._whole.stop(server)

    def resume(self, server: Server) -> None:
        self._whole.resume(server)

    def reboot(self, server: Server) -> None:
        self._whole.reboot(server)
