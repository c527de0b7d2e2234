"""Credentials that are redacted wherever they are printed.

A credential is revealed only where the headers of a request or the body of a login are built. In a repr, a log line or
a traceback with local variables it is a row of stars, and it cannot be pickled.
"""

import json
from collections import defaultdict
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping
from functools import partial, wraps
from types import FunctionType
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote

from .frames import own_frames

#: Shorter texts are not redacted: real credentials are longer, and ordinary words of a reply may be as short.
_SHORTEST = 8

_PUBLIC = ("__next__", "__anext__", "__getitem__")
_COROUTINE = 0x80  # inspect.CO_COROUTINE, without the import

_Class = TypeVar("_Class", bound=type)
_Method = TypeVar("_Method", bound=Callable[..., Any])


class Secret:
    """One credential. `reveal()` returns its text; nothing else does."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the credential's text."""
        return self._text

    def forms(self) -> set[bytes]:
        """Return the forms in which a reply may repeat the credential: plain, escaped in JSON, encoded in a URL."""
        text = self._text
        lenient = "surrogatepass"  # a text that is no credential is redacted too
        plain = {text, json.dumps(text)[1:-1], text.replace("/", "\\/"), quote(text, safe="", errors=lenient)}
        return {form.encode(errors=lenient) for form in plain}

    def __repr__(self) -> str:
        return "Secret('**********')"

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, Secret) else NotImplemented

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a credential is not pickled")

    def __getstate__(self) -> NoReturn:
        self.__reduce__()

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: object) -> "Secret":
        return self


def as_secret(value: "str | Secret") -> "Secret":
    """Wrap a text in a `Secret`; a `Secret` is returned unchanged."""
    return Secret(value) if isinstance(value, str) else value


class SealedHeaders:
    """Request headers with a credential. The repr shows only the names.

    It is not a Mapping, so that error trackers, which walk the containers among local variables, skip it. `**headers`
    works. In `prepared`, a driver caches the headers in its library's own form.

        SealedHeaders({"Authorization": "Bearer …"})["Authorization"]
    """

    __slots__ = ("_pairs", "prepared")

    def __init__(self, *headers: "Mapping[str, str] | SealedHeaders") -> None:
        self._pairs: dict[str, str] = dict(*headers)
        self.prepared: dict[object, Any] = {}

    def items(self) -> ItemsView[str, str]:
        """Return the headers as pairs of name and value."""
        return self._pairs.items()

    def keys(self) -> KeysView[str]:
        """Return the names."""
        return self._pairs.keys()

    def get(self, name: str) -> str | None:
        """Return the value of `name` (case-sensitive), or None."""
        return self._pairs.get(name)

    def __getitem__(self, name: str) -> str:
        return self._pairs[name]

    def __contains__(self, name: object) -> bool:
        return name in self._pairs

    def __iter__(self) -> Iterator[str]:
        return iter(self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def __repr__(self) -> str:
        return f"SealedHeaders({', '.join(sorted(self._pairs))})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("headers that carry a credential are not pickled")

    def __getstate__(self) -> NoReturn:
        self.__reduce__()

    def __copy__(self) -> "SealedHeaders":
        return self

    def __deepcopy__(self, memo: object) -> "SealedHeaders":
        return self


def redacted(text: bytes, secrets: Iterable[bytes]) -> bytes:
    """Return `text` with all `secrets` redacted; the same object if it contains none.

    Texts that are too short for a real credential are ignored: a test's token "t" occurs in every word.
    """
    for secret in secrets:
        if len(secret) >= _SHORTEST and secret in text:
            text = text.replace(secret, b"[redacted]")
    return text


def redacted_text(text: str, secrets: Iterable[bytes]) -> str:
    """Return `text` with all `secrets` redacted, and half characters replaced."""
    return redacted(text.encode(errors="replace"), secrets).decode(errors="replace")


def sealed(cls: _Class) -> _Class:
    """Keep a configuration's credentials out of the tracebacks of its errors, and out of pickles.

    attrs runs validators inside `__init__`, whose frame has the credential as an argument. A traceback with local
    variables would print it. So the error is raised again outside that frame, without the arguments.
    """
    build: Any = cls.__init__  # type: ignore[misc]

    @wraps(build)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        problem: Exception | None = None
        try:
            build(self, *args, **kwargs)
        except (ValueError, TypeError) as error:
            said = str(error.args[0]) if error.args else "the configuration is not valid"
            place = getattr(cls, "marketplace", cls.__name__)
            problem = ValueError(f"{place}: {said}") if isinstance(error, ValueError) else TypeError(said)
        del self, args, kwargs
        if problem is not None:
            raise problem

    def no_pickle(self: object) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} holds credentials and is not pickled; build it where it is used"
        )

    def same(self: object, *_: object) -> object:
        return self

    members: Any = cls
    members.__init__ = init
    members.__reduce__ = no_pickle
    members.__copy__ = members.__deepcopy__ = same
    return cls


class LeavesNoFrames:
    """A base class: an exception that leaves a public method or property, or an iteration, has the caller's frames only.

    Each function that an exception passes adds its frame, so the outermost one has to remove them.
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name, member in list(vars(cls).items()):
            if name.startswith("_") and name not in _PUBLIC:
                continue
            if isinstance(member, FunctionType):
                setattr(cls, name, leaves_no_frames(member))
            elif isinstance(member, property) and member.fget is not None:
                setattr(cls, name, property(leaves_no_frames(member.fget)))


def leaves_no_frames(method: _Method) -> _Method:
    """Return `method`, but its exceptions carry no frame of this package or of a library."""
    call: Any = method

    @wraps(method)
    def called(*args: Any, **options: Any) -> Any:
        try:
            # Python 3.11 runs signal handlers after a call with *args, and the outcome would be lost; not after this.
            returned: defaultdict[None, Any] = defaultdict(partial(call, *args, **options))
            return returned[None]
        except BaseException as error:
            error.__traceback__ = own_frames(error.__traceback__)
            raise  # without a value it adds no frame

    @wraps(method)
    async def awaited(*args: Any, **options: Any) -> Any:
        try:
            return await call(*args, **options)
        except BaseException as error:
            error.__traceback__ = own_frames(error.__traceback__)
            raise

    found: Any = awaited if call.__code__.co_flags & _COROUTINE else called
    return found  # type: ignore[no-any-return]
