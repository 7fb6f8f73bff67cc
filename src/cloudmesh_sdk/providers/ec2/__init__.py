"""Amazon EC2, and whatever speaks its Query API."""

import base64
import threading
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import attrs
from botocore.config import Config

from cloudmesh_sdk.errors import BackendError, NotFoundError
from cloudmesh_sdk.models import (
    Flavor,
    Health,
    Image,
    Quota,
    Server,
    ServerRequest,
    ServerState,
    Zone,
)
from cloudmesh_sdk.providers.base import (
    HasConsole,
    HasQuotas,
    HasRename,
    HasTags,
    HasZones,
)
from cloudmesh_sdk.providers.ec2 import network, records
from cloudmesh_sdk.providers.ec2.access import Access
from cloudmesh_sdk.providers.ec2.answers import Nonsense
from cloudmesh_sdk.providers.ec2.client import VERSIONS, Client
from cloudmesh_sdk.providers.ec2.errors import SKEW, never_sent, translated
from cloudmesh_sdk.providers.ec2.launch import filtered, launch, listed, tagging
from cloudmesh_sdk.providers.ec2.settings import Ec2Settings
from cloudmesh_sdk.retrying import Budget

__all__ = ["Ec2Cloud", "Ec2Settings"]

_FLAVORS_PAGE = 100
"""The most that DescribeInstanceTypes gives at a time."""


