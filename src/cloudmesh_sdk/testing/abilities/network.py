"""What a cloud promises that tells of its networks, and whose public addresses can move."""

import ipaddress
from collections.abc import Callable, Iterator
from uuid import uuid4

import attrs
import pytest

from cloudmesh_sdk.models import FloatingIP, Network, Port, Router, Server, Subnet
from cloudmesh_sdk.providers.base import (
    Cloud,
    HasFloatingIPs,
    HasNetworks,
    HasPorts,
    HasRouters,
)
from cloudmesh_sdk.testing.clouds import CloudFixtures
from cloudmesh_sdk.testing.listing import check_list

Started = Callable[..., Server]


class NetworkSuite(CloudFixtures):
    """Promises of `HasNetworks`."""

    @pytest.fixture
    def net(self, cloud: Cloud) -> HasNetworks:
        """Return the cloud as one with networks."""
        assert isinstance(cloud, HasNetworks)
        return cloud

    @pytest.fixture
    def network(self, net: HasNetworks) -> str:
        """Return the id of a network to start on; the first inner one unless overridden."""
        return next(row.id for row in net.networks() if not row.external)

    def test_networks_and_subnets_are_sound(self, cloud: Cloud, net: HasNetworks) -> None:
        networks = {row.id: row for row in check_list(cloud, net.networks, Network)}
        for network in networks.values():
            assert network.state == network.state.lower()
        for subnet in check_list(cloud, net.subnets, Subnet):
            ipaddress.ip_network(subnet.cidr)
            assert subnet.network in networks, f"{subnet.id} is on no network of the list"
            assert subnet.id in networks[subnet.network].subnets

    def test_a_server_is_on_the_network_it_was_started_on(
        self, cloud: Cloud, net: HasNetworks, network: str, started: Started
    ) -> None:
        row = self.seen(cloud, started(networks=(network,)))
        ranges = [s.cidr for s in net.subnets() if network in (s.network, s.id)]
        assert row.private_ips
        for address in row.private_ips:
            inside = [ipaddress.ip_address(address) in ipaddress.ip_network(r) for r in ranges]
            assert any(inside), f"{address} is in none of {ranges}"


class RouterSuite(CloudFixtures):
    """Promises of `HasRouters`."""

    def test_routers_are_sound(self, cloud: Cloud) -> None:
        assert isinstance(cloud, HasRouters)
        for router in check_list(cloud, cloud.routers, Router):
            assert router.state == router.state.lower()
            assert router.external is None or router.external


class PortSuite(CloudFixtures):
    """Promises of `HasPorts`."""

    def test_a_server_has_its_ports(self, cloud: Cloud, started: Started) -> None:
        assert isinstance(cloud, HasPorts)
        server = self.seen(cloud, started())
        mine = [row for row in check_list(cloud, cloud.ports, Port) if row.device == server.id]
        assert {a for port in mine for a in port.addresses} == {*server.private_ips}
        for port in mine:
            assert port.network
            assert port.mac == port.mac.lower()
            assert port.state == port.state.lower()

    def test_a_deleted_server_leaves_no_port(self, cloud: Cloud, started: Started) -> None:
        assert isinstance(cloud, HasPorts)
        server = started()
        cloud.delete(server)
        self.eventually(
            lambda: [row.id for row in cloud.ports() if row.device == server.id],
            lambda left: not left,
            "the ports of a deleted server go with it",
        )


class FloatingIPSuite(CloudFixtures):
    """Promises of `HasFloatingIPs`."""

    @pytest.fixture
    def addresses(self, cloud: Cloud) -> HasFloatingIPs:
        """Return the cloud as one with floating IPs."""
        assert isinstance(cloud, HasFloatingIPs)
        return cloud

    @pytest.fixture
    def taken(self, addresses: HasFloatingIPs) -> Iterator[Callable[..., FloatingIP]]:
        """Take addresses, given back at last."""
        made: dict[str, FloatingIP] = {}

        def taken(token: str = "") -> FloatingIP:
            address = addresses.create_floating_ip(token or uuid4().hex)
            made[address.id] = address
            return address

        yield taken
        for address in made.values():
            addresses.release_floating_ip(address)

    def test_a_taken_address_is_listed_and_free(
        self, cloud: Cloud, addresses: HasFloatingIPs, taken: Callable[..., FloatingIP]
    ) -> None:
        token = uuid4().hex
        made = taken(token)
        rows = check_list(cloud, addresses.floating_ips, FloatingIP)
        (row,) = [row for row in rows if row.id == made.id]
        ipaddress.ip_address(row.name)
        assert row.name == made.name
        assert (row.port, row.private_ip) == (None, None)
        assert row.token in (token, None)

    def test_one_token_takes_one_address(
        self, addresses: HasFloatingIPs, taken: Callable[..., FloatingIP]
    ) -> None:
        token = uuid4().hex
        first, again, other = taken(token), taken(token), taken()
        assert first.id == again.id != other.id
        rows = list(addresses.floating_ips())
        assert {first.id, other.id} <= {row.id for row in rows}
        assert [row.token for row in rows].count(token) <= 1

    def test_an_address_stands_for_a_server(
        self,
        addresses: HasFloatingIPs,
        taken: Callable[..., FloatingIP],
        cloud: Cloud,
        started: Started,
    ) -> None:
        address, server = taken(), self.seen(cloud, started())
        for _ in range(2):
            attached = addresses.attach_floating_ip(address, server)
            assert attached.id == address.id
            assert attached.private_ip in server.private_ips
            assert attached.port
        assert _now(addresses, address).private_ip == attached.private_ip
        for _ in range(2):
            free = addresses.detach_floating_ip(attached)
            assert (free.id, free.port, free.private_ip) == (address.id, None, None)
        assert _now(addresses, address).port is None

    def test_a_server_shows_the_address_that_stands_for_it(
        self,
        addresses: HasFloatingIPs,
        taken: Callable[..., FloatingIP],
        cloud: Cloud,
        started: Started,
    ) -> None:
        address, server = taken(), started()
        addresses.attach_floating_ip(address, server)

        def shown() -> tuple[str, ...]:
            return cloud.server(server.id).public_ips

        self.eventually(shown, lambda ips: address.name in ips, "the server shows its address")
        addresses.detach_floating_ip(address)
        self.eventually(shown, lambda ips: address.name not in ips, "and shows it no more")

    def test_an_address_outlives_its_server(
        self,
        addresses: HasFloatingIPs,
        taken: Callable[..., FloatingIP],
        cloud: Cloud,
        started: Started,
    ) -> None:
        address, server = taken(), self.seen(cloud, started())
        addresses.attach_floating_ip(address, server)
        cloud.delete(server)
        self.eventually(
            lambda: _now(addresses, address).port, lambda port: port is None, "it is free"
        )

    def test_releasing_twice_is_no_error(
        self, addresses: HasFloatingIPs, taken: Callable[..., FloatingIP]
    ) -> None:
        address = taken()
        addresses.release_floating_ip(address)
        assert address.id not in [row.id for row in addresses.floating_ips()]
        addresses.release_floating_ip(address)
        addresses.release_floating_ip(attrs.evolve(address, id=self.absent))


def _now(addresses: HasFloatingIPs, address: FloatingIP) -> FloatingIP:
    (row,) = [row for row in addresses.floating_ips() if row.id == address.id]
    return row
