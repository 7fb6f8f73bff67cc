"""Write down every HTTP request of this process into the file that COUNT_REQUESTS names.

Python imports a module of this name at start-up when its folder is on the path. All Python clients
compared here end in `http.client`, so that one place counts them alike.
"""

import http.client
import json
import os
from typing import Any

_FILE = os.environ.get("COUNT_REQUESTS")

if _FILE:
    _put = http.client.HTTPConnection.putrequest
    _begin = http.client.HTTPResponse.begin

    def putrequest(self: Any, method: str, url: str, *args: Any, **options: Any) -> Any:
        """Write down a request, then make it."""
        _write({"method": method, "port": self.port, "url": url})
        return _put(self, method, url, *args, **options)

    def begin(self: Any) -> Any:
        """Read the head of an answer, then write down its length."""
        found = _begin(self)
        _write({"status": self.status, "bytes": self.length})
        return found

    def _write(entry: dict[str, Any]) -> None:
        with open(str(_FILE), "a", encoding="utf-8") as file:  # noqa: PTH123 - start-up stays light
            file.write(json.dumps(entry) + "\n")

    http.client.HTTPConnection.putrequest = putrequest  # type: ignore[method-assign]
    http.client.HTTPResponse.begin = begin  # type: ignore[method-assign]
