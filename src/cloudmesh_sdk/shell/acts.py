"""Acts on servers that need nothing but their names: `cm vm stop`, `suspend`, `lock` and so on."""

from collections.abc import Mapping

import attrs
import click

from cloudmesh_sdk.models import ServerState
from cloudmesh_sdk.shell import choosing, codes, params
from cloudmesh_sdk.shell.attending import later as later_of
from cloudmesh_sdk.shell.changing import add_changes
from cloudmesh_sdk.shell.finishing import (
    PATIENCE,
    async_option,
    finish,
    left,
    told,
    wait_for,
)
from cloudmesh_sdk.shell.output import Look, looks, note
from cloudmesh_sdk.shell.progress import progress
from cloudmesh_sdk.shell.session import Session
from cloudmesh_sdk.shell.starting import start

STATES = tuple(state.value for state in ServerState)


@attrs.frozen
class Act:
    """An act on servers as a command."""

    text: str
    """Its help."""
    state: str = ""
    """What `--wait` waits for; empty where there is nothing to wait for."""
    asks: bool = False
    """It cannot be undone."""
    method: str = ""
    """Its name in the mesh, where that is another one."""
    later: bool = False
    """It can be left to a worker."""


ACTS: Mapping[str, Act] = {
    "stop": Act("Shut servers down, keeping their disks.", "stopped", later=True),
    "resume": Act("Start stopped (or suspended) servers again.", "running", later=True),
    "reboot": Act("Restart servers.", "running", later=True),
    "delete": Act("Delete servers and what is on them.", "deleted", asks=True, later=True),
    "suspend": Act("Put servers' memory to disk; resume brings them back.", "suspended"),
    "pause": Act("Stop servers' processors, keeping their memory.", "paused"),
    "unpause": Act("Let paused servers go on.", "running"),
    "shelve": Act("Take servers off their hosts; they use no processors then.", "shelved"),
    "unshelve": Act("Bring shelved servers back.", "running"),
    "confirm": Act("Keep the new flavor of resized servers.", "running", method="confirm_resize"),
    "revert": Act(
        "Put resized servers back to their old flavor.", "running", method="revert_resize"
    ),
    "unrescue": Act("Boot rescued servers from their own disks again.", "running"),
    "lock": Act("Refuse acts on servers until they are unlocked."),
    "unlock": Act("Allow acts on locked servers again."),
}
"""Acts by the names of their commands."""


def add_acts(group: click.Group) -> None:
    """Add `start`, the acts of the table, those that need more words, and `wait` to a group."""
    group.command("start")(start)
    for name, act in ACTS.items():
        _add(group, name, act)
    add_changes(group)
    group.command("wait")(wait)


def _add(group: click.Group, name: str, act: Act) -> None:
    @params.servers_argument
    @params.cloud_option
    @looks
    @click.pass_obj
    def command(
        session: Session,
        /,
        *,
        names: tuple[str, ...],
        cloud: str | None,
        look: Look,
        waits: bool = False,
        hard: bool = False,
        yes: bool = True,
        later: bool = False,
    ) -> int:
        if later and (waits or hard):
            raise click.UsageError(f"--async goes with no {'--wait' if waits else '--hard'}")
        meant = choosing.servers(session, cloud, names)
        if not params.agreed(session, params.question(name, meant), yes=yes):
            note(f"nothing to {name}, then")
            return codes.OK
        session.acted = True
        if later:
            asked = getattr(later_of(session), name)(meant, cloud=cloud)
            return left(session, asked, look)
        do = getattr(session.mesh, "hard_reboot" if hard else act.method or name)
        with progress(session, name, len(meant)) as done:
            found = do(meant, cloud=cloud, told=told(done))
        return finish(session, found, look, act.state if waits else "")

    for option in _options(name, act):
        command = option(command)
    group.command(name, help=act.text)(command)


def _options(name: str, act: Act) -> list[params.Decorator]:
    found = []
    if act.state:
        text = f"Wait until they are {act.state}."
        found.append(click.option("--wait", "waits", is_flag=True, help=text))
    if name == "reboot":
        found.append(click.option("--hard", is_flag=True, help="As by the power switch."))
    if act.later:
        found.append(async_option)
    if act.asks:
        found.append(params.yes_option)
    return found


@params.servers_argument
@click.option("--state", type=click.Choice(STATES), default="running", show_default=True)
@click.option(
    "--timeout", type=click.FloatRange(0), default=PATIENCE, show_default=True, metavar="SECONDS"
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
    """Wait until servers have a state."""
    meant = choosing.servers(session, cloud, names)
    return wait_for(session, meant, state, cloud, look, total=len(meant), timeout=timeout)
