"""What a store promises: inherit `StoreSuite` and give the fixtures `store` and `reopen`."""

from cloudmesh_sdk.store.base import Store
from cloudmesh_sdk.testing.journals import JournalSuite, SettingsSuite
from cloudmesh_sdk.testing.queries import QuerySuite
from cloudmesh_sdk.testing.store_changes import ChangesSuite
from cloudmesh_sdk.testing.store_jobs import JobsSuite
from cloudmesh_sdk.testing.store_kinds import KindsSuite
from cloudmesh_sdk.testing.store_matching import MatchingSuite
from cloudmesh_sdk.testing.store_polls import PollsSuite
from cloudmesh_sdk.testing.store_rates import RatesSuite
from cloudmesh_sdk.testing.store_safety import SafetySuite
from cloudmesh_sdk.testing.store_slots import SlotsSuite
from cloudmesh_sdk.testing.store_watching import WatchingSuite
from cloudmesh_sdk.testing.store_wishes import WishesSuite


class StoreSuite(
    QuerySuite,
    ChangesSuite,
    KindsSuite,
    JobsSuite,
    MatchingSuite,
    SafetySuite,
    JournalSuite,
    WishesSuite,
    SettingsSuite,
    PollsSuite,
    WatchingSuite,
    SlotsSuite,
    RatesSuite,
):
    """All promises of `cloudmesh_sdk.store.base`.

    Fixtures to give: `store`, an open store (it may hold the data of other tests: every test is
    a user of its own); `reopen`, a function that opens the place of `store` a second time, as
    another process would (in `lacks` where nobody else can open it).
    """

    def test_where_is_text_for_people(self, store: Store) -> None:
        assert store.where.strip()
        assert "\n" not in store.where
        assert "@" not in store.where, "a URI with credentials?"
