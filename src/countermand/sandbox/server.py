"""The sandbox over real HTTP, on loopback: uvicorn in a thread."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager

from countermand.sandbox.app import App

MISSING = (
    "The sandbox over HTTP needs uvicorn: pip install 'countermand[sandbox]' (in memory it needs nothing)"
)


@contextmanager
def serve(app: App) -> Generator[str]:
    """Serve `app` on a free port of 127.0.0.1, and yield its origin.

    The socket listens before the thread starts, so the first request waits in its queue, and no polling is needed.
    """
    try:
        import uvicorn
    except ImportError as error:
        raise ImportError(MISSING) from error
    listener = socket.create_server(("127.0.0.1", 0))
    # What is accepted here inherits it. Without it a reply, which leaves in two pieces, takes 40 ms more.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,  # the world sends its own date
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name="countermand-sandbox", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
