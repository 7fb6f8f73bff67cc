"""A made-up EC2 account: what the tests' endpoint knows, action by action, after EC2's API docs."""

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tests.labs.ec2_query import Params, Refusal, filters, numbered, paged, permission, tags

_NEXT = {"pending": "running", "stopping": "stopped", "shutting-down": "terminated"}
_CODES = {
    "pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64,
    "stopped": 80,
}  # fmt: skip
IMAGES: list[dict[str, Any]] = [
    {"imageId": "ami-0001", "name": "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-1",
     "imageOwnerId": "099720109477", "isPublic": "true", "imageState": "available",
     "imageType": "machine", "architecture": "x86_64", "rootDeviceName": "/dev/sda1",
     "creationDate": "2026-01-02T03:04:05.000Z",
     "blockDeviceMapping": [{"deviceName": "/dev/sda1", "ebs": {"volumeSize": "8"}}]},
    {"imageId": "ami-0002", "name": "mine", "imageOwnerId": "123456789012", "isPublic": "false",
     "imageState": "available", "imageType": "machine", "architecture": "arm64",
     "blockDeviceMapping": []},
]  # fmt: skip
TYPES: list[dict[str, Any]] = [
    {"instanceType": f"t3.{size}", "vCpuInfo": {"defaultVCpus": str(vcpus)},
     "memoryInfo": {"sizeInMiB": str(ram)}, "processorInfo": {"supportedArchitectures": ["x86_64"]}}
    for size, vcpus, ram in (("micro", 2, 1024), ("small", 2, 2048), ("large", 2, 8192))
]  # fmt: skip

ZONES = ("us-east-1a", "us-east-1b")


