"""Logging in to servers with the system's ssh."""

import os
import shlex
import shutil
from collections.abc import Sequence

import click

from cloudmesh_sdk.errors import ConflictError
from cloudmesh_sdk.models import Server
from cloudmesh_sdk.shell import choosing
from cloudmesh_sdk.shell.session import Session
from cloudmesh_sdk.tables import visible


def ssh(
    session: Session,
    name: str,
    command: Sequence[str],
    *,
    cloud: str | None,
    user: str | None,
    identity: str | None,
    private: bool,
    only_print: bool,
) -> None:
    """Become ssh to a server, or print the command; host keys are checked as ssh always does."""
    server = choosing.server(session, cloud, name)
    user = user or session.mesh.default("ssh_user", cloud=server.cloud).value
    address = _address(server, private=private)
    words = ["ssh", *(["-i", identity] if identity else [])]
    words += [f"{user}@{address}" if user else address, *command]
    if only_print:
        print(shlex.join(words))
        return
    program = shutil.which("ssh")
    if session.embedded:
        raise click.UsageError("ssh needs a terminal of its own; --print gives the command")
    if program is None:
        raise click.ClickException("ssh is not on PATH; install OpenSSH's client")
    session.close()  # this process becomes ssh
    os.execv(program, words)  # noqa: S606 - no shell; the user asked for it


def _address(server: Server, *, private: bool) -> str:
    """Return where to reach a server; raises `ConflictError` where it has no address."""
    known = server.private_ips if private else (*server.public_ips, *server.private_ips)
    if not known:
        kind = "private address" if private else "address"
        raise ConflictError(
            f"{server.name} has no {kind} (it is {server.state}); cm vm wait {server.name}"
        )
    if known[0].startswith("-") or visible(known[0]) != known[0]:  # ssh would take it for an option
        raise ConflictError(
            f"the cloud gives {server.name} the address {known[0]!r}, which is none"
        )
    return known[0]
