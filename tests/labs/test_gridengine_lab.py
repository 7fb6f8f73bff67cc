"""What tests on the Grid Engine lab may count on."""

import time
from pathlib import Path

import psutil
import pytest
from tests.labs.gridengine import lab as labs, services
from tests.labs.gridengine_lab import GridEngineLab
from tests.labs.openstack import processes
from tests.labs.openstack.lab import LabError

pytestmark = pytest.mark.gridengine


def test_two_queues_take_jobs_also_of_another_user(gridengine_lab: GridEngineLab) -> None:
    lines = gridengine_lab.run("qstat", "-g", "c").splitlines()
    assert {"india.q", "sierra.q"} <= {line.split()[0] for line in lines}
    words = (
        "-terse",
        "-sync",
        "y",
        "-j",
        "y",
        "-o",
        f"{gridengine_lab.jobs}/who",
        "-q",
        "sierra.q",
    )
    gridengine_lab.run("qsub", *words, user=gridengine_lab.other_user, send="id -un\n")
    assert (gridengine_lab.jobs / "who").read_text().split() == [gridengine_lab.other_user]


def test_nothing_listens_beyond_the_lab(gridengine_lab: GridEngineLab) -> None:
    daemons = {"sge_qmaster", "sge_execd"}
    assert daemons <= {process.info["name"] for process in psutil.process_iter(["name"])}
    listening = [each.laddr for each in psutil.net_connections() if each.status == "LISTEN"]
    ports = {address[1] for address in listening if address}
    assert not ports & set(labs.PORTS)
    shown = Path("/etc/hosts").read_text()
    assert labs.ADDRESS not in shown  # that is within its namespaces alone


def test_a_lab_that_is_stopped_leaves_nothing_behind(tmp_path: Path) -> None:
    lab = labs.Lab(directory=tmp_path)
    services.start(lab)
    try:
        job = services.run(lab, "qsub", "-terse", send="sleep 4711\n").strip()
        deadline = time.monotonic() + 30
        while not (sleeping := _commands("sleep 4711")):
            assert time.monotonic() < deadline, services.run(lab, "qstat", "-j", job)
            time.sleep(0.2)
        assert len(sleeping) == 1
        assert processes.marked(tmp_path)
    finally:
        services.stop(lab)
    assert processes.marked(tmp_path) == []
    assert _commands("sleep 4711") == []
    assert str(tmp_path) not in Path("/proc/mounts").read_text()
    with pytest.raises(LabError, match="does not run"):
        services.run(lab, "qstat")


def _commands(line: str) -> list[int]:
    found = psutil.process_iter(["cmdline"])
    return [each.pid for each in found if " ".join(each.info["cmdline"] or ()) == line]
