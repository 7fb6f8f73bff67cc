"""What passes between libcloud and a service: counted, kept for `native`, searched for more pages.

libcloud drivers page each in their own way, some not at all, and a list cut at one page looks like
a whole one. So the answers are looked at: one that promises more and was not followed by another
request to the same place means that the list is cut.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar
from xml.etree.ElementTree import Element

from libcloud.common.base import Connection

from cloudmesh_sdk.errors import UnavailableError, UnsupportedError
from cloudmesh_sdk.providers.libcloud.records import local

T = TypeVar("T")

Seen = tuple[str, Any]
"""What was asked (a path), and the parsed answer."""

_MORE = (
    ("next",), ("next_page",), ("nextLink",), ("nextPageToken",), ("next_token",), ("NextToken",),
    ("nextToken",), ("next_cursor",), ("links", "next"), ("links", "pages", "next"),
    ("meta", "links", "next"), ("meta", "next"), ("meta", "pagination", "next_page"),
)  # fmt: skip
"""Where JSON answers say that there is more."""

_READS = ("GET", "HEAD")
_ASKS = ("describe", "get", "list", "query")
"""How actions begin that change nothing, where a service has one path for all."""
_METHOD = 4
"""Which argument of libcloud's `Connection.request` is the method."""


class Once:
    """In place of libcloud's retries, which the environment or another module may turn on.

    They send what starts a server again where its answer was lost.
    """

    def __init__(self, **_: Any) -> None: ...

    def __call__(self, send: Callable[..., T]) -> Callable[..., T]:
        """Return what sends a request once."""
        return send


class Wire:
    """Counts the requests of a libcloud driver and keeps the answers to those of one call."""

    def __init__(self) -> None:
        self.calls = 0
        self.seen: list[Seen] = []
        self.changed = False
        """Whether the service took a request of this call that changes something."""

    def begin(self) -> None:
        """Forget the call before: another one begins."""
        self.seen.clear()
        self.changed = False

    def tap(self, driver: object) -> list[Any]:
        """Listen to all connections of a driver object, and return them; none tries again."""
        found: list[Any] = [each for each in vars(driver).values() if isinstance(each, Connection)]
        for connection in found:
            connection.retryCls = Once
            self._tap(connection)
        return found

    def _tap(self, connection: Any) -> None:
        send = connection.request

        def request(*args: Any, **options: Any) -> Any:
            self.calls += 1
            response = send(*args, **options)
            path = str(args[0] if args else options.get("action", ""))
            act = _act(options.get("params"))
            method = args[_METHOD] if len(args) > _METHOD else options.get("method", "GET")
            self.changed = self.changed or changes(method, act)
            self.seen.append((path.partition("?")[0] + act, getattr(response, "object", None)))
            return response

        connection.request = request


def _act(params: Any) -> str:
    """Return what is asked for where a service has one path for all (EC2, CloudStack)."""
    given = params if isinstance(params, Mapping) else {}
    return "".join(f" {given[key]}" for key in ("Action", "command") if key in given)


def changes(method: str, act: str) -> bool:
    """Tell whether a request changes something: its action says it, else its method."""
    if act:
        return not act.strip().lower().startswith(_ASKS)
    return method.upper() not in _READS


def check_whole(name: str, driver: object, seen: Iterable[Seen], count: int) -> None:
    """Raise `UnsupportedError` where the answers say that a list of so many nodes is not whole."""
    last = dict(seen)
    if _is_ec2(driver):
        _check_ec2(name, last.values(), count)
    for path, answer in last.items():
        if more(answer):
            raise UnsupportedError(
                f"{name}: libcloud's driver read only the first page of {path} and stopped; "
                f"use a driver of our own for this cloud{_hint(driver)}"
            )


def more(answer: Any) -> bool:
    """Tell whether an answer says that it is not the last page."""
    if isinstance(answer, Element):
        tokens = (child for child in answer if local(child.tag).lower() == "nexttoken")
        return any((token.text or "").strip() for token in tokens)
    if not isinstance(answer, Mapping):
        return False
    if any(_at(answer, path) for path in _MORE) or _next_link(answer):
        return True
    page, pages = answer.get("page"), answer.get("pages")
    return isinstance(page, int) and isinstance(pages, int) and page < pages


def _next_link(answer: Mapping[str, Any]) -> bool:
    """Tell whether a list of links (OpenStack's `servers_links`) has one to a next page."""
    lists = (value for key, value in answer.items() if str(key).endswith("links"))
    links = (link for value in lists if isinstance(value, list) for link in value)
    return any(isinstance(link, Mapping) and link.get("rel") == "next" for link in links)


def _at(answer: Any, path: tuple[str, ...]) -> bool:
    for key in path:
        answer = answer.get(key) if isinstance(answer, Mapping) else None
    return bool(answer)


def _is_ec2(driver: object) -> bool:
    return any(kind.__name__ == "BaseEC2NodeDriver" for kind in type(driver).__mro__)


def _hint(driver: object) -> str:
    return " (driver: ec2)" if _is_ec2(driver) else ""


def _check_ec2(name: str, answers: Iterable[Any], count: int) -> None:
    """Compare what EC2 sent with what libcloud read: it passes over what it does not recognise."""
    lists = [
        answer
        for answer in answers
        if isinstance(answer, Element) and local(answer.tag) == "DescribeInstancesResponse"
    ]
    if not lists:
        raise UnavailableError(
            f"{name}: the answer is no list of instances; use driver: ec2, or give libcloud "
            "the option signature_version: '4'"
        )
    sent = sum(_instances(answer) for answer in lists)
    if sent != count:
        raise UnsupportedError(
            f"{name}: libcloud read {count} of the {sent} instances in the answer; "
            "use a driver of our own for this cloud (driver: ec2)"
        )


def _instances(answer: Element) -> int:
    sets = (element for element in answer.iter() if local(element.tag) == "instancesSet")
    return sum(len(instances) for instances in sets)
