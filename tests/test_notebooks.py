"""Every notebook runs from its first to its last cell."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.labs.slurm_lab import SlurmLab

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "examples" / "notebooks").glob("*.ipynb"))
ON_SLURM = ("02-queues.ipynb",)
"""Notebooks that need a Slurm, as real as any."""

RUN = """
import sys
import nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=90, kernel_name="python3").execute()
cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
assert cells and all(cell.execution_count for cell in cells if cell.source.strip())
"""


def run(path: Path, directory: Path) -> None:
    """Run a notebook in a directory; whatever a cell raises is an error."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=directory,
        env={
            **os.environ,
            "TMPDIR": str(directory),
            "JUPYTER_PLATFORM_DIRS": "1",
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        },
    )
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.mark.parametrize(
    "path", [path for path in NOTEBOOKS if path.name not in ON_SLURM], ids=lambda path: path.name
)
def test_the_notebook_runs(path: Path, example_config: Path) -> None:
    run(path, example_config.parent)


@pytest.mark.slurm
@pytest.mark.parametrize("name", ON_SLURM)
def test_the_notebook_runs_on_a_real_slurm(
    name: str, slurm_lab: SlurmLab, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run(ROOT / "examples" / "notebooks" / name, tmp_path_factory.mktemp("nb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_the_notebook_is_kept_without_output(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert '"output_type"' not in text, "clear its output before committing"


def test_the_notebooks_are_there() -> None:
    assert {"01-first-mesh.ipynb", *ON_SLURM} <= {path.name for path in NOTEBOOKS}
