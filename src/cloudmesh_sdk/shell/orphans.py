"""`cm vm orphans`: servers that clouds and the journal do not agree about."""

import click

from cloudmesh_sdk.models import Orphan, OrphanKind
from cloudmesh_sdk.shell import codes, params
from cloudmesh_sdk.shell.output import Look, looks, note, show, tell_sources
from cloudmesh_sdk.shell.session import Session


@params.clouds_argument
@looks
@click.pass_obj
def orphans(session: Session, clouds: tuple[str, ...], look: Look) -> int:
    """Find servers that leaked, and such as are gone, at clouds (the active ones); asks them.

    leaked: it carries a token of Cloudmesh, and no operation answers for it. gone: it was started
    from here, nobody deleted it from here, and it is there no more. Nothing is changed. The price
    is in US dollars an hour, where the cloud tells it.
    """
    found = session.mesh.orphans(clouds or None)
    show(session, found, Orphan, look)
    tell_sources(found, quiet=look.chosen(session) != "table")
    if any(orphan.what == OrphanKind.LEAKED for orphan in found):
        note("what Cloudmesh started from another store may look leaked: look before you delete")
    return codes.outcome(found)
