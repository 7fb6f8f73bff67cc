"""What a cloud promises whose servers can do more: sleep, pause, shelve, change, be locked."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from cloudmesh_sdk.errors import ConflictError, InvalidRequestError, NotFoundError
from cloudmesh_sdk.models import Server, ServerState
from cloudmesh_sdk.providers.base import (
    Cloud,
    HasHardReboot,
    HasLock,
    HasPause,
    HasRebuild,
    HasRename,
    HasRescue,
    HasResize,
    HasShelve,
    HasSuspend,
    HasTags,
)
from cloudmesh_sdk.testing.clouds import CloudFixtures, flavor_words

Started = Callable[..., Server]


class SuspendSuite(CloudFixtures):
    """Promises of `HasSuspend`."""

    def test_suspend_and_resume(self, cloud: Cloud, started: Started) -> None:
        server = started()
        assert isinstance(cloud, HasSuspend)
        cloud.suspend(server)
        self.until(cloud, server, ServerState.SUSPENDED)
        cloud.resume(server)
        self.until(cloud, server, ServerState.RUNNING)


class PauseSuite(CloudFixtures):
    """Promises of `HasPause`."""

    def test_pause_and_unpause(self, cloud: Cloud, started: Started) -> None:
        server = started()
        assert isinstance(cloud, HasPause)
        cloud.pause(server)
        self.until(cloud, server, ServerState.PAUSED)
        self.allowed(lambda: cloud.unpause(server))
        self.until(cloud, server, ServerState.RUNNING)


class ShelveSuite(CloudFixtures):
    """Promises of `HasShelve`."""

    def test_shelve_and_unshelve(self, cloud: Cloud, started: Started) -> None:
        server = started()
        assert isinstance(cloud, HasShelve)
        cloud.shelve(server)
        self.until(cloud, server, ServerState.SHELVED)
        self.allowed(lambda: cloud.unshelve(server))
        back = self.until(cloud, server, ServerState.RUNNING)
        assert back.name == server.name


class ResizeSuite(CloudFixtures):
    """Promises of `HasResize`."""

    @pytest.fixture
    def other_flavor(self, cloud: Cloud, flavor: str) -> str:
        """Return the id of a flavor to move to; the first that holds as much unless overridden."""
        known = list(cloud.flavors())
        (now,) = [row for row in known if row.id == flavor]
        for row in known:
            sizes = ((row.vcpus, now.vcpus), (row.ram, now.ram), (row.disk, now.disk))
            if row.id != now.id and all((new or 0) >= (old or 0) for new, old in sizes):
                return row.id
        pytest.fail("no flavor is as large as the first; override `other_flavor`")

    def test_a_new_flavor_is_confirmed(
        self, cloud: Cloud, started: Started, other_flavor: str
    ) -> None:
        server = started()
        assert isinstance(cloud, HasResize)
        cloud.resize(server, other_flavor)
        self.until(cloud, server, ServerState.RESIZED)
        self.allowed(lambda: cloud.confirm_resize(server))
        back = self.until(cloud, server, ServerState.RUNNING)
        assert back.flavor in flavor_words(cloud, other_flavor)

    def test_a_new_flavor_is_taken_back(
        self, cloud: Cloud, started: Started, flavor: str, other_flavor: str
    ) -> None:
        server = started()
        assert isinstance(cloud, HasResize)
        cloud.resize(server, other_flavor)
        self.until(cloud, server, ServerState.RESIZED)
        self.allowed(lambda: cloud.revert_resize(server))
        back = self.until(cloud, server, ServerState.RUNNING)
        assert back.flavor in flavor_words(cloud, flavor)

    def test_a_flavor_that_is_not_there_is_refused(self, cloud: Cloud, started: Started) -> None:
        server = started()
        assert isinstance(cloud, HasResize)
        with pytest.raises((NotFoundError, InvalidRequestError)):
            cloud.resize(server, self.absent)
        assert cloud.server(server.id).state is ServerState.RUNNING

    def test_there_is_nothing_to_confirm_or_to_take_back(
        self, cloud: Cloud, started: Started
    ) -> None:
        server = started()
        assert isinstance(cloud, HasResize)
        for act in (cloud.confirm_resize, cloud.revert_resize):
            with pytest.raises((ConflictError, NotFoundError, InvalidRequestError)):
                act(server)


class RebuildSuite(CloudFixtures):
    """Promises of `HasRebuild`."""

    @pytest.fixture
    def other_image(self, cloud: Cloud, image: str) -> str:
        """Return the id of an image to rebuild from; another one, where there is another."""
        others = [row.id for row in cloud.images() if row.id != image]
        return next(iter(others), image)

    def test_a_rebuilt_server_stays_who_it_is(
        self, cloud: Cloud, started: Started, other_image: str
    ) -> None:
        server = self.seen(cloud, started())
        assert isinstance(cloud, HasRebuild)
        cloud.rebuild(server, other_image)
        back = self.until(cloud, server, ServerState.RUNNING)
        assert back.image == other_image
        assert (back.name, back.private_ips) == (server.name, server.private_ips)

    def test_a_rebuild_from_what_is_not_there_is_refused(
        self, cloud: Cloud, started: Started
    ) -> None:
        server = started()
        assert isinstance(cloud, HasRebuild)
        with pytest.raises((NotFoundError, InvalidRequestError)):
            cloud.rebuild(server, self.absent)
        assert cloud.server(server.id).state is ServerState.RUNNING


class RescueSuite(CloudFixtures):
    """Promises of `HasRescue`."""

    def test_rescue_and_unrescue(self, cloud: Cloud, started: Started, image: str) -> None:
        server = started()
        assert isinstance(cloud, HasRescue)
        for rescue in (None, image):
            cloud.rescue(server, rescue)
            self.until(cloud, server, ServerState.RESCUED)
            self.allowed(lambda: cloud.unrescue(server))
            self.until(cloud, server, ServerState.RUNNING)


class LockSuite(CloudFixtures):
    """Promises of `HasLock`."""

    def test_a_locked_server_is_left_alone(self, cloud: Cloud, started: Started) -> None:
        server = started()
        assert isinstance(cloud, HasLock)
        for _ in range(2):
            cloud.lock(server)
        try:
            for act in (cloud.stop, cloud.reboot):
                with pytest.raises(ConflictError):
                    act(server)
            assert cloud.server(server.id).state is ServerState.RUNNING
        finally:
            for _ in range(2):
                cloud.unlock(server)
        cloud.stop(server)
        self.until(cloud, server, ServerState.STOPPED)


class RenameSuite(CloudFixtures):
    """Promises of `HasRename`."""

    def test_a_renamed_server_keeps_its_id(self, cloud: Cloud, started: Started) -> None:
        server, name = started(), f"kit-{uuid4().hex[:12]}"
        assert isinstance(cloud, HasRename)
        renamed = cloud.rename(server, name)
        assert (renamed.id, renamed.name) == (server.id, name)
        assert cloud.server(server.id).name == name
        assert self.seen(cloud, server).name == name

    def test_a_server_that_is_not_there_gets_no_name(self, cloud: Cloud, started: Started) -> None:
        server = started()
        assert isinstance(cloud, HasRename)
        with pytest.raises(NotFoundError):
            cloud.rename(self.unknown(server), "kit-nobody")


class TagSuite(CloudFixtures):
    """Promises of `HasTags`."""

    def test_tags_are_set_changed_and_taken_away(self, cloud: Cloud, started: Started) -> None:
        server = started(tags={"owner": "ann", "stage": "test", "left": "alone"})
        assert isinstance(cloud, HasTags)
        told = cloud.tag(server, {"owner": "bob", "stage": None, "a.b": "c:d e"})
        for row in (told, cloud.server(server.id)):
            tags = {k: row.tags.get(k) for k in ("owner", "stage", "left", "a.b")}
            assert tags == {"owner": "bob", "stage": None, "left": "alone", "a.b": "c:d e"}
            assert row.id == server.id

    def test_taking_away_a_tag_that_is_not_there_is_no_error(
        self, cloud: Cloud, started: Started
    ) -> None:
        server = started(tags={"left": "alone"})
        assert isinstance(cloud, HasTags)
        assert cloud.tag(server, {"no-such-tag": None}).tags["left"] == "alone"

    def test_tags_leave_the_token_alone(self, cloud: Cloud, started: Started) -> None:
        token = uuid4().hex
        server = started(token=token)
        assert isinstance(cloud, HasTags)
        cloud.tag(server, {"owner": "ann"})
        cloud.tag(server, {"owner": None})
        found = cloud.find(token)
        assert found is not None
        assert found.id == server.id


class HardRebootSuite(CloudFixtures):
    """Promises of `HasHardReboot`."""

    def test_hard_reboot(self, cloud: Cloud, started: Started) -> None:
        server = started()
        assert isinstance(cloud, HasHardReboot)
        cloud.hard_reboot(server)
        back = self.until(cloud, server, ServerState.RUNNING)
        assert back.id == server.id
