"""EC2's XML answers as plain data: every element, under the names that EC2 gives them.

A structure becomes a dict, a list of `item` elements a list, everything else a string (the XML
carries no types). Namespaces are left aside, since endpoints differ in them. Elements that are
lists in the API stay lists when they are empty.
"""

from typing import Any
from xml.etree.ElementTree import Element, ParseError, fromstring

MASK = "***"
"""Stands where a secret was."""

SECRETS = frozenset({"userData", "passwordData", "keyMaterial"})

LISTS = frozenset({
    "accelerators", "availabilityZoneInfo", "bandwidthWeightings", "blockDeviceMapping", "disks",
    "fpgas", "gpus", "groups",
    "ipPermissions", "ipPermissionsEgress", "ipRanges", "ipv6Ranges", "networkCards",
    "neuronDevices", "prefixListIds", "productCodes", "securityGroupInfo", "supportedArchitectures",
    "supportedBootModes", "supportedFeatures", "supportedRootDeviceTypes", "supportedStrategies",
    "supportedUsageClasses", "supportedVersions", "supportedVirtualizationTypes", "validCores",
    "validThreadsPerCore",
})  # fmt: skip
"""Lists of the records we read whose names do not end in `Set`, as all the others do."""

_ITEMS = frozenset({"item", "member"})


class Nonsense(Exception):  # noqa: N818 - says what the answer is
    """The answer is not one that EC2 gives; the text says what came instead."""


def parse(body: bytes) -> tuple[str, dict[str, Any]]:
    """Return the name of an answer and its content; raises `Nonsense` where it is not whole XML."""
    try:
        # expat refuses entity bombs by itself, and nothing outside the answer is ever fetched
        root = fromstring(body)  # noqa: S314
    except (ParseError, ValueError) as error:
        raise Nonsense(f"no whole XML ({error}): {glimpse(body)}") from error
    names = _Names()
    content = plain(root, names)
    return names[root.tag][0], content if isinstance(content, dict) else {}


def glimpse(body: bytes) -> str:
    """Return how an unexpected answer begins, on one short line."""
    text = " ".join(body[:120].decode("utf-8", "replace").split())
    return repr(text[:60]) if text else "an empty answer"


class _Names(dict[str, tuple[str, bool, bool]]):
    """For each tag met: its local name, whether it is a list, whether it is a secret."""

    def __missing__(self, tag: str) -> tuple[str, bool, bool]:
        name = tag.rpartition("}")[2]
        known = name, name.endswith("Set") or name in LISTS, name in SECRETS
        self[tag] = known
        return known


def plain(element: Element, names: _Names) -> Any:
    """Return the content of an element that has children: a dict, or a list of its items."""
    if len(element) and names[element[0].tag][0] in _ITEMS:
        return [plain(item, names) if len(item) else item.text or "" for item in element]
    content: dict[str, Any] = {}
    for child in element:
        name, is_list, is_secret = names[child.tag]
        if is_secret:
            value: Any = MASK
        elif len(child):
            value = plain(child, names)
        else:
            value = [] if is_list else child.text or ""
        if name in content:  # a list that has no element of its own
            value = _joined(content[name], value)
        content[name] = value
    return content


def _joined(before: Any, value: Any) -> list[Any]:
    return [*before, value] if isinstance(before, list) else [before, value]
