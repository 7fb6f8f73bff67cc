"""The suite of cut connections in the plug-in guide is whole: it runs, and is green."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
MOON = ROOT / "examples" / "plugin"
ACTS = {"start", "delete", "stop", "resume", "reboot"}
"""What the suite tries of what Moon can do."""


def test_the_guide_s_suite_of_cut_connections_runs_as_it_stands(tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    (block,) = (
        b for b in re.findall(r"```python\n(.*?)```", guide, re.DOTALL) if "(CutSuite)" in b
    )
    (tmp_path / "test_pasted.py").write_text(block)
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    ways = [str(ROOT / "src"), str(MOON / "src")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "--tb=short", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(ways)},
    )
    assert done.returncode == 0, done.stdout[-4000:]
    passed = re.findall(r"::test_a_connection_cut_once\w+\[(\w+)-\w+\] PASSED", done.stdout)
    assert set(passed) == ACTS
    assert not re.findall("SKIPPED|XFAIL", done.stdout)
