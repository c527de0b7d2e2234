"""The error for an optional dependency that is not installed."""

from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def needs(extra: str, *packages: str) -> Generator[None]:
    """Return a context for importing `packages` of an extra. If one is missing, the error says how to install it.

        with needs("otel", "opentelemetry"):
            from opentelemetry import trace

    Raises ModuleNotFoundError.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name not in packages:
            raise
        told = f"{name} is not installed; it comes with an extra: pip install 'countermand[{extra}]'"
        raise ModuleNotFoundError(told, name=error.name) from None
