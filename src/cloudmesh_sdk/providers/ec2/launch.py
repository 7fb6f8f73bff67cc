"""What is sent to EC2: parameters of its Query API, from plain values."""

import base64
from collections.abc import Iterable, Mapping

from cloudmesh_sdk.models import ServerRequest
from cloudmesh_sdk.providers.ec2.records import TOKEN_TAG


def listed(name: str, values: Iterable[str]) -> dict[str, str]:
    """Return a list as parameters, numbered from 1: `Name.1`, `Name.2`."""
    return {f"{name}.{number}": value for number, value in enumerate(values, 1)}


def filtered(filters: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Return filters, each a name and the values that match, as parameters."""
    params: dict[str, str] = {}
    for number, (name, values) in enumerate(filters.items(), 1):
        params[f"Filter.{number}.Name"] = name
        params |= listed(f"Filter.{number}.Value", values)
    return params


def tags(resource: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that a thing gets as it is made, as parameters."""
    params = {"TagSpecification.1.ResourceType": resource}
    for number, (key, value) in enumerate(values.items(), 1):
        params[f"TagSpecification.1.Tag.{number}.Key"] = key
        params[f"TagSpecification.1.Tag.{number}.Value"] = value
    return params


def tagging(server: str, values: Mapping[str, str | None]) -> dict[str, str]:
    """Return the parameters of CreateTags, or of DeleteTags where values are None."""
    params = listed("ResourceId", (server,))
    for number, (key, value) in enumerate(values.items(), 1):
        params[f"Tag.{number}.Key"] = key
        if value is not None:
            params[f"Tag.{number}.Value"] = value
    return params


def launch(request: ServerRequest, groups: tuple[str, ...]) -> dict[str, str]:
    """Return the parameters of RunInstances for one server; `groups` are ids or names.

    Equal requests give equal parameters, as EC2 wants of those with one ClientToken
    (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html).
    """
    named = {**request.tags, "Name": request.name, TOKEN_TAG: request.token}
    params = {
        "ImageId": request.image,
        "InstanceType": request.flavor,
        "MinCount": "1",
        "MaxCount": "1",
        "ClientToken": request.token,
        **tags("instance", named),
        **_network(request.networks, groups),
    }
    if request.key:
        params["KeyName"] = request.key
    if request.zone:
        params["Placement.AvailabilityZone"] = request.zone
    if request.user_data is not None:
        params["UserData"] = base64.b64encode(request.user_data.encode()).decode()
    return params


def _network(networks: tuple[str, ...], groups: tuple[str, ...]) -> dict[str, str]:
    """Return subnets and groups: of the server for one subnet, of each interface for several."""
    if len(networks) > 1:
        params: dict[str, str] = {}
        for number, network in enumerate(networks, 1):
            interface = f"NetworkInterface.{number}"
            params[f"{interface}.DeviceIndex"] = str(number - 1)
            params[f"{interface}.SubnetId"] = network
            params |= listed(f"{interface}.SecurityGroupId", groups)
        return params
    ids = [group for group in groups if group.startswith("sg-")]
    names = [group for group in groups if not group.startswith("sg-")]
    subnet = {"SubnetId": networks[0]} if networks else {}
    return subnet | listed("SecurityGroupId", ids) | listed("SecurityGroup", names)
