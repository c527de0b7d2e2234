"""Count outcomes and measure calls and pauses for Prometheus: a hook of ten lines. Needs prometheus-client.

This runs against the sandbox and needs no credentials. A service would serve the metrics with
`prometheus_client.start_http_server`.
"""

from prometheus_client import Counter, Histogram, generate_latest

from countermand import CallEnded, Event, RetryPolicy, WaitStarted
from countermand.sandbox import RateLimited, Sandbox

ACCOUNT = ("marketplace", "account")
CALLS = Histogram("countermand_call_seconds", "Duration of calls", (*ACCOUNT, "call", "outcome"))
WAITS = Counter("countermand_wait_seconds", "Time spent in pauses", (*ACCOUNT, "reason"))


def hook(event: Event) -> None:
    if isinstance(event, CallEnded):
        CALLS.labels(event.marketplace, event.account, event.call, event.ended).observe(event.seconds)
    elif isinstance(event, WaitStarted):
        WAITS.labels(event.marketplace, event.account, event.why).inc(event.seconds or 0.0)


def main() -> None:
    with Sandbox(time="virtual") as sandbox:
        sandbox.mishap("vtex", RateLimited(30))
        client = sandbox.client(hooks=[hook], timeout=60, retry=RetryPolicy(first_pause=0))
        client.vtex.cancel_order("1172452900788-01")
        client.pattern.cancel_order("114-3941689-8772232")
    for line in generate_latest().decode().splitlines():
        if line.startswith(("countermand_call_seconds_count", "countermand_wait_seconds_total")):
            print(line)


if __name__ == "__main__":
    main()
