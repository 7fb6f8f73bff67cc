"""Where what Cloudmesh starts by itself keeps its files: below the store that it works on."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import platformdirs

from cloudmesh_sdk.document import Place, kind_of
from cloudmesh_sdk.references import resolve


def services(store: Mapping[str, Any], place: Place) -> Path:
    """Return the directory of the services that work on a store, given its options.

    Who works on another store has services of their own. A store that is found by URI is taken to
    be the user's only one.
    """
    data = Path(platformdirs.user_data_dir("cloudmesh"))
    if store.get("uri") or os.environ.get("CLOUDMESH_MONGO_URI"):
        return data / "services"
    found = resolve(store.get("directory"), where=place.at("store", "directory"))
    if found is not None and not isinstance(found, str):
        place.wrong(f"a path was wanted, found {kind_of(found)}", "store", "directory")
    return Path(found or data / "mongo").expanduser().absolute() / "services"


def broker_uri(store: Mapping[str, Any], place: Place) -> Path:
    """Return the file in which the broker service says where it listens, and the password."""
    return services(store, place) / "broker" / "uri"
