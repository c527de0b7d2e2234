"""Who takes part."""

from collections.abc import Mapping

from . import bare, ours, peers
from .calls import AsyncContender, SyncContender

SYNC: Mapping[str, SyncContender] = {
    "httpx": bare.httpx_sync,
    "json.loads": bare.json_loads,
    "openapi-python-client": peers.openapi_python_client,
    "githubkit": peers.githubkit,
    "openai": peers.openai,
    "stripe": peers.stripe,
    "azure-core": peers.azure_core,
    "countermand": ours.countermand_sync,
}

ASYNC: Mapping[str, AsyncContender] = {
    "httpx": bare.httpx_async(),
    "httpx, limits = in flight": bare.httpx_async(bare.as_many_as_in_flight),
    "httpx, 8 connections": bare.httpx_async(bare.eight_connections),
    "httpx2": bare.httpx_async(library="httpx2"),
    "httpx over httpx-aiohttp": bare.httpx_async(transport="httpx_aiohttp:AiohttpTransport"),
    "aiohttp": bare.aiohttp_async,
    "countermand": ours.countermand_async("stock"),
    "countermand with httpx2": ours.countermand_async("httpx2"),
    "countermand with aiohttp": ours.countermand_async("aiohttp"),
}

PEERS = ("openapi-python-client", "githubkit", "openai", "stripe", "azure-core")
