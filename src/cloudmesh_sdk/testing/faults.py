"""What a driver promises when its cloud misbehaves: the right error, in time, without secrets."""

import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

from cloudmesh_sdk import fanout
from cloudmesh_sdk.errors import (
    AuthError,
    BackendError,
    BackendTimeoutError,
    NotFoundError,
    UnavailableError,
)
from cloudmesh_sdk.models import Record, ServerState
from cloudmesh_sdk.providers.base import Cloud, HasConsole
from cloudmesh_sdk.testing.clouds import CANARY, CloudFixtures, order
from cloudmesh_sdk.testing.suite import wanted


def check_error(error: BaseException) -> None:
    """Assert what every error of a driver promises: one line of text, the foreign cause kept."""
    assert isinstance(error, BackendError)
    assert str(error).strip()
    assert "\n" not in str(error), "the text of an error is one line"
    assert error.__cause__ is not None, "the service's own error is lost: raise … from error"


def values(data: Any) -> Iterator[Any]:
    """Yield all keys and values of plain data, at any depth."""
    if isinstance(data, dict):
        yield from data
    for item in data.values() if isinstance(data, dict) else data:
        if isinstance(item, dict | list):
            yield from values(item)
        else:
            yield item


class FaultPromises(CloudFixtures):
    """Promises about clouds that refuse, are away, hang, or talk nonsense."""

    deadline: ClassVar[float] = 1.0
    """The `timeout` of the cloud of `hanging`, in seconds."""
    margin: ClassVar[float] = 2.0
    """Seconds after the deadline at which the error must have come."""
    strange: ClassVar[str] = "MOONWALK"
    """The state word of a server of `unknown_state`."""

    @pytest.fixture
    def refused(self) -> Cloud:
        """Give a cloud that refuses our credentials, `CANARY` among them."""
        wanted(self, "refused", "a cloud that refuses our credentials")

    @pytest.fixture
    def unreachable(self) -> Cloud:
        """Give a cloud that nobody answers for, such as a closed port."""
        wanted(self, "unreachable", "a cloud at a closed port")

    @pytest.fixture
    def hanging(self) -> Cloud:
        """Give a cloud that never answers; its settings say `timeout` = `deadline`."""
        wanted(self, "hanging", "a cloud that takes the request and never answers")

    @pytest.fixture
    def garbage(self) -> Cloud:
        """Give a cloud whose answers are no answers, such as a page of a login portal."""
        wanted(self, "garbage", "a cloud whose answers are nonsense")

    @pytest.fixture
    def half_page(self) -> Cloud:
        """Give a cloud whose list of servers breaks off in the middle."""
        wanted(self, "half_page", "a cloud whose list of servers breaks off")

    @pytest.fixture
    def unknown_state(self) -> Cloud:
        """Give a cloud with a server whose state is the word `strange`."""
        wanted(self, "unknown_state", "a cloud with a server in the state `strange`")

    @pytest.fixture
    def secretive(self) -> Cloud:
        """Give a cloud that works, with `CANARY` as its password or key."""
        wanted(self, "secretive", "a cloud that works with CANARY as its secret")

    def test_refused_credentials_are_an_auth_error(self, refused: Cloud) -> None:
        for ask in (refused.check, lambda: list(refused.servers())):
            with pytest.raises(AuthError) as caught:
                ask()
            check_error(caught.value)
            assert not caught.value.transient

    def test_a_refusal_shows_no_secret(
        self, refused: Cloud, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(0)
        with pytest.raises(AuthError) as caught:
            refused.check()
        assert CANARY not in _chain(caught.value) + repr(refused) + caplog.text

    def test_a_closed_port_is_unavailable(self, unreachable: Cloud) -> None:
        for ask in (unreachable.check, lambda: list(unreachable.servers())):
            with pytest.raises(UnavailableError) as caught:
                ask()
            check_error(caught.value)
            assert caught.value.transient

    def test_silence_ends_at_the_deadline(self, hanging: Cloud) -> None:
        begun = time.monotonic()
        with pytest.raises(BackendTimeoutError) as caught:
            list(hanging.servers())
        assert time.monotonic() - begun < self.deadline + self.margin
        check_error(caught.value)

    def test_nonsense_is_unavailable(self, garbage: Cloud) -> None:
        with pytest.raises(UnavailableError) as caught:
            list(garbage.servers())
        check_error(caught.value)

    def test_half_a_list_is_no_list(self, half_page: Cloud) -> None:
        with pytest.raises(UnavailableError) as caught:
            list(half_page.servers())
        check_error(caught.value)

    def test_an_unknown_state_is_unknown_and_readable(self, unknown_state: Cloud) -> None:
        found = [s for s in unknown_state.servers() if self.strange in values(dict(s.native))]
        assert found, f"no server's native data says {self.strange}"
        assert {server.state for server in found} == {ServerState.UNKNOWN}

    def test_secrets_show_nowhere(self, secretive: Cloud, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(0)
        request = order(secretive, user_data=f"#!/bin/sh\nexport PASSWORD={CANARY}\n")
        assert CANARY not in repr(request)
        server = secretive.start(request)
        try:
            texts = [repr(secretive), *map(_all, (server, self.seen(secretive, server)))]
            texts += [_all(r) for r in (*secretive.images(), *secretive.flavors())]
            if isinstance(secretive, HasConsole):
                texts.append(secretive.console(server))
            with pytest.raises(NotFoundError) as caught:
                secretive.server(self.absent)
            texts += [_chain(caught.value), repr(secretive.check()), caplog.text]
        finally:
            secretive.delete(server)
        assert [text for text in texts if CANARY in text] == []

    def test_a_dead_cloud_hides_no_other(self, cloud: Cloud, unreachable: Cloud) -> None:
        clouds: dict[str, Callable[[], list[Record]]] = {
            "dead": lambda: list(unreachable.images()),
            "alive": lambda: list(cloud.images()),
        }
        dead, alive = fanout.ask(clouds, lambda name: clouds[name]())
        assert isinstance(dead.error, UnavailableError)
        assert alive.error is None
        assert alive.value


def _all(record: Record) -> str:
    return f"{record!r} {dict(record.native)!r} {record._repr_html_()}"


def _chain(error: BaseException | None) -> str:
    """Return the texts of an error and of all its causes."""
    text = ""
    while error is not None:
        text += f"{error!r} {error}\n"
        error = error.__cause__ or error.__context__
    return text
