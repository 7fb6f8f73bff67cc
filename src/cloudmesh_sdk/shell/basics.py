"""`cm script`, `cm help`, `cm version`."""

import click

from cloudmesh_sdk import __version__
from cloudmesh_sdk.shell.app import Command, app
from cloudmesh_sdk.shell.session import Session


@click.command("script", cls=Command)
@click.argument("file", metavar="FILE")
@click.option("-k", "--keep-going", is_flag=True, help="Go on after an error.")
@click.pass_obj
def script_command(session: Session, file: str, keep_going: bool) -> int:
    """Run the commands of FILE, one a line; it stops at the first error.

    # begins a comment, `set name=value` a variable, which $name puts in.
    """
    from cloudmesh_sdk.shell.script import run_file

    return run_file(session, file, keep_going=keep_going)


@click.command("help", cls=Command)
@click.argument("words", nargs=-1, metavar="[COMMAND]...")
@click.pass_context
def help_command(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Show how COMMAND is used; without one, which there are."""
    with app.make_context("cm", [*words, "--help"], obj=ctx.obj) as context:
        app.invoke(context)


@click.command("version", cls=Command)
def version_command() -> None:
    """Show the version."""
    print(f"cm {__version__}")
