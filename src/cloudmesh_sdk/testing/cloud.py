"""What a cloud promises: inherit `CloudSuite`, and the suite of each ability that it has."""

from cloudmesh_sdk.providers.base import Cloud
from cloudmesh_sdk.testing.abilities import ABILITIES
from cloudmesh_sdk.testing.extras import ExtraPromises
from cloudmesh_sdk.testing.faults import FaultPromises
from cloudmesh_sdk.testing.life import LifePromises
from cloudmesh_sdk.testing.listing import ListPromises


class CloudSuite(ListPromises, LifePromises, FaultPromises, ExtraPromises):
    """All promises that every cloud makes.

    Fixtures to give: `cloud`, a fresh driver object; `many`, 2.5 pages of servers; and clouds in
    trouble: `refused`, `unreachable`, `hanging`, `garbage`, `half_page`, `unknown_state`,
    `secretive`, `lossy`. What cannot be given is named in `lacks` with the reason. `image`,
    `flavor`, `networks`, `extra_values`, `budget`, `patience`, `deadline`, `absent` and `strange`
    may be overridden.
    """

    def test_every_ability_has_its_suite(self, cloud: Cloud) -> None:
        for ability, suite in ABILITIES.items():
            able, tried = isinstance(cloud, ability), isinstance(self, suite)
            hint = f"{type(cloud).__name__}, {ability.__name__}, {suite.__name__}"
            assert able == tried, f"an ability goes with its suite, inherited by the test: {hint}"
