"""Handing in jobs: where they go, what is left out, and what a manager cannot do."""

from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import attrs

from cloudmesh_sdk.errors import ConfigError, InvalidRequestError, UnsupportedError
from cloudmesh_sdk.mesh.amounts import memory, walltime
from cloudmesh_sdk.mesh.machines import Machine, hosts
from cloudmesh_sdk.mesh.names import several, text
from cloudmesh_sdk.models import Job, JobRequest, QueueInfo, QueueState
from cloudmesh_sdk.operations.jobs import SECRETS
from cloudmesh_sdk.queues.arrays import indices

if TYPE_CHECKING:
    from cloudmesh_sdk.mesh import Mesh
    from cloudmesh_sdk.mesh.acting import Told

HOWS = ("afterok", "afterany", "afternotok", "after")
"""How a job may wait for others; the first where nothing is said."""

_DEFAULTS = ("queue", "account", "walltime")
_COUNTS = ("nodes", "tasks", "cores", "gpus")
_PARSED = {"memory": memory, "walltime": walltime}


class Submitting:
    """Hands in the jobs of one mesh."""

    def __init__(self, mesh: "Mesh") -> None:
        self._mesh = mesh

    def submit(
        self,
        asked: Mapping[str, Any],
        *,
        machine: str | None,
        name: str | None,
        told: "Told | None" = None,
    ) -> Job:
        """Hand in a job; what is None comes from the defaults, or is the manager's choice."""
        target, secrets = self.task(asked, machine=machine, name=name)
        (job,) = self._mesh._acts.run("submit", [target], secrets=secrets, told=told)
        if not isinstance(job, Job):
            raise TypeError(f"{target[0]}: a submit came to {job!r}, no job")
        (placed,) = self._mesh._jobs.placed([job])
        return placed

    def task(
        self, asked: Mapping[str, Any], *, machine: str | None, name: str | None
    ) -> tuple[tuple[str, str, dict[str, Any]], dict[str, Any]]:
        """Return the manager, name and request of a job, and what of it may hold secrets."""
        where = self.machine(machine)
        manager = self._mesh._machines.manager(where)
        request = _request(name, self._defaults(manager, asked))
        request = self._at_machine(where, request)
        self._check_extras(manager, request)
        fields = {k: _plain(v) for k, v in request.asked.items() if k not in SECRETS}
        secrets = {key: _plain(v) for key in SECRETS if (v := getattr(request, key))}
        return (manager, request.name, fields), secrets

    def machine(self, asked: str | None) -> str:
        """Return the machine for a new job: the one named, the default one, the only one."""
        where = asked or self._mesh.default("machine").value
        known = list(self._mesh._machines)
        if where is None and len(known) == 1:
            where = known[0]
        if where is None:
            what = f"name one of {', '.join(known)}" if known else "cm register adds one"
            raise ConfigError(f"no machine is named, and none is the default; {what}")
        try:
            self._mesh._machines.manager(where)
        except ConfigError as error:
            if asked is not None:
                raise
            raise ConfigError(f"{error}; it is your default (cm default why machine)") from error
        return str(where)

    def _defaults(self, manager: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        found = dict(asked)
        for key in _DEFAULTS:
            if found.get(key) is None:
                found[key] = self._mesh.default(key, cloud=manager).value
        return found

    def _at_machine(self, name: str, request: JobRequest) -> JobRequest:
        """Return a request that stays on its machine: in a queue, or with an account, of it."""
        machine = self._mesh._machines.get(name)
        if machine is None or not self._mesh.config.queues[machine.manager].machines:
            return request
        if machine.is_by_account:
            account = _own_account(machine, request.account)
            return attrs.evolve(request, account=account)
        return attrs.evolve(request, queue=self._own_queue(machine, request.queue))

    def _own_queue(self, machine: Machine, asked: str | None) -> str:
        listed = self._mesh._jobs.lists.queue_info(machine.name)
        own = [queue.name for queue in listed] or list(machine.queues.plain)
        if asked is not None and set(asked.split(",")) <= set(own):
            return asked
        if asked is not None:
            has = ", ".join(own) or "none that is known"
            raise InvalidRequestError(f"{machine.name} has no queue {asked!r}; its queues: {has}")
        if not own:
            listed.complete()
            raise InvalidRequestError(f"{machine.name} has no queue to submit to")
        return _first(listed, machine) or own[0]

    def _check_extras(self, manager: str, request: JobRequest) -> None:
        """Raise `UnsupportedError` for what the manager's driver does not do."""
        known = self._mesh.queues[manager].extras
        for field in request.asked:
            if field not in known:
                driver = self._mesh.queues.driver(manager)
                raise UnsupportedError(f"{manager} takes no {field!r} for a job (driver {driver})")


def after(value: Any) -> dict[str, tuple[str, ...]]:
    """Return for what to wait, by how: of one job, of several, of a mapping of these.

    Raises `InvalidRequestError` for a word that is none of `HOWS`.
    """
    if value is None:
        return {}
    given = value if isinstance(value, Mapping) else {HOWS[0]: value}
    found: dict[str, tuple[str, ...]] = {}
    for how, jobs in given.items():
        if how not in HOWS:
            raise InvalidRequestError(f"{how!r} is no way to wait for a job; {', '.join(HOWS)} are")
        found[how] = tuple(job.id if isinstance(job, Job) else str(job) for job in several(jobs))
    return {how: ids for how, ids in found.items() if ids}


def _request(name: str | None, asked: Mapping[str, Any]) -> JobRequest:
    """Return the request that is meant; raises `InvalidRequestError`."""
    command, script = asked["command"], asked["script"]
    if bool(command) == bool(script):
        found = "both" if command else "neither"
        raise InvalidRequestError(f"a command or a script was wanted, found {found}")
    if script and not script.startswith("#!"):
        first = script.splitlines()[0][:40]
        raise InvalidRequestError(
            f"a script begins with #! and its interpreter (#!/bin/sh), found {first!r}"
        )
    fields = {key: value for key, value in asked.items() if value is not None}
    for key, parse in _PARSED.items():
        if key in fields:
            fields[key] = parse(fields[key])
    _check_counts(fields)
    if "array" in fields:
        indices(fields["array"])
    fields["after"] = after(fields.get("after"))
    fields["options"] = tuple(several(fields.get("options", ())))
    _check_texts({**fields, "name": name})
    program = PurePath(command[0]).name.encode(errors="replace").decode() if command else ""
    named = name or program or "job"
    return JobRequest(name=named, token="", **fields)


def _check_counts(fields: Mapping[str, Any]) -> None:
    for key in _COUNTS:
        value = fields.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise InvalidRequestError(f"{key} is a number, not {value!r}")
        if value is not None and value < 1:
            raise InvalidRequestError(f"{key} is 1 or more, not {value}")


def _check_texts(fields: Mapping[str, Any]) -> None:
    """Refuse what the journal cannot keep; commands and variables are the driver's business."""
    for key, value in fields.items():
        for item in several(value) if key not in SECRETS else ():
            if isinstance(item, str):
                text(item, what=key)


def _own_account(machine: Machine, asked: str | None) -> str:
    if asked is not None and asked in machine.accounts:
        return asked
    own = ", ".join(machine.accounts.texts)
    if asked is None and len(machine.accounts.plain) == 1:
        return machine.accounts.plain[0]
    what = f"{asked!r} is none of them" if asked else "none was named"
    raise InvalidRequestError(f"jobs on {machine.name} have an account of {own}; {what}")


def _first(listed: Iterable[QueueInfo], machine: Machine) -> str | None:
    """Return the queue that fits best: the default one, the first of the rules, the largest."""
    named = machine.queues.plain

    def rank(queue: QueueInfo) -> tuple[Any, ...]:
        place = named.index(queue.name) if queue.name in named else len(named)
        own = sum(host in machine.nodes for host in hosts(queue.hosts))
        return (queue.state is not QueueState.OPEN, not queue.default, place, -own, queue.name)

    best = min(listed, key=rank, default=None)
    return None if best is None else best.name


def _plain(value: Any) -> Any:
    """Return a value as the journal keeps it."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return list(value) if isinstance(value, tuple) else value
