"""The short chaos run: everything is killed, and nothing is doubled, lost or stuck.

`nox -s chaos` is the long one.
"""

from pathlib import Path

import pytest
from tests.chaos.run import run
from tests.chaos.verdict import table


@pytest.mark.timeout(600)
def test_nothing_is_doubled_lost_or_stuck(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAOS_KEY", "secret")
    home: Path = tmp_path_factory.mktemp("c")
    found = run(home, starts=15, seconds=30, seed=5)
    print(table(found.verdicts), dict(found.hits))
    assert found.hits["mongod"]
    assert sum(found.hits.values()) > 5, "a storm that hits nothing proves nothing"
    assert {each.cloud: (each.there, each.known) for each in found.verdicts} == {
        each.cloud: (12, 12) for each in found.verdicts
    }
    assert [each for each in found.verdicts if not each.good] == []
    assert found.orphans == 0
