"""`cm cloud`."""

import re
from datetime import datetime
from typing import Any, ClassVar

import attrs
import click

from cloudmesh_sdk.config import CloudConfig
from cloudmesh_sdk.errors import CloudmeshError
from cloudmesh_sdk.shell import codes, params
from cloudmesh_sdk.shell.app import Group
from cloudmesh_sdk.shell.output import Look, looks, note, show, tell_sources
from cloudmesh_sdk.shell.records import FORMAT, show_record
from cloudmesh_sdk.shell.session import Session
from cloudmesh_sdk.tables import visible

_PASSWORD = re.compile(r"(\w://[^/@\s:]*:)[^/\s]*@")
"""The password within a URL (RFC 3986, userinfo)."""


@attrs.frozen(kw_only=True)
class CloudRow:
    """A cloud in the list of clouds."""

    columns: ClassVar[tuple[str, ...]] = (
        "cloud", "active", "driver", "default", "servers", "seen", "state",
    )  # fmt: skip

    cloud: str
    active: bool
    driver: str
    default: bool
    servers: int | None
    """As last seen; None where it was never asked."""
    seen: datetime | None
    state: str
    """`ok`, `failed` (see `error`), or empty where it was never asked."""
    error: str


@attrs.frozen(kw_only=True)
class HealthRow:
    """What a check of a cloud found."""

    columns: ClassVar[tuple[str, ...]] = (
        "cloud", "state", "version", "identity", "skew", "seconds", "detail",
    )  # fmt: skip

    cloud: str
    state: str
    version: str = ""
    identity: str = ""
    skew: float | None = None
    """Seconds our clock is ahead of the cloud's."""
    seconds: float | None = None
    """How long the check took."""
    detail: str = ""


@attrs.frozen(kw_only=True)
class CloudInfo:
    """A cloud as it is configured."""

    cloud: str
    driver: str
    active: bool
    file: str
    source: str | None
    """An account that stands elsewhere, whose options are below the entry's own."""
    options: dict[str, Any]
    defaults: dict[str, Any]


@click.group("cloud", cls=Group)
def cloud_command() -> None:
    """List clouds, switch them on and off, check them."""


@cloud_command.command("list")
@looks
@click.pass_obj
def list_clouds(session: Session, look: Look) -> None:
    """List the configured clouds; the active ones are asked and listed by all commands."""
    mesh = session.mesh
    if not mesh.config.clouds:
        note(f"no cloud is configured in {session.path}; cm register adds one, cm demo shows some")
    syncs = {s.cloud: s for s in mesh.store.view.syncs(mesh.user) if s.kind == "servers"}
    active = mesh.active
    chosen = next((d.value for d in mesh.defaults() if d.key == "cloud" and not d.cloud), None)
    rows = []
    for name, entry in mesh.config.clouds.items():
        sync = syncs.get(name)
        rows.append(
            CloudRow(
                cloud=name,
                active=name in active,
                driver=entry.driver,
                default=name == chosen,
                servers=sync.count if sync else None,
                seen=sync.refreshed if sync else None,
                state="" if sync is None else "failed" if sync.error else "ok",
                error=sync.error.message if sync and sync.error else "",
            )
        )
    show(session, rows, CloudRow, look)


def _switch(session: Session, names: tuple[str, ...], on: bool) -> None:
    for name in names:
        session.mesh.switch(name, on)
        note(f"{name} is {'on' if on else 'off'}")


@cloud_command.command("on")
@click.argument("names", type=params.CLOUD, nargs=-1, required=True, metavar="CLOUD...")
@click.pass_obj
def on(session: Session, names: tuple[str, ...]) -> None:
    """Make clouds active."""
    _switch(session, names, True)


@cloud_command.command("off")
@click.argument("names", type=params.CLOUD, nargs=-1, required=True, metavar="CLOUD...")
@click.pass_obj
def off(session: Session, names: tuple[str, ...]) -> None:
    """Leave clouds out; what was seen of them is kept."""
    _switch(session, names, False)


@cloud_command.command("info")
@click.argument("name", type=params.CLOUD)
@FORMAT
@click.pass_obj
def info(session: Session, name: str, format: str) -> None:  # noqa: A002
    """Show how a cloud is configured, without secrets."""
    mesh = session.mesh
    is_active = name in mesh.active
    mesh.clouds.require(name)
    entry = mesh.config.clouds[name]
    there = _resolved(entry)
    shown = CloudInfo(
        cloud=name,
        driver=entry.driver,
        active=is_active,
        file=entry.where.at("clouds", name),
        source=entry.source,
        options=shown_options(entry.driver, there),
        defaults=dict(entry.defaults),
    )
    show_record(shown, format)


def _resolved(entry: CloudConfig) -> dict[str, Any]:
    """Return the options of a cloud, those of an account elsewhere too, where that can be read."""
    try:
        return entry.resolved()
    except CloudmeshError as error:
        note(" ".join(str(error).split()))
        return dict(entry.options)


def shown_options(driver: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return options of a driver with references as they are and other secrets hidden."""
    from cloudmesh_sdk import plugins
    from cloudmesh_sdk.options import describe

    known = describe(plugins.load("providers", driver).Settings)
    scheme = ("env:", "file:", "keyring:", "cmd:")
    return {
        name: "(hidden)"
        if name in known and known[name].secret and not str(value).startswith(scheme)
        else _PASSWORD.sub(r"\1***@", value)
        if isinstance(value, str)
        else value
        for name, value in options.items()
    }


@cloud_command.command("check")
@params.clouds_argument
@looks
@click.pass_obj
def check(session: Session, clouds: tuple[str, ...], look: Look) -> int:
    """Ask clouds (the active ones) who we are there: credentials, version, clock."""
    gathered = session.mesh.check(clouds or None)
    show(session, health_rows(gathered), HealthRow, look)
    tell_sources(gathered, quiet=True)
    return codes.outcome(gathered)


def health_rows(gathered: Any) -> list[HealthRow]:
    """Return a row for every cloud that was checked."""
    found = {health.service: health for health in gathered}
    return [
        HealthRow(
            cloud=name, state="ok", version=found[name].version, identity=found[name].identity,
            skew=found[name].skew, seconds=round(source.elapsed or 0.0, 2),
            detail="; ".join(found[name].warnings),
        )
        if name in found
        else HealthRow(cloud=name, state="failed", detail=_line(source.error))
        for name, source in gathered.sources.items()
    ]  # fmt: skip


def _line(error: CloudmeshError | None) -> str:
    return " ".join(str(error or "").split())


@cloud_command.command("default")
@click.argument("name", type=params.CLOUD, required=False)
@click.pass_obj
def default(session: Session, name: str | None) -> None:
    """Show the cloud where servers start when none is named; with NAME, set it."""
    mesh = session.mesh
    found = mesh.default("cloud", name) if name else mesh.default("cloud")
    print(visible(found.value or ""))
    note(f"from: {found.source}")
