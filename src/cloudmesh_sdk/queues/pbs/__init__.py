"""OpenPBS, PBS Professional and Torque, by their commands here or over SSH."""

from cloudmesh_sdk.queues.pbs.queue import PbsQueue
from cloudmesh_sdk.queues.pbs.settings import PbsSettings

__all__ = ["PbsQueue", "PbsSettings"]
