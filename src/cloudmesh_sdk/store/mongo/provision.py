"""Making a fresh embedded server usable: keys, replica set, users. Any step may be repeated."""

import json
import secrets
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from pymongo import MongoClient
from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError

from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.store.mongo.ailments import disk_full, why
from cloudmesh_sdk.store.mongo.places import DATABASE_USER, Place, read_json, write_private

_ROOT = "root"
_EXISTS = 51003
"""Error code: a user of that name is there."""
_INITIALIZED = 23
"""Error code: the replica set is there."""
_UNSETTLED = 2.0
"""Seconds in which a busy server that just came up may refuse what it does soon."""
_DENIED = (13, 18)
"""Error codes: users exist, so an anonymous client may do nothing; wrong password."""


def write_secrets(where: Place) -> None:
    """Write key and passwords, once, before any user is made: a start cut short is repeatable."""
    if not where.keyfile.exists():
        write_private(where.keyfile, secrets.token_hex(256))
    if not read_json(where.secrets):
        made = {"root": secrets.token_urlsafe(32), "app": secrets.token_urlsafe(32)}
        write_private(where.secrets, json.dumps(made))


def mark_ready(where: Place, pid: int, version: str) -> None:
    """Note that the server of this process id may be used."""
    write_private(where.ready, json.dumps({"pid": pid, "version": version}))


def provision(where: Place, socket: str, end: float) -> str:
    """Make replica set and users where they are missing; return the server's version.

    Raises `StoreError` where that is not done at the moment `end` (of `time.monotonic`).
    """
    known, soon = read_json(where.secrets), 0.0
    while True:
        try:
            return _settle(socket, known, end)
        except PyMongoError as error:
            soon = soon or min(end, time.monotonic() + _UNSETTLED)
            # it may close connections while it becomes primary
            last = end if isinstance(error, AutoReconnect) else soon
            if time.monotonic() > last or disk_full(where):
                said = str(error).partition(", full error")[0].replace("\n", " ")
                raise StoreError(
                    f"the embedded MongoDB cannot be set up: {said}; its log: {why(where)}"
                ) from error
            time.sleep(0.05)


def _settle(socket: str, known: Mapping[str, str], end: float) -> str:
    with _client(socket) as client:
        _initiate(client, socket)
        if _is_stranger(client):
            _readdress(socket, known["root"])
        _await_primary(client, end)
        _make_user(client, _ROOT, known["root"], "root")
    with _client(socket, _ROOT, known["root"]) as client:
        _make_user(client, DATABASE_USER, known["app"], "readWriteAnyDatabase")
        return str(client.server_info()["version"])


def _client(socket: str, user: str = "", password: str = "") -> MongoClient[dict[str, Any]]:
    login = f"{user}:{quote(password, safe='')}@" if user else ""
    uri = f"mongodb://{login}{quote(socket, safe='')}/?directConnection=true"
    return MongoClient(uri, serverSelectionTimeoutMS=5000, retryWrites=False)


def _initiate(client: MongoClient[dict[str, Any]], socket: str) -> None:
    if client.admin.command("hello").get("setName"):
        return
    # a member must reach itself by its name: the path of the socket
    config = {"_id": "cloudmesh", "members": [{"_id": 0, "host": socket}]}
    try:
        client.admin.command("replSetInitiate", config)
    except OperationFailure as error:
        if error.code not in (_INITIALIZED, *_DENIED):
            raise


def _is_stranger(client: MongoClient[dict[str, Any]]) -> bool:
    """Tell whether the server does not find itself in its replica set."""
    hello = client.admin.command("hello")
    return "setName" not in hello and bool(hello.get("isreplicaset"))


def _readdress(socket: str, password: str) -> None:
    """Tell a server whose data directory was moved its new name, the path of its socket."""
    with _client(socket, _ROOT, password) as client:
        config = client.admin.command("replSetGetConfig")["config"]
        config["members"][0]["host"] = socket
        config["version"] += 1
        client.admin.command("replSetReconfig", config, force=True)


def _await_primary(client: MongoClient[dict[str, Any]], end: float) -> None:
    while not client.admin.command("hello").get("isWritablePrimary"):
        if time.monotonic() > end:
            raise StoreError("the embedded MongoDB did not become ready in time; try again")
        time.sleep(0.02)


def _make_user(client: MongoClient[dict[str, Any]], name: str, password: str, role: str) -> None:
    """Make a user; the first one may be made without a login (the localhost exception)."""
    try:
        client.admin.command(
            "createUser", name, pwd=password, roles=[role], mechanisms=["SCRAM-SHA-256"],
            writeConcern={"w": "majority"},
        )  # fmt: skip
    except OperationFailure as error:
        if error.code not in (_EXISTS, *_DENIED):
            raise
