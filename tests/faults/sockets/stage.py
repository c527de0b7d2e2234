"""One case on the server's side: a world of its own, a listener of its own, and the faults that wait there."""

import asyncio
import socket
import struct
import time
from contextlib import suppress
from copy import deepcopy
from typing import Any

from countermand.sandbox.http import SandboxReply, SandboxRequest
from countermand.sandbox.simulator import Sessions
from countermand.sandbox.world import World

from .arrivals import Arrivals, kind_of, peek
from .exchange import Ending, Exchange
from .faults import Planned, Where
from .spec import CRUX_USER, KIBO_CLIENT, KIBO_TENANT, SECRETS, CaseSpec

_LINGER_OFF = struct.pack("ii", 1, 0)
#: Seconds after which a request whose reply was lost lands, as parts of the call's time.
_LATE = (0.05, 0.3, 0.6, 1.2)


def built(spec: CaseSpec) -> World:
    """Return the world of a case."""
    world = World()
    world.pattern.tokens = {SECRETS["pattern_token"]}
    world.vtex.app_key, world.vtex.app_token = SECRETS["vtex_key"], SECRETS["vtex_token"]
    world.crux.tokens, world.crux.username = {SECRETS["crux_token"]}, CRUX_USER
    world.crux.password = SECRETS["crux_password"]
    world.crux.sessions = Sessions(SECRETS["crux_session"], lifetime=7200.0)
    world.kibo.tokens, world.kibo.client_id = {SECRETS["kibo_token"]}, KIBO_CLIENT
    world.kibo.client_secret, world.kibo.tenant_id = SECRETS["kibo_secret"], KIBO_TENANT
    world.kibo.sessions = Sessions(SECRETS["kibo_session"], lifetime=3600.0)
    simulator: Any = world.simulator(spec.marketplace)
    for name, value in spec.settings.items():
        setattr(simulator, name, value)
    for order in (*spec.orders, spec.other):
        made_of = dict(order.made_of)
        if spec.marketplace == "pattern":
            made_of["warehouse_orders"] = {
                int(key): status for key, status in made_of["warehouse_orders"].items()
            }
        simulator.add_order(int(order.order_id) if spec.marketplace == "kibo" else order.order_id, **made_of)
    return world


