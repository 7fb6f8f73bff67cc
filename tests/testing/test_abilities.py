"""No ability is without a suite, a name to import it by, and a line in the guide."""

import inspect
import re
from pathlib import Path
from types import ModuleType

from cloudmesh_sdk import providers, queues, testing
from cloudmesh_sdk.providers import base
from cloudmesh_sdk.queues import base as queue_base
from cloudmesh_sdk.testing.abilities import ABILITIES
from cloudmesh_sdk.testing.cloud import CloudSuite
from cloudmesh_sdk.testing.clouds import CloudFixtures
from cloudmesh_sdk.testing.queue_abilities import QUEUE_ABILITIES

GUIDE = Path(__file__).parents[2] / "docs" / "plugins.md"


def _classes(module: ModuleType, interface: type) -> set[type]:
    return {
        value
        for value in vars(module).values()
        if inspect.isclass(value) and value.__module__ == module.__name__ and value is not interface
    }


def test_every_ability_has_a_suite() -> None:
    assert set(ABILITIES) == _classes(base, base.Cloud)
    assert set(QUEUE_ABILITIES) == _classes(queue_base, queue_base.Queue)
    suites = [*ABILITIES.values(), *QUEUE_ABILITIES.values()]
    assert len(set(suites)) == len(suites)


def test_abilities_and_suites_can_be_imported_by_name() -> None:
    for room, table in ((providers, ABILITIES), (queues, QUEUE_ABILITIES)):
        for ability, suite in table.items():
            assert getattr(room, ability.__name__) is ability
            assert getattr(testing, suite.__name__) is suite
            assert {ability.__name__} <= set(room.__all__)
            assert {suite.__name__} <= set(testing.__all__)


def test_the_guide_names_every_ability_with_its_suite() -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| `(\w+Suite)` \|$", GUIDE.read_text("utf-8"), re.M)
    known: list[tuple[type, type]] = [*ABILITIES.items(), *QUEUE_ABILITIES.items()]
    assert rows == [(ability.__name__, suite.__name__) for ability, suite in known]


def test_suites_do_not_get_in_each_others_way() -> None:
    suites = {*ABILITIES.values(), *CloudSuite.__mro__} - {object}
    kits = {base for suite in suites for base in suite.__mro__ if issubclass(base, CloudFixtures)}
    homes: dict[str, set[str]] = {}
    for kit in kits - {CloudSuite}:
        for name in vars(kit):
            if not name.startswith("__"):
                homes.setdefault(name, set()).add(kit.__name__)
    both = {name for name, classes in homes.items() if len(classes) > 1}
    assert both == {"test_lacks_names_promises_and_reasons"}
