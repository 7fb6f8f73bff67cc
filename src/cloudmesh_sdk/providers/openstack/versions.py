"""Microversions: which one to ask of a service, and what to do when it knows fewer.

https://docs.openstack.org/api-guide/compute/microversions.html
"""

import re
from collections.abc import Mapping

import requests

from cloudmesh_sdk.errors import ConfigError, UnsupportedError
from cloudmesh_sdk.providers.openstack.settings import OpenstackSettings

HIGHEST: Mapping[str, str] = {"compute": "2.96", "volume": "3.70"}
"""Highest that we ask for: those that were tested (Nova of 2024.1, Cinder of 2023.1)."""

LOWEST: Mapping[str, str] = {"compute": "2.47", "volume": "3.0"}
"""Lowest that we can do with: Nova embeds the flavor in a server from 2.47 on (Pike)."""

_VERSION = re.compile(r"\d+\.\d+")
_NO_CHOICE = re.compile(r"v?\d+(\.[01])?|(\d+\.)?latest")
"""Words that name the API (`2`, `2.1`) or ask for whatever there is: then it is what was tested."""

_MAXIMUM = re.compile(rb"maximum is (\d+\.\d+)")


class Versions:
    """The microversions in use at one cloud."""

    def __init__(self, cloud: str, settings: OpenstackSettings) -> None:
        self._cloud = cloud
        self._used = dict(HIGHEST)
        self._theirs: dict[str, str] = {}
        for service, lowest in LOWEST.items():
            for word in ("api_version", "default_microversion"):
                name = f"{service}_{word}"
                chosen = getattr(settings, name, None) or settings.clouds_yaml.get(name)
                if not chosen or _NO_CHOICE.fullmatch(str(chosen)):
                    continue
                if not _VERSION.fullmatch(str(chosen)):
                    text = f"{cloud}: {name} is to be a microversion as 2.60, found {chosen!r}"
                    raise ConfigError(text)
                if number(str(chosen)) >= number(lowest):  # others are for other tools
                    self._used[service] = str(chosen)

    def used(self, service: str) -> str:
        """Return the one to ask for; empty for a service that has none."""
        return self._used.get(service, "")

    def learn(self, known: object) -> None:
        """Take over what an earlier process found to be the services' own highest."""
        for service, theirs in known.items() if isinstance(known, dict) else ():
            if service in self._used and number(theirs) < number(self._used[service]):
                self._used[service] = theirs

    def found(self) -> dict[str, str]:
        """Return the services' own highest, by service, as far as they said so to this object.

        What was only learnt of earlier processes is not among them: a service may be newer by now.
        """
        return dict(self._theirs)

    def lower(self, service: str, asked: str, response: requests.Response) -> bool:
        """Take the highest that a 406 names; tell whether it is lower than the one asked.

        Raises `UnsupportedError` for a service too old for us.
        """
        found = _MAXIMUM.search(response.content)
        if found is None:
            return False
        theirs = found.group(1).decode()
        lowest = LOWEST.get(service, theirs)
        if number(theirs) < number(lowest):
            text = f"{self._cloud}: {service} speaks microversion {theirs} at most"
            raise UnsupportedError(f"{text}, {lowest} is the least that is needed")
        if number(theirs) >= number(asked):
            return False
        self._used[service] = self._theirs[service] = theirs
        return True


def number(version: str) -> tuple[int, ...]:
    """Return a version as numbers that compare; raises `ValueError`."""
    return tuple(int(part) for part in version.split("."))
