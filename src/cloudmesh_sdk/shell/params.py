"""Arguments and options that several commands share; they complete names from the store."""

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from cloudmesh_sdk.errors import CloudmeshError
from cloudmesh_sdk.models import Record
from cloudmesh_sdk.shell.session import Session
from cloudmesh_sdk.store.base import Query

F = TypeVar("F", bound=Callable[..., Any])

Decorator = Callable[[Any], Any]
"""Gives a command an option."""

Known = Callable[[Session], Iterable[str]]
"""Returns the names that complete a word; it must ask no cloud."""


class Name(click.types.StringParamType):
    """A name that the session knows how to complete; any other text is taken too."""

    name = "name"

    def __init__(self, known: Known) -> None:
        self._known = known

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,  # noqa: ARG002 - click's signature
        incomplete: str,
    ) -> list[CompletionItem]:
        session = ctx.find_object(Session) or Session()
        try:
            names = sorted(set(self._known(session)))
        except CloudmeshError:  # nothing to offer; the command itself will say why
            return []
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def _records(kind: str) -> Known:
    def known(session: Session) -> Iterable[str]:
        mesh = session.mesh
        query = Query(clouds=mesh.active)
        return [row.name for row in mesh.store.view.find(mesh.user, kind, query)]

    return known


def _keys(session: Session) -> Iterable[str]:
    keys = session.mesh.keys()
    return [key.name for key in keys]


def _default_keys(_: Session) -> Iterable[str]:
    from cloudmesh_sdk.mesh.defaults import KEYS

    return KEYS


def _drivers(_: Session) -> Iterable[str]:
    from cloudmesh_sdk import plugins

    return plugins.names("providers")


def _machines(session: Session) -> Iterable[str]:
    queues = session.read_config().queues
    return [name for manager, entry in queues.items() for name in (manager, *entry.machines)]


def _places(session: Session) -> Iterable[str]:
    config = session.read_config()
    return [*config.clouds, *config.queues]


def _operations(session: Session) -> Iterable[str]:
    return [operation.id for operation in session.mesh.operations()]


def _of_managers(kind: str, field: str) -> Known:
    """Return what completes a field of the records that queue managers were seen to have."""

    def known(session: Session) -> Iterable[str]:
        from cloudmesh_sdk.shell.managers import seen

        return [getattr(row, field) for row in seen(session, kind)]

    return known


CLOUD = Name(lambda session: session.read_config().clouds)
SERVER = Name(_records("servers"))
IMAGE = Name(_records("images"))
FLAVOR = Name(_records("flavors"))
KEY = Name(_keys)
NETWORK = Name(_records("networks"))
ADDRESS = Name(_records("floating_ips"))
GROUP = Name(_records("security_groups"))
VOLUME = Name(_records("volumes"))
SNAPSHOT = Name(_records("snapshots"))
DEFAULT = Name(_default_keys)
DRIVER = Name(_drivers)
MACHINE = Name(_machines)
PLACE = Name(_places)
QUEUE = Name(_of_managers("queues", "name"))
JOB = Name(_of_managers("jobs", "id"))
NODE = Name(_of_managers("nodes", "name"))
OPERATION = Name(_operations)


def clouds_argument(command: F) -> F:
    """Add `[CLOUD]…`, or `--cloud` as acts have it; none means all active ones."""

    @functools.wraps(command)
    def both(*args: Any, clouds: tuple[str, ...], more: tuple[str, ...], **kwargs: Any) -> Any:
        return command(*args, clouds=(*clouds, *more), **kwargs)

    same: Any = {"type": CLOUD, "metavar": "NAME", "multiple": True, "help": "The same as CLOUD."}
    made = click.option("--cloud", "more", **same)(both)
    return click.argument("clouds", type=CLOUD, nargs=-1, metavar="[CLOUD]...")(made)  # type: ignore[return-value]


def cloud_option(command: F) -> F:
    """Add `--cloud NAME`."""
    return click.option("--cloud", type=CLOUD, metavar="NAME", help="Cloud that is meant.")(command)


def machines_argument(command: F) -> F:
    """Add `[MACHINE]…`, or `--machine` as acts have it; none means all."""

    @functools.wraps(command)
    def both(*args: Any, machines: tuple[str, ...], more: tuple[str, ...], **kwargs: Any) -> Any:
        return command(*args, machines=(*machines, *more), **kwargs)

    same: Any = {"type": MACHINE, "metavar": "NAME", "multiple": True}
    text = "The same as MACHINE."
    made = click.option("-m", "--machine", "more", help=text, **same)(both)
    return click.argument("machines", type=MACHINE, nargs=-1, metavar="[MACHINE]...")(made)  # type: ignore[return-value]


def machine_option(command: F) -> F:
    """Add `--machine NAME`."""
    text = "Machine (or queue manager) that is meant."
    return click.option("-m", "--machine", type=MACHINE, metavar="NAME", help=text)(command)


def place_option(command: F) -> F:
    """Add `--cloud NAME`, which may be a queue manager too."""
    text = "Cloud (or queue manager) that is meant."
    return click.option("--cloud", type=PLACE, metavar="NAME", help=text)(command)


def jobs_argument(command: F) -> F:
    """Add `ID…`: ids of jobs, or their names, one at least."""
    return click.argument("ids", type=JOB, nargs=-1, required=True, metavar="ID...")(command)


def operations_argument(command: F) -> F:
    """Add `ID…`: ids of operations, or their beginnings, one at least."""
    return click.argument("ids", type=OPERATION, nargs=-1, required=True, metavar="ID...")(command)


def servers_argument(command: F) -> F:
    """Add `NAME…`: names, ids or hostlists, one at least."""
    return click.argument("names", type=SERVER, nargs=-1, required=True, metavar="NAME...")(command)


def yes_option(command: F) -> F:
    """Add `--yes`."""
    return click.option("-y", "--yes", is_flag=True, help="Do not ask.")(command)


def agreed(session: Session, question: str, *, yes: bool) -> bool:
    """Return whether the user agrees; where nobody can be asked, `--yes` is needed."""
    if yes:
        return True
    if not session.asks():
        raise click.UsageError(f"{question} Nobody can be asked here: say --yes")
    return click.confirm(question, err=True)


SHOWN = 5
"""How many names a question lists."""


def question(act: str, records: Sequence[Record]) -> str:
    """Return the question whether an act is meant, which names the cloud of each record."""
    names = [f"{record.cloud}:{record.name or record.id}" for record in records]
    if len(names) == 1:
        return f"{act} {names[0]}?"
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    what = records[0].kind.replace("_", " ").replace(" ips", " IPs")
    return f"{act} {len(names)} {what}: {', '.join(names[:SHOWN])}{more}?"


def pairs(texts: Iterable[str], wanted: str, *, sign: str = "=") -> dict[str, str]:
    """Return several `KEY=VALUE` as a mapping; `wanted` says so in a `click.UsageError`."""
    found: dict[str, str] = {}
    for text in texts:
        key, there, value = text.partition(sign)
        if not there or not key.strip():
            raise click.UsageError(f"{wanted}, found {text!r}")
        if key in found:
            raise click.UsageError(f"{wanted}: {key!r} stands there twice")
        found[key] = value.strip() if sign == ":" else value
    return found
