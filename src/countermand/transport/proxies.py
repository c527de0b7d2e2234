"""The proxies of the stock drivers, from environment variables.

`HTTP_PROXY`, `HTTPS_PROXY` and `ALL_PROXY` name proxies (`http://`, `https://`, `socks5://` or `socks5h://`, optionally
with a user name and a password; the default scheme is `http://`). The lower-case spelling takes precedence, even if it
is empty. In a CGI process (`REQUEST_METHOD` is set), `HTTP_PROXY` is ignored, because it may be a header of the request.

`NO_PROXY` is a list of hosts that are reached directly, separated by commas or spaces:

- `*`: all hosts;
- `example.com`, `.example.com` or `*.example.com`: the host and its subdomains;
- `192.0.2.7`, `10.0.0.0/8`, `::1`, `[::1]`, `fe80::/10`: an address or a network;
- any of them with a port, `example.com:8443` or `[::1]:8443` or `*:8443`: only that port.

Case, a dot at the end, and the scheme and the path of a URL do not matter. Names are not resolved: a network matches
only hosts that are written as addresses.
"""

import ipaddress
import os
import re
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import httpcore

from ..engine.secret import Secret
from .connecting import Socks

#: The scheme and the path of a URL; the path does not begin with a digit, which would be a network's size.
_URL = r"^[a-z][a-z0-9+.-]*://|/(?![0-9]).*$"
#: An address in brackets or anything else, with a port or without.
_ENTRY = (
    r"(?:\[(?P<address>[^\]]+)\](?P<size>/[0-9]+)?|(?P<name>[^:]+|[^\[\]]*:[^\[\]]*:[^\[\]]*))"
    r"(?::(?P<port>[0-9]*))?"
)
_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


class Proxies:
    """The proxies in an environment. Their URLs may contain credentials, and are redacted in the repr."""

    __slots__ = ("_direct", "_urls")

    def __init__(self, environ: Mapping[str, str]) -> None:
        cgi = "REQUEST_METHOD" in environ
        self._urls: dict[str, Secret] = {}
        for scheme in ("http", "https", "all"):
            upper = "" if cgi and scheme == "http" else environ.get(f"{scheme.upper()}_PROXY", "")
            if url := environ.get(f"{scheme}_proxy", upper).strip():
                self._urls[scheme] = Secret(url)
        self._direct = environ.get("no_proxy", environ.get("NO_PROXY", ""))

    def __bool__(self) -> bool:
        return bool(self._urls)

    def __repr__(self) -> str:
        return f"Proxies({', '.join(self._urls)})"

    def for_origin(self, origin: str) -> Secret | None:
        """Return the URL of the proxy for an origin, or None."""
        parts = urlsplit(origin)
        found = self._urls.get(parts.scheme) or self._urls.get("all")
        if found is None or is_direct(parts.hostname or "", parts.port or _PORTS[parts.scheme], self._direct):
            return None
        return found


def environment_proxies() -> Proxies | None:
    """Return the proxies in the current environment of the process, or None."""
    return Proxies(os.environ) or None


class Route(NamedTuple):
    """The route to an origin, through an HTTP proxy, a SOCKS proxy or none. Equal routes share connections."""

    tls: bool
    proxy: httpcore.Proxy | None
    socks: Socks | None


def route_for(origin: str, proxies: Proxies | None) -> Route:
    """Return the route to an origin."""
    url = None if proxies is None else proxies.for_origin(origin)
    return Route(origin.startswith("https:"), *((None, None) if url is None else _parsed(url)))


@cache
def _parsed(url: Secret) -> tuple[httpcore.Proxy | None, Socks | None]:
    text = url.reveal()
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port or _PORTS[parts.scheme]
        host = parts.hostname
        if not host or not host.isascii():
            raise ValueError
    except (ValueError, KeyError):
        # Without the text and the frames of the cause, which may contain a password.
        raise httpcore.ConnectError("the proxy in the environment is not a valid URL") from None
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if parts.scheme.startswith("socks"):
        return None, Socks(host, port, user, Secret(password))
    where = httpcore.URL(scheme=parts.scheme, host=host, port=port, target="/")
    auth = (user, password) if user or password else None
    if parts.scheme == "http":
        return httpcore.Proxy(where, auth=auth), None
    from .messages import tls

    return httpcore.Proxy(where, auth=auth, ssl_context=tls()), None


def is_direct(host: str, port: int, no_proxy: str) -> bool:
    """Whether `no_proxy` matches a host and a port.

    >>> is_direct("api.example.com", 443, "localhost, .example.com")
    True
    """
    host = _plain(host.lower().strip("[]"))
    return any(_names(entry, host, port) for entry in no_proxy.lower().replace(",", " ").split())


def _names(entry: str, host: str, port: int) -> bool:
    entry = re.sub(_URL, "", entry)
    found = re.fullmatch(_ENTRY, entry)
    if found is None:
        return False
    wanted = found["port"]
    if wanted and int(wanted) != port:
        return False
    name = f"{found['address']}{found['size'] or ''}" if found["address"] else found["name"]
    if name == "*":
        return True
    try:
        address, network = ipaddress.ip_address(host), ipaddress.ip_network(name, strict=False)
        return address in network or (getattr(address, "ipv4_mapped", None) or address) in network
    except ValueError:
        name = _plain(name.removeprefix("*").lstrip("."))
        return bool(name) and (host == name or host.endswith(f".{name}"))


def _plain(name: str) -> str:
    """Return a host name as DNS has it, without a dot at the end."""
    name = name.rstrip(".")
    try:
        return name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        return name
