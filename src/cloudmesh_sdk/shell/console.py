"""`cm console`."""

import click

from cloudmesh_sdk.shell import choosing, params
from cloudmesh_sdk.shell.app import Command
from cloudmesh_sdk.shell.output import note
from cloudmesh_sdk.shell.session import Session
from cloudmesh_sdk.tables import visible


@click.command("console", cls=Command)
@click.argument("name", type=params.SERVER)
@params.cloud_option
@click.option("--lines", type=click.IntRange(1), metavar="N", help="Only the last so many.")
@click.option("--url", is_flag=True, help="Print a link that opens the console in a browser.")
@click.pass_obj
def console_command(
    session: Session, name: str, cloud: str | None, lines: int | None, url: bool
) -> None:
    """Show what a server printed while it booted.

    The link that --url gives is good for minutes, and lets in whoever has it.
    """
    if url and lines:
        raise click.UsageError("--url and --lines exclude each other")
    server = choosing.server(session, cloud, name)
    if url:
        print(visible(session.mesh.console_url(server)))
        return
    found = printed(session.mesh.console(server))
    for line in found[-lines:] if lines else found:
        print(line)
    if not found:
        note(f"{server.cloud}: {server.name} has printed nothing yet (it is {server.state})")


def printed(text: str) -> list[str]:
    """Return lines as a terminal may have them: what a guest prints is not to be trusted."""
    return [visible(line.rstrip("\r").expandtabs()) for line in text.rstrip().split("\n") if text]
