"""Keypairs and security groups of the memory cloud."""

from collections.abc import Callable, Iterator

import attrs

from cloudmesh_sdk.errors import ConflictError
from cloudmesh_sdk.models import Keypair, Rule, SecurityGroup
from cloudmesh_sdk.providers.base import HasKeypairs, HasSecurityGroups
from cloudmesh_sdk.providers.memory import documents, records, rows
from cloudmesh_sdk.providers.memory.account import Account


class Access(Account, HasKeypairs, HasSecurityGroups):
    """Who may come in, and from where."""

    def keypairs(self) -> Iterator[Keypair]:
        return self._records("keypairs", records.keypair)

    def upload_key(self, name: str, public_key: str) -> Keypair:
        mark = records.fingerprint(public_key)
        self._call("POST", "/keypairs")
        with self._place.change() as tables:
            known = tables["keypairs"].get(name)
            if known and known["fingerprint"] != mark:
                raise ConflictError(f"{self.name} has another key named {name}; delete it first")
            row = known or {"name": name, "public_key": public_key.strip(), "fingerprint": mark}
            tables["keypairs"] = dict(sorted({**tables["keypairs"], name: row}.items()))
        return records.keypair(self.name, row)

    def delete_key(self, name: str) -> None:
        self._call("DELETE", f"/keypairs/{name}")
        with self._place.change() as tables:
            tables["keypairs"].pop(name, None)

    def security_groups(self) -> Iterator[SecurityGroup]:
        return self._records("groups", records.security_group)

    def create_security_group(self, name: str, description: str) -> SecurityGroup:
        self._call("POST", "/groups")
        with self._place.change() as tables:
            if name in rows.names(tables["groups"]):
                raise ConflictError(f"{self.name} has a security group named {name} already")
            number = f"sg-{rows.number(tables, 'group'):08x}"
            row = tables["groups"][number] = documents.group(number, name, description)
        return records.security_group(self.name, row)

    def delete_security_group(self, group: SecurityGroup) -> None:
        self._call("DELETE", f"/groups/{group.id}")
        with self._place.change() as tables:
            tables["groups"].pop(group.id, None)

    def allow(self, group: SecurityGroup, rule: Rule) -> None:
        self._rules(group, lambda rules: [*rules, rule] if rule not in rules else rules)

    def revoke(self, group: SecurityGroup, rule: Rule) -> None:
        self._rules(group, lambda rules: [known for known in rules if known != rule])

    def _rules(self, group: SecurityGroup, change: Callable[[list[Rule]], list[Rule]]) -> None:
        self._call("PUT", f"/groups/{group.id}")
        with self._place.change() as tables:
            row = rows.row(tables, "groups", group.id, self.name)
            rules = change([Rule(**entry) for entry in row["security_group_rules"]])
            entries = [attrs.asdict(known) for known in rules]
            tables["groups"][group.id] = {**row, "security_group_rules": entries}
