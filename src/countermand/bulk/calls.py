"""The methods of both clients for many orders and for several machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from ..engine.secret import LeavesNoFrames
from ..engine.settings import CallOptions, RequestOptions, check_names
from ..marketplaces.base import SETTLE_TIMEOUT, requests_a_second

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable, Mapping
    from pathlib import Path

    from ..engine.rules import AnyRequest
    from ..marketplaces.registry import AnyAccount
    from .blocking import CancelMany
    from .eventloop import AsyncCancelMany
    from .results import Accounts, BulkResult
    from .seam import AsyncIntent, Intent


class _Calls(LeavesNoFrames):
    """What these methods need from a client."""

    _configurations: dict[str, AnyAccount]
    _driver: Any

    def _asked_by(self, request: Any) -> Any:
        raise NotImplementedError

    def _named_by(self, outcome: Any) -> Any:
        raise NotImplementedError

    def _for_bulk(self, options: CallOptions | RequestOptions | None = None) -> Accounts:
        from .results import Accounts

        client: Any = self
        if options:
            check_names(options)
            client = client.with_options(**options)
        accounts = self._configurations.items()
        known = {label: (one.marketplace, str(getattr(one, "url", ""))) for label, one in accounts}
        rates = {label: rate for label, one in accounts if (rate := requests_a_second(one)) is not None}
        return Accounts(self._driver, client._asked_by, client._named_by, known, rates)


class BulkCalls(_Calls):
    """The methods of `Countermand`."""

    def cancel_many(
        self,
        requests: Iterable[AnyRequest],
        *,
        concurrency: int = 8,
        journal: str | Path | None = None,
        **options: Unpack[CallOptions],
    ) -> CancelMany:
        """Cancel many orders, at any of the client's accounts, and yield each result as it completes.

        `concurrency` is the number of simultaneous calls on one account. Each account has its own lane, which keeps
        to the account's known rate or learns it, waits after a 429 and sends again, and stops when the credential is
        refused. `journal` is the path of a file that makes the run resumable: the same call with the same requests
        finishes it. `options` apply to each call, and are described in `CallOptions`. See `docs/bulk.md`.

            with client.cancel_many(requests, journal="run.db") as results:
                for result in results:
                    print(result.request, result.outcome or result.error)

        Iterating raises `JournalError` if the journal cannot be used, and `InvalidRequestError` if it belongs to
        other requests; nothing new is sent then. Raises `InvalidRequestError` for an invalid option.
        """
        from .blocking import CancelMany

        return CancelMany(self._for_bulk(options), requests, concurrency, journal)

    def settle_many(
        self,
        results: Iterable[BulkResult],
        *,
        timeout: float = SETTLE_TIMEOUT,
        concurrency: int = 8,
        **options: Unpack[RequestOptions],
    ) -> CancelMany:
        """Read the orders of unsettled results repeatedly, until each has settled.

        Yields every result once. A settled one, or one with an error, is yielded unchanged; one that is `Requested`,
        `Unknown` or partly open when it has settled, or as last seen `timeout` seconds after it was taken up.

            for result in client.settle_many(client.cancel_many(requests)):
                ...
        """
        from .blocking import CancelMany

        return CancelMany(self._for_bulk(options), results, concurrency, follow_for=timeout)

    def settle(
        self, request: AnyRequest | Mapping[str, Any], intent: Intent, **options: Unpack[CallOptions]
    ) -> BulkResult:
        """Cancel one order on one of several machines: store the intent first, read before a second send.

        `request` is a typed request or what its `to_dict()` returned. `intent` stores durably that it is about to be
        sent. If another worker has declared that before, the order is read first, and a second cancellation is sent
        only where that is harmless; at Crux Connect, an order that is still open is `Unknown`. A 429 or a failed
        connection is returned at once as the result's error, and its intent is withdrawn: let the queue deliver the
        request again. Exceptions of the intent's methods propagate. Raises `ValueError` for a mapping that is not a
        request.

            result = client.settle(job.request, IntentInRedis(job.id))
            job.result = result.to_dict()
        """
        from .seam import settle

        return settle(self._for_bulk(options), request, intent)


class AsyncBulkCalls(_Calls):
    """The methods of `AsyncCountermand`."""

    def cancel_many(
        self,
        requests: Iterable[AnyRequest] | AsyncIterable[AnyRequest],
        *,
        concurrency: int = 8,
        journal: str | Path | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncCancelMany:
        """Cancel many orders, and yield each result as it completes; see `Countermand.cancel_many`.

            async with client.cancel_many(requests, journal="run.db") as results:
                async for result in results:
                    print(result.request, result.outcome or result.error)

        `requests` may be an async iterable as well.
        """
        from .eventloop import AsyncCancelMany

        return AsyncCancelMany(self._for_bulk(options), requests, concurrency, journal)

    def settle_many(
        self,
        results: Iterable[BulkResult] | AsyncIterable[BulkResult],
        *,
        timeout: float = SETTLE_TIMEOUT,
        concurrency: int = 8,
        **options: Unpack[RequestOptions],
    ) -> AsyncCancelMany:
        """Follow unsettled results to their end; see `Countermand.settle_many`.

            async for result in client.settle_many(results, timeout=600):
                print(result.outcome)

        Each is yielded once, settled or as last seen.
        """
        from .eventloop import AsyncCancelMany

        return AsyncCancelMany(self._for_bulk(options), results, concurrency, follow_for=timeout)

    async def settle(
        self, request: AnyRequest | Mapping[str, Any], intent: AsyncIntent, **options: Unpack[CallOptions]
    ) -> BulkResult:
        """Cancel one order on one of several machines; see `Countermand.settle`.

            result = await client.settle(job.request, IntentInRedis(job.id))

        The intent's methods are awaited.
        """
        from .seam import settle_async

        return await settle_async(self._for_bulk(options), request, intent)
