"""The servers of a lab as commands, and how to tell that each is ready."""

import http.client
import os
from collections.abc import Mapping

import attrs
from tests.labs.openstack.install import RABBIT
from tests.labs.openstack.lab import Lab, answers
from tests.labs.openstack.processes import Process

MODULES: Mapping[str, tuple[str, str]] = {
    "keystone": ("keystone.wsgi.api", "/v3"),
    "placement": ("placement.wsgi.api", "/"),
    "glance": ("glance.wsgi.api", "/"),
    "neutron": ("neutron.wsgi.api", "/"),
    "nova-api": ("nova.wsgi.osapi_compute", "/v2.1/"),
    "cinder-api": ("cinder.wsgi.api", "/v3/"),
}
"""The module of each API, and a path that it answers."""

ARGUMENTS: Mapping[str, tuple[str, ...]] = {"cinder-api": ("cinder/cinder.conf",)}
"""Configuration files that an API takes by its command line alone."""

ANSWER = 30.0


@attrs.frozen(kw_only=True)
class Stages:
    """The servers in the order of their start."""

    ground: tuple[Process, ...]
    identity: Process
    apis: tuple[Process, ...]
    workers: tuple[Process, ...]


def stages(lab: Lab) -> Stages:
    """Return all servers of a lab."""
    apis = [
        name for name in MODULES if name != "keystone" and (lab.volumes or "cinder" not in name)
    ]
    return Stages(
        ground=(_mysql(lab), _memcached(lab), _epmd(lab), _rabbit(lab)),
        identity=_api(lab, "keystone"),
        apis=tuple(_api(lab, name) for name in apis),
        workers=tuple(_workers(lab)),
    )


def ready(lab: Lab, name: str) -> bool:
    """Tell whether a server that listens does what it is there for."""
    if name not in MODULES:
        return answers(lab.port(name))
    connection = http.client.HTTPConnection("127.0.0.1", lab.port(name), timeout=ANSWER)
    try:
        connection.request("GET", MODULES[name][1])
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def environment(lab: Lab) -> dict[str, str]:
    """Return what all programs of the lab get, and nothing of who starts them."""
    etc = lab.etc
    paste = lab.directory / "venv" / "etc" / "nova" / "api-paste.ini"
    return {
        "PATH": f"{lab.directory}/venv/bin:{os.defpath}:/usr/sbin:/sbin",
        "HOME": str(lab.state),
        "LANG": "C.UTF-8",
        "PYTHONWARNINGS": "ignore",
        "NO_PROXY": "127.0.0.1",
        "OS_KEYSTONE_CONFIG_FILES": str(etc / "keystone" / "keystone.conf"),
        "OS_GLANCE_CONFIG_DIR": str(etc / "glance"),
        "OS_PLACEMENT_CONFIG_DIR": str(etc / "placement"),
        "OS_NOVA_CONFIG_DIR": str(etc / "nova"),
        # Nova takes its paste file from the first of these
        "OS_NOVA_CONFIG_FILES": f"{paste};nova.conf;nova-db.conf",
        "OS_NEUTRON_CONFIG_DIR": str(etc / "neutron"),
        "OS_NEUTRON_CONFIG_FILES": "neutron.conf;ml2_conf.ini",
        "LAB_SPAWN_SECONDS": str(lab.options.spawn_seconds),
        **_erlang(lab),
    }


def database_install(lab: Lab) -> tuple[str, ...]:
    """Return the command that makes an empty database server."""
    return (
        *("mariadb-install-db", "--no-defaults", *_as(lab), f"--datadir={lab.state}/mysql"),
        *("--auth-root-authentication-method=normal", "--skip-test-db"),
    )


def _mysql(lab: Lab) -> Process:
    argv = (
        *("/usr/sbin/mariadbd", "--no-defaults", *_as(lab), f"--datadir={lab.state}/mysql"),
        *(f"--socket={lab.socket}", f"--port={lab.port('mysql')}", "--bind-address=127.0.0.1"),
        *("--max-connections=600", "--innodb-buffer-pool-size=128M", "--skip-log-bin"),
        *("--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync"),
        "--performance-schema=OFF",
    )
    return Process(name="mysql", argv=argv)


