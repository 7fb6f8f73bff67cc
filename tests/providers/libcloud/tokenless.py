"""Drivers of libcloud whose servers carry no token, as most are; they talk to an `Ocean`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from libcloud.compute.drivers.digitalocean import DigitalOcean_v2_NodeDriver
from libcloud.compute.providers import DRIVERS
from tests.providers.libcloud.ocean import TOKEN

from cloudmesh_sdk.providers.libcloud import LibcloudCloud

Droplets: Any = DigitalOcean_v2_NodeDriver
Known: Any = DRIVERS


class Tokenless(Droplets):  # type: ignore[misc]
    def __new__(cls, *_: Any, **__: Any) -> Any:
        """Choose no version of the API, as libcloud's own class does."""
        return object.__new__(cls)

    def create_node(self, name: str, size: Any, image: Any, location: Any) -> Any:
        return super().create_node(name, size, image, location)


class Ageless(Tokenless):
    """Tells no times, too."""

    def _to_node(self, data: dict[str, Any]) -> Any:
        node = super()._to_node(data)
        node.created_at = None
        return node


@contextmanager
def known() -> Iterator[None]:
    """Let libcloud know them by name, within the block."""
    drivers = {"tokenless": Tokenless, "ageless": Ageless}
    Known.update({name: (__name__, driver.__name__) for name, driver in drivers.items()})
    try:
        yield
    finally:
        for name in drivers:
            del Known[name]


def plain(url: str, provider: str) -> LibcloudCloud:
    settings = LibcloudCloud.Settings(
        provider=provider, key=TOKEN, url=url, timeout=10.0, settle=0.2, location="ams3"
    )
    return LibcloudCloud("plain", settings)
