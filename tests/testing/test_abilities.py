"""No ability is without a suite, a name to import it by, and a line in the guide."""

import inspect
import re
from pathlib import Path

from cloudmesh_sdk import providers, testing
from cloudmesh_sdk.providers import base
from cloudmesh_sdk.testing.abilities import ABILITIES
from cloudmesh_sdk.testing.cloud import CloudSuite
from cloudmesh_sdk.testing.clouds import CloudFixtures

GUIDE = Path(__file__).parents[2] / "docs" / "plugins.md"
CLASSES = {
    value
    for value in vars(base).values()
    if inspect.isclass(value) and value.__module__ == base.__name__ and value is not base.Cloud
}


def test_every_ability_has_a_suite() -> None:
    assert set(ABILITIES) == CLASSES
    assert len(set(ABILITIES.values())) == len(ABILITIES)


def test_abilities_and_suites_can_be_imported_by_name() -> None:
    for ability, suite in ABILITIES.items():
        assert getattr(providers, ability.__name__) is ability
        assert getattr(testing, suite.__name__) is suite
        assert {ability.__name__} <= set(providers.__all__)
        assert {suite.__name__} <= set(testing.__all__)


def test_the_guide_names_every_ability_with_its_suite() -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| `(\w+Suite)` \|$", GUIDE.read_text("utf-8"), re.M)
    assert rows == [(a.__name__, s.__name__) for a, s in ABILITIES.items()]


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
