"""Images of Glance."""

from collections.abc import Iterator

from cloudmesh_sdk.models import Image
from cloudmesh_sdk.providers.openstack import records
from cloudmesh_sdk.providers.openstack.client import Client

_PAGE = 1000
"""As many as Glance gives at once, unless its operator says less; unasked it gives 25."""


def images(client: Client, page_size: int | None) -> Iterator[Image]:
    """Yield the images that a server can be started from; 1 request a page."""
    params = {"status": "active", "limit": str(page_size or _PAGE)}
    for page in client.pages("/images", "images", service="image", params=params):
        usable = [native for native in page if records.bootable(native)]
        yield from client.records("GET /images", records.image, usable)
