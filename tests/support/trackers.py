"""What an error tracker finds in the variables of a frame."""

from collections.abc import Iterator, Mapping, Sequence, Set


def walked(value: object, depth: int = 12) -> Iterator[str]:
    """Yield the texts that a tracker would send: containers are walked, all else is printed."""
    if depth and isinstance(value, Mapping):
        for key, item in value.items():
            yield from walked(key, depth - 1)
            yield from walked(item, depth - 1)
    elif depth and isinstance(value, Sequence | Set) and not isinstance(value, str | bytes | bytearray):
        for item in value:
            yield from walked(item, depth - 1)
    else:
        yield repr(value)
