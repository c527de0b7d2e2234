"""Mistakes in a configuration, each as one row: what is given, and what is answered.

The same rows make the table in docs/configuration.md: `python -m tests.public.mistakes` writes it anew.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs

from countermand import Countermand, Crux, Kibo, Pattern, Vtex

PAGE = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"
OURS = "pattern", "vtex", "crux", "kibo"
VTEX = {
    "COUNTERMAND_VTEX_ACCOUNT": "brand",
    "COUNTERMAND_VTEX_APP_KEY": "sekret-key",
    "COUNTERMAND_VTEX_APP_TOKEN": "sekret-token",
}
PATTERN = {"COUNTERMAND_PATTERN_TOKEN": "sekret-token"}
ACCOUNTS = VTEX | PATTERN | {"COUNTERMAND_CRUX_TOKEN": "sekret-token", "COUNTERMAND_KIBO_TENANT_ID": "12345"}
#: A file's beginning, right in itself.
AR = '[accounts.ar]\nmarketplace = "vtex"\naccount = "brand-ar"\napp_key = "sekret-key"\n'
US = '[accounts.us]\nmarketplace = "pattern"\n'
CREDENTIALS = 'app_token = "sekret-token"\n'


@attrs.frozen
class Mistake:
    """One mistake. `given` is an environment, the content of a file, or what builds a configuration."""

    what: str
    given: Mapping[str, str] | str | bytes | Callable[[], Any] | None
    #: What the answer has to name: the variable, the key or the argument.
    names: str
    #: The marketplace that it has to name; None where the mistake concerns all of them.
    marketplace: str | None
    prefix: str = "COUNTERMAND_"

    @property
    def kind(self) -> str:
        """Where the mistake is made."""
        if callable(self.given):
            return "argument"
        return "environment" if isinstance(self.given, Mapping) else "file"

    def make(self, door: Any = Countermand) -> Any:
        """Make it; in the current folder if it is one in a file."""
        if callable(self.given):
            return self.given()
        if isinstance(self.given, Mapping):
            return door.from_env(self.given, prefix=self.prefix)
        path = Path("accounts.toml")
        if self.given is not None:
            content = self.given if isinstance(self.given, bytes) else self.given.encode()
            path.write_bytes(content)
            path.chmod(0o600)
        return door.from_file("accounts.toml", environ={"QUOTED": '"sekret"', "EMPTY": ""})


def _env(what: str, names: str, marketplace: str | None, *base: Mapping[str, str], **more: str) -> Mistake:
    given: dict[str, str] = {}
    for each in (*base, {f"COUNTERMAND_{name}": value for name, value in more.items()}):
        given |= each
    return Mistake(what, given, names, marketplace)


MISTAKES = [
    # The environment.
    _env("a misspelt variable", "COUNTERMAND_PATTERN_ENVIROMENT", "pattern", PATTERN, PATTERN_ENVIROMENT="staging"),
    _env("a misspelt marketplace", "COUNTERMAND_PATERN_TOKEN", "pattern", VTEX, PATERN_TOKEN="sekret"),
    _env("a misspelt timeout", "COUNTERMAND_TIMEOT", None, PATTERN, TIMEOT="9"),
    _env("a variable in lower case", "countermand_vtex_label", "vtex", PATTERN, {"countermand_vtex_label": "x"}),
    _env("a variable in mixed case", "COUNTERMAND_Kibo_tenant_id", "kibo", {"COUNTERMAND_Kibo_tenant_id": "12345"}),
    _env("a misspelt prefix", "COUNTERMAN_PATTERN_TOKEN", "pattern", {"COUNTERMAN_PATTERN_TOKEN": "sekret"}),
    _env("a misspelt prefix beside an account", "COUNTERMAN_PATTERN_ENVIRONMENT", "pattern", PATTERN, {"COUNTERMAN_PATTERN_ENVIRONMENT": "staging"}),
    _env("a hyphen in the prefix", "COUNTERMAND-PATTERN_ENVIRONMENT", "pattern", PATTERN, {"COUNTERMAND-PATTERN_ENVIRONMENT": "staging"}),
    _env("a misspelt marketplace in lower case", "countermand_vtx_account", "vtex", PATTERN, {"countermand_vtx_account": "brand"}),
    _env("a timeout in mixed case", "Countermand_Timeout", None, PATTERN, {"Countermand_Timeout": "9"}),
    _env("a field of another marketplace", "COUNTERMAND_PATTERN_TENANT_ID", "pattern", PATTERN, PATTERN_TENANT_ID="1"),
    _env("a marketplace that nobody has", "COUNTERMAND_SHOP_TOKEN", None, PATTERN, SHOP_TOKEN="sekret"),
    _env("the prefix alone", "COUNTERMAND: ", None, PATTERN, {"COUNTERMAND": "sekret"}),
    _env("the prefix alone, in lower case", "countermand_: ", None, PATTERN, {"countermand_": "sekret"}),
    _env("the prefix and no more", "COUNTERMAND_: ", None, PATTERN, {"COUNTERMAND_": "sekret"}),
    _env("a marketplace and no field", "COUNTERMAND_VTEX: ", "vtex", PATTERN, {"COUNTERMAND_VTEX": "sekret"}),
    _env("dots for underscores", "COUNTERMAND.VTEX.ACCOUNT", "vtex", PATTERN, {"COUNTERMAND.VTEX.ACCOUNT": "brand"}),
    _env("a space after the name", "COUNTERMAND_PATTERN_LABEL ", "pattern", PATTERN, {"COUNTERMAND_PATTERN_LABEL ": "x"}),
    _env("no variable at all", "COUNTERMAND_PATTERN_TOKEN", None, {"PATH": "/usr/bin"}),
    _env("empty variables alone", "COUNTERMAND_PATTERN_TOKEN", None, PATTERN_TOKEN=""),
    _env("an empty environment", "COUNTERMAND_PATTERN_ENVIRONMENT", "pattern", PATTERN, PATTERN_ENVIRONMENT=""),
    _env("an empty base URL", "COUNTERMAND_CRUX_BASE_URL", "crux", CRUX_TOKEN="sekret", CRUX_BASE_URL=""),
    _env("an empty release", "COUNTERMAND_CRUX_RELEASE", "crux", CRUX_TOKEN="sekret", CRUX_RELEASE=""),
    _env("a variable too few", "COUNTERMAND_VTEX_APP_TOKEN", "vtex", VTEX_ACCOUNT="a", VTEX_APP_KEY="sekret"),
    _env("an environment without a credential", "COUNTERMAND_PATTERN_TOKEN", "pattern", PATTERN_ENVIRONMENT="staging"),
    _env("half a login", "COUNTERMAND_CRUX_PASSWORD", "crux", CRUX_PASSWORD="sekret"),
    _env("half of client credentials", "COUNTERMAND_KIBO_CLIENT_SECRET", "kibo", KIBO_TENANT_ID="1", KIBO_CLIENT_ID="c"),
    _env(
        "a token and a login", "COUNTERMAND_CRUX_TOKEN", "crux",
        CRUX_TOKEN="sekret-token", CRUX_USERNAME="u", CRUX_PASSWORD="sekret",
    ),
    _env("VTEX in production", "COUNTERMAND_VTEX_ENVIRONMENT", "vtex", VTEX, VTEX_ENVIRONMENT="production"),
    _env("VTEX in a sandbox", "COUNTERMAND_VTEX_ENVIRONMENT", "vtex", VTEX, VTEX_ENVIRONMENT="sandbox"),
    _env("VTEX in staging", "COUNTERMAND_VTEX_ENVIRONMENT", "vtex", VTEX, VTEX_ENVIRONMENT="staging"),
    _env("VTEX's environment, misspelt", "COUNTERMAND_VTEX_ENVIRONMENT", "vtex", VTEX, VTEX_ENVIRONMENT="vtexcommercestabel"),
    _env("VTEX in quality assurance", "COUNTERMAND_VTEX_ENVIRONMENT", "vtex", VTEX, VTEX_ENVIRONMENT="qa"),
    _env("VTEX's environment in upper case", "COUNTERMAND_VTEX_ENVIRONMENT", "vtex", VTEX, VTEX_ENVIRONMENT="VTEXCOMMERCESTABLE"),
    _env("VTEX's environment, half of it", "COUNTERMAND_VTEX_ENVIRONMENT", "vtex", VTEX, VTEX_ENVIRONMENT="vtexcommerce"),
    _env("VTEX's whole host", "COUNTERMAND_VTEX_ENVIRONMENT", "vtex", VTEX, VTEX_ENVIRONMENT="vtexcommercestable.com.br"),
    _env("Pattern in a sandbox", "COUNTERMAND_PATTERN_ENVIRONMENT", "pattern", PATTERN, PATTERN_ENVIRONMENT="sandbox"),
    _env("Kibo in staging", "COUNTERMAND_KIBO_ENVIRONMENT", "kibo", KIBO_TENANT_ID="1", KIBO_ENVIRONMENT="staging"),
    _env("a release that Crux has not", "COUNTERMAND_CRUX_RELEASE", "crux", CRUX_TOKEN="sekret", CRUX_RELEASE="v2"),
    _env("a token in place of an environment", "COUNTERMAND_CRUX_ENVIRONMENT", "crux", CRUX_TOKEN="t", CRUX_ENVIRONMENT="sekret"),
    _env("a token that says Bearer", "COUNTERMAND_PATTERN_TOKEN", "pattern", PATTERN_TOKEN="Bearer sekret"),
    _env("a token that says Token", "COUNTERMAND_CRUX_TOKEN", "crux", CRUX_TOKEN="Token sekret"),
    _env("a whole header", "COUNTERMAND_KIBO_ACCESS_TOKEN", "kibo", KIBO_TENANT_ID="1", KIBO_ACCESS_TOKEN="Authorization: Bearer sekret"),
    _env("a scheme without a token", "COUNTERMAND_PATTERN_TOKEN", "pattern", PATTERN_TOKEN="Bearer"),
    _env("a scheme with a colon", "COUNTERMAND_PATTERN_TOKEN", "pattern", PATTERN_TOKEN="Bearer: sekret"),
    _env("a token with a space in it", "COUNTERMAND_PATTERN_TOKEN", "pattern", PATTERN_TOKEN="sekret token"),
    _env("a token that a template left", "COUNTERMAND_PATTERN_TOKEN", "pattern", PATTERN_TOKEN="${SEKRET}"),
    _env("a token that a program left", "COUNTERMAND_PATTERN_TOKEN", "pattern", PATTERN_TOKEN="None"),
    _env("a token in asterisks", "COUNTERMAND_PATTERN_TOKEN", "pattern", PATTERN_TOKEN="********"),
    _env("a password that a template left", "COUNTERMAND_CRUX_PASSWORD", "crux", CRUX_USERNAME="u", CRUX_PASSWORD="${SEKRET}"),
    _env("an address for a token", "COUNTERMAND_PATTERN_TOKEN", "pattern", PATTERN_TOKEN="vault://sekret"),
    _env("the name of a header", "COUNTERMAND_VTEX_APP_KEY", "vtex", VTEX, VTEX_APP_KEY="X-VTEX-API-AppKey:sekret"),
    _env("half a byte of a token", "COUNTERMAND_PATTERN_TOKEN", "pattern", PATTERN_TOKEN="sekret\udc80"),
    _env("one quotation mark", "COUNTERMAND_PATTERN_TOKEN", "pattern", PATTERN_TOKEN='sekret"'),
    _env("a value in quotation marks", "COUNTERMAND_PATTERN_TOKEN", "pattern", PATTERN_TOKEN='"sekret"'),
    _env("a value in single quotation marks", "COUNTERMAND_VTEX_APP_KEY", "vtex", VTEX, VTEX_APP_KEY="'sekret'"),
    _env("a line break after a value", "COUNTERMAND_PATTERN_TOKEN", "pattern", PATTERN_TOKEN="sekret\n"),
    _env("a space before a value", "COUNTERMAND_KIBO_TENANT_ID", "kibo", KIBO_TENANT_ID=" 12345"),
    _env("letters that no header takes", "COUNTERMAND_CRUX_TOKEN", "crux", CRUX_TOKEN="sekrét"),
    _env("a name for a tenant", "COUNTERMAND_KIBO_TENANT_ID", "kibo", KIBO_TENANT_ID="acme"),
    _env("a tenant of nobody", "COUNTERMAND_KIBO_TENANT_ID", "kibo", KIBO_TENANT_ID="0"),
    _env("a host for an account", "COUNTERMAND_VTEX_ACCOUNT", "vtex", VTEX, VTEX_ACCOUNT="brand.example"),
    _env("an impossible host", "COUNTERMAND_CRUX_BASE_URL", "crux", CRUX_TOKEN="sekret", CRUX_BASE_URL="https://crux..example"),
    _env("http", "COUNTERMAND_CRUX_BASE_URL", "crux", CRUX_TOKEN="sekret", CRUX_BASE_URL="http://crux.example"),
    _env("a password in a URL", "COUNTERMAND_PATTERN_BASE_URL", "pattern", PATTERN, PATTERN_BASE_URL="https://u:sekret@host.example"),
    *(
        _env(f"the endpoint in a base URL: {owner}{path}", f"COUNTERMAND_{owner}_{field}_URL", owner.lower(), ACCOUNTS, {f"COUNTERMAND_{owner}_{field}_URL": f"https://{path}"})
        for owner, field, path in (
            ("PATTERN", "BASE", "api.pattern.com/hub/v1"),
            ("PATTERN", "BASE", "gateway.example/hub/v1/orders/cancel_order"),
            ("VTEX", "BASE", "brand.vtexcommercestable.com.br/api/"),
            ("VTEX", "BASE", "gateway.example/API/OMS/pvt/orders"),
            ("CRUX", "BASE", "api.cruxconnect.com/orders"),
            ("CRUX", "BASE", "api.cruxconnect.com/timp"),
            ("CRUX", "BASE", "gateway.example/orders/cancel/"),
            ("KIBO", "BASE", "t1-translation.mozu.com/api/v2/order/action/cancel"),
            ("KIBO", "AUTH", "home.mozu.com/api/platform/applications/authtickets/oauth"),
        )
    ),
    *(
        _env(f"a base URL {what}", "COUNTERMAND_PATTERN_BASE_URL", "pattern", PATTERN, PATTERN_BASE_URL=url)
        for what, url in (
            ("with a placeholder", "https://{host}.pattern.com/hub"),
            ("with a variable", "https://api.pattern.com/$HUB"),
            ("with two schemes", "https://https://api.pattern.com/hub"),
            ("without a scheme", "api.pattern.com/hub"),
            ("with dots", "https://api.pattern.com/../hub"),
            ("with an empty segment", "https://api.pattern.com//hub"),
            ("without its port", "https://api.pattern.com:/hub"),
            ("with port 0", "https://api.pattern.com:0/hub"),
        )
    ),
    _env("a file that is not there", "COUNTERMAND_PATTERN_TOKEN_FILE", "pattern", PATTERN_TOKEN_FILE="no-such-file"),
    _env("a misspelt file", "COUNTERMAND_PATTERN_TOKEN_FLE", "pattern", PATTERN_TOKEN_FLE="no-such-file"),
    _env("a variable and its file", "COUNTERMAND_PATTERN_TOKEN_FILE", "pattern", PATTERN, PATTERN_TOKEN_FILE="no-such-file"),
    _env("two accounts with one label", "COUNTERMAND_VTEX_LABEL", "vtex", PATTERN, VTEX, VTEX_LABEL="pattern"),
    _env("a timeout in words", "COUNTERMAND_TIMEOUT", None, PATTERN, TIMEOUT="30s"),
    _env("a timeout of nothing", "COUNTERMAND_TIMEOUT", None, PATTERN, TIMEOUT="0"),
    _env("a timeout with a space", "COUNTERMAND_TIMEOUT", None, PATTERN, TIMEOUT="30 "),
    _env("a timeout with an underscore", "COUNTERMAND_TIMEOUT", None, PATTERN, TIMEOUT="1_0"),
    _env("a level that logging has not", "COUNTERMAND_LOG", None, PATTERN, LOG="verbose"),
    Mistake("a prefix of nothing", PATTERN, "prefix", None, prefix=""),
    Mistake("another prefix", {"SHOP_PATTERN_TOKN": "sekret"}, "SHOP_PATTERN_TOKN", "pattern", prefix="SHOP_"),
    # A file.
    Mistake("no file", None, "accounts.toml", None),
    Mistake("an empty file", "", "accounts", None),
    Mistake("a file of another kind", b"\xff\xfesekret", "accounts.toml", None),
    Mistake("no accounts", "timeout = 30\n", "accounts", None),
    Mistake("a syntax error", AR + "app_token = sekret\n", "accounts.ar", "vtex"),
    Mistake("a syntax error at the top", "timeout: 30\n" + AR + CREDENTIALS, "accounts.toml", None),
    Mistake("a label twice", AR + CREDENTIALS + AR, "accounts.ar", "vtex"),
    Mistake("a key twice", US + 'token = "sekret"\ntoken = "sekret"\n', "accounts.us", "pattern"),
    Mistake("a misspelt key", AR + 'app_tokn = "sekret"\n', "accounts.ar.app_tokn", "vtex"),
    Mistake("a key of another marketplace", AR + CREDENTIALS + "tenant_id = 1\n", "accounts.ar.tenant_id", "vtex"),
    Mistake("a key too few", AR, "accounts.ar.app_token", "vtex"),
    Mistake("brackets without end", "a = " + "[" * 2000, "accounts.toml", None),
    Mistake("a misspelt key for the marketplace", '[accounts.us]\nmarket = "pattern"\n', "accounts.us.market", None),
    Mistake("no marketplace", '[accounts.us]\ntoken = "sekret"\n', "accounts.us.marketplace", None),
    Mistake("a misspelt marketplace in a file", '[accounts.us]\nmarketplace = "patern"\n', "accounts.us.marketplace", "pattern"),
    Mistake("a marketplace that is a number", "[accounts.us]\nmarketplace = 5\n", "accounts.us.marketplace", None),
    Mistake("an account outside of accounts", '[us]\nmarketplace = "pattern"\ntoken = "sekret"\n', "accounts.us", None),
    Mistake("a misspelt key at the top", "timeot = 3\n" + AR + CREDENTIALS, "timeot", None),
    Mistake("a timeout that is text", 'timeout = "30"\n' + AR + CREDENTIALS, "timeout", None),
    Mistake("accounts that are no tables", 'accounts = "sekret"\n', "accounts", None),
    Mistake("an account that is no table", 'accounts.us = "sekret"\n', "accounts.us", None),
    Mistake("a label of its own", US + 'token = "sekret"\nlabel = "x"\n', "accounts.us.label", "pattern"),
    Mistake("a number for a credential", US + "token = 5\n", "accounts.us.token", "pattern"),
    Mistake("an array for a credential", US + 'token = ["sekret"]\n', "accounts.us.token", "pattern"),
    Mistake("a date for a credential", US + "token = 2026-03-02\n", "accounts.us.token", "pattern"),
    Mistake("a variable that is not set", US + 'token = { env = "NO_SUCH" }\n', "NO_SUCH", "pattern"),
    Mistake("a variable that is empty", US + 'token = { env = "EMPTY" }\n', "EMPTY", "pattern"),
    Mistake("a variable in quotation marks", US + 'token = { env = "QUOTED" }\n', "QUOTED", "pattern"),
    Mistake("a misspelt reference", US + 'token = { evn = "TOKEN" }\n', "accounts.us.token", "pattern"),
    Mistake("two references", US + 'token = { env = "TOKEN", file = "token" }\n', "accounts.us.token", "pattern"),
    Mistake("a reference to a number", US + "token = { file = 5 }\n", "accounts.us.token", "pattern"),
    Mistake("a credential's file that is not there", US + 'token = { file = "no-such-file" }\n', "accounts.us.token", "pattern"),
    Mistake("a token that says Bearer, in a file", US + 'token = "bearer sekret"\n', "accounts.us.token", "pattern"),
    Mistake("VTEX in production, in a file", AR + CREDENTIALS + 'environment = "production"\n', "accounts.ar.environment", "vtex"),
    Mistake("VTEX's environment in upper case, in a file", AR + CREDENTIALS + 'environment = "VTEXCOMMERCESTABLE"\n', "accounts.ar.environment", "vtex"),
    Mistake("the endpoint in a base URL, in a file", AR + CREDENTIALS + 'base_url = "https://brand.vtexcommercestable.com.br/api/oms/pvt/orders"\n', "accounts.ar.base_url", "vtex"),
    Mistake("a token and a login in a file", '[accounts.cx]\nmarketplace = "crux"\ntoken = "sekret"\nusername = "u"\n', "accounts.cx.token", "crux"),
    # The arguments of a configuration.
    Mistake("Bearer in an argument", lambda: Pattern(token="Bearer sekret"), "token", "pattern"),
    Mistake("Token in an argument", lambda: Crux(token="token sekret"), "token", "crux"),
    Mistake("VTEX in a sandbox, as an argument", lambda: Vtex(account="a", app_key="sekret", app_token="sekret", environment="sandbox"), "environment", "vtex"),
    Mistake("VTEX's environment in upper case, as an argument", lambda: Vtex(account="a", app_key="sekret", app_token="sekret", environment="VTEXCOMMERCESTABLE"), "environment", "vtex"),
    Mistake("the endpoint in a base URL, as an argument", lambda: Pattern(token="sekret", base_url="https://api.pattern.com/hub/v1/orders/cancel_order"), "base_url", "pattern"),
    Mistake("two accounts with one label, as arguments", lambda: Countermand(Pattern(token="sekret"), Crux(token="sekret", label="pattern")), "label", "crux"),
    Mistake("an empty credential", lambda: Pattern(token=""), "token must be a credential: it is empty", "pattern"),
    Mistake("a path for a credential", lambda: Pattern(token=Path("sekret")), "token", "pattern"),  # type: ignore[arg-type]
    Mistake("a coroutine function for a credential", lambda: Kibo(tenant_id=1, access_token=_later), "access_token", "kibo"),  # type: ignore[arg-type]
]  # fmt: skip


async def _later() -> str:
    raise NotImplementedError


def shown(mistake: Mistake) -> str:
    """Return what a reader of the table sees of what was given."""
    if callable(mistake.given):
        return "an argument"
    if isinstance(mistake.given, Mapping):
        return "the environment"
    return "the file"


def answer(mistake: Mistake, door: Any = Countermand) -> str:
    """Return what is answered to a mistake."""
    try:
        mistake.make(door)
    except ValueError as error:
        return str(error)
    raise AssertionError(f"{mistake.what} was accepted")


def table() -> str:
    """Return the table of the page. It is made in the current folder."""
    rows = [
        f"| {each.what} | {shown(each)} | {'<br>'.join(f'`{line}`' for line in answer(each).splitlines())} |"
        for each in MISTAKES
    ]
    return "\n".join(["| mistake | made in | answer |", "|---|---|---|", *rows])


def written(page: str, made: str) -> str:
    """Return the page with its table made anew."""
    begin, end = "<!-- the table of mistakes -->\n", "\n<!-- the end of the table -->"
    pattern = re.escape(begin) + ".*?" + re.escape(end)
    return re.sub(pattern, lambda _: begin + made + end, page, flags=re.DOTALL)


if __name__ == "__main__":
    import os
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), table()), encoding="utf-8")
