"""What a store is: small interfaces over the same place.

`View` holds what was last seen of every service, `Journal` what was asked for, `Settings` the
user's defaults and counters, `store.polls` who may ask a service now, `store.slots` and
`store.rates` how many at once and how fast, `store.workers` who does, and `store.changes` tells who
listens what changes. Everything belongs to an owner: a user, or the scope of what users share.
Several processes may use one store at once.
"""

import abc
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

import attrs

from cloudmesh_sdk.models import Fault, Operation, OperationState, Record
from cloudmesh_sdk.store.changes import Changes
from cloudmesh_sdk.store.polls import Polls
from cloudmesh_sdk.store.rates import Rates
from cloudmesh_sdk.store.slots import Slots
from cloudmesh_sdk.store.workers import Workers

OPERATORS = ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$regex", "$exists")
r"""What a `where` may ask of a value, in MongoDB's words and after its rules, in every store.

1 equals 1.0, not True; None is what is None or absent; a mapping equals one with the same keys
in the same order. What is asked of a list is asked of it and of each of its items. Less and more
are for numbers, texts and times; times have a zone and are compared to the millisecond (times in
native data, which are kept as they are, only where they are whole ones). Regular expressions are
what Python and PCRE have in common, `\d` and `\w` are ASCII. `missing` is absent, not None, from
a record that is there.
"""


def parts(path: str | tuple[Any, ...]) -> tuple[Any, ...]:
    r"""Return the keys of a path: `native.a.b` names keys, `\.` is a dot within a key.

    A tuple is taken as it is, for keys that are no strings: `("native", "ports", 22)`.
    """
    if isinstance(path, tuple):
        return path
    return tuple(p.replace("\0", ".") for p in path.replace("\\.", "\0").split("."))


@attrs.frozen(kw_only=True)
class Query:
    """Which records to find; None does not filter."""

    clouds: Collection[str] | None = None
    names: Collection[str] | None = None
    """Names or ids."""
    states: Collection[str] | None = None
    where: Mapping[str | tuple[Any, ...], Any] = attrs.field(factory=dict)
    """Path → value, or path → `{operator: value}`; see `parts` and `OPERATORS`."""
    sort: tuple[str, ...] = ("cloud", "name", "id")
    """Field names, `-` before one that falls."""
    limit: int | None = None
    """At most so many, 0 or more."""
    missing: bool = False
    """Also the tombstones of records that their cloud no longer lists."""


@attrs.frozen(kw_only=True)
class Sync:
    """What is known of one kind of records at one cloud: when it last answered, how, how long."""

    cloud: str
    kind: str
    refreshed: datetime | None = None
    """Start of the last list, whole or of changes: the view is as it was then."""
    complete: datetime | None = None
    """Start of the last whole list; None where none was ever taken (or by an older release)."""
    count: int = 0
    """How many records it had."""
    calls: int = 0
    elapsed: float = 0.0
    failed: datetime | None = None
    """Since when it fails; None while it answers."""
    error: Fault | None = None


@attrs.frozen(kw_only=True)
class Change:
    """What a refresh found different, as numbers of records."""

    new: int = 0
    changed: int = 0
    gone: int = 0
    same: int = 0


@attrs.frozen(kw_only=True)
class Event:
    """Something that happened to a record, as seen from here."""

    columns: ClassVar[tuple[str, ...]] = ("at", "what", "detail")

    at: datetime
    what: str
    """`state`, `gone`, `back`, or the act of an operation."""
    detail: str


@attrs.frozen(kw_only=True)
class User:
    """A user of the mesh."""

    columns: ClassVar[tuple[str, ...]] = ("username", "email", "active")

    username: str
    email: str = ""
    active: datetime | None = None
    """When the user last activated a mesh."""


