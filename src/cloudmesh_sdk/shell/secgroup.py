"""`cm secgroup`: firewall rules. No port is opened unless it is said for whom."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from cloudmesh_sdk.errors import CloudmeshError, NotFoundError
from cloudmesh_sdk.models import SecurityGroup
from cloudmesh_sdk.shell import params, rules
from cloudmesh_sdk.shell.app import Group
from cloudmesh_sdk.shell.lists import listing, show_view
from cloudmesh_sdk.shell.output import Look, looks, note, print_rows, show, warn
from cloudmesh_sdk.shell.records import FORMAT, show_record
from cloudmesh_sdk.shell.removing import remove
from cloudmesh_sdk.shell.session import Session

F = TypeVar("F", bound=Callable[..., Any])

_RULE: tuple[Callable[[Any], Any], ...] = (
    click.argument("name", type=params.GROUP),
    click.option("--port", metavar="N|all", help="Port, or the first of several."),
    click.option("--to", "last", type=click.IntRange(0, 65535), metavar="N", help="Last port."),
    click.option("--protocol", default="tcp", metavar="NAME", help="tcp, udp, icmp … or any."),
    click.option(
        "--from", "remote", required=True, metavar="CIDR|GROUP",
        help="Who may come in (with --egress: where to it may go); 0.0.0.0/0 is everybody.",
    ),
    click.option("--egress", is_flag=True, help="For what goes out."),
    params.cloud_option,
)  # fmt: skip
"""What names a rule, for adding and for deleting it."""


def _names_rule(command: F) -> F:
    found: Any = command
    for option in reversed(_RULE):
        found = option(found)
    return found  # type: ignore[no-any-return]


@click.group("secgroup", cls=Group)
def secgroup_command() -> None:
    """Look after security groups: who may reach your servers, on which ports."""


@secgroup_command.command("list")
@listing
@click.pass_obj
def list_groups(session: Session, /, clouds: tuple[str, ...], **options: Any) -> int:
    """List the security groups of clouds (the active ones) as last seen."""
    return show_view(session, SecurityGroup, clouds, **options)


@secgroup_command.command("show")
@click.argument("name", type=params.GROUP)
@params.cloud_option
@looks
@click.pass_obj
def show_group(session: Session, name: str, cloud: str | None, look: Look) -> None:
    """List the rules of a security group, as the cloud has them now."""
    _print(session, _fresh(session, name, cloud), look)


@secgroup_command.command("info")
@click.argument("name", type=params.GROUP)
@params.cloud_option
@FORMAT
@click.pass_obj
def info(session: Session, name: str, cloud: str | None, format: str) -> None:  # noqa: A002
    """Show a security group, by name or id, with the cloud's own data."""
    show_record(session.mesh.security_group(cloud, name), format)


@secgroup_command.command("create")
@click.argument("name")
@click.option("--description", default="", metavar="TEXT", help="What it is for.")
@params.cloud_option
@looks
@click.pass_obj
def create(session: Session, name: str, description: str, cloud: str | None, look: Look) -> None:
    """Create a security group; it lets nothing in until you add a rule."""
    session.acted = True
    found = session.mesh.create_security_group(name, description, cloud=cloud)
    print_rows(session, [found], SecurityGroup, look)


@secgroup_command.command("delete")
@click.argument("names", type=params.GROUP, nargs=-1, required=True, metavar="NAME...")
@params.cloud_option
@params.yes_option
@click.pass_obj
def delete(session: Session, names: tuple[str, ...], cloud: str | None, yes: bool) -> int:
    """Delete security groups; one that a server uses is refused by its cloud."""
    found = [session.mesh.security_group(cloud, name) for name in names]
    drop = session.mesh.delete_security_group
    return remove(session, "delete", found, drop, done="gone", yes=yes)


@secgroup_command.group("rule", cls=Group)
def rule_command() -> None:
    """Add and delete rules.

    cm secgroup rule add web --port 80 --from 10.0.0.0/8
    """


@rule_command.command("add")
@_names_rule
@looks
@click.pass_obj
def add(
    session: Session, /, name: str, cloud: str | None, remote: str, look: Look, **asked: Any
) -> None:
    """Let somebody in (or out, with --egress): --from says whom, and must be said."""
    group = session.mesh.security_group(cloud, name)
    rule = rules.rule(**asked, remote=_remote(session, group, remote))
    session.acted = True
    found = session.mesh.allow(group, rule)
    if warning := rules.warning(rule):
        warn(f"{group.cloud}: {group.name}: {warning}")
    _print(session, found, look)


@rule_command.command("delete")
@_names_rule
@looks
@click.pass_obj
def take(
    session: Session, /, name: str, cloud: str | None, remote: str, look: Look, **asked: Any
) -> None:
    """Take a rule away, named as it was added; `cm secgroup show` lists them."""
    group = _fresh(session, name, cloud)
    rule = rules.rule(**asked, remote=_remote(session, group, remote))
    if rule not in group.rules:
        raise NotFoundError(
            f"{group.cloud}: the security group {group.name} has no rule {rules.words(rule)}; "
            f"cm secgroup show {group.name} lists those it has"
        )
    session.acted = True
    _print(session, session.mesh.revoke(group, rule), look)


def _fresh(session: Session, name: str, cloud: str | None) -> SecurityGroup:
    """Return a group as its cloud has it now: nobody is to be told that a port is shut that is not.

    Raises what the cloud raised where it does not answer.
    """
    known = session.mesh.security_group(cloud, name)
    session.mesh.refresh([known.cloud], [SecurityGroup.kind]).complete()
    return session.mesh.security_group(known.cloud, known.id)


def _remote(session: Session, group: SecurityGroup, remote: str) -> str:
    """Return a range of addresses, or the id of the group that a name means at the same cloud."""
    if (known := rules.cidr(remote)) is not None:
        return known
    try:
        return session.mesh.security_group(group.cloud, remote).id
    except NotFoundError as error:
        text = f"--from wants a range such as 10.0.0.0/8, or a security group: {error}"
        raise NotFoundError(text) from error


def _print(session: Session, group: SecurityGroup, look: Look) -> None:
    """Print the rules of a group, groups in them by name."""
    try:
        groups = session.mesh.security_groups(group.cloud)
    except CloudmeshError:  # ids will do
        groups = []  # type: ignore[assignment]
    named = {known.id: known.name for known in groups}
    rows = rules.rows(group, named)
    show(session, rows, rules.RuleRow, look)
    if not rows:
        note(f"{group.cloud}: {group.name} has no rules: it lets nothing in, and nothing out")
