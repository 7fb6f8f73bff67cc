"""Commands that plug-ins add; one that is broken hides no other."""

import sys
from collections.abc import Mapping
from functools import cache

import click

from cloudmesh_sdk.errors import CloudmeshError
from cloudmesh_sdk.tables import visible


@cache
def commands() -> Mapping[str, click.Command]:
    """Return the commands of all installed plug-ins by name, found once a process."""
    from cloudmesh_sdk import hooks, plugins

    found: dict[str, click.Command] = {}
    for point in plugins.entry_points("hooks"):
        try:
            answers = hooks.manager([point]).hook.add_commands()
        except CloudmeshError as error:
            print(f"cm: warning: {visible(str(error))}", file=sys.stderr)
            continue
        for answer in answers:
            several = answer if isinstance(answer, list | tuple) else [answer]
            found |= {str(command.name): command for command in several}
    return found
