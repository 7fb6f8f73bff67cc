"""The token of an operation in a job's comment: `cloudmesh:TOKEN`, after what the user wrote."""

import re

_TOKEN = re.compile(r"(?:^|\s)cloudmesh:(\S+)")


def comment(token: str, own: str | None = None) -> str:
    """Return the comment of a job that is submitted with a token; `own` is the user's comment."""
    mark = f"cloudmesh:{token}"
    return f"{own} {mark}" if own else mark


def token(comment: str | None) -> str | None:
    """Return the token in a comment, None where it has none; the last one counts."""
    if not comment or "cloudmesh:" not in comment:
        return None
    found = _TOKEN.findall(comment)
    return found[-1] if found else None
