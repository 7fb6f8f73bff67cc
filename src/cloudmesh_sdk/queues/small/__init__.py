"""A small scheduler for one machine: what the local queue and the one in memory share."""

from cloudmesh_sdk.queues.small.queue import SmallQueue
from cloudmesh_sdk.queues.small.table import Table

__all__ = ["SmallQueue", "Table"]
