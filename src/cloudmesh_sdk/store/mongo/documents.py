"""The stored documents as MongoEngine classes: schema, indexes, and one object at a time.

Lists and bulk writes go past them (a document costs twenty times a plain row); what they save
is what the store reads, and the other way round:

    with store.documents() as documents:
        for user in documents.User.objects(email__endswith="@example.org"): ...
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar

import mongoengine as me
from pymongo.database import Database

_DATABASE: ContextVar[Database[dict[str, Any]]] = ContextVar("database")


@contextmanager
def using(database: Database[dict[str, Any]]) -> Iterator[None]:
    """Let the documents stand for a database within this block (and this thread)."""
    token = _DATABASE.set(database)
    try:
        yield
    finally:
        _DATABASE.reset(token)


class _Document(me.DynamicDocument):  # type: ignore[misc]
    """A document of the database that is in use; no connection of MongoEngine's own."""

    meta: ClassVar[dict[str, Any]] = {"abstract": True, "auto_create_index": False}

    @classmethod
    def _get_collection(cls) -> Any:
        return _DATABASE.get()[cls._get_collection_name()]


class _Row(_Document):
    """What every row of the view has."""

    meta: ClassVar[dict[str, Any]] = {"abstract": True, "auto_create_index": False}

    row_id = me.StringField(primary_key=True)
    """`owner/cloud/native id`."""
    cloud = me.StringField(required=True)
    native_id = me.StringField(required=True, db_field="id")
    name = me.StringField(required=True)
    seen = me.DateTimeField()
    missing = me.DateTimeField()
    touched = me.DateTimeField()
    """When an act here last wrote it: newer than any list that was asked for before."""
    digest = me.BinaryField(db_field="h")

    def clean(self) -> None:
        """Drop the digest: the next refresh then sees that the row was changed by hand."""
        self.digest = None


class Server(_Row):
    """A virtual machine."""

    meta: ClassVar[dict[str, Any]] = {"collection": "servers", "auto_create_index": False}

    state = me.StringField(required=True)
    image = me.StringField()
    flavor = me.StringField()
    key_name = me.StringField(db_field="key")
    public_ips = me.ListField(me.StringField())
    private_ips = me.ListField(me.StringField())
    zone = me.StringField()
    security_groups = me.ListField(me.StringField())
    tags = me.DictField()
    created = me.DateTimeField()
    token = me.StringField()
    fault = me.StringField()


class Image(_Row):
    """Something a server can be started from."""

    meta: ClassVar[dict[str, Any]] = {"collection": "images", "auto_create_index": False}

    architecture = me.StringField()
    min_ram = me.IntField()
    min_disk = me.IntField()
    public = me.BooleanField()
    created = me.DateTimeField()


class Flavor(_Row):
    """A size a server can have."""

    meta: ClassVar[dict[str, Any]] = {"collection": "flavors", "auto_create_index": False}

    vcpus = me.IntField()
    ram = me.IntField()
    disk = me.IntField()
    gpus = me.IntField(default=0)
    architectures = me.ListField(me.StringField())
    price = me.FloatField()


class Keypair(_Row):
    """The public half of an SSH key at a cloud."""

    meta: ClassVar[dict[str, Any]] = {"collection": "keypairs", "auto_create_index": False}

    fingerprint = me.StringField()
    public_key = me.StringField()


class Cloud(_Document):
    """What is known of a cloud of an owner: kind → when it last answered, how, since when not."""

    meta: ClassVar[dict[str, Any]] = {"collection": "clouds", "auto_create_index": False}

    key = me.StringField(primary_key=True)
    """`owner/cloud`."""
    cloud = me.StringField(required=True)
    kinds = me.DictField()


class Event(_Document):
    """Something that happened to a server; kept for 90 days."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "events",
        "auto_create_index": False,
        "indexes": [("of", "at"), {"fields": ["at"], "expireAfterSeconds": 90 * 86400}],
    }

    of = me.StringField(required=True)
    """`_id` of the server."""
    at = me.DateTimeField(required=True)
    what = me.StringField(required=True)
    detail = me.StringField()


class Operation(_Document):
    """Something asked for."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "operations",
        "auto_create_index": False,
        "indexes": [("owner", "-created"), ("state", "-created")],
    }

    key = me.StringField(primary_key=True)
    owner = me.StringField(required=True)
    act = me.StringField(required=True)
    cloud = me.StringField(required=True)
    target = me.StringField(required=True)
    token = me.StringField(required=True)
    request = me.DictField()
    state = me.StringField(required=True)
    attempts = me.IntField(default=0)
    runner = me.StringField()
    lease = me.DateTimeField()
    result = me.StringField()
    error = me.DictField(null=True)
    created = me.DateTimeField(required=True)
    sent = me.DateTimeField()
    doubted = me.DateTimeField()
    finished = me.DateTimeField()


class User(_Document):
    """A user of the mesh."""

    meta: ClassVar[dict[str, Any]] = {"collection": "users", "auto_create_index": False}

    username = me.StringField(primary_key=True)
    email = me.StringField(default="")
    active = me.DateTimeField()


class Default(_Document):
    """The defaults of one scope of an owner: `""` is the user's own, else a cloud."""

    meta: ClassVar[dict[str, Any]] = {"collection": "defaults", "auto_create_index": False}

    key = me.StringField(primary_key=True)
    """`owner/scope/`."""
    scope = me.StringField()
    values = me.DictField()


class Counter(_Document):
    """The last number that was given out under a name."""

    meta: ClassVar[dict[str, Any]] = {"collection": "counters", "auto_create_index": False}

    key = me.StringField(primary_key=True)
    """`owner/name`."""
    last = me.IntField(required=True)


DOCUMENTS = (
    Server, Image, Flavor, Keypair, Cloud, Event, Operation, User, Default, Counter,
)  # fmt: skip
"""Every class with a collection of its own."""
