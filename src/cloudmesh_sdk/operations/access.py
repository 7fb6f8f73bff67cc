"""Acts on keypairs and security groups, as a table."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from cloudmesh_sdk.errors import NotFoundError
from cloudmesh_sdk.models import Keypair, Operation, OperationState, Rule, SecurityGroup
from cloudmesh_sdk.operations.act import (
    Act,
    Learned,
    Reached,
    Records,
    Secrets,
    by_id,
    gone,
    is_gone,
    kept,
    look_at,
    nothing,
)
from cloudmesh_sdk.providers.base import HasKeypairs, HasSecurityGroups

# Keypairs


def _upload(cloud: HasKeypairs, operation: Operation, _: Secrets) -> Records:
    return (cloud.upload_key(operation.target, operation.request["public_key"]),)


def _forget(cloud: HasKeypairs, operation: Operation, _: Secrets) -> Records:
    cloud.delete_key(operation.target)
    return (gone(kept(Keypair, operation)),)


def _key_now(cloud: HasKeypairs, operation: Operation) -> Keypair | None:
    return next((key for key in cloud.keypairs() if key.name == operation.target), None)


def _key_act(go: Callable[[Any, Operation, Secrets], Records], reached: Reached) -> Act:
    look = look_at(_key_now, partial(kept, Keypair), reached)
    return Act(go=go, look=look, needs=HasKeypairs, harmless=True)


# Security groups


def _create_group(cloud: HasSecurityGroups, operation: Operation, _: Secrets) -> Records:
    return (cloud.create_security_group(operation.target, operation.request["description"]),)


def _look_for_group(cloud: Any, operation: Operation) -> Learned:
    """Look by name, which nothing had before: groups carry no token."""
    named = [group for group in cloud.security_groups() if group.name == operation.target]
    if not named:
        return nothing(cloud, operation, "security group")
    if len(named) == 1:
        return Learned(state=OperationState.DONE, records=(named[0],))
    ids = ", ".join(group.id for group in named)
    why = f"{cloud.name} has several security groups called {operation.target} ({ids})"
    return Learned(state=OperationState.FAILED, why=why)


def _group_now(cloud: HasSecurityGroups, operation: Operation) -> SecurityGroup | None:
    found: SecurityGroup | None = by_id(cloud.security_groups(), operation)
    return found


def _rule(operation: Operation) -> Rule:
    return Rule(**operation.request["rule"])


def _change_group(verb: str, cloud: Any, operation: Operation, _: Secrets) -> Records:
    getattr(cloud, verb)(kept(SecurityGroup, operation), _rule(operation))
    now = _group_now(cloud, operation)
    if now is None:
        raise NotFoundError(f"{cloud.name} has no security group {operation.target} any more")
    return (now,)


def _delete_group(cloud: HasSecurityGroups, operation: Operation, _: Secrets) -> Records:
    group = kept(SecurityGroup, operation)
    cloud.delete_security_group(group)
    return (gone(group),)


def _group_act(go: Callable[[Any, Operation, Secrets], Records], reached: Reached) -> Act:
    look = look_at(_group_now, partial(kept, SecurityGroup), reached)
    return Act(go=go, look=look, needs=HasSecurityGroups, harmless=True)


def _allows(now: SecurityGroup | None, operation: Operation) -> bool:
    return now is not None and _rule(operation) in now.rules


def _allows_not(now: SecurityGroup | None, operation: Operation) -> bool:
    return now is not None and _rule(operation) not in now.rules


ACCESS_ACTS: Mapping[str, Act] = {
    "upload": _key_act(_upload, lambda now, _: now is not None),
    "forget": _key_act(_forget, is_gone),
    "create_security_group": Act(
        go=_create_group, look=_look_for_group, needs=HasSecurityGroups
    ),
    "allow": _group_act(partial(_change_group, "allow"), _allows),
    "revoke": _group_act(partial(_change_group, "revoke"), _allows_not),
    "delete_security_group": _group_act(_delete_group, is_gone),
}  # fmt: skip
"""Acts on what lets somebody in: how it is done, and whether it is then as it was wanted."""
