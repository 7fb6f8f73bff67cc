"""The driver keeps all promises of the kit, on a fake PBS that prints as both clients do."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from tests.queues.pbs import fake_pbs

from cloudmesh_sdk.queues.pbs import PbsQueue, PbsSettings
from cloudmesh_sdk.testing import HistorySuite, OutputSuite, QueueSuite

Opened = Callable[..., PbsQueue]

_HEAD = f"#!{sys.executable}\nimport sys, time\n"
_VERSION = 'if "--version" in sys.argv: sys.exit(print("pbs_version = 23.06.06"))\n'
_FAILS = "sys.stderr.write({said!r})\nsys.exit({code})\n"
_STRANGE = r"""
print('''{
	"timestamp":	1795340303,
	"pbs_version":	"23.06.06",
	"pbs_server":	"pbshost",
	"Jobs":	{
		"0.pbshost":	{
			"Job_Name":	"strange",
			"Job_Owner":	"alice@pbshost",
			"job_state":	"MOONWALK",
			"queue":	"india"
		}
	}
}''')
"""
_ONCE = """#!/bin/sh
{real}/qsub "$@" > "$0.said" || exit
if [ -e "$0.lost" ]; then cat "$0.said"; exit; fi
touch "$0.lost"
echo 'Connection timed out' >&2
echo 'qsub: cannot connect to server pbshost (errno=15010)' >&2
exit 255
"""


class Promises(QueueSuite, HistorySuite, OutputSuite):
    writer: ClassVar[str] = "head"
    step: ClassVar[float] = 0.05
    patience: ClassVar[float] = 40.0
    index_variable: ClassVar[str] = "$PBS_ARRAY_INDEX"

    @pytest.fixture
    def place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
        place = tmp_path / "pbs"
        place.mkdir()
        monkeypatch.chdir(place)  # where the jobs write to
        fake_pbs.install(place, writer=self.writer)
        yield place
        fake_pbs.stop(place)

    @pytest.fixture
    def queue(self, place: Path) -> PbsQueue:
        return PbsQueue("hpc", PbsSettings(path=str(place)))

    @pytest.fixture
    def broken(self, place: Path, tmp_path: Path) -> Opened:
        """Open a queue that has other commands for some."""

        def broken(timeout: float = 20.0, **bodies: str) -> PbsQueue:
            for name, body in bodies.items():
                (place / name).write_text(_HEAD + _VERSION + body)
            return PbsQueue("hpc", PbsSettings(path=str(place), timeout=timeout))

        return broken

    @pytest.fixture
    def refused(self, broken: Opened) -> PbsQueue:
        return broken(qstat=_FAILS.format(said="qstat: Invalid credential\n", code=171))

    @pytest.fixture
    def unreachable(self, broken: Opened) -> PbsQueue:
        said = "Connection refused\nqstat: cannot connect to server pbshost (errno=15010)\n"
        return broken(qstat=_FAILS.format(said=said, code=255))

    @pytest.fixture
    def hanging(self, broken: Opened) -> PbsQueue:
        return broken(qstat="time.sleep(30)", timeout=self.deadline)

    @pytest.fixture
    def garbage(self, broken: Opened) -> PbsQueue:
        return broken(qstat="print('PANIC: out of cheese')")

    @pytest.fixture
    def unknown_state(self, broken: Opened) -> PbsQueue:
        return broken(qstat=_STRANGE)

    @pytest.fixture
    def lossy(self, place: Path) -> PbsQueue:
        real = place / "real"
        real.mkdir()
        (place / "qsub").rename(real / "qsub")
        (place / "qsub").write_text(_ONCE.format(real=real))
        (place / "qsub").chmod(0o755)
        return PbsQueue("hpc", PbsSettings(path=str(place)))


class TestClientOf2026(Promises):
    pass


class TestClientOf230606(Promises):
    writer: ClassVar = "old"
