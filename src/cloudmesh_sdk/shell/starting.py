"""`cm vm start`."""

import shlex
from pathlib import Path
from typing import Any, NoReturn

import click

from cloudmesh_sdk.mesh.names import hostlists
from cloudmesh_sdk.shell import params
from cloudmesh_sdk.shell.attending import later as later_of
from cloudmesh_sdk.shell.finishing import async_option, finish, left, told
from cloudmesh_sdk.shell.output import Look, looks, note
from cloudmesh_sdk.shell.progress import progress
from cloudmesh_sdk.shell.session import Session


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
@click.option("--zone", metavar="NAME", help="Availability zone to start in; cm zone list.")
@click.option("--config-drive", is_flag=True, help="Give it its metadata on a disk as well.")
@click.option(
    "--boot-volume",
    type=click.IntRange(1),
    metavar="GIB",
    help="Boot from a new volume made from the image; it goes with the server.",
)
@click.option("--hint", "hints", metavar="KEY=VALUE", multiple=True, help="For the scheduler.")
@click.option("--wait", "waits", is_flag=True, help="Wait until they run.")
@async_option
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
    """
    waits, user_data, later = (options.pop(word) for word in ("waits", "user_data", "later"))
    if later and (waits or user_data):
        _refuse(waits=waits)
    options["security_groups"] = options.pop("groups") or None
    options["networks"] = options["networks"] or None
    options["tags"] = params.pairs(options["tags"], "--tag wants KEY=VALUE")
    options["config_drive"] = options["config_drive"] or None
    options["hints"] = params.pairs(options["hints"], "--hint wants KEY=VALUE") or None
    if user_data:
        options["user_data"] = Path(user_data).read_text(encoding="utf-8")
    session.acted = True
    if later:
        asked = later_of(session).start(name=[*names, *more] or None, **options)
        return left(session, asked, look)
    count = options["count"] or len(hostlists([*names, *more])) or 1
    with progress(session, "start", count) as done:
        found = session.mesh.start(name=[*names, *more] or None, told=told(done), **options)
    code = finish(session, found, look, "running" if waits else "")
    if found and not waits and look.chosen(session) == "table":
        first = shlex.quote(found[0].name)
        note(f"cm vm wait {first} waits until it runs, cm vm info {first} shows all about it")
    return code


def _refuse(*, waits: bool) -> NoReturn:
    if waits:
        raise click.UsageError("--async goes with no --wait; cm op wait waits for operations")
    raise click.UsageError(
        "--async goes with no --user-data: it would have to be written down, and may hold secrets"
    )