class Account:
    """Instances, keys and groups; kept in a file where one is given."""

    def __init__(self, file: Path | None = None, *, owner: str = "123456789012") -> None:
        self.owner = owner
        self.instances: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, Any] = {}
        self.keys: dict[str, dict[str, str]] = {}
        self.groups: dict[str, dict[str, Any]] = {}
        self._file = file
        self._lock = threading.RLock()
        if file is not None and file.exists():
            self.__dict__.update(json.loads(file.read_text()))

    def answer(self, action: str, params: Params) -> dict[str, Any]:
        """Return what EC2 would answer; raises `Refusal`."""
        method: Callable[[Params], dict[str, Any]] | None = getattr(self, f"_{action}", None)
        if method is None:
            raise Refusal("InvalidAction", f"The action {action} is not valid for this endpoint.")
        with self._lock:
            result = method(params)
            self._keep()
        return result

    def seed(self, count: int) -> None:
        """Make so many running servers."""
        with self._lock:
            for _ in range(count):
                self._make({"ImageId": "ami-0001", "InstanceType": "t3.micro"}, "running")
            self._keep()

    def _keep(self) -> None:
        if self._file is not None:
            kept = {n: getattr(self, n) for n in ("instances", "tokens", "keys", "groups")}
            new = self._file.with_suffix(".new")
            new.write_text(json.dumps(kept))
            new.replace(self._file)

    # instances

    def _RunInstances(self, params: Params) -> dict[str, Any]:  # noqa: N802
        token = params.get("ClientToken", "")
        if token in self.tokens:
            made, before = self.tokens[token]
            if before != dict(params):
                text = "Arguments on this idempotent request are inconsistent with arguments used "
                raise Refusal("IdempotentParameterMismatch", f"{text}in previous request(s).")
            return self._reservation(self.instances[made])
        self._check(params)
        instance = self._make(params, "pending")
        if token:
            self.tokens[token] = [instance["instanceId"], dict(params)]
        return self._reservation(instance)

    def _check(self, params: Params) -> None:
        image, flavor, key = params["ImageId"], params["InstanceType"], params.get("KeyName")
        if image not in {known["imageId"] for known in IMAGES}:
            raise Refusal("InvalidAMIID.NotFound", f"The image id '[{image}]' does not exist")
        if flavor not in {known["instanceType"] for known in TYPES}:
            raise Refusal("InvalidParameterValue", f"Invalid value '{flavor}' for InstanceType.")
        if (zone := params.get("Placement.AvailabilityZone", ZONES[0])) not in ZONES:
            raise Refusal("InvalidParameterValue", f"Invalid availability zone: [{zone}]")
        if key and key not in self.keys:
            raise Refusal("InvalidKeyPair.NotFound", f"The key pair '{key}' does not exist")

    def _make(self, params: Params, state: str) -> dict[str, Any]:
        number = len(self.instances) + 1
        made: dict[str, Any] = {
            "instanceId": f"i-{number:017x}",
            "imageId": params["ImageId"],
            "instanceState": _state(state),
            "privateDnsName": "",
            "keyName": params.get("KeyName", ""),
            "clientToken": params.get("ClientToken", ""),
            "instanceType": params["InstanceType"],
            "launchTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "placement": {
                "availabilityZone": params.get("Placement.AvailabilityZone", ZONES[0]),
                "tenancy": "default",
            },
            "privateIpAddress": f"10.0.{number // 250}.{number % 250 + 1}",
            "groupSet": [
                {name: group[name] for name in ("groupId", "groupName")}
                for group in self._chosen(params)
            ],
            "tagSet": list(tags(params)),
        }
        self.instances[made["instanceId"]] = made
        return made

    def _chosen(self, params: Params) -> list[dict[str, Any]]:
        wanted = {*numbered(params, "SecurityGroupId"), *numbered(params, "SecurityGroup")}
        groups = self.groups.values()
        return [group for group in groups if wanted & {group["groupId"], group["groupName"]}]

    def _reservation(self, instance: Mapping[str, Any]) -> dict[str, Any]:
        number = instance["instanceId"].removeprefix("i-")
        return {
            "reservationId": f"r-{number}", "ownerId": self.owner, "groupSet": [],
            "instancesSet": [instance],
        }  # fmt: skip

    def _DescribeInstances(self, params: Params) -> dict[str, Any]:  # noqa: N802
        ids = numbered(params, "InstanceId")
        found = self._known(ids) if ids else list(self.instances.values())
        wanted = filters(params)
        found = [instance for instance in found if all(_fits(instance, *f) for f in wanted.items())]
        page, token = paged(found, params, ids=bool(ids))
        shown = json.loads(json.dumps([self._reservation(instance) for instance in page]))
        for instance in page:
            name = instance["instanceState"]["name"]
            if name in _NEXT:
                instance["instanceState"] = _state(_NEXT[name])
        return {"reservationSet": shown, **token}

    def _known(self, ids: list[str]) -> list[dict[str, Any]]:
        missing = [name for name in ids if name not in self.instances]
        if missing:
            text = f"The instance ID '{missing[0]}' does not exist"
            raise Refusal("InvalidInstanceID.NotFound", text)
        return [self.instances[name] for name in ids]

    def _change(self, params: Params, state: str, allowed: str) -> dict[str, Any]:
        chosen = self._known(numbered(params, "InstanceId"))
        for instance in chosen:
            name = instance["instanceState"]["name"]
            if name not in allowed.split():
                text = f"The instance '{instance['instanceId']}' is not in a state for that: {name}"
                raise Refusal("IncorrectInstanceState", text)
        for instance in chosen:
            instance["instanceState"] = _state(state)
        return {
            "instancesSet": [
                {"instanceId": i["instanceId"], "currentState": i["instanceState"]} for i in chosen
            ]
        }

    def _TerminateInstances(self, params: Params) -> dict[str, Any]:  # noqa: N802
        gone = [i["instanceState"]["name"] for i in self._known(numbered(params, "InstanceId"))]
        if gone == ["terminated"]:
            return {"instancesSet": []}
        return self._change(params, "shutting-down", " ".join(_CODES))

    def _StopInstances(self, params: Params) -> dict[str, Any]:  # noqa: N802
        return self._change(params, "stopping", "running pending stopping stopped")

    def _StartInstances(self, params: Params) -> dict[str, Any]:  # noqa: N802
        return self._change(params, "pending", "stopped running pending")

    def _RebootInstances(self, params: Params) -> dict[str, Any]:  # noqa: N802
        self._change(params, "running", "running pending")
        return {"return": "true"}

    def _GetConsoleOutput(self, params: Params) -> dict[str, Any]:  # noqa: N802
        instance = self._known([params["InstanceId"]])[0]
        text = base64.b64encode(f"{instance['instanceId']} boots\n".encode()).decode()
        return {"instanceId": instance["instanceId"], "output": text}

    def _CreateTags(self, params: Params) -> dict[str, Any]:  # noqa: N802
        for instance in self._known(numbered(params, "ResourceId")):
            new = list(tags(params, "Tag"))
            keys = {tag["key"] for tag in new}
            kept = [tag for tag in instance["tagSet"] if tag["key"] not in keys]
            instance["tagSet"] = [*kept, *new]
        return {"return": "true"}

    def _DeleteTags(self, params: Params) -> dict[str, Any]:  # noqa: N802
        keys = {tag["key"] for tag in tags(params, "Tag")}
        for instance in self._known(numbered(params, "ResourceId")):
            kept = [tag for tag in instance["tagSet"] if tag["key"] not in keys]
            instance["tagSet"] = kept
        return {"return": "true"}

    # images, types, account

    def _DescribeAvailabilityZones(self, _: Params) -> dict[str, Any]:  # noqa: N802
        zones = [{"zoneName": z, "zoneState": "available", "messageSet": []} for z in ZONES]
        return {"availabilityZoneInfo": zones}

    def _DescribeImages(self, params: Params) -> dict[str, Any]:  # noqa: N802
        owners = [self.owner if o == "self" else o for o in numbered(params, "Owner")]
        names = filters(params).get("name", ["*"])
        found = [
            image
            for image in IMAGES
            if (not owners or image["imageOwnerId"] in owners)
            and any(fnmatchcase(str(image["name"]), pattern) for pattern in names)
        ]
        page, token = paged(found, params)
        return {"imagesSet": page, **token}

    def _DescribeInstanceTypes(self, params: Params) -> dict[str, Any]:  # noqa: N802
        page, token = paged(TYPES, params)
        return {"instanceTypeSet": page, **token}

    def _DescribeAccountAttributes(self, _: Params) -> dict[str, Any]:  # noqa: N802
        limits = {"max-instances": "20", "vpc-max-elastic-ips": "5", "default-vpc": "vpc-1"}
        return {
            "accountAttributeSet": [
                {"attributeName": name, "attributeValueSet": [{"attributeValue": value}]}
                for name, value in limits.items()
            ]
        }

    def _DescribeAddresses(self, _: Params) -> dict[str, Any]:  # noqa: N802
        return {"addressesSet": [{"publicIp": "192.0.2.7"}]}

    def _GetCallerIdentity(self, _: Params) -> dict[str, Any]:  # noqa: N802
        arn = f"arn:aws:iam::{self.owner}:user/tester"
        return {"GetCallerIdentityResult": {"Arn": arn, "Account": self.owner}}

    # keys

    def _DescribeKeyPairs(self, params: Params) -> dict[str, Any]:  # noqa: N802
        names = numbered(params, "KeyName")
        whole = params.get("IncludePublicKey") == "true"
        return {
            "keySet": [
                {k: v for k, v in key.items() if whole or k != "publicKey"}
                for name, key in self.keys.items()
                if not names or name in names
            ]
        }

    def _ImportKeyPair(self, params: Params) -> dict[str, Any]:  # noqa: N802
        name = params["KeyName"]
        if name in self.keys:
            text = f"The keypair '{name}' already exists."
            raise Refusal("InvalidKeyPair.Duplicate", text)
        line = base64.b64decode(params["PublicKeyMaterial"]).decode()
        if not line.startswith("ssh-"):
            raise Refusal("InvalidKey.Format", "Key is not in valid OpenSSH public key format")
        packed = base64.b64decode(line.split()[1])
        print_ = base64.b64encode(hashlib.sha256(packed).digest()).decode()
        self.keys[name] = {"keyName": name, "keyFingerprint": print_, "publicKey": line}
        return {"keyName": name, "keyFingerprint": print_}

    def _DeleteKeyPair(self, params: Params) -> dict[str, Any]:  # noqa: N802
        self.keys.pop(params["KeyName"], None)
        return {"return": "true"}

    # security groups

    def _DescribeSecurityGroups(self, params: Params) -> dict[str, Any]:  # noqa: N802
        names = filters(params).get("group-name")
        found = [g for g in self.groups.values() if names is None or g["groupName"] in names]
        page, token = paged(found, params)
        return {"securityGroupInfo": page, **token}

    def _CreateSecurityGroup(self, params: Params) -> dict[str, Any]:  # noqa: N802
        name = params["GroupName"]
        if any(group["groupName"] == name for group in self.groups.values()):
            text = f"The security group '{name}' already exists"
            raise Refusal("InvalidGroup.Duplicate", text)
        made = f"sg-{len(self.groups) + 1:08x}"
        self.groups[made] = {
            "groupId": made, "groupName": name, "groupDescription": params["GroupDescription"],
            "ipPermissions": [], "ipPermissionsEgress": [],
        }  # fmt: skip
        return {"groupId": made, "return": "true"}

    def _DeleteSecurityGroup(self, params: Params) -> dict[str, Any]:  # noqa: N802
        self._group(params)
        del self.groups[params["GroupId"]]
        return {"return": "true"}

    def _AuthorizeSecurityGroupIngress(self, params: Params) -> dict[str, Any]:  # noqa: N802
        rules, rule = self._group(params)["ipPermissions"], permission(params)
        if rule in rules:
            raise Refusal("InvalidPermission.Duplicate", "the specified rule already exists")
        rules.append(rule)
        return {"return": "true"}

    def _RevokeSecurityGroupIngress(self, params: Params) -> dict[str, Any]:  # noqa: N802
        rules, rule = self._group(params)["ipPermissions"], permission(params)
        if rule not in rules:
            raise Refusal("InvalidPermission.NotFound", "The specified rule does not exist")
        rules.remove(rule)
        return {"return": "true"}

    def _group(self, params: Params) -> dict[str, Any]:
        if params["GroupId"] not in self.groups:
            text = f"The security group '{params['GroupId']}' does not exist"
            raise Refusal("InvalidGroup.NotFound", text)
        return self.groups[params["GroupId"]]


def _state(name: str) -> dict[str, str]:
    return {"code": str(_CODES[name]), "name": name}


def _fits(instance: Mapping[str, Any], name: str, values: list[str]) -> bool:
    if name == "instance-state-name":
        return instance["instanceState"]["name"] in values
    if name.startswith("tag:"):
        key = name.removeprefix("tag:")
        return any(tag["key"] == key and tag["value"] in values for tag in instance["tagSet"])
    raise Refusal("InvalidParameterValue", f"The filter '{name}' is invalid")
