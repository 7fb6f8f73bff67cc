"""The machines that share a queue manager: which of its jobs, queues and nodes are whose.

A machine owns what any of its rules claims, by names of queues, of nodes, of accounts. A job that
waits in queues of several machines is each one's; what no rule claims is `UNASSIGNED`, and a
manager without rules is one machine of its own name.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import attrs

from cloudmesh_sdk.config import MachineConfig, QueueConfig
from cloudmesh_sdk.config.queues import UNASSIGNED
from cloudmesh_sdk.errors import ConfigError, InvalidRequestError, near
from cloudmesh_sdk.mesh.names import hostlist, split
from cloudmesh_sdk.models import Job, JobState, Node, QueueInfo

_WAITING = (JobState.PENDING, JobState.HELD)
_BRACKET = re.compile(r"(\[[^\]]*\])")


class Patterns:
    """Names as rules give them: hostlists (`i[001-004]`), with `*` and `?` for letters.

    Raises `InvalidRequestError` for one that cannot be read.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = tuple(item.strip() for text in texts for item in split(text))
        self._known = re.compile("|".join(map(_expression, self.texts)) or r"(?!)")

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._known.fullmatch(name) is not None

    def __bool__(self) -> bool:
        return bool(self.texts)

    @property
    def plain(self) -> tuple[str, ...]:
        """Those that are one name."""
        return tuple(text for text in self.texts if not re.search(r"[*?\[]", text))


@attrs.frozen(kw_only=True, eq=False)
class Machine:
    """One machine and its rules."""

    name: str
    manager: str
    queues: Patterns
    nodes: Patterns
    accounts: Patterns

    @property
    def is_by_account(self) -> bool:
        """Whether it is known by its accounts alone: then all queues and nodes are its, too."""
        return bool(self.accounts) and not self.queues and not self.nodes

    def has_queue(self, queue: QueueInfo) -> bool:
        """Tell whether a queue, or a node of it, is this machine's."""
        return (
            self.is_by_account
            or queue.name in self.queues
            or bool(self.nodes and any(host in self.nodes for host in hosts(queue.hosts)))
        )

    def has_node(self, node: Node) -> bool:
        """Tell whether a node is this machine's, by its name or by a queue that it serves."""
        return (
            self.is_by_account
            or node.name in self.nodes
            or any(queue in self.queues for queue in node.queues)
        )

    def has_job(self, job: Job, by_nodes: Collection[str]) -> bool:
        """Tell whether a job is this machine's.

        One that has nodes is where these are; one that waits may come to be where the nodes of its
        queues are: `by_nodes` are the queues that have nodes of this machine.
        """
        if any(queue in self.queues for queue in job.queues) or job.account in self.accounts:
            return True
        if not self.nodes:
            return False
        if job.hosts and job.state not in _WAITING:
            return any(host in self.nodes for host in hosts(job.hosts))
        return any(queue in by_nodes for queue in job.queues)


