"""XML as schedulers write it: names of jobs and what users ask for stand in it as they are."""

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from cloudmesh_sdk.errors import UnavailableError

K = TypeVar("K")

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML 1.0 may hold, not even escaped (section 2.2)."""


def read(name: str, answer: bytes, *roots: str) -> Element:
    """Return the root of an answer, which is one of `roots`; `name` is that of the manager.

    Bytes that are no text, and characters that no XML may hold, are replaced: one job that has
    them hides no other. Declarations are refused, and with them all entities that could expand.
    Raises `UnavailableError` for what is no such XML.
    """
    text = _NOT_XML.sub("\ufffd", answer.decode(errors="replace"))
    try:
        if "<!" in text:
            raise ValueError("it has declarations")  # noqa: TRY301 - told as any other nonsense
        root = ElementTree.fromstring(text)  # noqa: S314 - there are no declarations in it
        if root.tag not in roots:
            raise ValueError(f"it is <{root.tag}>, not <{roots[0]}>")  # noqa: TRY301
    except (ElementTree.ParseError, ValueError) as error:
        raise UnavailableError(f"{name} answers what is no XML of it: {error}") from error
    return root


def texts(element: Element, path: str) -> list[str]:
    """Return the texts of the elements at a path, "" where one has none."""
    return [found.text or "" for found in element.iterfind(path)]


def grouped(elements: Iterable[Element], key: Callable[[Element], K]) -> dict[K, list[Element]]:
    """Return elements by a key, in their order: an answer may tell of one thing in parts."""
    found: dict[K, list[Element]] = {}
    for element in elements:
        found.setdefault(key(element), []).append(element)
    return found


def plain(element: Element) -> Any:
    """Return an element as plain data, whole: attributes as `@name`, what is there twice as list.

    Text beside attributes or children stands under the name "".
    """
    found: dict[str, Any] = {}
    for child in element:
        found.setdefault(child.tag, []).append(plain(child))
    data = {tag: some[0] if len(some) == 1 else some for tag, some in found.items()}
    data |= {f"@{name}": value for name, value in element.attrib.items()}
    text = element.text or ""
    if not data:
        return text
    return data | ({"": text.strip()} if text.strip() else {})
