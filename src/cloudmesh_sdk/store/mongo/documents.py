"""The stored documents as MongoEngine classes: schema, indexes, and one object at a time.

Lists and bulk writes go past them (a document costs twenty times a plain row); what they save
is what the store reads, and the other way round:

    with store.documents() as documents:
        for user in documents.User.objects(email__endswith="@example.org"): ...
"""

from typing import Any, ClassVar

import mongoengine as me

from cloudmesh_sdk.store.mongo.database import Document, using
from cloudmesh_sdk.store.mongo.inventory import (
    Flavor,
    FloatingIP,
    Image,
    Job,
    Keypair,
    Network,
    Node,
    Port,
    QueueInfo,
    Router,
    Rule,
    SecurityGroup,
    Server,
    Snapshot,
    Subnet,
    Volume,
)

__all__ = [
    "DOCUMENTS", "Cloud", "Counter", "Default", "Event", "Flavor", "FloatingIP", "Image", "Job",
    "Keypair", "Network", "Node", "Operation", "Poll", "Port", "Question", "QueueInfo", "Router",
    "Rule", "SecurityGroup", "Server", "Snapshot", "Subnet", "User", "Volume", "using",
]  # fmt: skip


class Cloud(Document):
    """What is known of a cloud of an owner: kind → when it last answered, how, since when not."""

    meta: ClassVar[dict[str, Any]] = {"collection": "clouds", "auto_create_index": False}

    key = me.StringField(primary_key=True)
    """`owner/cloud`."""
    cloud = me.StringField(required=True)
    kinds = me.DictField()


class Event(Document):
    """Something that happened to a record; kept for 90 days, or until `until`."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "events",
        "auto_create_index": False,
        "indexes": [
            ("of", "at"),
            {"fields": ["at"], "expireAfterSeconds": 90 * 86400},
            {"fields": ["until"], "expireAfterSeconds": 0},
        ],
    }

    of = me.StringField(required=True)
    """`_id` of the record."""
    kind = me.StringField(default="servers")
    at = me.DateTimeField(required=True)
    what = me.StringField(required=True)
    detail = me.StringField()
    until = me.DateTimeField()


class Operation(Document):
    """Something asked for."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "operations",
        "auto_create_index": False,
        "indexes": [
            ("owner", "-created"),
            ("state", "-created"),
            ("cloud", "state", "owner", "created"),
            {"fields": ["until"], "expireAfterSeconds": 0},
        ],
    }

    key = me.StringField(primary_key=True)
    owner = me.StringField(required=True)
    act = me.StringField(required=True)
    cloud = me.StringField(required=True)
    target = me.StringField(required=True)
    token = me.StringField(required=True)
    request = me.DictField()
    parcel = me.DictField()
    state = me.StringField(required=True)
    later = me.BooleanField(default=False)
    done = me.IntField(default=0)
    total = me.IntField(default=1)
    message = me.StringField(default="")
    attempts = me.IntField(default=0)
    runner = me.StringField()
    lease = me.DateTimeField()
    result = me.StringField()
    results = me.ListField(me.StringField())
    account = me.StringField()
    withheld = me.ListField(me.StringField())
    retry_of = me.StringField()
    error = me.DictField(null=True)
    created = me.DateTimeField(required=True)
    sent = me.DateTimeField()
    doubted = me.DateTimeField()
    finished = me.DateTimeField()
    cancelling = me.DateTimeField()
    until = me.DateTimeField()
    """When it is dropped; refreshes alone are."""


class User(Document):
    """A user of the mesh."""

    meta: ClassVar[dict[str, Any]] = {"collection": "users", "auto_create_index": False}

    username = me.StringField(primary_key=True)
    email = me.StringField(default="")
    active = me.DateTimeField()


class Default(Document):
    """The defaults of one scope of an owner: `""` is the user's own, else a cloud."""

    meta: ClassVar[dict[str, Any]] = {"collection": "defaults", "auto_create_index": False}

    key = me.StringField(primary_key=True)
    """`owner/scope/`."""
    scope = me.StringField()
    values = me.DictField()


class Counter(Document):
    """The last number that was given out under a name."""

    meta: ClassVar[dict[str, Any]] = {"collection": "counters", "auto_create_index": False}

    key = me.StringField(primary_key=True)
    """`owner/name`."""
    last = me.IntField(required=True)


class Poll(Document):
    """The turn of a question to a service that is shared: who asks it, since when."""

    meta: ClassVar[dict[str, Any]] = {"collection": "polls", "auto_create_index": False}

    key = me.StringField(primary_key=True)
    """`scope/question/`."""
    holder = me.StringField()
    claim = me.StringField()
    """Which of the holder's calls took the turn."""
    until = me.DateTimeField()
    """When the lease is over."""
    asked = me.DateTimeField()
    after = me.DateTimeField()
    """Not asked again before then."""


class Question(Document):
    """A question that a service was asked; kept for a day."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "questions",
        "auto_create_index": False,
        "indexes": [("scope", "at"), {"fields": ["at"], "expireAfterSeconds": 86400}],
    }

    scope = me.StringField(required=True)
    at = me.DateTimeField(required=True)
    what = me.StringField(required=True)
    calls = me.IntField()
    elapsed = me.FloatField()
    by = me.StringField()
    error = me.StringField()


DOCUMENTS = (
    Server, Image, Flavor, Keypair, SecurityGroup, Network, Subnet, Router, Port, FloatingIP,
    Volume, Snapshot, Job, QueueInfo, Node, Cloud, Event, Operation, User, Default, Counter,
    Poll, Question,
)  # fmt: skip
"""Every class with a collection of its own."""
