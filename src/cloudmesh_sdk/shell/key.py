"""`cm key`."""

from pathlib import Path
from typing import Any

import click

from cloudmesh_sdk.errors import ConflictError
from cloudmesh_sdk.mesh.keys import Key, fingerprint
from cloudmesh_sdk.models import Keypair
from cloudmesh_sdk.shell import codes, params
from cloudmesh_sdk.shell.app import Group
from cloudmesh_sdk.shell.lists import listing, show_view
from cloudmesh_sdk.shell.output import Look, looks, note, print_rows, show, tell_sources
from cloudmesh_sdk.shell.session import Session
from cloudmesh_sdk.tables import visible

_USUAL = ("id_ed25519.pub", "id_ecdsa.pub", "id_rsa.pub")
"""Files that ssh-keygen writes, most wanted first."""


@click.group("key", cls=Group)
def key_command() -> None:
    """Keep your public SSH keys, here and at the clouds."""


@key_command.command("list")
@looks
@click.pass_obj
def list_keys(session: Session, look: Look) -> None:
    """List your own keys and the clouds that have them."""
    keys = session.mesh.keys()
    show(session, keys, Key, look)
    if not keys:
        note("cm key add NAME FILE adds one")


@key_command.command("clouds")
@listing
@click.pass_obj
def list_keypairs(session: Session, /, clouds: tuple[str, ...], **options: Any) -> int:
    """List all keypairs that clouds (the active ones) have, as last seen."""
    return show_view(session, Keypair, clouds, **options)


@key_command.command("add")
@click.argument("name")
@click.argument("file", required=False, metavar="[FILE]")
@click.option("--force", is_flag=True, help="Replace another key of this name.")
@looks
@click.pass_obj
def add(session: Session, name: str, file: str | None, force: bool, look: Look) -> None:
    """Keep a public key: its FILE, or its text; else the one that ssh-keygen made.

    Clouds get it when a server needs it, or by `cm key upload`.
    """
    mesh, path = session.mesh, file or _own()
    kept = mesh.keys()
    old = next((key for key in kept if key.name == name), None)
    if old is not None and not force and _mark(path) != old.fingerprint:
        raise ConflictError(
            f"there is another key named {name!r} ({old.fingerprint}); --force replaces it"
        )
    show(session, [mesh.add_key(name, path)], Key, look)


def _mark(key: str) -> str:
    """Return the fingerprint of a key, given as text or as a file; empty where it is unreadable."""
    try:
        text = key if " " in key.strip() else Path(key).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):  # adding it says what is wrong
        return ""
    return fingerprint(text)


def _own() -> str:
    folder = Path("~/.ssh").expanduser()
    for name in _USUAL:
        if (folder / name).exists():
            return str(folder / name)
    raise click.UsageError(f"there is no public key in {folder}; ssh-keygen -t ed25519 makes one")


@key_command.command("default")
@click.argument("name", type=params.KEY, required=False)
@click.pass_obj
def default(session: Session, name: str | None) -> None:
    """Show the key that new servers get; with NAME, set it."""
    mesh = session.mesh
    found = mesh.default("key", name) if name else mesh.default("key")
    print(visible(found.value or ""))
    note(f"from: {found.source}")


@key_command.command("delete")
@click.argument("name", type=params.KEY)
@params.cloud_option
@click.pass_obj
def delete(session: Session, name: str, cloud: str | None) -> None:
    """Forget a key here; with --cloud, take it off a cloud instead."""
    session.acted = cloud is not None
    session.mesh.delete_key(name, cloud=cloud)
    note(f"the key {name} is gone from {cloud or 'here'}")


@key_command.command("upload")
@click.argument("name", type=params.KEY, required=False)
@click.option("--cloud", "clouds", type=params.CLOUD, multiple=True, metavar="NAME")
@looks
@click.pass_obj
def upload(session: Session, name: str | None, clouds: tuple[str, ...], look: Look) -> int:
    """Put a key (the default one) on clouds (the active ones)."""
    session.acted = True
    found = session.mesh.upload_key(name, cloud=clouds or None)
    print_rows(session, found, Keypair, look)
    tell_sources(found, quiet=True)
    return codes.outcome(found)
