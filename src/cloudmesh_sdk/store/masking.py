"""Secrets in native data, replaced on their way into a store: the line behind the drivers' own."""

import attrs

from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.masking import MASK, SECRETS, hidden, holds_secret
from cloudmesh_sdk.models import Record

__all__ = ["MASK", "SECRETS", "masked"]


def masked(record: Record) -> Record:
    """Return a record without the secrets of its native data; the same object where it has none.

    Raises `StoreError` where the data is nested too deeply to be looked through.
    """
    try:
        if not holds_secret(record.native):
            return record
        return attrs.evolve(record, native=hidden(record.native))
    except RecursionError as error:
        raise StoreError("native data is nested too deeply to be stored") from error