class Stage:
    """Serves one case until it is closed."""

    def __init__(self, spec: CaseSpec, trap: str) -> None:
        self._spec = spec
        self._trap = trap
        self._world = built(spec)
        self._beginning = deepcopy(self._world)
        self._clock = time.monotonic()
        self._script = {where: list(planned) for where, planned in spec.script.items()}
        self._calls = 0
        self._seen: list[dict[str, Any]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._late: set[asyncio.Task[None]] = set()
        self._connections: set[socket.socket] = set()
        self._numbered = 0
        self._listener = socket.socket()
        self._listener.setblocking(False)
        self._listener.bind(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        if not self._refuses():
            self._listen()

    def _refuses(self) -> bool:
        waiting = self._script.get("connect", [])
        return bool(waiting) and waiting[0].name == "refused" and waiting[0].pick % 2 == 0

    def _listen(self) -> None:
        self._listener.listen(64)
        self._start(self._accept(self._listener), self._tasks)

    def _start(self, work: Any, group: set[asyncio.Task[None]]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        group.add(task)
        task.add_done_callback(group.discard)

    # Between calls.

    async def calm(self) -> None:
        """Let faults cease: what comes from now on is answered truly, and what is being sent has left."""
        self._script = {}
        self._calls += 1
        await asyncio.sleep(0.006)

    async def report(self) -> dict[str, Any]:
        """Return the truth, once everything late has landed."""
        while self._late:
            await asyncio.wait(self._late)
        self._advance()
        truths: dict[str, Any] = {}
        for order in (*self._spec.orders, self._spec.other):
            truth = self._world.truth(self._spec.marketplace, order.order_id)  # type: ignore[arg-type]
            truths[order.order_id] = {
                "cancels": truth.cancels,
                "forwarded": truth.forwarded,
                "cancelled": truth.cancelled,
                "eventually": truth.eventually,
                "landed": truth.landed,
            }
        ledger = [(entry.order_id, entry.what) for entry in self._world.ledger]
        return {"truths": truths, "seen": self._seen, "ledger": ledger}

    async def close(self) -> None:
        """Close every socket."""
        tasks = [*self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._listener.close()
        for sock in self._connections:
            sock.close()

    def deafen(self) -> None:
        """Refuse connections from now on, and keep the port."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)

    def drop(self) -> None:
        """Close every connection that stands: a FIN that nobody announced."""
        for sock in self._connections:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    # A connection.

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, _ = await loop.sock_accept(listener)
            except OSError:
                return
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._start(self._serve(sock), self._tasks)

    async def _serve(self, sock: socket.socket) -> None:
        self._connections.add(sock)
        self._numbered += 1
        number = self._numbered
        try:
            if self._waiting("connect", "reset before accept") is not None:
                self._note("connect", None, "reset before accept", "nothing", number)
                _reset(sock)
                return
            arrivals = Arrivals(sock)
            while (coming := await peek(sock, arrivals.buffer)) is not None:
                where, beginning = coming
                if self._waiting(where, "reset unread") is not None:
                    self._note(where, self._named(beginning), "reset unread", "nothing", number)
                    _reset(sock)
                    return
                request = await arrivals.next()
                if request is None or not await self._answer(sock, request, number):
                    return
        except (ConnectionError, ValueError):
            pass  # the client has had enough
        finally:
            self._connections.discard(sock)
            sock.close()

    def _waiting(self, where: Where, name: str | None = None) -> Planned | None:
        """Take the fault that waits there, if there is one (and it is the one that was asked for)."""
        waiting = self._script.get(where, [])
        if not waiting or (name is not None and waiting[0].name != name) or waiting[0].name == "refused":
            return None
        return waiting[0] if waiting[0].always else waiting.pop(0)

    async def _answer(self, sock: socket.socket, request: SandboxRequest, number: int) -> bool:
        where = kind_of(request.method, request.path)
        planned = self._waiting(where)
        loop = asyncio.get_running_loop()
        reply = self._reply(request, where, planned)
        order_id = self._named(f"{request.path}?{request.query}".encode() + request.body)
        if planned is None:
            self._note(where, order_id, None, "all", number)
            exchange = self._exchange(request, reply, 0, order_id)
            await loop.sock_sendall(sock, exchange.genuine())
            self._after()
            return True
        self._note(where, order_id, planned.name, planned.kind.told, number)
        exchange = self._exchange(request, reply, planned.pick, order_id)
        try:
            async with asyncio.timeout(self._spec.patience + 1.0):
                return await _perform(sock, planned, exchange)
        except TimeoutError:
            _reset(sock)
            return False
        finally:
            self._after()

    def _after(self) -> None:
        waiting = self._script.get("connect", [])
        if waiting and waiting[0].name == "refused":
            waiting.pop(0)
            self.deafen()

    def _reply(self, request: SandboxRequest, where: Where, planned: Planned | None) -> SandboxReply:
        self._advance()
        if planned is not None and planned.name == "stale":
            return deepcopy(self._beginning).handle(request)
        if where != "cancel" or planned is None or planned.applied == "yes":
            return self._world.handle(request)
        if planned.applied == "late":
            delay = self._spec.patience * _LATE[planned.pick % len(_LATE)]
            self._start(self._land(request, delay), self._late)
        return deepcopy(self._world).handle(request)

    async def _land(self, request: SandboxRequest, delay: float) -> None:
        await asyncio.sleep(delay)
        self._advance()
        self._world.handle(request)

    def _advance(self) -> None:
        now = time.monotonic()
        self._world.advance(now - self._clock)
        self._clock = now

    def _named(self, said: bytes) -> str | None:
        ids = [order.order_id for order in (*self._spec.orders, self._spec.other)]
        return next((order_id for order_id in ids if order_id.encode() in said), None)

    def _exchange(
        self, request: SandboxRequest, reply: SandboxReply, pick: int, order_id: str | None
    ) -> Exchange:
        ids = [order.order_id for order in self._spec.orders]
        asked = order_id or ids[0]
        later = ids[ids.index(asked) + 1 :] if asked in ids else []
        echo = " ".join(_credentials(request)) if self._spec.echo else ""
        other = self._spec.other.order_id
        following = later[0] if later else other
        patience = self._spec.patience
        return Exchange(
            self._spec.marketplace, asked, other, following, reply, pick, patience, self._trap, echo
        )

    def _note(self, where: str, order_id: str | None, fault: str | None, told: str, number: int) -> None:
        final = False
        if order_id is not None:
            truth = self._world.truth(self._spec.marketplace, order_id)  # type: ignore[arg-type]
            hopeless = any(order.hopeless for order in self._spec.orders if order.order_id == order_id)
            final = hopeless or truth.cancelled == "all"
        self._seen.append({
            "where": where, "order_id": order_id, "fault": fault, "told": told, "final": final, "connection": number
        })  # fmt: skip


async def _perform(sock: socket.socket, planned: Planned, exchange: Exchange) -> bool:
    """Do what the fault does; return whether the connection lives on."""
    loop = asyncio.get_running_loop()
    for step in planned.kind.act(exchange):
        if isinstance(step, bytes):
            await loop.sock_sendall(sock, step)
        elif isinstance(step, float):
            await asyncio.sleep(step)
        elif step is Ending.RESET:
            _reset(sock)
            return False
        elif step is Ending.FIN:
            return False
        else:
            if step is Ending.HALF:
                sock.shutdown(socket.SHUT_WR)
            while await loop.sock_recv(sock, 65536):
                pass
            return False
    return True


def _reset(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_OFF)
    sock.close()


def _credentials(request: SandboxRequest) -> list[str]:
    names = ("authorization", "x-vtex-api-appkey", "x-vtex-api-apptoken", "cookie")
    found = [request.headers[name] for name in names if name in request.headers]
    text = request.body.decode("latin-1")
    return found + [secret for secret in SECRETS.values() if secret in text]
