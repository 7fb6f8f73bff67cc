"""Every notebook runs from its first to its last cell."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "examples" / "notebooks").glob("*.ipynb"))

RUN = """
import sys
import nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=90, kernel_name="python3").execute()
cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
assert cells and all(cell.execution_count for cell in cells if cell.source.strip())
"""


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_the_notebook_runs(path: Path, example_config: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=example_config.parent,
        env={
            **os.environ,
            "TMPDIR": str(example_config.parent),
            "JUPYTER_PLATFORM_DIRS": "1",
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        },
    )
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_the_notebook_is_kept_without_output(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert '"output_type"' not in text, "clear its output before committing"


def test_the_first_notebook_is_there() -> None:
    assert "01-first-mesh.ipynb" in [path.name for path in NOTEBOOKS]
