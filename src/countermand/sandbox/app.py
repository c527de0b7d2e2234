"""The world as an ASGI application (HTTP only): `asgi_app(World())` runs under any ASGI server."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias
from urllib.parse import quote

from countermand.sandbox.http import SandboxReply, SandboxRequest
from countermand.sandbox.mishaps import Gateway
from countermand.sandbox.world import World

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

# Larger than the body, so the server closes the connection.
LOST = SandboxReply(200, (("content-length", "1"),))


class App:
    """An ASGI application over a gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise ValueError(f"the sandbox speaks HTTP only, not {scope['type']}")
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        reply = self.gateway.handle(_request(scope, bytes(body)))
        if reply == "lost":
            await send(_start(LOST))
            return
        await send(_start(reply))
        await send({"type": "http.response.body", "body": reply.body})


def asgi_app(world: World, *, clock: Callable[[], float] | None = None) -> App:
    """Serve a world. With a `clock` (such as `time.monotonic`) its time follows that clock."""
    return App(Gateway(world, clock=clock))


def _request(scope: Message, body: bytes) -> SandboxRequest:
    # `raw_path` is optional in ASGI; without it an encoded slash cannot be told from a plain one.
    path: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    query: bytes = scope["query_string"]
    return SandboxRequest(scope["method"], path.decode("latin-1"), query.decode("latin-1"), headers, body)


def _start(reply: SandboxReply) -> Message:
    headers = reply.headers
    if reply.header("content-length") is None and reply.status not in {204, 304}:
        headers = (*headers, ("content-length", str(len(reply.body))))
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    return {"type": "http.response.start", "status": reply.status, "headers": encoded}
