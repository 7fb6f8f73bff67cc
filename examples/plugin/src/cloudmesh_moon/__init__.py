"""Moon as a cloudmesh driver: the class that the entry point names."""

from collections.abc import Iterator

import attrs

from cloudmesh_moon import records
from cloudmesh_moon.client import MoonClient
from cloudmesh_sdk.errors import NotFoundError
from cloudmesh_sdk.models import Flavor, Health, Image, Server, ServerRequest
from cloudmesh_sdk.options import option
from cloudmesh_sdk.providers.base import Cloud, HasConsole

__all__ = ["MoonCloud"]


@attrs.frozen(kw_only=True)
class MoonSettings:
    """What stands beside `driver: moon` in cloudmesh.yaml."""

    url: str = option("Address of the Moon service, https://…")
    key: str = option("Moon key, from your account page", secret=True)
    page: int = option("How many machines to ask for at once", default=100)
    timeout: float = option("Seconds to wait for an answer", default=30.0)


class MoonCloud(Cloud, HasConsole):
    """An account at a Moon service."""

    Settings = MoonSettings
    settle = 0.5
    """Lists show at once what is there, but what breaks may leave a request on the way."""

    def __init__(self, name: str, settings: MoonSettings) -> None:
        super().__init__(name)
        self._page = settings.page
        self._client = MoonClient(name, settings.url, settings.key, settings.timeout, self._count)

    @property
    def native(self) -> MoonClient:
        """The HTTP client: `native.ask("GET", "/v1/…")` for what the mesh does not wrap."""
        return self._client

    def check(self) -> Health:
        me = self._client.ask("GET", "/v1/me")
        return Health(service=self.name, version=me["api"], identity=me["account"])

    def servers(self) -> Iterator[Server]:
        for row in self._rows("machines"):
            yield records.server(self.name, row)

    def images(self) -> Iterator[Image]:
        for row in self._rows("images"):
            yield records.image(self.name, row)

    def flavors(self) -> Iterator[Flavor]:
        for row in self._rows("sizes"):
            yield records.flavor(self.name, row)

    def server(self, id: str) -> Server:  # noqa: A002
        return records.server(self.name, self._client.ask("GET", f"/v1/machines/{id}"))

    def find(self, token: str) -> Server | None:
        answer = self._client.ask("GET", "/v1/machines", {"request_id": token})
        rows = [records.server(self.name, row) for row in answer["machines"]]
        return rows[0] if rows else None

    def start(self, request: ServerRequest) -> Server:
        row = self._client.ask("POST", "/v1/machines", body=records.order(request))
        return records.server(self.name, row)

    def delete(self, server: Server) -> None:
        try:
            self._client.ask("DELETE", f"/v1/machines/{server.id}")
        except NotFoundError:
            return  # gone already, which is what was wanted

    def stop(self, server: Server) -> None:
        self._client.ask("POST", f"/v1/machines/{server.id}/halt")

    def resume(self, server: Server) -> None:
        self._client.ask("POST", f"/v1/machines/{server.id}/wake")

    def reboot(self, server: Server) -> None:
        self._client.ask("POST", f"/v1/machines/{server.id}/kick")

    def console(self, server: Server) -> str:
        answer = self._client.ask("GET", f"/v1/machines/{server.id}/console")
        return str(answer["text"])

    def close(self) -> None:
        self._client.close()

    def _count(self) -> None:
        self.calls += 1

    def _rows(self, kind: str) -> Iterator[dict[str, object]]:
        """Yield the rows of a list, page by page, until Moon says that there are no more."""
        after = ""
        while True:
            query = {"limit": str(self._page), "after": after}
            answer = self._client.ask("GET", f"/v1/{kind}", query)
            yield from answer[kind]
            if not answer["more"]:
                return
            after = answer[kind][-1]["id"]
