"""`countermand sandbox`: serve the simulated marketplaces on this machine."""

import shlex
import threading

from ..sandbox.sandbox import Sandbox
from .codes import Exit, Stop
from .terminal import data, data_json, tell


def serve(speed: float, *, as_json: bool) -> Exit:
    """Serve until Ctrl-C; print the variables that point a client here."""
    try:
        with Sandbox(http=True, speed=speed, allow_unused_mishaps=True) as sandbox:
            set_here = sandbox.environ
            if as_json:
                data_json(set_here)
            else:
                for name, value in set_here.items():
                    data(f"export {name}={shlex.quote(value)}")
            tell("The sandbox is served until Ctrl-C. Its orders:")
            for order in Sandbox.ORDERS:
                tell(f"  {order.marketplace:<8} {order.order_id!s:<37} {order.story}")
            _until_interrupted()
    except (ImportError, ValueError) as error:
        raise Stop(str(error)) from None
    return Exit.DONE


def _until_interrupted() -> None:
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        tell("Stopped.")
