"""What a cloud promises of a server's life: started once, found, stopped, resumed, deleted."""

from collections.abc import Callable
from uuid import uuid4

import attrs
import pytest

from cloudmesh_sdk.errors import (
    BackendTimeoutError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
)
from cloudmesh_sdk.models import Server, ServerRequest, ServerState
from cloudmesh_sdk.providers.base import Cloud
from cloudmesh_sdk.testing.clouds import CloudFixtures, flavor_words, named, order


class LifePromises(CloudFixtures):
    """Promises of `start`, `find`, `stop`, `resume`, `reboot`, `delete`."""

    def test_a_start_shows_as_it_was_asked_for(
        self, cloud: Cloud, started: Callable[..., Server], image: str, flavor: str
    ) -> None:
        name = f"kit-{uuid4().hex[:12]}"
        server = started(name=name)
        row = self.seen(cloud, server)
        assert (row.cloud, row.id, row.name) == (cloud.name, server.id, name)
        assert row.image == image
        assert row.flavor in flavor_words(cloud, flavor)
        assert row.state is ServerState.RUNNING
        assert row.fault is None

    def test_a_start_keeps_tags(self, cloud: Cloud, started: Callable[..., Server]) -> None:
        tags = {"owner": "albert", "a.b": "c:d e"}
        row = self.seen(cloud, started(tags=tags))
        assert dict(row.tags) == {**row.tags, **tags}

    def test_one_token_starts_one_server(
        self, cloud: Cloud, ordered: Callable[..., ServerRequest]
    ) -> None:
        request = ordered()
        first = cloud.start(request)
        try:
            self.seen(cloud, first)
            again = cloud.start(request)
            assert again.id == first.id
            assert [server.id for server in named(cloud, request.name)] == [first.id]
        finally:
            cloud.delete(first)

    def test_two_tokens_start_two_servers(
        self, cloud: Cloud, started: Callable[..., Server]
    ) -> None:
        name = f"kit-{uuid4().hex[:12]}"
        ids = {started(name=name).id, started(name=name).id}
        assert {server.id for server in named(cloud, name)} == ids
        assert len(ids) == 2

    def test_a_token_finds_its_server(self, cloud: Cloud, started: Callable[..., Server]) -> None:
        token = uuid4().hex
        server = started(token=token)
        self.seen(cloud, server)
        found = cloud.find(token)
        assert found is not None
        assert found.id == server.id
        assert found.token in (token, None)
        assert cloud.find(uuid4().hex) is None
        if cloud.shows_tokens:
            listed = {row.id: row for row in cloud.servers()}[server.id]
            assert listed.token == token, "shows_tokens is False where lists tell no tokens"
            assert cloud.is_ours(listed)

    def test_a_start_whose_answer_was_lost_is_not_done_twice(self, lossy: Cloud) -> None:
        request = order(lossy)
        try:
            server = lossy.start(request)
        except (BackendTimeoutError, UnavailableError):
            server = lossy.start(request)
        try:
            self.seen(lossy, server)
            assert [found.id for found in named(lossy, request.name)] == [server.id]
            found = lossy.find(request.token)
            assert found is not None
            assert found.id == server.id
        finally:
            lossy.delete(server)

    def test_stop_and_resume(self, cloud: Cloud, started: Callable[..., Server]) -> None:
        server = started()
        cloud.stop(server)
        self.until(cloud, server, ServerState.STOPPED)
        cloud.resume(server)
        self.until(cloud, server, ServerState.RUNNING)

    def test_reboot(self, cloud: Cloud, started: Callable[..., Server]) -> None:
        server = started()
        cloud.reboot(server)
        back = self.until(cloud, server, ServerState.RUNNING)
        assert back.id == server.id

    def test_deleting_twice_is_no_error(self, cloud: Cloud, started: Callable[..., Server]) -> None:
        server = started()
        cloud.delete(server)
        self.gone(cloud, server)
        cloud.delete(server)
        cloud.delete(attrs.evolve(server, id=self.absent))

    def test_a_deleted_server_cannot_be_acted_on(
        self, cloud: Cloud, started: Callable[..., Server]
    ) -> None:
        server = started()
        cloud.delete(server)
        self.gone(cloud, server)
        for act in (cloud.stop, cloud.resume, cloud.reboot):
            with pytest.raises((NotFoundError, ConflictError)):
                act(server)

    def test_an_unknown_server_is_not_found(self, cloud: Cloud) -> None:
        with pytest.raises(NotFoundError):
            cloud.server(self.absent)

    @pytest.mark.parametrize("field", ["image", "flavor"])
    def test_a_start_of_what_is_not_there_is_refused(
        self, cloud: Cloud, ordered: Callable[..., ServerRequest], field: str
    ) -> None:
        request = ordered(**{field: self.absent})
        with pytest.raises((NotFoundError, InvalidRequestError)):
            cloud.start(request)
        assert named(cloud, request.name) == []
