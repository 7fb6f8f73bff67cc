"""Two clouds in memory, kept in files so that several processes see them, and ways to call cm."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.mesh.manager import Manager
from tests.shell.calling import Cm, Program

from cloudmesh_sdk.shell.result import run
from cloudmesh_sdk.shell.session import Session

CONFIG = """\
profile: {{username: albert, prefix: albert}}
clouds:
  india: {{driver: memory, servers: 3, file: "{folder}/india.json"}}
  sierra: {{driver: memory, servers: 2, file: "{folder}/sierra.json"}}
  spare: {{driver: memory, servers: 1, active: false}}
defaults: {{cloud: india}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "cloudmesh.yaml"
    path.write_text(CONFIG.format(folder=tmp_path))
    path.chmod(0o600)
    return path


@pytest.fixture
def session(config: Path) -> Iterator[Session]:
    session = Session(store="memory", config=str(config), embedded=True)
    yield session
    session.close()


@pytest.fixture
def cm(session: Session) -> Cm:
    """Runs a line in this process."""
    return lambda line: run(line, session=session)


@pytest.fixture
def environment(config: Path) -> dict[str, str]:
    return {**os.environ, "CLOUDMESH_CONFIG": str(config)}


@pytest.fixture
def program(environment: dict[str, str]) -> Program:
    """Runs the installed cm in a process of its own, on a store that is only its own."""

    def call(*args: str, text: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(Path(sys.executable).with_name("cm")), "--store", "memory", *args],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            timeout=60,
        )

    return call


SHARED = """\
profile: {{username: albert}}
queues:
  fg:
    driver: memory
    interval: 0
    machines:
      india: {{queues: [batch, long]}}
      sierra: {{nodes: "s[001-003]"}}
  alone: {{driver: memory, interval: 0, defaults: {{queue: mixed}}}}
  spare: {{driver: memory, active: false}}
"""


@pytest.fixture
def managers(session: Session, config: Path) -> dict[str, Manager]:
    """Two queue managers whose jobs a test puts in; two machines share the first one, `fg`."""
    config.write_text(SHARED.format())
    found = {name: Manager(name) for name in ("fg", "alone")}
    session.mesh.queues._open.update(found)
    return found


@pytest.fixture
def fg(managers: dict[str, Manager]) -> Manager:
    return managers["fg"]
