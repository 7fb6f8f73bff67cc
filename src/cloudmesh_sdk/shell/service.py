"""`cm service`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import CloudmeshError, ConfigError
from cloudmesh_sdk.services import control, elsewhere, store, systemd
from cloudmesh_sdk.services.control import NAMES, STORE, WORKER
from cloudmesh_sdk.services.records import ServiceStatus, State
from cloudmesh_sdk.shell import codes
from cloudmesh_sdk.shell.app import Group
from cloudmesh_sdk.shell.following import print_text
from cloudmesh_sdk.shell.output import Look, looks, note, show
from cloudmesh_sdk.shell.records import show_record
from cloudmesh_sdk.shell.session import Session

_SERVICES = click.argument("names", metavar="[SERVICE]...", type=click.Choice(NAMES), nargs=-1)
_FORCE = click.option("--force", is_flag=True, help="Stop a store that other processes use, too.")
_LINES = 20
"""Lines of a log that are shown unless asked otherwise."""


@click.group("service", cls=Group)
def service_command() -> None:
    """Start, stop and look after the store, the broker, the worker and the refresher.

    The store (an embedded MongoDB) is started by every command where it does not run, and stops
    some minutes after its last user. The others run until they are stopped, and are started
    again when they end by themselves.
    """


@service_command.command("start")
@_SERVICES
@click.option("--systemd", "units", is_flag=True, help="Print unit files; start nothing.")
@looks
@click.pass_obj
def start(session: Session, names: tuple[str, ...], look: Look, units: bool) -> int:
    """Start services where they do not run (the store, unless named), and wait for them."""
    config = session.read_config()
    chosen = control.in_order(names or (STORE,))
    if units:
        for file, text in systemd.units(config, chosen).items():
            print(f"# ~/.config/systemd/user/{file}\n{text}")
        return codes.OK
    return _each(session, config, chosen, look, lambda name: _start(session, config, name))


@service_command.command("stop")
@_SERVICES
@_FORCE
@looks
@click.pass_obj
def stop(session: Session, names: tuple[str, ...], look: Look, force: bool) -> int:
    """Stop services (all of them, unless named); what they keep is kept."""
    session.close()  # else we would be a user of the store
    config = session.read_config()
    chosen = control.in_order(names or _managed(config))[::-1]
    return _each(session, config, chosen, look, lambda n: control.stop(config, n, force=force))


@service_command.command("restart")
@_SERVICES
@_FORCE
@looks
@click.pass_obj
def restart(session: Session, names: tuple[str, ...], look: Look, force: bool) -> int:
    """Stop services and start them again (those that run, unless named)."""
    session.close()
    config = session.read_config()
    running = (n for n in _managed(config) if control.status(config, n).state is not State.STOPPED)
    chosen = control.in_order(names or tuple(running))
    for name in chosen[::-1]:
        control.stop(config, name, force=force)
    return _each(session, config, chosen, look, lambda name: _start(session, config, name))


@service_command.command("status")
@_SERVICES
@looks
@click.pass_obj
def status(session: Session, names: tuple[str, ...], look: Look) -> int:
    """Show how services are (all of them, unless named), then workers of other machines.

    These the store knows, where it runs: each says every few seconds that it lives.

    The exit code is 1 where one that is named does not run, or one of the others crashed.
    """
    config = session.read_config()
    chosen = control.in_order(names or _managed(config))
    wanted = names or (STORE,)
    found = [control.status(config, name) for name in chosen]
    shown = _with_others(config, found) if WORKER in chosen else found
    _show(session, config, shown[:1] if len(chosen) == 1 else shown, look)
    if len(chosen) == 1 < len(shown):
        note(f"{len(shown) - 1} more of this store live: cm service status")
    wrong = any(
        (one.name in wanted and one.state is not State.RUNNING) or one.state is State.CRASHED
        for one in found
    )
    return codes.ERROR if wrong else codes.OK


@service_command.command("logs")
@click.argument("name", metavar="SERVICE", type=click.Choice(NAMES))
@click.option("-n", "--lines", type=click.IntRange(0), default=_LINES, help="How many lines.")
@click.option("--follow", is_flag=True, help="Print what is written from now on, until Ctrl-C.")
@click.pass_obj
def logs(session: Session, name: str, lines: int, follow: bool) -> None:
    """Print the last lines of a service's log."""
    path = control.log(session.read_config(), name)
    for line in control.tail(path, lines):
        print_text(line, end="\n")
    if follow:
        for line in control.follow(path):
            print_text(line, end="\n")


def _with_others(config: Config, found: list[ServiceStatus]) -> list[ServiceStatus]:
    """Return services of this machine, then workers of others where the store can be asked."""
    try:
        return elsewhere.with_others(config, found)
    except CloudmeshError as error:
        note(f"workers of other machines could not be asked for: {error}")
        return found


def _managed(config: Config) -> tuple[str, ...]:
    """Return the services that are ours: a MongoDB that a URI names is not."""
    try:
        store.status(config)
    except ConfigError as error:
        note(str(error))
        return tuple(name for name in NAMES if name != STORE)
    return NAMES


def _each(
    session: Session,
    config: Config,
    names: tuple[str, ...],
    look: Look,
    act: Callable[[str], ServiceStatus],
) -> int:
    """Do something with services, one after the other, and show how they are then.

    One that fails does not keep the others from their turn; its error is raised in the end.
    """
    found: list[ServiceStatus] = []
    errors: list[CloudmeshError] = []
    for name in names:
        try:
            found.append(act(name))
        except CloudmeshError as error:
            errors.append(error)
    if found or not errors:
        _show(session, config, found, look)
    for earlier in errors[:-1]:
        note(str(earlier))
    if errors:
        raise errors[-1]
    return codes.OK


def _show(session: Session, config: Config, found: list[ServiceStatus], look: Look) -> None:
    """Show one service whole, several as a list."""
    plain = look.without_default()
    if len(found) != 1 or plain.format == "csv" or look.columns or look.where:
        show(session, found, ServiceStatus, plain)
        for one in found:
            if one.note:
                note(f"{one.name}: {one.note}")
        return
    whole: Any = store.status(config) if found[0].name == STORE else found[0]
    show_record(whole, plain.format)


def _start(session: Session, config: Config, name: str) -> ServiceStatus:
    missing = control.missing(config, name)
    with _waiting(session, name) as told:
        found = control.start(config, name, told=told)
    for other in missing:
        note(f"the {other} was started for it, and stays: cm service stop {other} ends it")
    return found


@contextmanager
def _waiting(session: Session, name: str) -> Iterator[Callable[[float], None]]:
    """Show which part of the longest wait is over, on stderr where that is a terminal."""
    if not session.watched():
        yield lambda _: None
        return
    from cloudmesh_sdk.shell import drawing  # rich takes 60 ms

    with drawing.part(f"{name} starts") as told:
        yield told
