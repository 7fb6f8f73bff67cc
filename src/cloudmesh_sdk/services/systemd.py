"""Unit files for systemd, which then does what our supervisor does else."""

import sys
from collections.abc import Mapping
from pathlib import Path

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.services import control
from cloudmesh_sdk.services.control import STORE, Kind

_RUNS = """\
[Unit]
Description=Cloudmesh {name}: {summary}
After=network-online.target{after}
Wants={wants}
StartLimitIntervalSec=600
StartLimitBurst=10

[Service]
Type=exec
ExecStart={command}
Restart=always
RestartSec=5
TimeoutStopSec={grace:g}
KillMode={kill}
EnvironmentFile=-%h/.config/cloudmesh/environment

[Install]
WantedBy=default.target
"""

_STARTS = """\
[Unit]
Description=Cloudmesh store: embedded MongoDB

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={start}
ExecStop={stop}

[Install]
WantedBy=default.target
"""


def file_name(name: str) -> str:
    """Return the name of a service's unit file."""
    return f"cloudmesh-{name}.service"


def units(config: Config, names: tuple[str, ...]) -> Mapping[str, str]:
    """Return the text of user units by their file names."""
    return {file_name(name): _unit(config, name) for name in names}


def _unit(config: Config, name: str) -> str:
    if name == STORE:
        cm = (str(Path(sys.executable).with_name("cm")),)
        config_words = ("--config", str(config.path.absolute())) if config.path else ()
        return _STARTS.format(
            start=_line((*cm, *config_words, "service", "start", STORE)),
            stop=_line((*cm, *config_words, "service", "stop", STORE)),
        )
    kind = control.KINDS[name]
    before = _before(kind)
    return _RUNS.format(
        name=name,
        summary=kind.summary,
        after="".join(f" {unit}" for unit in before),
        wants=" ".join(("network-online.target", *before)),
        command=_line(control.command(config, name)),
        grace=kind.grace,
        kill="control-group" if kind.whole else "process",
    )


def _before(kind: Kind) -> tuple[str, ...]:
    """Return the units that a service wants to run: a worker wants the store, say."""
    return () if kind.whole else (file_name(STORE), file_name("broker"))


def _line(words: tuple[str, ...]) -> str:
    """Return a command line as systemd reads it (systemd.service(5), quoting)."""
    return " ".join(_quoted(word) for word in words)


def _quoted(word: str) -> str:
    found = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{found}"' if set(found) & set(" \t'\"\\;") else found
