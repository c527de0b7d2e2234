"""The loopback server: the four marketplaces' happy answers, as cheap as a Python process can send them.

It runs in a process of its own and does no more than find the end of a request and send a fixed
reply, so that what the benchmark measures is the client. With a delay, every reply waits that
long without holding up the others.
"""

import argparse
import heapq
import json
import re
import selectors
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from email.utils import formatdate
from itertools import count
from pathlib import Path
from urllib.parse import unquote

_DATE = formatdate(usegmt=True).encode()
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PARTS = re.compile(rb"^/parts-(\d+)/")
_CANCELLED_PART = {"warehouse_order_id": 10_000_001, "status": "new"}


def _pattern(order_id: bytes, parts: int) -> bytes:
    body = {
        "market_order_id": unquote(order_id.decode()),
        "success": True,
        "message": "All warehouse orders successfully initiated for cancellation",
        "cancelled_orders": [
            _CANCELLED_PART | {"warehouse_order_id": 10_000_001 + part} for part in range(parts)
        ],
        "non_cancellable_orders": [],
    }
    return json.dumps(body).encode()


# One-part bodies are templates, because building JSON would be the dearest thing this server does.
_PATTERN = _pattern(b"ORDER", 1).replace(b"ORDER", b"%b")
_VTEX = (
    b'{"date": "2014-02-07T15:22:56.7612218-02:00", "orderId": "%b",'
    b' "receipt": "38e0e47da2934847b489216d208cfd91"}'
)
_KIBO = (
    b'{"orderID": %b, "externalOrderID": "W-20988", "orderState": "CANCELED",'
    b' "orderStatus": "CANCELED", "orderType": "DIRECTSHIP", "deliveryMethod": "STH",'
    b' "orderCurrency": "USD", "orderDate": "2010-04-08T16:32:03+00:00", "total": 59.9,'
    b' "orderItems": [{"orderItemID": 1, "partNumber": "sku-1", "quantity": 2,'
    b' "productName": "Plain T-shirt", "itemStatus": "CANCELED", "price": 29.95}]}'
)
_KIBO_ORDER_ID = re.compile(rb'"orderId": *(\d+)')
_many_parts: dict[int, bytes] = {}


def answer(method: bytes, target: bytes, body: bytes) -> tuple[bytes, bytes]:
    """Give the status line's code and phrase, and the body, that a marketplace would send."""
    if target.endswith(b"/order/action/cancel"):
        if method == b"POST" and (found := _KIBO_ORDER_ID.search(body)):
            return b"200 OK", _KIBO % found[1]
    elif target.endswith(b"/orders/cancel/"):
        if method == b"PATCH" and b'"order_uuid"' in body:
            return b"204 No Content", b""
    elif target.endswith(b"/cancel"):
        if method == b"POST" and b"/pvt/orders/" in target:
            return b"200 OK", _VTEX % target.split(b"/")[-2]
    elif (at := target.find(b"/v1/orders/cancel_order?market_order_id=")) >= 0 and method == b"POST":
        order_id = target[at + 40 :]
        if not (found := _PARTS.match(target)):
            return b"200 OK", _PATTERN % order_id
        parts = int(found[1])
        if parts not in _many_parts:
            _many_parts[parts] = _pattern(b"ORDER", parts).replace(b"ORDER", b"%b")
        return b"200 OK", _many_parts[parts] % order_id
    return b"404 Not Found", b'{"message": "no such call in the benchmark"}'


def respond(buffer: bytes) -> tuple[bytes, bytes] | None:
    """Take one whole request off the buffer: the reply's bytes and what is left, or None."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    length = int(found[1]) if (found := _LENGTH.search(buffer, 0, end)) else 0
    whole = end + 4 + length
    if len(buffer) < whole:
        return None
    method, target, _ = buffer[: buffer.index(b"\r\n")].split(b" ", 2)
    status, body = answer(method, target, buffer[end + 4 : whole])
    head = b"HTTP/1.1 %b\r\ndate: %b\r\ncontent-type: application/json\r\n" % (status, _DATE)
    if not status.startswith(b"204"):
        head += b"content-length: %d\r\n" % len(body)
    return head + b"\r\n" + body, buffer[whole:]


class Server:
    """Every connection in one thread, and the replies whose time has not come yet."""

    def __init__(
        self, listener: socket.socket, delay: float = 0.0, tls: ssl.SSLContext | None = None
    ) -> None:
        self._listener, self._delay, self._tls = listener, delay, tls
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ)
        self._buffers: dict[socket.socket, bytes] = {}
        self._waiting: list[tuple[float, int, socket.socket, bytes]] = []
        self._tickets = count()

    def serve(self) -> None:
        """Answer until the process ends."""
        while True:
            pause = max(0.0, self._waiting[0][0] - time.monotonic()) if self._waiting else None
            for key, _ in self._selector.select(pause):
                if key.data is None:
                    self._accept()
                else:
                    self._read(key.data)
            while self._waiting and self._waiting[0][0] <= time.monotonic():
                _, _, connection, reply = heapq.heappop(self._waiting)
                _send(connection, reply)

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls:
            connection = self._tls.wrap_socket(connection, server_side=True)
        self._selector.register(connection, selectors.EVENT_READ, connection)
        self._buffers[connection] = b""

    def _read(self, connection: socket.socket) -> None:
        try:
            received = connection.recv(65536)
        except OSError:
            received = b""
        if not received:
            self._selector.unregister(connection)
            del self._buffers[connection]
            connection.close()
            return
        buffer = self._buffers[connection] + received
        while done := respond(buffer):
            reply, buffer = done
            if self._delay:
                due = time.monotonic() + self._delay
                heapq.heappush(self._waiting, (due, next(self._tickets), connection, reply))
            else:
                _send(connection, reply)
        self._buffers[connection] = buffer


def _send(connection: socket.socket, reply: bytes) -> None:
    with suppress(OSError):  # a client that has gone
        connection.sendall(reply)


@contextmanager
def running(delay: float = 0.0, certificate: Path | None = None) -> Generator[str]:
    """Run the server in a process of its own, and give its base URL."""
    command = [sys.executable, __file__, "--delay", str(delay)]
    if certificate:
        command += ["--certificate", str(certificate)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def main() -> None:
    """Serve on a free port, and print which."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before every reply")
    parser.add_argument("--certificate", help="speak TLS with the key and the chain in this file")
    given = parser.parse_args()
    tls = None
    if given.certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(given.certificate)
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        print(listener.getsockname()[1], flush=True)
        Server(listener, given.delay, tls).serve()


if __name__ == "__main__":
    main()
