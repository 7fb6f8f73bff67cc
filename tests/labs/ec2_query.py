"""Parameters of EC2's Query API, read the way EC2 reads them."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

Params = Mapping[str, str]


class Refusal(Exception):  # noqa: N818
    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


def numbered(params: Params, name: str) -> list[str]:
    """Return `Name.1`, `Name.2` … as far as they go."""
    names = (f"{name}.{number}" for number in itertools.count(1))
    return [params[each] for each in itertools.takewhile(params.__contains__, names)]


def filters(params: Params) -> dict[str, list[str]]:
    names = numbered({k.removesuffix(".Name"): v for k, v in params.items()}, "Filter")
    return {name: numbered(params, f"Filter.{n}.Value") for n, name in enumerate(names, 1)}


def paged(
    found: list[Any], params: Params, *, ids: bool = False
) -> tuple[list[Any], dict[str, str]]:
    """Return the page that the parameters ask for, and the token of the next one."""
    if "MaxResults" not in params:
        return found, {}
    if ids:
        text = "The parameter instancesSet cannot be used with the parameter maxResults"
        raise Refusal("InvalidParameterCombination", text)
    start, size = int(params.get("NextToken", "0")), int(params["MaxResults"])
    if not 5 <= size <= 1000:
        raise Refusal("InvalidParameterValue", f"Value ( {size} ) for parameter maxResults")
    more = start + size < len(found)
    return found[start : start + size], {"nextToken": str(start + size)} if more else {}


def tags(params: Params, stem: str = "TagSpecification.1.Tag") -> Iterator[dict[str, str]]:
    for number in itertools.count(1):
        if f"{stem}.{number}.Key" not in params:
            return
        value = params.get(f"{stem}.{number}.Value", "")
        yield {"key": params[f"{stem}.{number}.Key"], "value": value}


def permission(params: Params) -> dict[str, Any]:
    stem = "IpPermissions.1"
    ports = {"fromPort": "FromPort", "toPort": "ToPort"}
    return {
        "ipProtocol": params[f"{stem}.IpProtocol"],
        **{k: params[f"{stem}.{v}"] for k, v in ports.items() if f"{stem}.{v}" in params},
        "ipRanges": [{"cidrIp": cidr} for cidr in _only(params, f"{stem}.IpRanges.1.CidrIp")],
        "groups": [{"groupId": id_} for id_ in _only(params, f"{stem}.Groups.1.GroupId")],
    }


def _only(params: Params, name: str) -> list[str]:
    return [params[name]] if name in params else []
