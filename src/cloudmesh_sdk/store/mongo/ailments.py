"""Why an embedded server does not work, in one line for people."""

import json
import os

from cloudmesh_sdk.store.mongo.places import Place


def why(where: Place) -> str:
    """Return why the server ended, in one line: a full disk, else its last grave message."""
    if full := disk_full(where):
        return full
    last = ""
    for path in (where.log, where.keeper_log):
        try:
            lines = path.read_bytes()[-20_000:].decode("utf-8", "replace").splitlines()
        except OSError:
            continue
        last = last or next(filter(None, map(_grave, reversed(lines))), "")
    return f"{last or 'it does not say why'} (see {where.log})"


def disk_full(where: Place) -> str:
    """Return a sentence where the disk of a place is full (below 4 MiB), else nothing."""
    try:
        found = os.statvfs(where.root)
    except OSError:
        return ""
    free = found.f_bavail * found.f_frsize
    return f"the disk of {where.root} is full" if free < 4 * 2**20 else ""


def _grave(line: str) -> str:
    try:
        entry = json.loads(line)
    except ValueError:
        return ""
    if not isinstance(entry, dict) or entry.get("s") not in ("E", "F"):
        return ""
    detail = entry.get("attr", {})
    detail = detail.get("error", detail.get("message", "")) if isinstance(detail, dict) else ""
    return f"{entry.get('msg', '')} {str(detail)[:200]}".strip().replace("\n", " ")
