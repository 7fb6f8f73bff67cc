"""A mesh to look at, all on this machine: an embedded MongoDB, four small clouds and a queue."""

import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path

import attrs
import psutil

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import ServerRequest
from cloudmesh_sdk.services import moto, store
from cloudmesh_sdk.services.moto import Moto

SECRET = ("CLOUDMESH_DEMO_SECRET", "demo")
"""The variable that the demo's configuration refers to, and what it holds."""

_CONFIG = """\
# Made by cm demo: two regions of an EC2 server on loopback, a cloud of libcloud, one in a file,
# and a queue whose jobs run on this machine.
profile: {{username: demo, prefix: demo}}
store: {{directory: "{directory}/mongo", linger: {linger}}}
clouds:
  east:
    driver: ec2
    region: us-east-1
    endpoint: "{url}"
    access_key: demo
    secret_key: "env:{secret}"
    honours_token: false        # moto keeps ClientToken and does not honour it
  west:
    driver: ec2
    region: us-west-2
    endpoint: "{url}"
    access_key: demo
    secret_key: "env:{secret}"
    honours_token: false
  dummy: {{driver: libcloud, provider: dummy, key: demo}}
  lab: {{driver: memory, servers: 2, boot: 2, file: "{directory}/lab.json"}}
queues:
  laptop: {{driver: local, directory: "{directory}/queue", slots: 2, interval: 0}}
defaults: {{cloud: east}}
"""

ALREADY_THERE: Mapping[str, tuple[str, ...]] = {"east": ("web-1", "web-2"), "west": ("db-1",)}
"""Servers that the accounts have before the demo looks at them."""
_FLAVOR = "t2.micro"
_PATIENCE = 15.0
"""Seconds that jobs may take to end: those that do not are killed after five."""


@attrs.define(kw_only=True)
class Demo:
    """The place of one demo and what runs for it."""

    directory: Path
    keep: bool = False
    """Leave the servers running when this process ends."""
    _moto: Moto | None = None

    @property
    def config(self) -> Path:
        """The demo's cloudmesh.yaml."""
        return self.directory / "cloudmesh.yaml"

    @property
    def _queue(self) -> Path:
        return self.directory / "queue"

    def start(self) -> Moto:
        """Start the EC2 server and write the configuration; MongoDB starts with the first use."""
        self.directory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)  # parents get no mode
        self.directory.mkdir(exist_ok=True, mode=0o700)
        self._moto = moto.start(self.directory, stay=self.keep)
        text = _CONFIG.format(
            directory=self.directory,
            url=self._moto.url,
            secret=SECRET[0],
            linger=300 if self.keep else 10,  # soon gone, even if this process is killed
        )
        self.config.write_text(text, encoding="utf-8")
        self.config.chmod(0o600)
        os.environ[SECRET[0]] = SECRET[1]
        return self._moto

    def fill(self) -> None:
        """Start the servers that are there already, past any mesh, as another program would."""
        with Mesh.open("memory", config=str(self.config)) as mesh:
            for name, servers in ALREADY_THERE.items():
                cloud = mesh.clouds[name]
                image = next(iter(cloud.images()))
                for server in servers:
                    cloud.start(
                        ServerRequest(
                            name=server, image=image.id, flavor=_FLAVOR, token=str(uuid.uuid4())
                        )
                    )

    def stop(self) -> list[int]:
        """Stop all that runs, remove the directory; return the ids of processes that remain."""
        pids = [process.pid] if (process := moto.running(self.directory)) else []
        if self.config.exists():
            config = Config.load(self.config)
            pids += [keeper.pid for keeper in self._end_jobs()]
            pids += [pid] if (pid := store.status(config).pid) else []
            store.stop(config, force=True)
        moto.stop(self.directory)
        if self._moto is not None and self._moto.process is not None:
            self._moto.process.wait()
            if self._moto.process.stdin is not None:
                self._moto.process.stdin.close()
        if self.directory.exists():
            shutil.rmtree(self.directory)
        return [pid for pid in pids if moto.alive(pid)]

    def _end_jobs(self) -> list[psutil.Process]:
        """End the jobs that are not over; return what keeps the queue going and did not end."""
        if self._queue.exists():
            with Mesh.open("memory", config=str(self.config)) as mesh:
                mesh.cancel_jobs([job for job in mesh.jobs() if not job.state.is_over])
        keepers = [
            process
            for process in psutil.process_iter(["cmdline"])
            if str(self._queue) in (process.info["cmdline"] or ())
        ]
        return psutil.wait_procs(keepers, timeout=_PATIENCE)[1]
