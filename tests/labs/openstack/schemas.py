"""The databases of a new lab, their tables, and Keystone's first user."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from grp import getgrgid
from pwd import getpwuid
from subprocess import CalledProcessError, check_output

from tests.labs.openstack.config import bus, database
from tests.labs.openstack.install import logged
from tests.labs.openstack.lab import PASSWORD, REGION, Lab, LabError

DATABASES = (
    *("keystone", "glance", "placement", "neutron", "cinder"),
    *("nova_api", "nova_cell0", "nova_cell1"),
)


def create(lab: Lab, env: Mapping[str, str]) -> None:
    """Make what is not there yet; may be repeated after a failure."""
    for name in DATABASES:
        sql(lab, f"CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET utf8mb3")
    for place in ("keystone/fernet", "keystone/cred", "glance/images", "glance/staging"):
        (lab.state / place).mkdir(parents=True, exist_ok=True)
    for place in ("glance/tasks", "nova", "neutron", "cinder", "locks"):
        (lab.state / place).mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(_run, lab, name, env) for name in _commands(lab)]:
            done.result()


def map_computes(lab: Lab, env: Mapping[str, str]) -> None:
    """Tell Nova's scheduler of the hosts that have come."""
    argv = (*_manage(lab, "nova", "nova.conf", "nova-db.conf"), "cell_v2", "discover_hosts")
    logged(lab, "schema-nova", *argv, env=env)


def sql(lab: Lab, statement: str) -> str:
    """Run a statement as the database's root; return what it selects, a row a line."""
    argv = ["mariadb", "--no-defaults", f"--socket={lab.socket}", "-uroot", "-N", "-e", statement]
    try:
        return check_output(argv, text=True)
    except CalledProcessError as error:
        raise LabError(f"the lab's database refused: {statement}") from error


def _run(lab: Lab, name: str, env: Mapping[str, str]) -> None:
    for argv in _commands(lab)[name]:
        logged(lab, f"schema-{name}", *argv, env=env)
    if name == "nova" and "cell1" not in sql(lab, "SELECT name FROM nova_api.cell_mappings"):
        place = ("--database_connection", database(lab, "nova_cell1"), "--transport-url", bus(lab))
        nova = _manage(lab, "nova", "nova.conf", "nova-db.conf")
        words = ("cell_v2", "create_cell", "--name", "cell1")
        logged(lab, "schema-nova", *nova, *words, *place, env=env)


def _commands(lab: Lab) -> dict[str, list[tuple[str, ...]]]:
    keystone = _manage(lab, "keystone", "keystone.conf")
    nova = _manage(lab, "nova", "nova.conf", "nova-db.conf")
    cell0 = ("cell_v2", "map_cell0", "--database_connection", database(lab, "nova_cell0"))
    neutron = _manage(lab, "neutron", "neutron.conf", "ml2_conf.ini", program="neutron-db-manage")
    name, group = getpwuid(os.geteuid()).pw_name, getgrgid(os.getegid()).gr_name
    me = ("--keystone-user", name, "--keystone-group", group)
    commands = {
        "keystone": [
            (*keystone, "db_sync"),
            (*keystone, "fernet_setup", *me),
            (*keystone, "credential_setup", *me),
            (*keystone, *_bootstrap(lab)),
        ],
        "glance": [(*_manage(lab, "glance", "glance-api.conf"), "db_sync")],
        "placement": [(*_manage(lab, "placement", "placement.conf"), "db", "sync")],
        "neutron": [(*neutron, "upgrade", "head")],
        "nova": [(*nova, "api_db", "sync"), (*nova, *cell0), (*nova, "db", "sync")],
    }
    if lab.volumes:
        commands["cinder"] = [(*_manage(lab, "cinder", "cinder.conf"), "db", "sync")]
    return commands


def _manage(lab: Lab, service: str, *files: str, program: str = "") -> tuple[str, ...]:
    options = [word for file in files for word in ("--config-file", f"{lab.etc}/{service}/{file}")]
    return (lab.program(program or f"{service}-manage"), *options)


def _bootstrap(lab: Lab) -> tuple[str, ...]:
    urls = [
        word
        for interface in ("admin", "internal", "public")
        for word in (f"--bootstrap-{interface}-url", lab.auth_url)
    ]
    return (
        *("bootstrap", "--bootstrap-password", PASSWORD, "--bootstrap-region-id", REGION),
        *urls,
    )
