"""countermand cancels orders at Pattern Hub, VTEX OMS, Crux Connect and Kibo OMS, and reports what became of them.

Names are lazily imported, so importing this package is cheap. They are listed in the stub `__init__.pyi`.
"""

from .engine.lazy import lazily as _lazily

_lazily(globals())