class Native(Mapping[str, Any]):
    """Native data of a listed record, fetched when first looked at.

    All records of one list share the loader, which fetches for the whole list at once.
    """

    __slots__ = ("_key", "_load")

    def __init__(self, key: str, load: Callable[[str], Mapping[str, Any]]) -> None:
        self._key = key
        self._load = load

    def __getitem__(self, key: str) -> Any:
        return self._load(self._key)[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._load(self._key))

    def __len__(self) -> int:
        return len(self._load(self._key))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and dict(self) == dict(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(dict(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return (dict, (dict(self),))


class View(abc.ABC):
    """What was last seen of every cloud."""

    @abc.abstractmethod
    def replace(
        self,
        owner: str,
        cloud: str,
        kind: str,
        records: Iterable[Record],
        *,
        started: datetime,
        calls: int = 0,
        elapsed: float = 0.0,
    ) -> Change:
        """Take over a complete list that was asked for at `started`; write only what differs.

        Readers see the old list or the new one. Records that the list lacks become tombstones
        (`missing` = `started`) and are dropped after a week. A record that was `put` after
        `started` stays as it is: it is newer than the list. A list that was asked for before the
        one that is stored changes nothing: all its records count as `same`. Secrets in native
        data are masked (`store.masking`).
        """

    @abc.abstractmethod
    def merge(
        self,
        owner: str,
        cloud: str,
        kind: str,
        records: Iterable[Record],
        *,
        started: datetime,
        calls: int = 0,
        elapsed: float = 0.0,
    ) -> Change:
        """Take over what changed since the last list, asked for at `started`.

        The others stay, count as `same`, and are as fresh as `started`; `Sync.complete` stays. A
        server whose state is `DELETED` becomes a tombstone of all that was known of it, and counts
        as nothing where it is one already or was never known. What was `put`, what is older and
        what readers see is as with `replace`. Raises `StoreError` where there was no list before.
        """

    @abc.abstractmethod
    def failed(self, owner: str, cloud: str, kind: str, error: Fault, *, at: datetime) -> None:
        """Note that a cloud failed to answer; no record is touched."""

    @abc.abstractmethod
    def put(self, owner: str, record: Record) -> None:
        """Store one record, its native data masked, after an act; `seen`, `missing` as given."""

    @abc.abstractmethod
    def find(self, owner: str, kind: str, query: Query) -> list[Record]:
        """Return the records that match; `native` is fetched when first looked at.

        `seen` and `stale` say how fresh each is. Changing what is returned changes nothing here.
        Equals in the order asked for stand by cloud and id; lists sort by their items, after
        single values. Raises `StoreError` on a path, an operator or a value that makes no sense.
        """

    @abc.abstractmethod
    def get(self, owner: str, kind: str, cloud: str, id: str) -> Record | None:  # noqa: A002
        """Return one record with its native data, a tombstone included; None where unknown."""

    @abc.abstractmethod
    def syncs(self, owner: str) -> list[Sync]:
        """Return what is known of each cloud and kind that was ever asked."""

    @abc.abstractmethod
    def events(self, owner: str, cloud: str, id: str, kind: str = "servers") -> list[Event]:  # noqa: A002
        """Return what happened to a record, oldest first: changes of its state, gone, back."""

    @abc.abstractmethod
    def forget(self, owner: str, cloud: str) -> None:
        """Drop all that is known of a cloud."""


PASSING = frozenset({"refresh"})
"""Acts whose operations are dropped after a while: they are many, and change nothing."""

PASSED = timedelta(hours=1)
"""How long those are kept."""


class Journal(abc.ABC):
    """What was asked for. Every write is durable before the call returns.

    Operations of acts in `PASSING` are dropped some time after `PASSED`.
    """

    @abc.abstractmethod
    def add(self, operations: Sequence[Operation]) -> None:
        """Write new operations."""

    @abc.abstractmethod
    def change(self, operation: Operation, **fields: Any) -> Operation | None:
        """Change an operation that still has this state, runner and number of attempts.

        Returns it as it is now, or None where somebody else changed it first.
        """

    @abc.abstractmethod
    def take(
        self,
        *,
        runner: str,
        lease: datetime,
        limit: int = 1,
        owner: str | None = None,
        clouds: Collection[str] | None = None,
    ) -> list[Operation]:
        """Take what waits for a runner (`Operation.later`), oldest first, and return it.

        Each is `pending` still, has this runner and this lease, and nobody else gets it. One whose
        lease says that it is to wait is left. None of the filters filters.
        """

    @abc.abstractmethod
    def waiting(
        self,
        cloud: str,
        account: str | None,
        *,
        after: str = "",
        without: Collection[str] = (),
        scope: str | None = None,
        limit: int = 1,
    ) -> list[Operation]:
        """Return what waits for a runner and may be taken now, of the user whose turn it is first.

        That is the next one whose name comes after `after`, in a round; of a user's it is the
        oldest that is not among the ids `without` and holds no slot of `scope`. Where a user has
        fewer than `limit`, those of the users after it follow.
        """

    @abc.abstractmethod
    def lines(self) -> list[tuple[str, str | None]]:
        """Return the (cloud, account) at which something waits for a runner, of any user."""

    @abc.abstractmethod
    def held(self) -> list[Operation]:
        """Return what is not over and does not wait: it has a runner, or its end is not known.

        What passes (`PASSING`) is left out.
        """

    @abc.abstractmethod
    def get(self, id: str) -> Operation | None:  # noqa: A002
        """Return one operation; None where unknown."""

    @abc.abstractmethod
    def several(
        self, ids: Collection[str], *, states: Collection[OperationState] = ()
    ) -> list[Operation]:
        """Return those of some operations that are known, in any order; empty `states` is any."""

    @abc.abstractmethod
    def unwanted(self, ids: Collection[str]) -> set[str]:
        """Return those of some operations that are cancelled, or to be (`Operation.cancelling`)."""

    @abc.abstractmethod
    def find(
        self,
        *,
        owner: str | None = None,
        states: Collection[OperationState] = (),
        cloud: str | None = None,
        target: str | None = None,
        limit: int | None = None,
    ) -> list[Operation]:
        """Return the operations that match, newest first; empty `states` means any."""


class Settings(abc.ABC):
    """What a user set: defaults, counters, who the users are. Every write is durable."""

    @abc.abstractmethod
    def numbers(self, owner: str, counter: str, count: int = 1) -> range:
        """Take the next numbers of a counter; nobody else ever gets them. The first is 1."""

    @abc.abstractmethod
    def defaults(self, owner: str) -> dict[str, dict[str, Any]]:
        """Return the defaults by scope: `""` for the user's, else the name of a cloud."""

    @abc.abstractmethod
    def set_default(self, owner: str, scope: str, key: str, value: Any) -> None:
        """Set a default (plain data); None removes it."""

    @abc.abstractmethod
    def remember(self, user: User) -> None:
        """Write down a user."""

    @abc.abstractmethod
    def users(self) -> list[User]:
        """Return all users that were ever active."""


class Store(abc.ABC):
    """One place with a view, a journal, settings, turns, and news of what changes."""

    view: View
    journal: Journal
    settings: Settings
    polls: Polls
    changes: Changes
    slots: Slots
    rates: Rates
    workers: Workers

    def conclude(
        self, operation: Operation, rows: Iterable[tuple[str, Record]], **fields: Any
    ) -> Operation | None:
        """Put what came of an operation, (owner, record) each, then change it as the journal does.

        The records stand even where somebody else changed the operation first. A store that can
        shows both at the same moment.
        """
        for owner, record in rows:
            self.view.put(owner, record)
        return self.journal.change(operation, **fields)

    @property
    @abc.abstractmethod
    def where(self) -> str:
        """Where it keeps things, for people; without secrets."""

    @abc.abstractmethod
    def close(self) -> None:
        """Give back connections; an embedded server stops when its last user has left."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
