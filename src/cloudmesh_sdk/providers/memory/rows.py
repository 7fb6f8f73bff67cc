"""Ways to documents in tables: by id, by token, by the next number."""

from collections.abc import Mapping
from typing import Any

from cloudmesh_sdk.errors import NotFoundError, near
from cloudmesh_sdk.providers.memory.documents import TOKEN, Document
from cloudmesh_sdk.providers.memory.place import Tables

_WORDS = {"groups": "security group", "floating_ips": "floating IP"}


def row(tables: Tables, kind: str, number: str, cloud: str) -> Document:
    """Return a document by its id; raises `NotFoundError`, naming near ids."""
    found: Document | None = tables[kind].get(number)
    if found is None:
        what = _WORDS.get(kind, kind.removesuffix("s"))
        hint = near(number, tables[kind])
        raise NotFoundError(f"{cloud} has no {what} with id {number}; {hint}")
    return found


def of_token(table: Mapping[str, Any], token: str) -> Document | None:
    """Return the document that a token made, None where there is none."""
    rows = table.values()
    return next((r for r in rows if token in (r.get("description"), _token(r))), None)


def _token(document: Document) -> str | None:
    token: str | None = document.get("metadata", {}).get(TOKEN)
    return token


def names(table: Mapping[str, Any]) -> set[str]:
    """Return the names in a table."""
    return {document["name"] for document in table.values()}


def number(tables: Tables, counter: str) -> int:
    """Return the next number of a counter."""
    tables["last"][counter] += 1
    return int(tables["last"][counter])


def note(tables: Tables, server: str, act: str, *, at: str) -> None:
    """Keep that something was done to a server."""
    entry = {
        "action": act, "start_time": at, "instance_uuid": server, "user_id": "you",
        "request_id": f"req-{number(tables, 'request'):08x}", "message": None,
    }  # fmt: skip
    tables["actions"][server] = [*tables["actions"].get(server, []), entry]
