"""`cm image`."""

from typing import Any

import click

from cloudmesh_sdk.models import Image
from cloudmesh_sdk.shell import params
from cloudmesh_sdk.shell.app import Group
from cloudmesh_sdk.shell.lists import listing, show_view
from cloudmesh_sdk.shell.records import FORMAT, show_record
from cloudmesh_sdk.shell.session import Session


@click.group("image", cls=Group)
def image_command() -> None:
    """List the images that a server can be started from."""


@image_command.command("list")
@listing
@click.pass_obj
def list_images(session: Session, /, clouds: tuple[str, ...], **options: Any) -> int:
    """List the images of clouds (the active ones) as last seen."""
    return show_view(session, Image, clouds, **options)


@image_command.command("info")
@click.argument("name", type=params.IMAGE)
@params.cloud_option
@FORMAT
@click.pass_obj
def info(session: Session, name: str, cloud: str | None, format: str) -> None:  # noqa: A002
    """Show an image, by name or id, with the cloud's own data."""
    show_record(session.mesh.image(cloud, name), format)