class Machines(Mapping[str, Machine]):
    """All machines of a configuration, by name."""

    def __init__(self, managers: Mapping[str, QueueConfig]) -> None:
        self._managers = managers
        self._machines = {
            rules.name: _machine(rules, entry)
            for entry in managers.values()
            for rules in _rules(entry)
        }

    def __getitem__(self, name: str) -> Machine:
        return self._machines[name]

    def __iter__(self) -> Any:
        return iter(self._machines)

    def __len__(self) -> int:
        return len(self._machines)

    def of(self, manager: str) -> list[Machine]:
        """Return the machines that share a manager."""
        return [machine for machine in self._machines.values() if machine.manager == manager]

    def chosen(self, asked: str | Iterable[str] | None) -> dict[str, frozenset[str] | None]:
        """Return the managers that names of machines and managers mean, and of each which machines.

        None where that is all of it; `UNASSIGNED` is of every manager that machines share. Raises
        `ConfigError` with near names.
        """
        if asked is None:
            return {name: None for name, entry in self._managers.items() if entry.active}
        found: dict[str, frozenset[str] | None] = {}
        for name in [asked] if isinstance(asked, str) else asked:
            shared = self._shared() if name == UNASSIGNED else []
            for manager, machine in shared or [self._meant(name)]:
                before = found.get(manager, frozenset())
                whole = machine is None or before is None
                found[manager] = None if whole else (before or frozenset()) | {str(machine)}
        return found

    def manager(self, name: str) -> str:
        """Return the manager of a machine, or that has this name; raises `ConfigError`."""
        return self._meant(name)[0]

    def _shared(self) -> list[tuple[str, str | None]]:
        """Return where something may be that no machine owns."""
        managers = self._managers.items()
        return [(name, UNASSIGNED) for name, entry in managers if entry.active and entry.machines]

    def _meant(self, name: str) -> tuple[str, str | None]:
        if name in self._managers:
            return name, None
        if name in self._machines:
            return self._machines[name].manager, name
        known = [*self._machines, *self._managers]
        hint = near(name, list(dict.fromkeys(known)), what="configured")
        raise ConfigError(f"there is no machine {name!r}; {hint}")

    def placed_jobs(
        self, manager: str, jobs: Iterable[Job], queues: Sequence[QueueInfo]
    ) -> list[Job]:
        """Return jobs that know their machines; `queues` tell where those that wait may run."""
        if not self._managers[manager].machines:
            return [attrs.evolve(job, machines=(manager,)) for job in jobs]
        mine = {m: {q.name for q in queues if m.nodes and m.has_queue(q)} for m in self.of(manager)}
        known: dict[tuple[Any, ...], tuple[str, ...]] = {}  # thousands of jobs are alike

        def whose(job: Job) -> tuple[str, ...]:
            like = (job.queues, job.account, job.hosts, job.state)
            if like not in known:
                found = tuple(m.name for m, by_nodes in mine.items() if m.has_job(job, by_nodes))
                known[like] = found or _NOBODYS
            return known[like]

        return [attrs.evolve(job, machines=whose(job)) for job in jobs]

    def placed_queues(self, manager: str, queues: Iterable[QueueInfo]) -> list[QueueInfo]:
        """Return queues that know their machines."""
        return [attrs.evolve(q, machines=self._whose(manager, "has_queue", q)) for q in queues]

    def placed_nodes(self, manager: str, nodes: Iterable[Node]) -> list[Node]:
        """Return nodes that know their machines."""
        return [attrs.evolve(n, machines=self._whose(manager, "has_node", n)) for n in nodes]

    def _whose(self, manager: str, has: str, thing: Any) -> tuple[str, ...]:
        if not self._managers[manager].machines:
            return (manager,)
        return tuple(m.name for m in self.of(manager) if getattr(m, has)(thing)) or _NOBODYS


_NOBODYS = (UNASSIGNED,)


def _rules(entry: QueueConfig) -> list[MachineConfig]:
    return list(entry.machines.values()) or [MachineConfig(name=entry.name)]


def _machine(rules: MachineConfig, entry: QueueConfig) -> Machine:
    """Return a machine; raises `ConfigError`, with its place, for a rule that cannot be read."""

    def patterns(rule: str) -> Patterns:
        try:
            return Patterns(getattr(rules, rule))
        except InvalidRequestError as error:
            where = entry.where.at(entry.section, entry.name, "machines", rules.name, rule)
            raise ConfigError(f"{where}: {error}") from error

    return Machine(
        name=rules.name,
        manager=entry.name,
        queues=patterns("queues"),
        nodes=patterns("nodes"),
        accounts=patterns("accounts"),
    )


@lru_cache(maxsize=10_000)
def hosts(text: str) -> tuple[str, ...]:
    """Return the nodes of a hostlist as a manager writes it."""
    if not text:
        return ()
    if "[" not in text:
        return tuple(name.strip() for name in text.split(","))
    return tuple(hostlist(text))


def _expression(text: str) -> str:
    """Return the regular expression for one name of a rule."""
    if re.search(r"[\[\]]", _BRACKET.sub("", text)):
        raise InvalidRequestError(f"{text!r} has a bracket without its other half")
    return "".join(
        _numbers(part) if part.startswith("[") else _letters(part) for part in _BRACKET.split(text)
    )


def _numbers(bracket: str) -> str:
    try:
        names = hostlist(f"n{bracket}")
    except InvalidRequestError as error:
        text = f"{bracket!r} is no list of numbers, such as [001-128] or [1,3]"
        raise InvalidRequestError(text) from error
    found = (re.escape(name.removeprefix("n")) for name in names)
    return f"(?:{'|'.join(found)})"


def _letters(text: str) -> str:
    return re.escape(text).replace(r"\*", ".*").replace(r"\?", ".")
