"""PBS's words for states, in ours. Sources: job.h of OpenPBS, the guides of PBS and Torque."""

from collections.abc import Collection, Mapping

from cloudmesh_sdk.models import JobState, NodeState, QueueState

JOB_STATES: Mapping[str, JobState] = {
    "B": JobState.RUNNING,  # an array of which some began; `records` looks closer
    "E": JobState.EXITING,
    "H": JobState.HELD,
    "Q": JobState.PENDING,
    "R": JobState.RUNNING,
    "S": JobState.SUSPENDED,
    "T": JobState.PENDING,  # on its way to a queue
    "U": JobState.SUSPENDED,  # its workstation's user came back
    "W": JobState.PENDING,  # for its time
}
"""Every state of a job that is not over; M (moved to another server) is unknown here."""

OVER = frozenset({"F", "X", "C"})
"""Finished; one of an array that ended; completed (Torque)."""

WAITS_FOR_OTHERS = 22
"""Substate of a job that PBS itself holds until others are over: no hold that a user releases."""

ENDS: Mapping[int, JobState] = {
    91: JobState.CANCELLED,
    92: JobState.DONE,
    93: JobState.FAILED,
    94: JobState.UNKNOWN,  # moved
}
"""Substates of a job that is over."""

OWN_CODES: Mapping[int, str] = {
    -1: "could not be begun",
    -2: "could not be begun",
    -3: "could not be begun, and is tried again",
    -4: "its node was restarted",
    -5: "its node was restarted",
    -6: "its node was restarted",
    -7: "could not be begun again",
    -10: "its user cannot run jobs there",
    -11: "was begun again",
    -12: "was checkpointed",
    -13: "a wrong password",
    -17: "a hook refused it",
    -19: "a hook deleted it",
    -20: "its first node was lost",
    -21: "a directory of PBS is open to others",
    -22: "a hook failed",
    -24: "used more cores than it asked for",
    -25: "used more cores than it asked for",
    -26: "used more virtual memory than it asked for",
    -27: "used more memory than it asked for",
    -28: "used more CPU time than it asked for",
    -29: "ran longer than its walltime",
    -30: "its nodes could not join",
}
"""Exit statuses that PBS itself gives (JOB_EXEC_... in job.h)."""

TORQUE_CODES: Mapping[int, str] = {
    **{code: OWN_CODES[code] for code in range(-7, 0)},
    -8: "its command could not be run",
    -9: "its output could not be opened",
    -10: "used more memory than it asked for",
    -11: "ran longer than its walltime",
    -12: "used more CPU time than it asked for",
    -13: "could not be begun, and is tried again",
    -14: "could not be begun, and is tried again",
}
"""Those of Torque (Administrator Guide 6.1, Job exit status)."""

TIMEOUT = "ran longer than its walltime"

_QUEUES: Mapping[tuple[bool, bool], QueueState] = {
    (True, True): QueueState.OPEN,
    (False, True): QueueState.DRAINING,
    (True, False): QueueState.STOPPED,
    (False, False): QueueState.CLOSED,
}
_NODES: tuple[tuple[frozenset[str], NodeState, NodeState], ...] = (
    (
        frozenset({
            "down", "state-unknown", "unresolvable", "unresolved", "stale", "unknown", "sleep",
        }),
        NodeState.DOWN, NodeState.DOWN,
    ),
    (frozenset({"offline", "maintenance"}), NodeState.DRAINED, NodeState.DRAINING),
    (frozenset({"job-busy", "job-exclusive", "busy"}), NodeState.BUSY, NodeState.BUSY),
    (frozenset({"resv-exclusive"}), NodeState.RESERVED, NodeState.RESERVED),
    (frozenset({"job-sharing"}), NodeState.MIXED, NodeState.MIXED),
    (frozenset({"free"}), NodeState.IDLE, NodeState.MIXED),
)  # fmt: skip
"""Words for a node, and what they mean where it has no jobs, and where it has; the first counts."""


def queue_state(enabled: str, started: str) -> QueueState:
    """Return the state of a queue that takes jobs or not, and runs them or not."""
    said = {"True": True, "False": False}
    if enabled not in said or started not in said:
        return QueueState.UNKNOWN
    return _QUEUES[said[enabled], said[started]]


def node_state(words: Collection[str], *, used: bool) -> NodeState:
    """Return the state of a node, of which PBS says several words; `used` if it has jobs."""
    said = {word.strip().lower() for word in words}
    found = (with_jobs if used else idle for some, idle, with_jobs in _NODES if some & said)
    return next(found, NodeState.UNKNOWN)
