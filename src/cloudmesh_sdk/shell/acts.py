"""`cm vm start|stop|resume|reboot|delete|wait`: what changes servers, and waiting for it."""

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from cloudmesh_sdk.fanout import Gathered
from cloudmesh_sdk.models import Operation, OperationState, Server, ServerState
from cloudmesh_sdk.shell import choosing, codes, params
from cloudmesh_sdk.shell.output import Look, looks, note, print_rows, tell_sources
from cloudmesh_sdk.shell.progress import Done, progress
from cloudmesh_sdk.shell.session import Session

STATES = tuple(state.value for state in ServerState)

_ACTS: Mapping[str, tuple[str, str]] = {
    "stop": ("Shut servers down, keeping their disks.", "stopped"),
    "resume": ("Start stopped servers again.", "running"),
    "reboot": ("Restart servers.", "running"),
    "delete": ("Delete servers and what is on them.", "deleted"),
}
"""Acts on servers: their help, and the state that they lead to."""

_PATIENCE = 600.0
"""Seconds that is waited where nothing else is said."""

_SHOWN = 5
"""How many names a question lists."""


def add_acts(group: click.Group) -> None:
    """Add the commands of this file to a group."""
    group.command("start")(start)
    for name, (text, state) in _ACTS.items():
        _add_act(group, name, text, state)
    group.command("wait")(wait)


@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--name", "more", metavar="NAMES", multiple=True, help="The same as NAME.")
@click.option("-n", "--count", type=click.IntRange(1), metavar="N", help="How many to start.")
@params.cloud_option
@click.option("--image", type=params.IMAGE, metavar="NAME", help="Image to start from.")
@click.option("--flavor", type=params.FLAVOR, metavar="NAME", help="Size.")
@click.option("--key", type=params.KEY, metavar="NAME", help="SSH key to put on it.")
@click.option("--security-group", "groups", metavar="NAME", multiple=True, help="Firewall rules.")
@click.option("--network", "networks", metavar="NAME", multiple=True, help="Network to be on.")
@click.option(
    "--user-data",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="File for the first boot (cloud-init).",
)
@click.option("--tag", "tags", metavar="KEY=VALUE", multiple=True, help="Mark it.")
@click.option("--wait", "waits", is_flag=True, help="Wait until they run.")
@looks
@click.pass_obj
def start(
    session: Session,
    /,
    *,
    names: tuple[str, ...],
    more: tuple[str, ...],
    look: Look,
    **options: Any,
) -> int:
    """Start servers.

    What you leave out comes from your defaults (cm default list). NAME may be a hostlist such as
    web-[001-020]; without one they get the next free names.
    """  # fmt: skip
    waits, user_data = options.pop("waits"), options.pop("user_data")
    options["security_groups"] = options.pop("groups") or None
    options["networks"] = options["networks"] or None
    options["tags"] = dict(map(_tag, options["tags"]))
    if user_data:
        options["user_data"] = Path(user_data).read_text(encoding="utf-8")
    session.acted = True
    with progress(session, "start", options["count"] or 1) as done:
        found = session.mesh.start(name=[*names, *more] or None, told=_told(done), **options)
    code = _finish(session, found, look, "running" if waits else "")
    if found and not waits and look.chosen(session) == "table":
        first = shlex.quote(found[0].name)
        note(f"cm vm wait {first} waits until it runs, cm vm info {first} shows all about it")
    return code


def _tag(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise click.UsageError(f"--tag wants KEY=VALUE, found {text!r}")
    return key, value


def _add_act(group: click.Group, name: str, text: str, state: str) -> None:
    @params.servers_argument
    @params.cloud_option
    @click.option("--wait", "waits", is_flag=True, help=f"Wait until they are {state}.")
    @looks
    @click.pass_obj
    def command(
        session: Session,
        /,
        *,
        names: tuple[str, ...],
        cloud: str | None,
        waits: bool,
        look: Look,
        yes: bool = True,
    ) -> int:
        meant = choosing.servers(session, cloud, names)
        if not params.agreed(session, _question(name, meant), yes=yes):
            note(f"nothing to {name}, then")
            return codes.OK
        session.acted = True
        with progress(session, name, len(meant)) as done:
            found = getattr(session.mesh, name)(meant, cloud=cloud, told=_told(done))
        return _finish(session, found, look, state if waits else "")

    group.command(name, help=text)(params.yes_option(command) if name == "delete" else command)


def _question(act: str, servers: list[Server]) -> str:
    names = [f"{server.cloud}:{server.name}" for server in servers]
    if len(names) == 1:
        return f"{act} {names[0]}?"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{act} {len(names)} servers: {', '.join(names[:_SHOWN])}{more}?"


@params.servers_argument
@click.option("--state", type=click.Choice(STATES), default="running", show_default=True)
@click.option(
    "--timeout", type=click.FloatRange(0), default=_PATIENCE, show_default=True, metavar="SECONDS"
)
@params.cloud_option
@looks
@click.pass_obj
def wait(
    session: Session,
    /,
    *,
    names: tuple[str, ...],
    state: str,
    timeout: float,
    cloud: str | None,
    look: Look,
) -> int:
    """Wait until servers have a state."""  # fmt: skip
    meant = choosing.servers(session, cloud, names)
    return _wait(session, meant, state, cloud, look, total=len(meant), timeout=timeout)


def _wait(
    session: Session,
    servers: Any,
    state: str,
    cloud: str | None,
    look: Look,
    *,
    total: int,
    timeout: float = _PATIENCE,
) -> int:
    """Wait with a bar, print the servers and return the exit code."""
    with progress(session, f"wait until {state}", total) as done:
        found = session.mesh.wait(
            servers,
            state,
            cloud=cloud,
            timeout=timeout,
            told=lambda server: done(server.name, server.state != state),
        )
    return _finish(session, found, look, "")


def _finish(session: Session, found: Gathered[Server], look: Look, state: str) -> int:
    """Print the servers of an act, waiting first where a state is given."""
    failed = codes.outcome(found)
    if state and found:
        tell_sources(found, quiet=True)
        return _wait(session, list(found), state, None, look, total=len(found)) or failed
    print_rows(session, found, Server, look)
    tell_sources(found, quiet=True)
    return failed


def _told(done: Done) -> Callable[[Operation], None]:
    return lambda operation: done(operation.target, operation.state == OperationState.FAILED)
