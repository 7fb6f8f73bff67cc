"""The reference driver keeps all promises of the public kit."""

import json
from pathlib import Path
from typing import ClassVar

import pytest

from cloudmesh_sdk.models import ServerRequest
from cloudmesh_sdk.providers.memory import MemoryCloud
from cloudmesh_sdk.testing import (
    CANARY,
    ActionSuite,
    ChangeSuite,
    CloudSuite,
    ConsoleSuite,
    ConsoleURLSuite,
    FloatingIPSuite,
    HardRebootSuite,
    KeypairSuite,
    LockSuite,
    Many,
    ManySuite,
    NetworkSuite,
    PauseSuite,
    PortSuite,
    QuotaSuite,
    RawSuite,
    RebuildSuite,
    RenameSuite,
    RescueSuite,
    ResizeSuite,
    RouterSuite,
    SecurityGroupSuite,
    ShelveSuite,
    SnapshotSuite,
    SuspendSuite,
    TagSuite,
    VolumeSuite,
    ZoneSuite,
)


def cloud(**settings: object) -> MemoryCloud:
    return MemoryCloud("lab", MemoryCloud.Settings(**settings))  # type: ignore[arg-type]


class TestMemoryCloud(
    CloudSuite,
    KeypairSuite,
    SecurityGroupSuite,
    NetworkSuite,
    RouterSuite,
    PortSuite,
    FloatingIPSuite,
    VolumeSuite,
    SnapshotSuite,
    ConsoleSuite,
    ConsoleURLSuite,
    ActionSuite,
    ZoneSuite,
    QuotaSuite,
    RawSuite,
    SuspendSuite,
    PauseSuite,
    ShelveSuite,
    ResizeSuite,
    RebuildSuite,
    RescueSuite,
    LockSuite,
    RenameSuite,
    TagSuite,
    HardRebootSuite,
    ManySuite,
    ChangeSuite,
):
    lacks: ClassVar = {}
    budget: ClassVar = {"servers": 3, "images": 3, "flavors": 3, "keypairs": 3}

    @pytest.fixture
    def cloud(self) -> MemoryCloud:
        return cloud(servers=3, boot=0.05)

    @pytest.fixture
    def many(self) -> Many:
        return Many(cloud(servers=5, page=2), {"servers": 5, "flavors": 5})

    @pytest.fixture
    def crowded(self) -> MemoryCloud:
        return cloud(servers=3, quota=5)

    @pytest.fixture
    def refused(self) -> MemoryCloud:
        return cloud(fail="AuthError", password=CANARY)

    @pytest.fixture
    def unreachable(self) -> MemoryCloud:
        return cloud(fail=True)

    @pytest.fixture
    def hanging(self) -> MemoryCloud:
        return cloud(hang=60, timeout=self.deadline)

    @pytest.fixture
    def garbage(self, tmp_path: Path) -> MemoryCloud:
        path = tmp_path / "cloud.json"
        path.write_text("<html>Please log in</html>")
        return cloud(file=str(path))

    @pytest.fixture
    def half_page(self, tmp_path: Path) -> MemoryCloud:
        path = tmp_path / "cloud.json"
        list(cloud(file=str(path), servers=5).servers())
        path.write_text(path.read_text()[:-700])
        return cloud(file=str(path))

    @pytest.fixture
    def unknown_state(self) -> MemoryCloud:
        strange = cloud(servers=2)
        with strange.native.change() as tables:
            row = tables["servers"]["i-00000002"]
            tables["servers"]["i-00000002"] = {**row, "status": self.strange}
        return strange

    @pytest.fixture
    def secretive(self) -> MemoryCloud:
        return cloud(password=CANARY)

    @pytest.fixture
    def lossy(self) -> MemoryCloud:
        return cloud(lose=1)


class TestSharedMemoryCloud(TestMemoryCloud):
    """The same promises for a cloud that processes share through a file."""

    @pytest.fixture
    def cloud(self, tmp_path: Path) -> MemoryCloud:
        return cloud(servers=3, boot=0.05, file=str(tmp_path / "shared" / "cloud.json"))

    @pytest.fixture
    def lossy(self, tmp_path: Path) -> MemoryCloud:
        return cloud(lose=1, file=str(tmp_path / "lossy.json"))

    @pytest.fixture
    def secretive(self, tmp_path: Path) -> MemoryCloud:
        return cloud(password=CANARY, file=str(tmp_path / "secretive.json"))

    def test_no_secret_is_in_the_file(self, tmp_path: Path, secretive: MemoryCloud) -> None:
        secretive.start(
            ServerRequest(name="n", image="img-0001", flavor="1", token="t", user_data=CANARY)
        )
        text = (tmp_path / "secretive.json").read_text()
        assert CANARY not in text
        assert json.loads(text)["servers"]["i-00000001"]["name"] == "n"
