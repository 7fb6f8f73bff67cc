"""The stored records of the view as MongoEngine classes."""

from typing import Any, ClassVar

import mongoengine as me

from cloudmesh_sdk.store.mongo.database import Document


class _Row(Document):
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
    project = me.StringField()
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


class Rule(me.DynamicEmbeddedDocument):  # type: ignore[misc]
    """One permission of a security group."""

    direction = me.StringField()
    protocol = me.StringField()
    from_port = me.IntField()
    to_port = me.IntField()
    remote = me.StringField()


class SecurityGroup(_Row):
    """A named set of firewall rules."""

    meta: ClassVar[dict[str, Any]] = {"collection": "security_groups", "auto_create_index": False}

    description = me.StringField()
    rules = me.EmbeddedDocumentListField(Rule)


class Network(_Row):
    """A network that servers can be on."""

    meta: ClassVar[dict[str, Any]] = {"collection": "networks", "auto_create_index": False}

    state = me.StringField()
    subnets = me.ListField(me.StringField())
    external = me.BooleanField()
    shared = me.BooleanField()
    mtu = me.IntField()


class Subnet(_Row):
    """A range of addresses on a network."""

    meta: ClassVar[dict[str, Any]] = {"collection": "subnets", "auto_create_index": False}

    network = me.StringField()
    cidr = me.StringField()
    gateway = me.StringField()
    dhcp = me.BooleanField()
    dns = me.ListField(me.StringField())


class Router(_Row):
    """What joins networks."""

    meta: ClassVar[dict[str, Any]] = {"collection": "routers", "auto_create_index": False}

    state = me.StringField()
    external = me.StringField()


class Port(_Row):
    """A place on a network that something is plugged into."""

    meta: ClassVar[dict[str, Any]] = {"collection": "ports", "auto_create_index": False}

    state = me.StringField()
    network = me.StringField()
    addresses = me.ListField(me.StringField())
    mac = me.StringField()
    device = me.StringField()


class FloatingIP(_Row):
    """A public address that can be moved from server to server."""

    meta: ClassVar[dict[str, Any]] = {"collection": "floating_ips", "auto_create_index": False}

    state = me.StringField()
    network = me.StringField()
    port = me.StringField()
    private_ip = me.StringField()
    token = me.StringField()


class Volume(_Row):
    """A disk that outlives the servers it is attached to."""

    meta: ClassVar[dict[str, Any]] = {"collection": "volumes", "auto_create_index": False}

    state = me.StringField()
    size = me.IntField()
    server = me.StringField()
    device = me.StringField()
    type = me.StringField()
    zone = me.StringField()
    bootable = me.BooleanField()
    created = me.DateTimeField()
    token = me.StringField()


class Snapshot(_Row):
    """A volume as it was at one moment."""

    meta: ClassVar[dict[str, Any]] = {"collection": "snapshots", "auto_create_index": False}

    state = me.StringField()
    size = me.IntField()
    volume = me.StringField()
    created = me.DateTimeField()
    token = me.StringField()


class Job(_Row):
    """A job in a batch queue, or an array that its manager shows as one."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "jobs",
        "auto_create_index": False,
        # the rows of a manager are next to each other by `_id`; a week's tombstones are many more
        "indexes": [("missing", "_id"), ("user", "_id"), ("state", "_id")],
    }

    state = me.StringField(required=True)
    user = me.StringField(default="")
    account = me.StringField()
    queues = me.ListField(me.StringField())
    reason = me.StringField()
    priority = me.IntField()
    nodes = me.IntField()
    tasks = me.IntField()
    cores = me.IntField()
    memory = me.IntField()
    gpus = me.IntField()
    walltime = me.IntField()
    hosts = me.StringField(default="")
    array = me.StringField()
    indices = me.StringField(default="")
    throttle = me.IntField()
    index = me.IntField()
    count = me.IntField(default=1)
    submitted = me.DateTimeField()
    started = me.DateTimeField()
    ended = me.DateTimeField()
    exit_code = me.IntField()
    signal = me.IntField()
    depends = me.StringField()
    workdir = me.StringField()
    output = me.StringField()
    error = me.StringField()
    token = me.StringField()
    machines = me.ListField(me.StringField())


class QueueInfo(_Row):
    """A queue of a manager: what it allows, what is in it."""

    meta: ClassVar[dict[str, Any]] = {"collection": "queues", "auto_create_index": False}

    state = me.StringField(required=True)
    default = me.BooleanField(default=False)
    totals = me.DictField()
    nodes = me.IntField()
    hosts = me.StringField(default="")
    cores = me.IntField()
    memory = me.IntField()
    walltime = me.IntField()
    default_walltime = me.IntField()
    min_nodes = me.IntField()
    max_nodes = me.IntField()
    priority = me.IntField()
    machines = me.ListField(me.StringField())


class Node(_Row):
    """A machine that a queue manager runs jobs on."""

    meta: ClassVar[dict[str, Any]] = {"collection": "nodes", "auto_create_index": False}

    state = me.StringField(required=True)
    queues = me.ListField(me.StringField())
    cores = me.IntField()
    cores_used = me.IntField()
    memory = me.IntField()
    memory_used = me.IntField()
    gpus = me.IntField()
    load = me.FloatField()
    features = me.ListField(me.StringField())
    reason = me.StringField()
    machines = me.ListField(me.StringField())
