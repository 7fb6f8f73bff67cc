"""The token of an operation, as a variable of the job: `CLOUDMESH_TOKEN=cm-TOKEN`.

PBS takes no comment when a job is handed in (its `comment` is the scheduler's, who writes over
it), and no other attribute that a list shows is free for a user's words: a name is short, an
account and a project are checked at many sites, and resources must be defined there. A job's
variables are shown to its owner by every list, and kept in history. PBS's JSON makes numbers of
what looks like one and loses what stands behind a backslash: so the value has a prefix and only
plain letters, and ours is the first of the variables that a user gives.
"""

import re
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

VARIABLE = "CLOUDMESH_TOKEN"
_PREFIX = "cm-"


def assignment(token: str) -> str:
    """Return `NAME=VALUE` for `qsub -v`."""
    return f"{VARIABLE}={_PREFIX}{quote(token, safe='')}"


def token(variables: Any) -> str | None:
    """Return the token among a job's variables, None where there is none."""
    value = variable(variables, VARIABLE)
    if value is None or not value.startswith(_PREFIX):
        return None
    return unquote(value.removeprefix(_PREFIX))


def variable(variables: Any, name: str) -> str | None:
    """Return a variable by its name.

    One behind a value that is empty (23.06.06) or ends in a backslash stands within that value.
    """
    if not isinstance(variables, Mapping):
        return None
    if name in variables:
        return str(variables[name])
    start = re.compile(rf"(?:^|,){re.escape(name)}=([^,]*)")
    found = (start.search(value) for value in variables.values() if isinstance(value, str))
    return next((one[1] for one in found if one), None)


def mark() -> str:
    """Return a word that stands in no script."""
    return secrets.token_hex(8)
