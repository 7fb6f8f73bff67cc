"""What a cloud promises that has security groups."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from cloudmesh_sdk.models import Rule, SecurityGroup, Server
from cloudmesh_sdk.providers.base import Cloud, HasSecurityGroups
from cloudmesh_sdk.testing.clouds import CloudFixtures
from cloudmesh_sdk.testing.listing import check_record


class SecurityGroupSuite(CloudFixtures):
    """Promises of `HasSecurityGroups`."""

    @pytest.fixture
    def groups(self, cloud: Cloud) -> HasSecurityGroups:
        """Return the cloud as one with security groups."""
        assert isinstance(cloud, HasSecurityGroups)
        return cloud

    @pytest.fixture
    def group(self, groups: HasSecurityGroups) -> Iterator[SecurityGroup]:
        """Give a new group, deleted at last."""
        made = groups.create_security_group(f"kit-{uuid4().hex[:12]}", "of the kit")
        yield made
        self.allowed(lambda: groups.delete_security_group(made))

    def test_a_new_group_lets_nothing_in(
        self, cloud: Cloud, groups: HasSecurityGroups, group: SecurityGroup
    ) -> None:
        row = _now(groups, group)
        check_record(row, SecurityGroup, cloud.name)
        assert (row.name, row.description) == (group.name, "of the kit")
        assert [rule for rule in row.rules if rule.direction == "ingress"] == []

    def test_rules_come_and_go_once(self, groups: HasSecurityGroups, group: SecurityGroup) -> None:
        ssh = Rule(from_port=22, to_port=22, remote="192.0.2.0/24")
        web = Rule(from_port=8000, to_port=8080)
        for rule in (ssh, web, ssh):
            groups.allow(group, rule)
        assert set(_ports(groups, group)) == {22, 8000}
        assert len(_ports(groups, group)) == 2
        assert {ssh, web} <= set(_now(groups, group).rules)
        for _ in range(2):
            groups.revoke(group, ssh)
        assert _ports(groups, group) == [8000]

    def test_deleting_a_group_twice_is_no_error(
        self, groups: HasSecurityGroups, group: SecurityGroup
    ) -> None:
        groups.delete_security_group(group)
        assert group.id not in [row.id for row in groups.security_groups()]
        groups.delete_security_group(group)

    def test_a_server_shows_its_groups(
        self, cloud: Cloud, group: SecurityGroup, started: Callable[..., Server]
    ) -> None:
        server = started(security_groups=(group.name,))
        assert {*self.seen(cloud, server).security_groups} & {group.name, group.id}
        cloud.delete(server)
        self.gone(cloud, server)


def _now(groups: HasSecurityGroups, group: SecurityGroup) -> SecurityGroup:
    (row,) = [row for row in groups.security_groups() if row.id == group.id]
    return row


def _ports(groups: HasSecurityGroups, group: SecurityGroup) -> list[int | None]:
    return [rule.from_port for rule in _now(groups, group).rules if rule.direction == "ingress"]
