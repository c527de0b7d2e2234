"""Errors whose words are not read, or are taken for what they do not say."""

from .mutant import Mutant

_ROWS = ("rows",)
_WORDS = "engine/words.py"

WORDS = (
    Mutant(
        "problem details are not read",
        _WORDS,
        '"error_description", "detail")\n',
        '"error_description")\n',
        _ROWS,
    ),
    Mutant(
        "the type of problem details is not their code",
        _WORDS,
        "    if kind and not re.fullmatch(_PLAIN_TYPE, kind):\n",
        "    if False:\n",
        ("core",),
    ),
    Mutant(
        "a list of errors by field is not read",
        _WORDS,
        "(list(_texts(errors)) or _by_field(_fields(errors)))",
        "_texts(errors)",
        _ROWS,
    ),
    Mutant(
        "a list of errors by place is not read",
        _WORDS,
        '"Message", "msg", ',
        '"Message", ',
        _ROWS,
    ),
    Mutant(
        "`Message` is not read",
        _WORDS,
        '"Message", "msg", ',
        '"msg", ',
        _ROWS,
    ),
    Mutant(
        "a bare list of texts is not read",
        _WORDS,
        "        yield from _texts(said)\n        return\n",
        "        return\n",
        _ROWS,
    ),
    Mutant(
        "a bare `error` hides the message",
        _WORDS,
        """    names = _MESSAGES if isinstance(error, str) else ("error", *_MESSAGES)\n""",
        """    names = ("error", *_MESSAGES)\n""",
        ("core",),
    ),
    Mutant(
        "`Message` says that there is no such order",
        _WORDS,
        '        said.get("message"),\n',
        '        said.get("message") or said.get("Message"),\n',
        _ROWS,
    ),
    Mutant(
        "a framework's bare `error` says that there is no such order",
        _WORDS,
        '        _fields(said.get("error")).get("message"),\n',
        '        said.get("error"),\n',
        _ROWS,
    ),
)
