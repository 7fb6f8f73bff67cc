from collections.abc import Iterator
from typing import ClassVar

import pytest

from cloudmesh_sdk.store.base import Store
from cloudmesh_sdk.store.memory import MemoryStore
from cloudmesh_sdk.testing import StoreSuite


class TestMemoryStore(StoreSuite):
    lacks: ClassVar = {"reopen": "lives in one object"}

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        with MemoryStore() as store:
            yield store
