"""The peers: other SDKs making one authenticated POST with a JSON body, each with its own machinery.

Each gets what its users get: a typed answer where it has one, its retries on, one connection
kept open. All answer the case `kibo`, the call that every one of them can make. They are
imported by name, and only here, because only the benchmark's own environment holds them.
"""

import subprocess
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from .calls import KIBO_REASON, TOKEN, Call, kibo_order

PATH = "/kibo/api/v2/order/action/cancel"
_GENERATED = Path("build/bench/generated")
_REASON, _OTHER_REASON = KIBO_REASON


def _body() -> dict[str, Any]:
    return {
        "orderId": kibo_order(),
        "dispositionReason": _REASON,
        "dispositionOtherReason": _OTHER_REASON,
    }


def openapi_python_client(base: str) -> Mapping[str, Call]:
    """A client generated from `openapi.json` beside this file; its answer is an attrs class."""
    if not _GENERATED.exists():
        _GENERATED.parent.mkdir(parents=True, exist_ok=True)
        plain = _GENERATED.parent / "generator.yml"
        plain.write_text("post_hooks: []\n")
        command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"]
        spec = Path(__file__).with_name("openapi.json")
        command += ["--path", str(spec), "--output-path", str(_GENERATED), "--config", str(plain)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    sys.path.insert(0, str(_GENERATED.parent.resolve()))
    generated: Any = import_module("generated")
    models: Any = import_module("generated.models")
    cancel_order: Any = import_module("generated.api.orders.cancel_order")
    client = generated.AuthenticatedClient(base_url=f"{base}/kibo", token=TOKEN)

    def call() -> object:
        order = kibo_order()
        body = models.Cancellation(order, _REASON, _OTHER_REASON)
        return cancel_order.sync(client=client, body=body)

    return {"kibo": call}


def stripe(base: str) -> Mapping[str, Call]:
    """stripe-python's call to an endpoint of one's own, with a StripeObject as the answer."""
    library: Any = import_module("stripe")
    client = library.StripeClient("sk_test_" + TOKEN, base_addresses={"api": base})

    def call() -> object:
        # Paths under /v2 are the ones that stripe-python sends JSON to.
        response = client.raw_request("post", "/v2/order/action/cancel", **_body())
        return client.deserialize(response, api_mode="V2")

    return {"kibo": call}


def openai(base: str) -> Mapping[str, Call]:
    """openai-python's call to an endpoint of one's own, with a pydantic model as the answer."""
    library: Any = import_module("openai")
    client = library.OpenAI(api_key=TOKEN, base_url=base)

    class Item(library.BaseModel):  # type: ignore[misc]
        orderItemID: int
        partNumber: str
        quantity: int
        productName: str
        itemStatus: str
        price: float

    class Order(library.BaseModel):  # type: ignore[misc]
        orderID: int
        externalOrderID: str
        orderState: str
        orderStatus: str
        orderType: str
        deliveryMethod: str
        orderCurrency: str
        orderDate: str
        total: float
        orderItems: list[Item]

    return {"kibo": lambda: client.post(PATH, cast_to=Order, body=_body())}


def githubkit(base: str) -> Mapping[str, Call]:
    """githubkit's call to an endpoint of one's own, with a pydantic model as the answer."""
    library: Any = import_module("githubkit")
    pydantic: Any = import_module("pydantic")

    class Item(pydantic.BaseModel):  # type: ignore[misc]
        orderItemID: int
        partNumber: str
        quantity: int
        productName: str
        itemStatus: str
        price: float

    class Order(pydantic.BaseModel):  # type: ignore[misc]
        orderID: int
        externalOrderID: str
        orderState: str
        orderStatus: str
        orderType: str
        deliveryMethod: str
        orderCurrency: str
        orderDate: str
        total: float
        orderItems: list[Item]

    # At its best: entered, because it would open a connection for every call otherwise, and without
    # its HTTP cache, which a POST cannot use and pays a quarter more for.
    github = library.GitHub(TOKEN, base_url=base, http_cache=False).__enter__()
    url = base + PATH

    def call() -> object:
        return github.request("POST", url, json=_body(), response_model=Order).parsed_data

    return {"kibo": call}


def azure_core(base: str) -> Mapping[str, Call]:
    """azure-core's pipeline with the policies that its generated clients give it."""
    core: Any = import_module("azure.core")
    rest: Any = import_module("azure.core.rest")
    policies: Any = import_module("azure.core.pipeline.policies")
    credentials: Any = import_module("azure.core.credentials")
    key = credentials.AzureKeyCredential(TOKEN)
    client = core.PipelineClient(
        base,
        policies=[
            policies.RequestIdPolicy(),
            policies.HeadersPolicy(),
            policies.UserAgentPolicy(),
            policies.ProxyPolicy(),
            policies.ContentDecodePolicy(),
            policies.RedirectPolicy(),
            policies.RetryPolicy(),
            policies.AzureKeyCredentialPolicy(key, "Authorization", prefix="Bearer"),
            policies.CustomHookPolicy(),
            policies.NetworkTraceLoggingPolicy(),
            policies.DistributedTracingPolicy(),
            policies.SensitiveHeaderCleanupPolicy(),
            policies.HttpLoggingPolicy(),
        ],
    )
    url = base + PATH

    def call() -> object:
        response = client.send_request(rest.HttpRequest("POST", url, json=_body()))
        response.raise_for_status()
        return response.json()

    return {"kibo": call}
