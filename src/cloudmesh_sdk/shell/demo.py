"""`cm demo`: everything once, on servers that run only here."""

import shlex
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import platformdirs

from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.services.demo import ALREADY_THERE, SECRET, Demo
from cloudmesh_sdk.shell import codes
from cloudmesh_sdk.shell.app import Command
from cloudmesh_sdk.shell.running import execute
from cloudmesh_sdk.shell.session import Session

_NEW = "demo-[0001-0003]"
"""The servers that the demo starts: the store is new, so these are the first names."""

_ZONE = "native.placement.availabilityZone"

STEPS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "Four clouds of three kinds: two regions of an EC2 API, one of libcloud, one in a file",
        'mesh = cloudmesh.mesh("mongo"); mesh.clouds',
        ("cloud list",),
    ),
    (
        "Ask all of them at once what is there",
        "mesh.refresh()",
        ("refresh",),
    ),
    (
        "One table over all clouds, from the store",
        "mesh.servers()",
        ("vm list",),
    ),
    (
        "Start a server with no arguments; then one at each of two other clouds",
        'mesh.start(); mesh.start(cloud="west"); mesh.start(cloud="lab")',
        ("vm start", "vm start --cloud west", "vm start --cloud lab"),
    ),
    (
        "Why that image and that size?",
        'mesh.default("image", cloud="east")',
        ("default why image --cloud east", "default why flavor --cloud east"),
    ),
    (
        "Wait until they run",
        f'mesh.wait("{_NEW}")',
        (f"vm wait {_NEW}",),
    ),
    (
        "All that the cloud says of the new server, unchanged",
        'mesh.server("east", "demo-0001").native',
        ("vm info demo-0001",),
    ),
    (
        "Ask the clouds' own data too",
        'mesh.servers(where={"native.placement.availabilityZone": "us-west-2a"})',
        (f"vm list --where {_ZONE}=us-west-2a --columns cloud,name,{_ZONE}",),
    ),
    (
        "Stop them",
        f'mesh.stop("{_NEW}"); mesh.wait("{_NEW}", "stopped")',
        (f"vm stop {_NEW} --wait",),
    ),
    (
        "Delete them",
        f'mesh.delete("{_NEW}")',
        (f"vm delete {_NEW} --yes",),
    ),
    (
        "Batch jobs: two on this machine's own queue, one of them an array of three",
        'mesh.submit("echo", "hello from a job"); mesh.submit("sleep", "1", array="1-3")',
        (
            "job submit --name greet echo 'hello from a job'",
            "job submit --name sweep --array 1-3 sleep 1",
        ),
    ),
    (
        "Wait until they are over, and read what one wrote",
        'mesh.wait_jobs(["greet", "sweep"]); mesh.job_output("greet")',
        ("job wait greet sweep", "job output greet", "job list", "queue info"),
    ),
    (
        "What is there now, and what was done",
        "mesh.refresh(); mesh.servers(); mesh.operations()",
        ("vm list --refresh", "op list"),
    ),
)
"""What each step shows, how Python says it, and the command lines that are run."""


@click.command("demo", cls=Command)
@click.option("--keep", is_flag=True, help="Leave it running, to play with.")
@click.option("--stop", is_flag=True, help="Stop what --keep left running, and remove it.")
@click.pass_obj
def demo_command(session: Session, keep: bool, stop: bool) -> int:
    """Show it all on servers that run only here: start, list, wait, stop, delete.

    Your own configuration, store and clouds are not touched.
    """
    kept = Demo(directory=Path(platformdirs.user_data_dir("cloudmesh")) / "demo", keep=True)
    if stop:
        return _end(kept)
    if keep:
        if kept.directory.exists():
            raise click.UsageError("a demo is kept already; cm demo --stop ends it")
        return _show(kept, session)
    with tempfile.TemporaryDirectory(prefix="cloudmesh-demo-") as folder:
        return _show(Demo(directory=Path(folder) / "demo"), session)


def _show(demo: Demo, session: Session) -> int:
    """Run the demo; whatever happens, what it started ends, unless it is to be kept."""
    with _terminable():
        done = False
        try:
            code = _run(demo, session)
            done = code == codes.OK
        finally:
            if not (done and demo.keep):
                code_of_end = _end(demo)
    if done and demo.keep:
        _tell_how_to_play(demo)
        return codes.OK
    return code or code_of_end


def _run(demo: Demo, outer: Session) -> int:
    session = Session(config=str(demo.config), debug=outer.debug, embedded=outer.embedded)
    _head(0, "Start an EC2 server (moto) and a MongoDB, both only for this demo")
    server = demo.start()
    print(f"  EC2 API at {server.url}, process {server.pid}")
    demo.fill()
    there = ", ".join(f"{', '.join(n)} at {c}" for c, n in ALREADY_THERE.items())
    print(f"  servers that somebody started there: {there}")
    try:
        with session.line():
            print(f"  {session.mesh.store.where}")
        print(f"  configuration {demo.config}:\n")
        print("".join(f"    {line}\n" for line in demo.config.read_text().splitlines()))
        return _steps(session)
    finally:
        session.close()


def _steps(session: Session) -> int:
    for number, (title, python, lines) in enumerate(STEPS, start=1):
        _head(number, title)
        click.secho(f"  Python: {python}", dim=True)
        for line in lines:
            click.secho(f"$ cm {line}", bold=True)
            sys.stdout.flush()
            code = execute(shlex.split(line), session)
            sys.stderr.flush()
            if code != codes.OK:
                click.secho(f"cm: the demo ends here: cm {line}: exit code {code}", err=True)
                return code
            print()
    return codes.OK


def _head(number: int, title: str) -> None:
    click.secho(f"{number}. {title}", fg="cyan", bold=True)


def _end(demo: Demo) -> int:
    if not demo.directory.exists():
        print("No demo is running.")
        return codes.OK
    remaining = demo.stop()
    if remaining:
        raise StoreError(f"processes of the demo still run: {', '.join(map(str, remaining))}")
    click.secho("The demo's servers are stopped, its files removed; nothing is left.", fg="cyan")
    return codes.OK


def _tell_how_to_play(demo: Demo) -> None:
    click.secho("It is still running. To play with it:", fg="cyan", bold=True)
    print(f"  export CLOUDMESH_CONFIG='{demo.config}'")
    print(f"  export {SECRET[0]}={SECRET[1]}")
    print("  cm vm list")
    print("  cm                    # interactive")
    print("  python -c 'import cloudmesh; print(cloudmesh.mesh(\"mongo\").servers())'")
    click.secho("To stop it and remove its files:", fg="cyan", bold=True)
    print("  cm demo --stop")


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end the demo as Ctrl-C does, so that what it started ends too."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread hears signals
        return

    def leave(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
