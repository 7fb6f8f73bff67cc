"""Where jobs are written down: a table of documents that change by transactions."""

import abc
from contextlib import AbstractContextManager
from typing import Any

Document = dict[str, Any]
"""A job as it is kept: plain data."""

Documents = dict[str, Document]
"""Jobs by id."""


class Table(abc.ABC):
    """All jobs of one queue."""

    @abc.abstractmethod
    def read(self) -> Documents:
        """Return all jobs as they are now; changing what is returned changes nothing."""

    @abc.abstractmethod
    def change(self) -> AbstractContextManager[Documents]:
        """Give all jobs to change; nobody else does meanwhile. On an exception nothing changed."""

    def close(self) -> None:  # noqa: B027 - some have nothing to give back
        """Give back files."""
