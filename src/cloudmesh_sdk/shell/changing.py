"""Acts on servers that need more words: `cm vm resize`, `rebuild`, `rescue`, `rename`, `tag`."""

from collections.abc import Callable
from functools import partial
from typing import Any

import click

from cloudmesh_sdk.fanout import Gathered
from cloudmesh_sdk.models import Server
from cloudmesh_sdk.shell import choosing, codes, params
from cloudmesh_sdk.shell.finishing import finish, told
from cloudmesh_sdk.shell.output import Look, looks, note
from cloudmesh_sdk.shell.progress import progress
from cloudmesh_sdk.shell.session import Session


def add_changes(group: click.Group) -> None:
    """Add the commands of this file to a group."""
    for name, command in _COMMANDS.items():
        group.command(name)(command)


def _do(
    session: Session,
    act: str,
    servers: list[Server],
    do: Callable[..., Gathered[Server]],
    look: Look,
    *,
    state: str = "",
) -> int:
    """Do an act with a bar, print the servers and return the exit code."""
    session.acted = True
    with progress(session, act, len(servers)) as done:
        found = do(told=told(done))
    return finish(session, found, look, state)


def _waits(state: str) -> params.Decorator:
    return click.option("--wait", "waits", is_flag=True, help=f"Wait until they are {state}.")


@params.servers_argument
@click.option("--flavor", type=params.FLAVOR, required=True, metavar="NAME", help="New size.")
@params.cloud_option
@_waits("resized")
@looks
@click.pass_obj
def resize(
    session: Session, /, *, names: tuple[str, ...], cloud: str | None, look: Look, **options: Any
) -> int:
    """Give servers another flavor; then confirm it, or revert to the old one."""
    meant = choosing.servers(session, cloud, names)
    flavor, state = options["flavor"], "resized" if options["waits"] else ""
    do = partial(session.mesh.resize, meant, flavor, cloud=cloud)
    code = _do(session, "resize", meant, do, look, state=state)
    note("cm vm confirm NAME keeps the new flavor, cm vm revert NAME takes it back")
    return code


@params.servers_argument
@click.option("--image", type=params.IMAGE, required=True, metavar="NAME", help="Image to use.")
@params.cloud_option
@_waits("running")
@params.yes_option
@looks
@click.pass_obj
def rebuild(
    session: Session, /, *, names: tuple[str, ...], cloud: str | None, look: Look, **options: Any
) -> int:
    """Make servers' disks anew from an image; what was on them is lost, addresses stay."""
    meant = choosing.servers(session, cloud, names)
    if not params.agreed(session, params.question("rebuild", meant), yes=options["yes"]):
        note("nothing to rebuild, then")
        return codes.OK
    image, state = options["image"], "running" if options["waits"] else ""
    do = partial(session.mesh.rebuild, meant, image, cloud=cloud)
    return _do(session, "rebuild", meant, do, look, state=state)


@params.servers_argument
@click.option("--image", type=params.IMAGE, metavar="NAME", help="Image to boot; else its own.")
@params.cloud_option
@_waits("rescued")
@looks
@click.pass_obj
def rescue(
    session: Session, /, *, names: tuple[str, ...], cloud: str | None, look: Look, **options: Any
) -> int:
    """Boot broken servers from another disk, their own beside it; unrescue ends that."""
    meant = choosing.servers(session, cloud, names)
    image, state = options["image"], "rescued" if options["waits"] else ""
    do = partial(session.mesh.rescue, meant, image, cloud=cloud)
    return _do(session, "rescue", meant, do, look, state=state)


@click.argument("name", type=params.SERVER)
@click.argument("new", metavar="NEW")
@params.cloud_option
@looks
@click.pass_obj
def rename(session: Session, name: str, new: str, cloud: str | None, look: Look) -> int:
    """Give a server another name; its id stays."""
    meant = choosing.servers(session, cloud, [name])
    if len(meant) != 1:
        raise click.UsageError(f"{name} means {len(meant)} servers; only one can be renamed")
    do = partial(session.mesh.rename, meant[0], new, cloud=cloud)
    return _do(session, "rename", meant, do, look)


@params.servers_argument
@click.option("--set", "given", metavar="KEY=VALUE", multiple=True, help="Tag to set.")
@click.option("--unset", "gone", metavar="KEY", multiple=True, help="Tag to take away.")
@params.cloud_option
@looks
@click.pass_obj
def tag(
    session: Session, /, *, names: tuple[str, ...], cloud: str | None, look: Look, **options: Any
) -> int:
    """Set tags (metadata) of servers, and take some away; the others stay."""
    tags: dict[str, str | None] = {**params.pairs(options["given"], "--set wants KEY=VALUE")}
    if both := [key for key in options["gone"] if key in tags]:
        raise click.UsageError(f"{both[0]!r} is to be set and unset")
    tags |= dict.fromkeys(options["gone"])
    if not tags:
        raise click.UsageError("nothing to tag: say --set KEY=VALUE or --unset KEY")
    meant = choosing.servers(session, cloud, names)
    do = partial(session.mesh.tag, meant, tags, cloud=cloud)
    return _do(session, "tag", meant, do, look)


_COMMANDS: dict[str, Callable[..., int]] = {
    "resize": resize, "rebuild": rebuild, "rescue": rescue, "rename": rename, "tag": tag,
}  # fmt: skip
