"""`cm refresh`."""

import click

from cloudmesh_sdk.mesh.refreshing import Refreshed
from cloudmesh_sdk.models import CLOUD_KINDS
from cloudmesh_sdk.shell import codes, params
from cloudmesh_sdk.shell.app import Command
from cloudmesh_sdk.shell.lists import ask
from cloudmesh_sdk.shell.output import Look, looks, show, tell_sources
from cloudmesh_sdk.shell.session import Session


@click.command("refresh", cls=Command)
@params.clouds_argument
@click.option(
    "--kind", "kinds", type=click.Choice([*CLOUD_KINDS]), multiple=True,
    help="Only these; else the usual ones.",
)  # fmt: skip
@click.option(
    "--deadline",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Give up a cloud that has not answered by then.",
)
@click.option("--full", is_flag=True, help="Ask for whole lists, not only for what changed.")
@looks
@click.pass_obj
def refresh_command(
    session: Session,
    /,
    *,
    clouds: tuple[str, ...],
    kinds: tuple[str, ...],
    deadline: float | None,
    full: bool,
    look: Look,
) -> int:
    """Ask clouds (the active ones), all at once, what is there now."""
    found = ask(session, clouds or session.mesh.active, kinds or None, deadline=deadline, full=full)
    show(session, found, Refreshed, look)
    tell_sources(found, quiet=look.chosen(session) != "table")
    return codes.outcome(found)
