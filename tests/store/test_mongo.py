"""The store in MongoDB keeps what every store promises."""

from collections.abc import Callable, Iterator

import pytest

from cloudmesh_sdk.store.base import Store
from cloudmesh_sdk.store.mongo import MongoStore
from cloudmesh_sdk.testing import StoreSuite


class TestMongoStore(StoreSuite):
    @pytest.fixture
    def store(self, server: MongoStore.Settings) -> Iterator[Store]:
        with MongoStore(server) as store:
            yield store

    @pytest.fixture
    def reopen(self, server: MongoStore.Settings) -> Callable[[], Store]:
        return lambda: MongoStore(server)
