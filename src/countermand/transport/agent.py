"""The version of the package, and the User-Agent header."""

import sys
from functools import cache
from importlib import import_module

__version__ = "0.1.0"


@cache
def user_agent(library: str = "httpx") -> str:
    """Return the names and versions of this package, the HTTP library and Python.

    "countermand/0.1.0 httpx/0.28.1 python/3.12.4"
    """
    python = ".".join(map(str, sys.version_info[:3]))
    return f"countermand/{__version__} {library}/{import_module(library).__version__} python/{python}"
