"""Queue managers. `Queue` is the interface, the other names are abilities; the rest are drivers."""

from cloudmesh_sdk.queues.base import HasHistory, HasOutput, Queue

__all__ = ["HasHistory", "HasOutput", "Queue"]
