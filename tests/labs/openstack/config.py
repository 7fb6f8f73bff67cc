"""The services' configuration files, filled from the templates in `etc/`."""

from collections.abc import Mapping
from pathlib import Path
from string import Template

import attrs
from tests.labs.openstack.lab import DOMAIN, OFFSETS, PASSWORD, REGION, Lab

TEMPLATES = Path(__file__).with_name("etc")

PLACES: Mapping[str, str] = {
    "keystone.conf": "keystone",
    "glance-api.conf": "glance",
    "placement.conf": "placement",
    "nova.conf": "nova",
    "nova-db.conf": "nova",
    "neutron.conf": "neutron",
    "ml2_conf.ini": "neutron",
    "cinder.conf": "cinder",
    "rabbitmq.conf": "",
    "gunicorn.py": "",
}
"""The folder below the lab's `etc` of each template, which is also its service's user."""

CLIENTS = ("placement", "neutron", "nova", "cinder")


def write(lab: Lab) -> None:
    """Write all configuration files of a lab."""
    for template, place in PLACES.items():
        text = (TEMPLATES / template).read_text(encoding="utf-8")
        folder = lab.etc / place
        folder.mkdir(parents=True, exist_ok=True)
        (folder / template).write_text(Template(text).substitute(_words(lab, place)))
    (lab.etc / "rabbit_plugins").write_text("[].")
    for number in range(1, lab.options.computes + 1):
        state = lab.state / f"nova-{number}"
        state.mkdir(parents=True, exist_ok=True)
        text = f"[DEFAULT]\nhost = compute-{number}\nstate_path = {state}\n"
        (lab.etc / "nova" / f"compute-{number}.conf").write_text(text)


def database(lab: Lab, name: str) -> str:
    """Return the URL of one of the lab's databases."""
    return f"mysql+pymysql://root@localhost/{name}?unix_socket={lab.socket}&charset=utf8mb4"


def bus(lab: Lab) -> str:
    """Return the URL of the lab's message bus."""
    return f"rabbit://guest:guest@127.0.0.1:{lab.port('rabbit')}//"


def _words(lab: Lab, user: str) -> dict[str, str]:
    before, after = database(lab, "NAME").split("NAME")
    words = {name: str(lab.port(name)) for name in OFFSETS}
    words |= {name: str(value) for name, value in attrs.asdict(lab.options).items()}
    words |= {f"{client}_client": _access(lab, client, client) for client in CLIENTS}
    return words | {
        "log": str(lab.log),
        "state": str(lab.state),
        "venv": str(lab.directory / "venv"),
        "db": before,
        "db_options": f"{after}\nmax_pool_size = 10\nmax_overflow = 20",
        "bus": bus(lab),
        "glance_url": lab.url("glance"),
        "authtoken": _authtoken(lab, user),
        "service_user": _access(lab, "service_user", user) + "send_service_user_token = true\n",
    }


def _authtoken(lab: Lab, user: str) -> str:
    return (
        _access(lab, "keystone_authtoken", user)
        + f"www_authenticate_uri = {lab.auth_url}\n"
        + f"memcached_servers = 127.0.0.1:{lab.port('memcached')}\n"
        + "service_token_roles_required = true\nservice_token_roles = service\n"
    )


def _access(lab: Lab, section: str, user: str) -> str:
    """Return a section by which one service enters another."""
    words = {
        "auth_type": "password",
        "auth_url": lab.auth_url,
        "username": user,
        "password": PASSWORD,
        "project_name": "service",
        "user_domain_name": DOMAIN,
        "project_domain_name": DOMAIN,
        "region_name": REGION,
    }
    if section in ("keystone_authtoken", "service_user"):
        del words["region_name"]
    return f"[{section}]\n" + "".join(f"{name} = {value}\n" for name, value in words.items())
