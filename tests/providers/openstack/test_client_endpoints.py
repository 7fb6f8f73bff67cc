"""Where services are: catalogs of many shapes, paths below them, links to next pages."""

from typing import Any

import pytest
from tests.providers.openstack.clients import Opened, endpoint, opened

from cloudmesh_sdk.errors import ConfigError, UnsupportedError
from cloudmesh_sdk.providers.openstack.endpoints import Directory, following, place, within
from cloudmesh_sdk.testing.server import Proxy

__all__ = ["endpoint", "opened"]

PLACES = [
    ("compute", "http://h:8774/v2.1", "/servers", "http://h:8774/v2.1/servers"),
    ("compute", "http://h:8774/v2.1/", "servers", "http://h:8774/v2.1/servers"),
    ("compute", "http://h:8774/v2.1/p1", "/servers", "http://h:8774/v2.1/p1/servers"),
    ("compute", "http://h/compute/v2/p1", "/servers", "http://h/compute/v2.1/p1/servers"),
    ("compute", "http://h/compute", "/servers", "http://h/compute/v2.1/servers"),
    ("compute", "http://h/v2.1/%(project_id)s", "/servers", "http://h/v2.1/p1/servers"),
    ("compute", "http://h/v2.1", "/v2.1/servers", "http://h/v2.1/servers"),
    ("image", "http://h:9292", "/images", "http://h:9292/v2/images"),
    ("image", "http://h:9292/v1", "/images", "http://h:9292/v2/images"),
    ("image", "http://h:9292/v2", "/v2/images", "http://h:9292/v2/images"),
    ("network", "http://h:9696/", "/networks", "http://h:9696/v2.0/networks"),
    ("network", "http://h/networking", "/v2.0/ports", "http://h/networking/v2.0/ports"),
    ("volume", "http://h/v3/p1", "/volumes", "http://h/v3/p1/volumes"),
    ("volume", "http://h/volume", "/volumes", "http://h/volume/v3/p1/volumes"),
    ("volume", "http://h/v3", "/volumes", "http://h/v3/volumes"),
    ("identity", "http://h/identity", "/users", "http://h/identity/v3/users"),
    ("identity", "http://h/v2.0", "/users", "http://h/v3/users"),
    ("placement", "http://h/placement", "/traits", "http://h/placement/traits"),
    ("object-store", "http://h/v1/AUTH_p1", "/box", "http://h/v1/AUTH_p1/box"),
]


@pytest.mark.parametrize(("service", "url", "path", "whole"), PLACES)
def test_a_path_is_below_its_service(service: str, url: str, path: str, whole: str) -> None:
    assert place(service, url, "p1").at(path) == whole


LINKS: list[tuple[str, str, dict[str, Any], str | None]] = [
    ("compute", "http://h/v2.1", {"servers_links": [{"rel": "next", "href":
     "http://other:1/v2.1/servers/detail?limit=2&marker=b"}]}, "/servers/detail?limit=2&marker=b"),
    ("compute", "http://h/v2.1/p1", {"servers_links": [{"rel": "next", "href":
     "https://h/v2.1/p1/servers?marker=b"}]}, "/servers?marker=b"),
    ("image", "http://h", {"next": "/v2/images?marker=b"}, "/images?marker=b"),
    ("volume", "http://h/v3/p1", {"servers_links": [{"rel": "next", "href":
     "http://h/v3/p1/volumes/detail?marker=b"}]}, "/volumes/detail?marker=b"),
    ("network", "http://h/net", {"servers_links": [{"rel": "previous", "href": "x"}]}, None),
    ("compute", "http://h/v2.1", {"servers_links": []}, None),
    ("compute", "http://h/v2.1", {"servers_links": None}, None),
]  # fmt: skip


@pytest.mark.parametrize(("service", "url", "answer", "path"), LINKS)
def test_the_next_page_is_a_path_of_the_place_we_know(
    service: str, url: str, answer: dict[str, Any], path: str | None
) -> None:
    assert following(answer, "servers", place(service, url)) == path


def _entry(kind: str, *endpoints: tuple[str, str, str]) -> dict[str, Any]:
    places = [{"interface": i, "region_id": r, "url": u} for i, r, u in endpoints]
    return {"type": kind, "endpoints": places}


CATALOG = [
    _entry("identity", ("public", "north", "http://k/v3"), ("public", "south", "http://k/v3")),
    _entry("compute", ("internal", "south", "http://ci"), ("public", "south", "http://cs/v2.1")),
    _entry("block-storage", ("public", "south", "http://b/v3")),
    _entry("volumev3", ("public", "south", "http://old/v3")),
]


def _directory(catalog: Any = CATALOG, **chosen: Any) -> Directory:
    usual = {"interface": "public", "region": None, "project": "p1"}
    return Directory("india", catalog, **{**usual, **chosen})


def test_services_are_chosen_by_region_interface_and_best_name() -> None:
    assert _directory().region == "south"
    assert _directory().place("compute").url == "http://cs/v2.1"
    assert _directory(interface="internalURL").place("compute").url == "http://ci/v2.1"
    assert _directory().place("volume").url == "http://b/v3"
    assert _directory(region="north").has("identity")
    assert not _directory(region="north").has("compute")


def test_what_is_not_there_is_told_with_what_is() -> None:
    with pytest.raises(UnsupportedError, match=r"'compute'; its catalog names identity$"):
        _directory(region="north").place("compute")
    with pytest.raises(ConfigError, match="no region 'sotuh'; did you mean south"):
        _directory(region="sotuh").place("compute")
    for empty in (_directory([]), _directory(interface="admin")):
        with pytest.raises(UnsupportedError, match=r"name a project .* or another interface"):
            empty.place("compute")


def test_a_url_is_of_the_service_that_it_is_deepest_in() -> None:
    catalog = [_entry("identity", ("public", "r", "http://h/v3")),
               _entry("volumev3", ("public", "r", "http://h/volume/v3/p1"))]  # fmt: skip
    directory = _directory(catalog)
    assert directory.service_of("http://h/volume/v3/p1/volumes") == "volume"
    assert directory.service_of("http://h/v3/users") == "identity"
    assert directory.service_of("http://other/v3/users") is None


@pytest.mark.parametrize(
    ("url", "inside"),
    [
        ("http://h:1/compute/v2.1", True),
        ("http://h:1/compute", True),
        ("http://h:1/computer", False),
        ("https://h:1/compute", False),
        ("http://h:12/compute", False),
        ("http://h:1@evil/compute", False),
    ],
)
def test_a_url_is_within_a_place_or_it_is_not(url: str, inside: bool) -> None:
    assert within(url, "http://h:1/compute") is inside


def test_one_connection_serves_call_after_call(opened: Opened) -> None:
    with Proxy(opened.endpoint.server.port) as proxy:
        client = opened(compute_endpoint_override=f"{proxy.url}/compute/v2.1")
        for _ in range(5):
            client.call("GET", "/servers/00000001-x")
        assert proxy.connections == 1
        client.close()
