"""The kit itself: it finds what is broken, hides nothing that is lacking, and costs nothing."""

import json
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest

LAME = '''
import pytest
from cloudmesh_sdk.providers.memory import MemoryCloud
from cloudmesh_sdk.testing import CloudSuite, ConsoleSuite, QuotaSuite, SuspendSuite, Many

class LameCloud(MemoryCloud):
    """Cuts its list at one page, forgets tokens, and keeps user data in native."""

    def servers(self):
        self.calls += 1
        listing = super().servers()
        return [row for _, row in zip(range(2), listing)]

    def start(self, request):
        import attrs
        server = super().start(attrs.evolve(request, token=request.token + str(self.calls)))
        return attrs.evolve(server, native={"boot": request.user_data or "x"})

class TestLame(CloudSuite, ConsoleSuite, QuotaSuite, SuspendSuite):
    lacks = {
        "garbage": "no wire", "half_page": "no wire", "hanging": "no wire",
        "HasKeypairs": "tried elsewhere", "reboot": "takes an hour",
    }

    @pytest.fixture
    def cloud(self):
        return LameCloud("lame")

    @pytest.fixture
    def secretive(self, cloud):
        return cloud

    @pytest.fixture
    def many(self):
        return Many(LameCloud("m", LameCloud.Settings(servers=5, page=2)), {"servers": 5})
'''


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=100, check=False
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("lame")
    (folder / "test_lame.py").write_text(LAME)
    done = run(folder, "--cloudmesh-report", "report.json")
    assert done.returncode == 1, done.stdout
    table = json.loads((folder / "report.json").read_text())
    return {name: row["TestLame"] for name, row in table.items()}


@pytest.mark.parametrize(
    "promise",
    [
        "paging is followed to the end",
        "one token starts one server",
        "a token finds its server",
        "secrets show nowhere",
        "every ability has its suite",
    ],
)
def test_the_kit_finds_what_is_broken(report: dict[str, str], promise: str) -> None:
    assert report[promise] == "BROKEN"


@pytest.mark.parametrize(
    "promise", ["stop and resume", "suspend and resume", "check names the service"]
)
def test_the_kit_sees_what_is_kept(report: dict[str, str], promise: str) -> None:
    assert report[promise] == "kept"


def test_a_fixture_that_was_not_given_is_a_failure(report: dict[str, str]) -> None:
    assert report["a closed port is unavailable"] == "BROKEN"
    assert report["refused credentials are an auth error"] == "BROKEN"


def test_what_is_lacking_stands_in_the_report_with_its_reason(report: dict[str, str]) -> None:
    assert report["half a list is no list"] == "lacks: no wire"
    assert report["silence ends at the deadline"] == "lacks: no wire"
    assert report["reboot"] == "lacks: takes an hour"


def test_lacks_that_name_nothing_are_found(report: dict[str, str]) -> None:
    assert report["lacks names promises and reasons"] == "BROKEN"


def test_a_suite_that_inherits_gets_back_what_its_parent_lacked() -> None:
    from cloudmesh_sdk.testing import CloudSuite

    class Parent(CloudSuite):
        lacks: ClassVar = {"many": "no pages"}

    class Child(Parent):
        lacks: ClassVar = {}

    assert vars(Parent)["test_paging_is_followed_to_the_end"] is None
    assert callable(Child.test_paging_is_followed_to_the_end)


def test_the_report_is_markdown_by_default(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import pytest\n"
        "from cloudmesh_sdk.testing import StoreSuite\n"
        "from cloudmesh_sdk.store.memory import MemoryStore\n"
        "class TestIt(StoreSuite):\n"
        "    lacks = {'reopen': 'one | object'}\n"
        "    @pytest.fixture\n"
        "    def store(self): return MemoryStore()\n"
    )
    done = run(tmp_path, "--cloudmesh-report", "r.md", "-k", "numbers or written")
    assert done.returncode == 0, done.stdout
    lines = (tmp_path / "r.md").read_text().splitlines()
    assert lines[:2] == ["| promise | TestIt |", "| --- | --- |"]
    assert "| numbers go up from one | kept |" in lines
    assert r"| what was written is there for others | lacks: one \| object |" in lines


def test_the_plug_in_costs_other_projects_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import sys\n"
        "def test_it():\n"
        "    mine = [m for m in sys.modules if m.startswith('cloudmesh')]\n"
        "    assert sorted(mine) == ['cloudmesh_sdk', 'cloudmesh_sdk.testing',"
        " 'cloudmesh_sdk.testing.plugin']\n"
    )
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
