"""The requests that arrived at a sandbox, for assertions in tests."""

import re
from collections.abc import Mapping
from datetime import datetime

from attrs import frozen

from countermand.sandbox.http import SandboxRequest

#: Requests whose path ends like this sign in: Crux's login, Kibo's OAuth.
SIGN_IN = ("/organizations/user-login/", "/authtickets/oauth")

_SECRET = re.compile("auth|cookie|key|password|secret|token")


@frozen
class ReceivedRequest:
    """A request that a client sent to a sandbox, without its credentials.

    `path` and `query` are percent-encoded, header names in lower case. The values of headers that carry a
    credential read `***`, and the body of a login is left out.

        print([(request.method, request.path) for request in sandbox.requests])
    """

    at: datetime
    """When it arrived, in the world's time."""
    method: str
    marketplace: str
    path: str
    """The path below the marketplace's base URL."""
    query: str
    headers: Mapping[str, str]
    body: bytes


def received(request: SandboxRequest, at: datetime) -> ReceivedRequest:
    """Return a request without its credentials."""
    marketplace, _, path = request.path.removeprefix("/").partition("/")
    headers = {
        name: "***" if _SECRET.search(name.lower()) else value for name, value in request.headers.items()
    }
    body = b"" if request.path.endswith(SIGN_IN) else request.body
    return ReceivedRequest(at, request.method, marketplace, f"/{path}", request.query, headers, body)
