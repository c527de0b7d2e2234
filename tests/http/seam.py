"""The drivers that meet HTTP: stock and over the caller's own client, behind both doors."""

import json
from typing import Any, TypeAlias

import attrs
import httpx
from pytest_httpx import HTTPXMock

from countermand.engine.wire import Reply
from tests.support.doors import Door, Kind
from tests.support.tls import unused


@attrs.frozen
class Seam:
    """A way to HTTP: which door, and whose client."""

    kind: Kind
    own: bool

    def __str__(self) -> str:
        return f"{self.kind}, {'own client' if self.own else 'stock'}"

    def open(self, **settings: Any) -> Door:
        """Open a client that goes this way."""
        if not self.own:
            return Door(self.kind, **settings)
        own: Any = (httpx.AsyncClient if self.kind == "async" else httpx.Client)(verify=unused())
        return Door(self.kind, http_client=own, **settings)


SEAMS = tuple(Seam(kind, own) for own in (False, True) for kind in ("sync", "async"))

Sent: TypeAlias = httpx.Request


def answer(mock: HTTPXMock, reply: Reply, **match: Any) -> None:
    """Let the next request that matches be answered so."""
    mock.add_response(status_code=reply.status, headers=dict(reply.headers), content=reply.body, **match)


def headers(request: httpx.Request) -> dict[str, str]:
    """Return what a request says, without what only names the machines and the library."""
    usual = {"host", "connection", "user-agent"}
    return {name.lower(): value for name, value in request.headers.items() if name.lower() not in usual}


def body(request: httpx.Request) -> Any:
    """Return the JSON that a request carries."""
    return json.loads(request.content)
