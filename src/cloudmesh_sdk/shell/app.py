"""The tree of commands; a group is imported when one of its commands is used."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from cloudmesh_sdk import __version__
from cloudmesh_sdk.errors import near
from cloudmesh_sdk.shell.session import Session

SECTIONS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "Clouds and what is there": {
        "cloud": ("cloud", "List clouds, switch them on and off, check them."),
        "vm": ("vm", "Start, list, look at, log in to, stop and delete servers."),
        "image": ("image", "List the images that a server can be started from."),
        "flavor": ("flavor", "List the sizes that a server can have."),
        "key": ("key", "Keep your public SSH keys, here and at the clouds."),
        "network": ("network", "List networks, subnets, routers and ports."),
        "ip": ("ip", "Take, attach and give back public addresses."),
        "secgroup": ("secgroup", "Look after firewall rules: who may reach your servers."),
        "volume": ("volume", "Create, attach and snapshot disks that outlive servers."),
        "quota": ("quota", "Show what you may use, and how much of it you do."),
        "zone": ("zone", "List availability zones."),
        "console": ("console", "Show what a server printed, or open its console."),
        "raw": ("raw", "Send a request of your own to a cloud's service."),
        "refresh": ("refresh", "Ask the clouds what is there now."),
    },
    "Batch queues": {
        "queue": ("queue", "List queue managers, machines and queues, and what they are asked."),
        "job": ("job", "Submit, list, look at, wait for and cancel jobs."),
        "node": ("node", "List the nodes that jobs run on."),
    },
    "Setting up": {
        "register": ("register", "Add a cloud to your configuration."),
        "default": ("default", "Set and explain what is used when you name none."),
        "doctor": ("doctor", "Check Python, configuration, store, broker, clouds, queues."),
        "plugin": ("plugin", "List drivers and other plug-ins that are installed."),
        "service": ("service", "Start, stop and look after store, broker, worker, refresher."),
        "demo": ("demo", "Show it all on servers that run only here."),
    },
    "The shell": {
        "op": ("op", "Show what was asked for, and what became of it."),
        "script": ("basics", "Run the commands that stand in a file."),
        "help": ("basics", "Show how a command is used."),
        "version": ("basics", "Show the version."),
    },
}
"""Commands by section: the module that has each (as `<name>_command`), and what it does."""

COMMANDS = {name: entry for section in SECTIONS.values() for name, entry in section.items()}


def _take(ctx: click.Context, param: click.Parameter, value: object) -> None:
    """Keep an option that every command has in the session."""
    if value and not ctx.resilient_parsing:
        setattr(ctx.find_object(Session), str(param.name), value)


def _look(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Let somebody look at what goes over the wire while this line runs."""
    if value and not ctx.resilient_parsing:
        from cloudmesh_sdk.shell.watching import watching

        session = ctx.ensure_object(Session)
        session.watcher = watching(session.watcher, **{str(param.name): value})


def _everywhere(*, hidden: bool) -> list[click.Parameter]:
    common: dict[str, Any] = {"hidden": hidden, "expose_value": False, "callback": _take}
    wire = {**common, "callback": _look}
    return [
        click.Option(["--config"], metavar="FILE", help="cloudmesh.yaml to use.", **common),
        click.Option(
            ["--store"], metavar="NAME", help="mongo (the default), or memory to try things out.",
            **common,
        ),
        click.Option(["--debug"], is_flag=True, help="Show where an error comes from.", **common),
        click.Option(
            ["--debug-http", "shows"], is_flag=True,
            help="Show what is sent to clouds and what they answer, secrets masked.", **wire,
        ),
        click.Option(
            ["--record", "tape"], metavar="FILE",
            help="Keep all of that in a file that can be played back, secrets masked.", **wire,
        ),
    ]  # fmt: skip


_SHOWN, _HIDDEN = _everywhere(hidden=False), _everywhere(hidden=True)


class NoCommand(click.UsageError):
    """A group was named without a command; the message is its help."""


class Command(click.Command):
    """A command that takes the options of `cm` itself too, wherever they stand."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        return [*super().get_params(ctx), *_HIDDEN]


class Group(click.Group):
    """Commands that belong together; an unknown one is answered with near names."""

    command_class = Command

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        return [*super().get_params(ctx), *(_HIDDEN if ctx.parent else _SHOWN)]

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [*self.commands]  # as they stand in the file: what is used most comes first

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and not self.invoke_without_command and not ctx.resilient_parsing:
            raise NoCommand(ctx.get_help(), ctx)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name.startswith("-") or ctx.resilient_parsing or self.get_command(ctx, name):
            return super().resolve_command(ctx, args)
        hint = near(name, self.list_commands(ctx), what="there are")
        raise click.UsageError(f"there is no command {name!r}; {hint}", ctx)


class App(Group):
    """`cm`: the groups of the table above, and what plug-ins add."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [*COMMANDS, *_added()]

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return _added().get(cmd_name)
        module = _module(COMMANDS[cmd_name][0])
        found: click.Command = getattr(module, f"{cmd_name}_command")
        return found

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, text) for name, (_, text) in commands.items()])
        if added := _added():
            with formatter.section("From plug-ins"):
                formatter.write_dl([(n, c.get_short_help_str()) for n, c in added.items()])


def _added() -> Mapping[str, click.Command]:
    from cloudmesh_sdk.shell.added import commands

    return commands()


@click.group(
    cls=App,
    invoke_without_command=True,
    epilog="Without a command, cm is interactive. Every command has --help.",
)
@click.option("-f", "--file", "script", metavar="FILE", help="Run the commands of a file.")
@click.option("-k", "--keep-going", is_flag=True, help="With -f: go on after an error.")
@click.version_option(__version__, "-V", "--version", message="cm %(version)s")
@click.pass_context
def app(ctx: click.Context, script: str | None, keep_going: bool) -> int | None:
    """One mesh over your clouds and queues: one table, one way to start servers and jobs."""
    if ctx.invoked_subcommand is not None:
        return None
    session = ctx.ensure_object(Session)
    if script is not None:
        code: int = _module("script").run_file(session, script, keep_going=keep_going)
        return code
    if session.embedded:
        raise NoCommand(ctx.get_help(), ctx)
    return _without_command(session)


def _without_command(session: Session) -> int:
    if session.asks():
        code: int = _module("interactive").interact(session)
    else:
        code = _module("script").run_stdin(session)
    return code


def _module(name: str) -> Any:
    """Return a module of the shell: the tree finds by name what knows the tree."""
    return import_module(f"cloudmesh_sdk.shell.{name}")
