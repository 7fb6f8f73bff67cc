"""What was asked for, taken up again: waited for, cancelled, asked for once more."""

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from cloudmesh_sdk.fanout import Gathered
from cloudmesh_sdk.mesh.facade import Facade, Told
from cloudmesh_sdk.mesh.later import Later
from cloudmesh_sdk.models import Operation, Orphan, Worker

if TYPE_CHECKING:
    from cloudmesh_sdk.mesh.following import Shows
    from cloudmesh_sdk.mesh.refreshing import Refreshed
    from cloudmesh_sdk.mesh.watching import Watching

Asked = str | Operation | Iterable[str | Operation]
"""Operations as users name them: a record, an id or its beginning, or several of these."""


class Operating(Facade):
    """What can be done about operations, whichever process runs them.

    These are words of the mesh and not of `Operation`: that is a frozen record, what the journal
    said when it was read, and stays so in hooks, in files and in other processes. Waiting and
    cancelling need a journal and clouds, which the mesh has.
    """

    @property
    def later(self) -> Later:
        """The acts on servers and jobs as ones that nobody waits for.

        Each returns its operations at once.

        They are run in a thread of this process, or by a worker, whoever takes them first; when
        this mesh is closed, what was not sent waits for another runner. `wait_operations` waits.
        """
        return Later(self._whole)

    def serve(self, stop: threading.Event, *, told: Callable[[int], None] | None = None) -> None:
        """Run what waits in the journal of this user, until `stop` is set: this is a worker.

        Each cloud and queue manager is held to its limits. What is under way in the end gets some
        seconds; what dead runners left is settled every ten seconds, and `told` then hears how many
        operations are under way. `workers` shows it meanwhile.
        """
        self._feeding.work(stop, told)

    def keep_fresh(
        self,
        stop: threading.Event,
        *,
        told: "Callable[[Gathered[Refreshed]], None] | None" = None,
    ) -> None:
        """Refresh the active clouds, each kind at its interval, until `stop` is set.

        What others refreshed meanwhile is not asked for again; a cloud that fails is left alone
        for a while that grows, a quarter of an hour at most. `told` hears what each refresh found.
        """
        from cloudmesh_sdk.mesh.keeping import Keeping

        Keeping(self._whole, told).serve(stop)

    def refreshes(self, *, cloud: str | None = None, limit: int | None = 100) -> list[Operation]:
        """Return this user's refreshes of the last hour (at one cloud), newest first."""
        from cloudmesh_sdk.mesh.sharing import refreshes

        return refreshes(self.store, self.user, cloud=cloud, limit=limit)

    def workers(self) -> list[Worker]:
        """Return the workers of this store that live, on all machines, the longest there first.

        Each says so every few seconds; one that did not for a quarter of a minute is left out.
        """
        from cloudmesh_sdk.operations.alive import living

        return living(self.store)

    def run_operation(self, id: str) -> Operation | None:  # noqa: A002
        """Run one operation that waits for a runner, here and now; return it as it is then.

        None where it does not wait any more: another runner has it, or it is over. What goes wrong
        is not raised but journalled.
        """
        asked = self.store.journal.get(id)
        return None if asked is None else self._feeding.one(asked)

    def watch(
        self,
        kinds: str | Iterable[str] | None = None,
        *,
        cloud: str | Iterable[str] | None = None,
        timeout: float | None = None,
    ) -> "Watching":
        """Yield what happens to records (`servers`, `jobs` …) and `operations` from now on.

        The store tells, whichever process changes it, and no cloud is asked. Ends after `timeout`
        seconds, or when it is closed, which may be done from another thread; use it as a context
        manager. One whose `what` is `gap` says that some were missed: read anew what you show.
        Raises `NotFoundError` for a kind or a cloud that there is not.
        """
        from cloudmesh_sdk.mesh.watching import watch

        return watch(self._whole, kinds, cloud=cloud, timeout=timeout)

    def wait_operations(
        self, operations: Asked, *, timeout: float = 600.0, told: Told | None = None
    ) -> Gathered[Operation]:
        """Wait until operations are over, `timeout` seconds at most; return them as they are then.

        The journal tells, so it does not matter which process runs them; of those whose process is
        gone the cloud is asked what became of them. `told` hears each once, as it is over.
        `errors` names, by id, those that failed, were cancelled, or are not over in time. Raises
        `NotFoundError` for an id that there is not.
        """
        from cloudmesh_sdk.mesh.settling import wait

        return wait(self._whole, operations, timeout=timeout, told=told)

    def follow(self, shows: "Shows | None") -> None:
        """Show from now on how far acts and waits are that take longer than a second.

        `shows` is called where there is something to be shown, and what it returns hears a
        `Progress` each time that has changed, and once in the end; both are called from another
        thread than the act. None ends it. In a notebook `cloudmesh.mesh` does that by itself;
        elsewhere `mesh.follow(lambda: print)` prints it.
        """
        self._shows = shows

    def cancel_operation(self, id: str, *, timeout: float = 30.0) -> Operation:  # noqa: A002
        """Cancel an operation, and return it as it is after `timeout` seconds at most.

        One that is pending is never sent, that is sure. Of one that was sent already the wish is
        written down: whoever runs it lets a call in flight end and sends nothing more, and after
        its death nobody does. It is `cancelled` once its cloud shows nothing of it, and `done`
        where it was done all the same: nothing is deleted. What is not known in time has the
        wish (`cancelling`) and is settled later. Raises `ConflictError` for one that is over.
        """
        found = self.cancel_operations(id, timeout=timeout)
        return found[0] if found else found.one()

    def cancel_operations(
        self, operations: Asked, *, timeout: float = 30.0, told: Told | None = None
    ) -> Gathered[Operation]:
        """Cancel operations as `cancel_operation` does, all before any is waited for.

        `told` hears each once, as it is over. `errors` names, by id, those that are not cancelled:
        that were over before, are done or failed by now, or are not over in time.
        """
        from cloudmesh_sdk.mesh.cancelling import cancel

        return cancel(self._whole, operations, timeout=timeout, told=told)

    def retry_operation(self, id: str, *, told: Told | None = None) -> Operation:  # noqa: A002
        """Ask again for what failed or was cancelled; return the new operation, which is done.

        It has the same request, a token of its own, and `retry_of` names the old one, which stays
        as it is. What goes wrong is raised, as by the act itself. Raises `ConflictError` where the
        old one is not over, is done, or was asked again already; where nobody knows what became of
        it (`reconcile` first); where its cloud's entry means another account now; and where
        something has the name of what it would make. Raises `InvalidRequestError` where the
        request had secrets, such as user data: they are not kept.
        """
        from cloudmesh_sdk.mesh.repeating import retry

        return retry(self._whole, id, told=told)

    def orphans(self, cloud: str | Iterable[str] | None = None) -> Gathered[Orphan]:
        """Ask clouds (the active ones) for their servers; return what the journal disagrees about.

        `leaked` is a server with a token in our form, under our mark, for which no operation
        answers, and which no other user of this store asked for: what Cloudmesh started from
        another store looks the same, unless the cloud tells whose it is (OpenStack does). `gone`
        is one that an operation of yours started, that nobody deleted from here, and that is there
        no more; it is told of for a week. Nothing is changed. `errors` names clouds that do not
        answer, and those whose servers carry no tokens: of these only what is gone is told.
        """
        from cloudmesh_sdk.mesh.leaks import orphans

        return orphans(self._whole, self._names(cloud))
