"""Queue managers in cloudmesh.yaml, and the machines that share one."""

from collections.abc import Mapping
from typing import Any, ClassVar

import attrs

from cloudmesh_sdk.config import checks
from cloudmesh_sdk.config.entries import OURS, Entry, fields
from cloudmesh_sdk.document import Place, kind_of

INTERVAL = 30.0
"""Seconds between two lists of a manager, where nothing else is said."""

UNASSIGNED = "unassigned"
"""The machine of what no rule claims; nothing that is configured has this name."""

QUEUE_DEFAULTS = ("queue", "account", "walltime")
"""What the `defaults` of a queue manager may name."""

_OURS = (*OURS, "machines", "interval", "floor", "shared")
_RULES = ("queues", "nodes", "accounts")


@attrs.frozen(kw_only=True)
class MachineConfig:
    """One machine of a manager: what of the manager's is its own. Any rule that fits is enough."""

    name: str
    queues: tuple[str, ...] = ()
    """Names of queues; `*` and `?` stand for letters, `[1-9]` for numbers."""
    nodes: tuple[str, ...] = ()
    """Names of nodes, in the same way."""
    accounts: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class QueueConfig(Entry):
    """One queue manager of the file."""

    section: ClassVar[str] = "queues"

    machines: Mapping[str, MachineConfig] = attrs.field(factory=dict)
    """Empty where it is one machine, with the name of the manager."""
    interval: float = INTERVAL
    """Seconds between two lists, at least."""
    floor: float = 0.0
    """Seconds below which the site wants no `interval` to be."""
    shared: bool = True
    """Whether all users of a store see one list; not so where the site shows each only his own."""


def queue(name: str, entry: Any, place: Place) -> QueueConfig:
    """Return the entry of a queue manager; raises `ConfigError`."""
    common = fields(QueueConfig.section, name, entry, place, ours=_OURS, defaults=QUEUE_DEFAULTS)
    key = (QueueConfig.section, name)
    machines = checks.section(entry, "machines", place, *key)
    return QueueConfig(
        **common,
        machines={m: _machine(m, rules, place, *key) for m, rules in machines.items()},
        interval=checks.seconds(entry, "interval", place, *key, default=INTERVAL),
        floor=checks.seconds(entry, "floor", place, *key, default=0.0),
        shared=checks.flag(entry, "shared", place, *key),
    )


def distinct(
    queues: Mapping[str, QueueConfig], clouds: Mapping[str, Any], place: Place
) -> Mapping[str, QueueConfig]:
    """Return queue managers; refuses names that would mean two things."""
    taken = {UNASSIGNED: "what no machine owns", **{name: f"cloud {name}" for name in clouds}}
    for name, entry in queues.items():
        for called in dict.fromkeys((name, *entry.machines)):
            if called in taken:
                where = (QueueConfig.section, name)
                key = where if called == name else (*where, "machines", called)
                place.wrong(f"the name is taken by {taken[called]}; give it another one", *key)
        taken |= dict.fromkeys((name, *entry.machines), f"queue manager {name}")
    return queues


def _machine(name: str, rules: Any, place: Place, *above: str) -> MachineConfig:
    key = (*above, "machines", name)
    if not isinstance(rules, dict) or not rules:
        found = kind_of(rules) if rules else "nothing"
        place.wrong(f"a mapping with {', '.join(_RULES)} was wanted, found {found}", *key)
    checks.known(rules, _RULES, place, *key)
    given = {rule: checks.texts(value, place, *key, rule) for rule, value in rules.items()}
    return MachineConfig(name=name, **given)
