"""What a mutant is: a wrong version of the SDK, and the checks that have to catch it."""

from attrs import frozen


@frozen
class Mutant:
    """One wrong version: in a module of the SDK, an old text and the new one, and the checks to run in turn."""

    name: str
    module: str
    old: str
    new: str
    checks: tuple[str, ...] = ("sweep",)
