"""What to say when a library of the shell is not installed."""

EXTRA = ("click", "rich", "prompt_toolkit")
"""Libraries that the extra `shell` brings."""


def missing(library: str) -> str:
    """Return the line about a library of the shell that is not installed."""
    return f"cm: the shell needs {library}: pip install 'cloudmesh-sdk[shell]'"
