"""What a cloud promises that tells more: consoles, actions, zones, limits, raw answers."""

import json
from collections.abc import Callable
from typing import ClassVar

import pytest

from cloudmesh_sdk.errors import (
    BackendError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    UnsupportedError,
)
from cloudmesh_sdk.models import Action, Quota, RawAnswer, Server, ServerState, Zone
from cloudmesh_sdk.providers.base import (
    Cloud,
    HasActions,
    HasConsole,
    HasConsoleURL,
    HasQuotas,
    HasRaw,
    HasZones,
)
from cloudmesh_sdk.testing.clouds import CANARY, CloudFixtures, cost
from cloudmesh_sdk.testing.listing import check_plain
from cloudmesh_sdk.testing.server import Loopback, Reply


class ConsoleSuite(CloudFixtures):
    """Promises of `HasConsole`."""

    def test_the_console_is_text(self, cloud: Cloud, started: Callable[..., Server]) -> None:
        assert isinstance(cloud, HasConsole)
        assert isinstance(cloud.console(started()), str)


class QuotaSuite(CloudFixtures):
    """Promises of `HasQuotas`."""

    def test_quotas_are_numbers_with_names(self, cloud: Cloud) -> None:
        assert isinstance(cloud, HasQuotas)
        quotas = list(cloud.quotas())
        assert quotas
        for quota in quotas:
            assert isinstance(quota, Quota)
            assert (quota.cloud, bool(quota.name)) == (cloud.name, True)
            assert quota.native
            for number in (quota.used, quota.limit):
                assert number is None or number >= 0, "unlimited is None, not a negative number"
        names = [quota.name for quota in quotas]
        assert len(set(names)) == len(names)


class ConsoleURLSuite(CloudFixtures):
    """Promises of `HasConsoleURL`."""

    def test_the_link_to_the_console_is_a_link(
        self, cloud: Cloud, started: Callable[..., Server]
    ) -> None:
        assert isinstance(cloud, HasConsoleURL)
        scheme, _, rest = cloud.console_url(started()).partition("://")
        assert scheme in ("http", "https", "ws", "wss")
        assert rest.strip("/")

    def test_a_deleted_server_has_no_link(
        self, cloud: Cloud, started: Callable[..., Server]
    ) -> None:
        assert isinstance(cloud, HasConsoleURL)
        server = started()
        cloud.delete(server)
        self.gone(cloud, server)

        def refused() -> bool:
            try:
                cloud.console_url(server)
            except (NotFoundError, ConflictError):
                return True
            return False  # it is being deleted

        self.eventually(refused, bool, "without a link")


class ActionSuite(CloudFixtures):
    """Promises of `HasActions`."""

    def test_what_is_done_to_a_server_is_told_oldest_first(
        self, cloud: Cloud, started: Callable[..., Server]
    ) -> None:
        assert isinstance(cloud, HasActions)
        server = started()
        before = len(list(cloud.actions(server)))
        cloud.stop(server)
        self.until(cloud, server, ServerState.STOPPED)
        actions = self.eventually(
            lambda: list(cloud.actions(server)), lambda found: len(found) > before, "a stop is told"
        )
        for action in actions:
            assert isinstance(action, Action)
            assert action.name
            assert action.at.utcoffset() is not None, f"{action.name}: at has no time zone"
            assert action.native
            check_plain(dict(action.native))
        assert [action.at for action in actions] == sorted(action.at for action in actions)

    def test_an_unknown_server_has_no_actions(
        self, cloud: Cloud, started: Callable[..., Server]
    ) -> None:
        assert isinstance(cloud, HasActions)
        with pytest.raises(NotFoundError):
            list(cloud.actions(self.unknown(started())))


class ZoneSuite(CloudFixtures):
    """Promises of `HasZones`."""

    def test_zones_have_names(self, cloud: Cloud) -> None:
        assert isinstance(cloud, HasZones)
        list(cloud.zones())  # a login may be due
        assert cost(cloud, lambda: list(cloud.zones())) == 1
        zones = list(cloud.zones())
        assert any(zone.available for zone in zones)
        for zone in zones:
            assert isinstance(zone, Zone)
            assert (zone.cloud, bool(zone.name)) == (cloud.name, True)
            assert zone.native
            check_plain(dict(zone.native))
        names = [zone.name for zone in zones]
        assert len(set(names)) == len(names)

    def test_a_server_is_in_a_zone(self, cloud: Cloud, started: Callable[..., Server]) -> None:
        assert isinstance(cloud, HasZones)
        assert self.seen(cloud, started()).zone in {zone.name for zone in cloud.zones()}


class RawSuite(CloudFixtures):
    """Promises of `HasRaw`."""

    raw_path: ClassVar[str] = "/servers"
    """A path of the compute service that answers JSON."""
    raw_absent: ClassVar[str] = "/servers/no-such-id"
    """A path of it that there is nothing at."""

    def test_a_raw_request_is_answered(self, cloud: Cloud) -> None:
        assert isinstance(cloud, HasRaw)
        answer = cloud.raw("GET", self.raw_path)
        assert isinstance(answer, RawAnswer)
        assert answer.status == 200
        assert answer.body
        json.dumps(answer.body)
        assert cost(cloud, lambda: cloud.raw("GET", self.raw_path)) == 1

    def test_a_refused_raw_request_is_an_answer_too(self, cloud: Cloud) -> None:
        assert isinstance(cloud, HasRaw)
        assert cloud.raw("GET", self.raw_absent).status in (400, 404)

    def test_a_raw_request_to_nobody_is_an_error(self, unreachable: Cloud) -> None:
        assert isinstance(unreachable, HasRaw)
        with pytest.raises(BackendError):
            unreachable.raw("GET", self.raw_path)

    def test_a_raw_request_goes_nowhere_else(self, cloud: Cloud) -> None:
        assert isinstance(cloud, HasRaw)
        with Loopback(lambda _: Reply(body={})) as other:
            for url in (f"{other.url}{self.raw_path}", f"//127.0.0.1:{other.port}/servers"):
                with pytest.raises((InvalidRequestError, UnsupportedError)):
                    cloud.raw("GET", url)
            assert other.requests == [], "our token was sent to a stranger"

    def test_a_raw_request_to_no_service_is_refused(self, cloud: Cloud) -> None:
        assert isinstance(cloud, HasRaw)
        with pytest.raises(UnsupportedError):
            cloud.raw("GET", self.raw_path, service="no-such-service")

    def test_a_raw_answer_shows_no_secret(self, secretive: Cloud) -> None:
        assert isinstance(secretive, HasRaw)
        answer = secretive.raw("GET", self.raw_path)
        assert CANARY not in f"{answer!r} {dict(answer.headers)!r} {answer.body!r}"