class Ec2Cloud(
    Access,
    HasConsole,
    HasQuotas,
    HasZones,
    HasTags,
    HasRename,
):
    """One account at one region of EC2."""

    Settings: ClassVar[type] = Ec2Settings
    parallel: ClassVar[int] = 8
    extras: ClassVar[frozenset[str]] = frozenset({"zone"})

    def __init__(self, name: str, settings: Ec2Settings) -> None:
        super().__init__(name)
        self.settings = settings
        self.settle = settings.settle
        self._counting = threading.Lock()
        self._client = Client(name, settings, self._count, lambda: self.watch)
        self._native: Any = None

    def _count(self) -> None:
        with self._counting:
            self.calls += 1

    @property
    def native(self) -> Any:
        """boto3's client of EC2, with these credentials; it does not try again by itself."""
        if self._native is None:
            import boto3

            with translated(self.name, "native client"):
                session = boto3.session.Session(
                    botocore_session=self._client.identity.session(),
                    region_name=self.settings.region,
                )
                self._native = session.client(
                    "ec2",
                    endpoint_url=self.settings.endpoint,
                    verify=(self.settings.ca_bundle or True) if self.settings.verify else False,
                    config=Config(
                        retries={"total_max_attempts": 1},
                        read_timeout=self.settings.timeout,
                        connect_timeout=min(10, self.settings.timeout),
                    ),
                )
        return self._native

    def check(self) -> Health:
        """Return the API's version, who we are and our clock's skew; 2 requests."""
        self._client.call("DescribeInstances", {"MaxResults": "5"})
        warnings = []
        identity = ""
        try:
            answer = self._client.call("GetCallerIdentity", service="sts")
            identity = answer["GetCallerIdentityResult"]["Arn"]
        except (BackendError, KeyError) as error:
            warnings.append(f"the service does not say who we are: {error}")
        skew = self._client.skew
        if skew is not None and abs(skew) > SKEW:
            warnings.append(f"the clock of this machine is {skew:+.0f} s off the service's")
        return Health(
            service=self.name,
            version=VERSIONS["ec2"],
            identity=identity,
            skew=skew,
            warnings=tuple(warnings),
        )

    def servers(self) -> Iterator[Server]:
        """Yield all servers but those that EC2 still shows for an hour after their end."""
        pages = self._client.pages(
            "DescribeInstances", "reservationSet", size=self.settings.page_size
        )
        for page in pages:
            for server in self._servers("DescribeInstances", page):
                if server.state is not ServerState.DELETED:
                    yield server

    def _servers(self, action: str, reservations: list[Any]) -> list[Server]:
        return self._client.records(action, records.server, records.instances(reservations))

    def images(self) -> Iterator[Image]:
        """Yield the machine images of this account, and those of others that the settings name."""
        usable = {"state": ("available",), "image-type": ("machine",)}
        others = [owner for owner in self.settings.image_owners if owner != "self"]
        if "self" in self.settings.image_owners:
            yield from self._images({**listed("Owner", ("self",)), **filtered(usable)})
        if others:
            named = usable | ({"name": names} if (names := self.settings.image_names) else {})
            yield from self._images({**listed("Owner", others), **filtered(named)})

    def _images(self, params: dict[str, str]) -> Iterator[Image]:
        pages = self._client.pages(
            "DescribeImages", "imagesSet", params, size=self.settings.page_size
        )
        for page in pages:
            yield from self._client.records("DescribeImages", records.image, page)

    def flavors(self) -> Iterator[Flavor]:
        """Yield the instance types of the region."""
        pages = self._client.pages("DescribeInstanceTypes", "instanceTypeSet", size=_FLAVORS_PAGE)
        for page in pages:
            yield from self._client.records("DescribeInstanceTypes", records.flavor, page)

    def server(self, id: str) -> Server:  # noqa: A002
        """Return one server as it is now, a deleted one while EC2 still knows it."""
        found = self._describe(listed("InstanceId", (id,)))
        if not found:
            raise NotFoundError(f"{self.name} has no server with id {id}")
        return found[0]

    def is_ours(self, server: Server) -> bool:
        """Tell whether a server has the tag: boto3 gives what anybody starts a ClientToken."""
        return records.TOKEN_TAG in server.tags

    def find(self, token: str) -> Server | None:
        """Return the server that a start with this token made, even where it is deleted since."""
        return self._find(token, self._client.budget())

    def _find(self, token: str, budget: Budget) -> Server | None:
        found = self._describe(filtered({f"tag:{records.TOKEN_TAG}": (token,)}), budget)
        alive = [server for server in found if server.state is not ServerState.DELETED]
        return next(iter(alive or found), None)

    def _describe(self, params: dict[str, str], budget: Budget | None = None) -> list[Server]:
        answer = self._client.call("DescribeInstances", params, budget=budget)
        reservations = self._client.part(answer, "DescribeInstances", "reservationSet")
        return self._servers("DescribeInstances", reservations)

    def start(self, request: ServerRequest) -> Server:
        """Start a server; 1 request.

        The token goes out as ClientToken, which EC2 honours, and as a tag. Where an answer is lost
        the token is looked up and then sent again, since lists of EC2 may not show the server yet.
        An endpoint that does not honour the token is sent nothing again: it may be at the first
        still. A transient error leaves open whether there is a server: the same request may be
        made again where the token is honoured, and `find` asked.
        """
        groups = request.security_groups
        if request.networks:  # names of groups work without a subnet only
            groups = network.ids(self._client, groups)
        params = launch(request, groups)
        if not self.settings.honours_token and (found := self.find(request.token)):
            return found
        budget = self._client.budget()
        while True:
            try:
                return self._run(params, budget)
            except BackendError as error:
                budget.pause(error)
                if never_sent(error):
                    continue
                if found := self._find(request.token, budget):
                    return found
                if not self.settings.honours_token:
                    raise

    def _run(self, params: dict[str, str], budget: Budget) -> Server:
        answer = self._client.once("RunInstances", params, seconds=budget.left())
        self._client.part(answer, "RunInstances", "instancesSet")
        made = self._servers("RunInstances", [answer])
        with translated(self.name, "RunInstances"):
            if len(made) != 1:
                raise Nonsense(f"asked for one server, found {len(made)}")
        return made[0]

    def delete(self, server: Server) -> None:
        try:
            self._act("TerminateInstances", server)
        except NotFoundError:
            return

    def stop(self, server: Server) -> None:
        self._act("StopInstances", server)

    def resume(self, server: Server) -> None:
        self._act("StartInstances", server)

    def reboot(self, server: Server) -> None:
        self._act("RebootInstances", server, again=False)

    def _act(self, action: str, server: Server, *, again: bool = True) -> None:
        self._client.call(action, listed("InstanceId", (server.id,)), again=again)

    def tag(self, server: Server, tags: Mapping[str, str | None]) -> Server:
        """Set tags, and take away those that are None; a request each, and one to look."""
        chosen = {key: value for key, value in tags.items() if key != records.TOKEN_TAG}
        new = {key: value for key, value in chosen.items() if value is not None}
        if new:
            self._client.call("CreateTags", tagging(server.id, new))
        if old := {key: None for key in chosen if key not in new}:
            self._client.call("DeleteTags", tagging(server.id, old))
        now = self.server(server.id)  # which may be of a moment before, with EC2
        kept = {key: value for key, value in now.tags.items() if key not in old}
        return attrs.evolve(now, tags={**kept, **new}, name=new.get("Name", now.name))

    def rename(self, server: Server, name: str) -> Server:
        """Give a server another Name tag."""
        return self.tag(server, {"Name": name})

    def zones(self) -> Iterator[Zone]:
        """Yield the availability zones of the region that are open to this account."""
        answer = self._client.call("DescribeAvailabilityZones")
        found = self._client.part(answer, "DescribeAvailabilityZones", "availabilityZoneInfo")
        yield from self._client.records("DescribeAvailabilityZones", records.zone, found)

    def console(self, server: Server) -> str:
        answer = self._client.call("GetConsoleOutput", {"InstanceId": server.id})
        return base64.b64decode(answer.get("output") or "").decode("utf-8", "replace")

    def quotas(self) -> Iterator[Quota]:
        """Yield the limits that the API tells.

        EC2 itself still names a number of instances but counts virtual CPUs since 2019, so that
        one is told by other endpoints only.
        """
        answer = self._client.call("DescribeAccountAttributes")
        attributes = self._client.part(answer, "DescribeAccountAttributes", "accountAttributeSet")
        addresses = self._client.call("DescribeAddresses")
        used = {
            "elastic ips": len(self._client.part(addresses, "DescribeAddresses", "addressesSet"))
        }
        if self.settings.endpoint is not None:
            used["instances"] = sum(1 for _ in self.servers())
        return iter(list(records.quotas(attributes, used, self.name)))

    def close(self) -> None:
        self._client.close()
        if self._native is not None:
            self._native.close()