def _memcached(lab: Lab) -> Process:
    user = ("-u", "nobody") if os.geteuid() == 0 else ()
    words = ("-l", "127.0.0.1", "-p", str(lab.port("memcached")), "-m", "64")
    return Process(name="memcached", argv=("/usr/bin/memcached", *user, *words))


def _epmd(lab: Lab) -> Process:
    words = ("-port", str(lab.port("epmd")), "-address", "127.0.0.1")
    return Process(name="epmd", argv=("/usr/bin/epmd", *words))


def _rabbit(lab: Lab) -> Process:
    return Process(name="rabbit", argv=(RABBIT,))


def _erlang(lab: Lab) -> dict[str, str]:
    """Keep RabbitMQ to this lab: its own name, its own epmd, loopback, no busy waiting."""
    quiet = "+sbwt none +sbwtdcpu none +sbwtdio none"
    return {
        "RABBITMQ_NODENAME": f"lab{lab.base}@localhost",
        "RABBITMQ_MNESIA_BASE": str(lab.state / "rabbit"),
        "RABBITMQ_LOG_BASE": str(lab.log),
        "RABBITMQ_CONFIG_FILE": str(lab.etc / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(lab.etc / "rabbit_plugins"),
        "RABBITMQ_DIST_PORT": str(lab.port("rabbit-nodes")),
        "RABBITMQ_PID_FILE": str(lab.run / "rabbit.beam.pid"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            f"{quiet} -kernel inet_dist_use_interface {{127,0,0,1}}"
        ),
        "ERL_EPMD_PORT": str(lab.port("epmd")),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
    }


def _api(lab: Lab, name: str) -> Process:
    argv = (
        *(lab.program("gunicorn"), "-c", str(lab.etc / "gunicorn.py")),
        *("-b", f"127.0.0.1:{lab.port(name)}", "lab_wsgi:application"),
    )
    files = " ".join(f"--config-file {lab.etc}/{file}" for file in ARGUMENTS.get(name, ()))
    env = {"LAB_APP": MODULES[name][0], "LAB_PROG": name, "LAB_ARGUMENTS": files}
    return Process(name=name, argv=argv, env=env)


def _workers(lab: Lab) -> list[Process]:
    database = ("nova/nova.conf", "nova/nova-db.conf")
    found = [_worker(lab, name, name, *database) for name in ("nova-conductor", "nova-scheduler")]
    for number in range(1, lab.options.computes + 1):
        files = ("nova/nova.conf", f"nova/compute-{number}.conf")
        found.append(_worker(lab, f"nova-compute-{number}", "nova-compute", *files))
    if lab.volumes:
        names = ("cinder-scheduler", "cinder-volume")
        found += [_worker(lab, name, name, "cinder/cinder.conf") for name in names]
    return found


def _worker(lab: Lab, name: str, program: str, *files: str) -> Process:
    options = [word for file in files for word in ("--config-file", str(lab.etc / file))]
    log = ("--log-file", str(lab.log / f"{name}.log"))
    return Process(name=name, argv=(lab.program(program), *options, *log))


def database_user(lab: Lab) -> str:
    """Return the user that the database of a root's lab runs as.

    Its own, unless a directory above the lab is closed to others, as temporary ones are.
    """
    data = lab.state / "mysql"
    if data.exists():
        return "root" if data.stat().st_uid == 0 else "mysql"
    above = [place for place in (lab.directory, *lab.directory.parents) if place.exists()]
    return "mysql" if all(place.stat().st_mode & 0o001 for place in above) else "root"


def _as(lab: Lab) -> tuple[str, ...]:
    """Return the option by which the database that root starts becomes that user."""
    return (f"--user={database_user(lab)}",) if os.geteuid() == 0 else ()
