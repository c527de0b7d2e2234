"""The bare contenders: an HTTP library, JSON, and nothing else."""

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import httpx

from .calls import PARTS, AsyncCall, AsyncContender, Call, in_turn, many_parts_call, plain_calls
from .server import answer


def httpx_sync(base: str) -> Mapping[str, Call]:
    """One `httpx.Client` as it comes, kept open."""
    client = httpx.Client()
    plain = plain_calls(base)

    def pattern() -> object:
        call = plain["pattern"]()
        return client.post(call.url, headers=call.headers).json()

    def vtex() -> object:
        call = plain["vtex"]()
        return client.post(call.url, json=call.json, headers=call.headers).json()

    def crux() -> object:
        call = plain["crux"]()
        response = client.patch(call.url, json=call.json, headers=call.headers)
        return response.json() if response.content else None

    def kibo() -> object:
        call = plain["kibo"]()
        return client.post(call.url, json=call.json, headers=call.headers).json()

    def many_parts(parts: int) -> Call:
        def call() -> object:
            plain = many_parts_call(base, parts)
            return client.post(plain.url, headers=plain.headers).json()

        return call

    calls: dict[str, Call] = {"pattern": pattern, "vtex": vtex, "crux": crux, "kibo": kibo}
    return calls | {f"parts-{parts}": many_parts(parts) for parts in PARTS}


def json_loads(_base: str) -> Mapping[str, Call]:
    """No HTTP at all: `json.loads` of the bodies with many parts."""

    def loads(parts: int) -> Call:
        target = f"/parts-{parts}/v1/orders/cancel_order?market_order_id=114-3941689-8772232"
        _, body = answer(b"POST", target.encode(), b"")
        return lambda: json.loads(body)

    return {f"parts-{parts}": loads(parts) for parts in PARTS}


def httpx_async(
    limits: Callable[[int], Mapping[str, int]] = lambda in_flight: {},
    *,
    library: str = "httpx",
    transport: str | None = None,
) -> AsyncContender:
    """One `AsyncClient` of httpx or of what has its interface, with limits chosen by the calls in flight."""

    @asynccontextmanager
    async def contender(base: str, in_flight: int) -> AsyncGenerator[AsyncCall]:
        module: Any = import_module(library)
        options: dict[str, Any] = {}
        if chosen := limits(in_flight):
            options["limits"] = module.Limits(**chosen)
        if transport:
            name, _, attribute = transport.partition(":")
            options = {"transport": getattr(import_module(name), attribute)(**options)}
        plain_call = in_turn(plain_calls(base).values())
        async with module.AsyncClient(**options) as client:

            async def call() -> object:
                plain = plain_call()
                response = await client.request(
                    plain.method, plain.url, json=plain.json, headers=plain.headers
                )
                return response.json() if response.content else None

            yield call

    return contender


def as_many_as_in_flight(in_flight: int) -> Mapping[str, int]:
    """Let every call have a connection, and keep all of them."""
    return {"max_connections": in_flight, "max_keepalive_connections": in_flight}


def eight_connections(_in_flight: int) -> Mapping[str, int]:
    """Let no more than eight calls be under way: quick against a quick server, and only there."""
    return {"max_connections": 8, "max_keepalive_connections": 8}


@asynccontextmanager
async def aiohttp_async(base: str, in_flight: int) -> AsyncGenerator[AsyncCall]:
    """One `aiohttp.ClientSession` with its limits as they come (100), and `json.loads`."""
    aiohttp: Any = import_module("aiohttp")
    plain_call = in_turn(plain_calls(base).values())
    async with aiohttp.ClientSession() as session:

        async def call() -> object:
            plain = plain_call()
            async with session.request(
                plain.method, plain.url, json=plain.json, headers=plain.headers
            ) as response:
                body = await response.read()
            return json.loads(body) if body else None

        yield call
