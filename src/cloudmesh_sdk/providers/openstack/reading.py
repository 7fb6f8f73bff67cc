"""Taking answers apart, with errors that say what they lack."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from cloudmesh_sdk.providers.openstack.answers import Nonsense
from cloudmesh_sdk.providers.openstack.errors import translated

T = TypeVar("T")

_GARBLED = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What reading a thing raises that lacks what the API promises."""


class Reading:
    """What the answers of one cloud hold."""

    name: str

    def part(self, answer: Any, what: str, key: str) -> Any:
        """Return what an answer must hold; one without it is not an empty one."""
        with translated(self.name, what):
            if not isinstance(answer, dict) or key not in answer:
                found = ", ".join(answer) if isinstance(answer, dict) else type(answer).__name__
                raise Nonsense(f"{key} was wanted, found {found or 'nothing'}")
            return answer[key]

    def records(
        self, what: str, convert: Callable[[Any, str], T], natives: Iterable[Any]
    ) -> list[T]:
        """Return the records of the things in an answer."""
        with translated(self.name, what):
            try:
                return [convert(native, self.name) for native in natives]
            except _GARBLED as error:
                text = f"a thing is not as OpenStack describes it: {error!r}"
                raise Nonsense(text) from error
