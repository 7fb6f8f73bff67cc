"""What a cloud promises of the fields that only some drivers do, and of telling what it sends."""

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest

from cloudmesh_sdk.models import Server, ServerRequest
from cloudmesh_sdk.providers.base import Cloud, HasZones
from cloudmesh_sdk.testing.clouds import CANARY, CloudFixtures
from cloudmesh_sdk.wire import Exchange

EXTRAS = ("zone", "config_drive", "boot_volume", "hints")
"""The fields of a `ServerRequest` that a driver may name in `extras`."""


class ExtraPromises(CloudFixtures):
    """Promises of `extras` and of `watch`."""

    @pytest.fixture
    def extra_values(self, cloud: Cloud) -> Mapping[str, Any]:
        """Give a value for each field of `EXTRAS` that the cloud can do; may be overridden."""
        zones = cloud.zones() if isinstance(cloud, HasZones) else ()
        zone = next((zone.name for zone in zones if zone.available), None)
        hints = {"kit": "no scheduler knows this"}
        return {"zone": zone, "config_drive": True, "boot_volume": 2, "hints": hints}

    def test_extras_are_fields_that_need_naming(self, cloud: Cloud) -> None:
        assert type(cloud).extras <= {*EXTRAS}
        assert {*EXTRAS} <= {field.name for field in attrs.fields(ServerRequest)}

    @pytest.mark.parametrize("field", EXTRAS)
    def test_a_start_does_the_extras_that_it_names(
        self,
        cloud: Cloud,
        started: Callable[..., Server],
        extra_values: Mapping[str, Any],
        field: str,
    ) -> None:
        if field not in type(cloud).extras:
            return  # nothing is promised of it: the mesh refuses it
        value = extra_values[field]
        row = self.seen(cloud, started(**{field: value}))
        if field == "zone":
            assert row.zone == value

    def test_who_watches_hears_of_requests_without_secrets(self, secretive: Cloud) -> None:
        heard: list[Exchange] = []
        secretive.watch = heard.append
        list(secretive.flavors())
        assert len(heard) <= secretive.calls
        for exchange in heard:
            assert isinstance(exchange, Exchange)
            assert exchange.cloud == secretive.name
            assert exchange.method
            assert exchange.url
            assert exchange.at.utcoffset() is not None
            assert CANARY not in repr(attrs.asdict(exchange))
