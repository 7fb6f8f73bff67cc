"""The two kinds of PBS: how each is asked, and what its answers mean."""

import abc
import logging
import re
from collections.abc import Collection, Iterator

import attrs

from cloudmesh_sdk.errors import BackendError, UnavailableError, UnsupportedError
from cloudmesh_sdk.models import Job, JobRequest, Node, QueueInfo
from cloudmesh_sdk.queues.batch import Done, Run
from cloudmesh_sdk.queues.pbs import answers, lines, records, submitting, torque, values
from cloudmesh_sdk.queues.pbs.answers import Things
from cloudmesh_sdk.queues.pbs.refusals import FINISHED, UNKNOWN

_log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class Server:
    """What the server says of itself."""

    name: str
    version: str
    default_queue: str | None


@attrs.frozen(kw_only=True)
class Dialect(abc.ABC):
    """One kind of PBS, asked by its commands."""

    name: str
    """That of the manager."""
    run: Run

    @abc.abstractmethod
    def jobs(
        self, ids: Collection[str] = (), *, history: bool = False, parts: bool = False
    ) -> list[Job]:
        """Return jobs by ONE question: all, or those of some ids; with those that are over.

        `parts`: each of an array, beside its whole. Unknown ids are left out, but for one alone,
        for which this raises `NotFoundError`.
        """

    @abc.abstractmethod
    def queues(self) -> Iterator[QueueInfo]:
        """Yield the queues, without numbers of jobs; asks for the server, too."""

    @abc.abstractmethod
    def server(self) -> Server:
        """Return what the server says of itself."""

    @abc.abstractmethod
    def nodes(self) -> Iterator[Node]:
        """Yield the nodes."""

    @abc.abstractmethod
    def submission(self, request: JobRequest) -> tuple[list[str], str]:
        """Return the command that hands in a job, and its script."""

    def wrong(self, command: str, error: ValueError) -> BackendError:
        """Return the error for an answer that is none."""
        return UnavailableError(f"{self.name}: the answer of {command} is no good: {error}")


class Pbs(Dialect):
    """OpenPBS and PBS Professional."""

    def jobs(
        self, ids: Collection[str] = (), *, history: bool = False, parts: bool = False
    ) -> list[Job]:
        flags = [*(["-x"] if history else []), *(["-t"] if parts else [])]
        if len(ids) > 1:
            # JSON of 2026 shows only the first of several ids, and exits as if that were all
            things = self._lines(["qstat", *flags, "-f", "-F", "dsv", *ids])
        else:
            things = self._asked(["qstat", *flags, "-f"], "Jobs", ids)
        return list(self._records(things))

    def queues(self) -> Iterator[QueueInfo]:
        default = self.server().default_queue
        things = self._asked(["qstat", "-Q", "-f"], "Queue")
        for name, told in things.items():
            yield records.queue(self.name, name, told, default=default)

    def server(self) -> Server:
        things = self._asked(["qstat", "-B", "-f"], "Server")
        return _server(self.name, things)

    def nodes(self) -> Iterator[Node]:
        # -a alone would fold the vnodes of a host into one
        for name, told in self._asked(["pbsnodes", "-av"], "nodes").items():
            yield records.node(self.name, name, told)

    def submission(self, request: JobRequest) -> tuple[list[str], str]:
        return ["qsub", *submitting.options(request)], submitting.script(request)

    def _asked(self, argv: list[str], kind: str, ids: Collection[str] = ()) -> Things:
        """Return things by name, from JSON; where that is broken, from text, for this once."""
        done = self.run(*argv, "-F", "json", *ids)
        try:
            return answers.read(done.out, kind)
        except answers.NoAnswerError as error:
            raise self.wrong(argv[0], error) from error
        except answers.DoubtfulError as error:
            _log.warning(
                "%s: %s gave JSON that is not used (%s); it is asked for text instead",
                self.name, " ".join(argv), error,
            )  # fmt: skip
            return self._lines([*argv, "-F", "dsv", *ids])

    def _lines(self, argv: list[str]) -> Things:
        done = self.run(*argv, fine=_answered)
        try:
            return lines.read(done.out)
        except answers.NoAnswerError as error:
            raise self.wrong(argv[0], error) from error

    def _records(self, things: Things) -> Iterator[Job]:
        for name, told in things.items():
            try:
                yield records.job(self.name, name, told)
            except (ValueError, TypeError, OverflowError) as error:
                _log.warning("%s: what is told of job %s cannot be read: %s",
                             self.name, name, error)  # fmt: skip


class Torque(Dialect):
    """Torque. Written from its documentation: it was never run against a real server."""

    def jobs(
        self, ids: Collection[str] = (), *, history: bool = False, parts: bool = False
    ) -> list[Job]:
        if history and not ids:
            raise UnsupportedError(f"{self.name}: Torque keeps no history of jobs")
        # of those that are asked for, what is over is told as long as the server keeps it
        flags = ["-t"] if parts else []
        done = self.run("qstat", *flags, "-f", "-x", *(ids if len(ids) == 1 else ()))
        try:
            told = list(torque.pieces(self.name, done.out, "Job"))
        except answers.NoAnswerError as error:
            raise self.wrong("qstat", error) from error
        found = [torque.job(self.name, one) for one in told]
        return (
            found if len(ids) <= 1 else [job for job in found if job.id in ids or job.array in ids]
        )

    def queues(self) -> Iterator[QueueInfo]:
        default = self.server().default_queue
        for name, told in lines.blocks(self.run("qstat", "-Q", "-f").out).items():
            yield records.queue(self.name, name, told, default=default)

    def server(self) -> Server:
        return _server(self.name, lines.blocks(self.run("qstat", "-B", "-f").out))

    def nodes(self) -> Iterator[Node]:
        done = self.run("pbsnodes", "-x")
        try:
            for told in torque.pieces(self.name, done.out, "Node"):
                yield torque.node(self.name, told)
        except answers.NoAnswerError as error:
            raise self.wrong("pbsnodes", error) from error

    def submission(self, request: JobRequest) -> tuple[list[str], str]:
        words = submitting.options(request, torque=True)
        return ["qsub", *words], submitting.script(request, torque=True)


_GRID_ENGINE = re.compile(r"\b(?:SGE|UGE|OGS/GE|GE \d|qmaster|SGE_\w+)\b|grid ?engine|-help", re.I)


def known(said: str) -> type[Dialect] | None:
    """Return whose qstat says this to `--version`; None for one that is not known."""
    if "pbs_version" in said:
        return Pbs
    return Torque if re.search(r"^(?:version|commit): ", said, re.IGNORECASE | re.M) else None


def unknown(name: str, where: str, said: str) -> UnsupportedError:
    """Return the error for a qstat that is none of PBS's."""
    if _GRID_ENGINE.search(said):
        return UnsupportedError(f"{name}: qstat at {where} is Grid Engine's, not that of a PBS")
    first = " ".join(said.split())[:100]
    return UnsupportedError(
        f"{name}: whose qstat there is at {where} cannot be told ({first!r}); "
        "set dialect to pbs or torque"
    )


def _answered(done: Done) -> bool:
    """Tell whether there is an answer; where several ids were asked, one may be unknown."""
    return done.status in (0, UNKNOWN, FINISHED)


def _server(cloud: str, things: Things) -> Server:
    for name, told in things.items():
        return Server(
            name=name,
            version=values.text(values.word(told, "pbs_version")) or "",
            default_queue=values.text(values.word(told, "default_queue")),
        )
    raise UnavailableError(f"{cloud}: qstat -B tells of no server")
