"""Every notebook runs from its first to its last cell; what takes long shows how far it is."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
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

TELL = """
import json
import sys
import nbformat
from nbclient import NotebookClient

class Heard(NotebookClient):
    heard = []

    def process_message(self, msg, cell, cell_index):
        if msg["header"]["msg_type"] in ("display_data", "update_display_data", "stream"):
            self.heard.append((cell_index, msg["header"]["msg_type"], msg["content"]))
        return super().process_message(msg, cell, cell_index)

cells = [nbformat.v4.new_code_cell(text) for text in json.loads(sys.argv[1])]
notebook = nbformat.v4.new_notebook(cells=cells)
client = Heard(notebook, timeout=90, kernel_name="python3")
client.execute()
print(json.dumps([client.heard, [cell.outputs for cell in notebook.cells]]))
"""
"""Runs cells, and prints what they told and what was there in the end."""

SLOW = """
import cloudmesh
from cloudmesh_sdk import Config
from cloudmesh_sdk.mesh import following
config = Config.parse(
    "clouds: {india: {driver: memory, latency: 0.3, limits: {parallel: 2}}}"
)
mesh = cloudmesh.mesh("memory", config=config)
"""
"""A cloud that starts some seven servers in a second."""

AFTER = "following.AFTER"
"""After how many seconds something takes long; the tests' cells do not depend on how busy it is."""


@attrs.frozen(kw_only=True)
class Told:
    """What cells told while they ran, and what was there in the end."""

    heard: list[tuple[int, str, dict[str, Any]]]
    outputs: list[list[dict[str, Any]]]

    def of(self, cell: int) -> list[tuple[str, dict[str, Any]]]:
        return [(kind, content) for where, kind, content in self.heard if where == cell]


def run(path: Path, directory: Path) -> None:
    """Run a notebook in a directory; whatever a cell raises is an error."""
    kernel(directory, RUN, str(path))


def kernel(directory: Path, code: str, *words: str) -> str:
    """Run a program that starts a kernel; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
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
    return done.stdout


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


@pytest.fixture(scope="module")
def told(example_config: Path) -> Told:
    """What cells of a mesh told: one that is quick, one that acts long, one that waits long."""
    cells = [
        SLOW,
        f"{AFTER} = 3600.0; assert mesh.start(name='quick').one()",
        f"{AFTER} = 0.1; assert len(mesh.start(name='web-[01-12]').complete()) == 12",
        "asked = mesh.later.delete('web-[01-12]')",
        "assert len(mesh.wait_operations(asked).complete()) == 12",
        "mesh.close()",
    ]
    heard, outputs = json.loads(kernel(example_config.parent, TELL, json.dumps(cells)))
    return Told(heard=heard, outputs=outputs)


@pytest.mark.parametrize(("cell", "act"), [(2, "start"), (4, "delete")])
def test_what_takes_long_draws_a_bar_below_its_cell_and_ends_in_a_line(
    told: Told, cell: int, act: str
) -> None:
    first, *others = told.of(cell)
    assert first[0] == "display_data"
    assert {kind for kind, _ in others} == {"update_display_data"}
    assert len({content["transient"]["display_id"] for _, content in told.of(cell)}) == 1
    texts = [content["data"]["text/plain"] for _, content in told.of(cell)]
    counts = [int(re.findall(r"(\d+)/12", text)[0]) for text in texts]
    assert counts == sorted(counts)
    assert counts[0] < 12
    assert "<rect" in first[1]["data"]["text/html"]
    (left,) = told.outputs[cell]
    assert re.fullmatch(rf"{act} at india  12/12 in \d+ s", left["data"]["text/plain"])
    assert "<rect" not in left["data"]["text/html"]


@pytest.mark.parametrize("cell", [0, 1, 3, 5])
def test_what_is_quick_or_waits_for_nothing_shows_nothing(told: Told, cell: int) -> None:
    assert told.of(cell) == []
    assert told.outputs[cell] == []


def test_a_plain_script_prints_nothing_of_it(example_config: Path) -> None:
    acts = "mesh.start(name='web-[01-09]').complete(); mesh.close()"
    done = subprocess.run(
        [sys.executable, "-c", f"{SLOW}\n{acts}"],
        capture_output=True,
        text=True,
        check=True,
        cwd=example_config.parent,
    )
    assert (done.stdout, done.stderr) == ("", "")
