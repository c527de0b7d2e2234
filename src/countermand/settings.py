"""Who you are at each marketplace: the four configurations, and the same from environment variables.

A marketplace is configured when any of its variables is set. `COUNTERMAND_<MARKETPLACE>_<FIELD>` sets the field of
the same name: COUNTERMAND_PATTERN_TOKEN, COUNTERMAND_VTEX_APP_KEY, COUNTERMAND_CRUX_ENVIRONMENT,
COUNTERMAND_KIBO_TENANT_ID, and so on for every field of `Pattern`, `Vtex`, `Crux` and `Kibo`.
"""

from collections.abc import Mapping
from typing import Any, Literal

import attrs

from .engine import checks
from .engine.secret import SealedHeaders, Secret, as_optional_secret, as_secret, sealed

_PATTERN_HOSTS = {"production": "https://api.pattern.com/hub", "staging": "https://stage-api.pattern.com/hub"}
_CRUX_HOSTS = {
    "dev": "https://api-dev.cruxconnect.com",
    "sandbox": "https://api-sandbox.cruxconnect.com",
    "production": "https://api.cruxconnect.com",
}
_KIBO_DOMAINS = {"production": "translation.mozu.com", "sandbox": "translation.sandbox.mozu.com"}
_KIBO_LOGIN_HOST = "https://home.mozu.com"


@sealed
@attrs.frozen(kw_only=True)
class Pattern:
    """Access to Pattern Hub. Production and staging have tokens of their own, from the organisation's settings."""

    #: The Bearer token.
    token: Secret = attrs.field(converter=as_secret, validator=checks.credential, repr=False)
    environment: Literal["production", "staging"] = attrs.field(
        default="production", validator=attrs.validators.in_(tuple(_PATTERN_HOSTS))
    )
    #: In place of the environment's base URL; https, or http to this machine.
    base_url: str | None = attrs.field(default=None, validator=checks.base_url)

    @property
    def url(self) -> str:
        """The base URL in use."""
        return self.base_url or _PATTERN_HOSTS[self.environment]


@sealed
@attrs.frozen(kw_only=True)
class Vtex:
    """Access to the orders of one VTEX account, by an application key and its token."""

    #: The account's name, part of the host: `https://{account}.{environment}.com.br`.
    account: str = attrs.field(validator=checks.host_label)
    #: X-VTEX-API-AppKey.
    app_key: Secret = attrs.field(converter=as_secret, validator=checks.credential, repr=False)
    #: X-VTEX-API-AppToken.
    app_token: Secret = attrs.field(converter=as_secret, validator=checks.credential, repr=False)
    environment: str = attrs.field(default="vtexcommercestable", validator=checks.host_label)
    #: In place of the host made from account and environment; https, or http to this machine.
    base_url: str | None = attrs.field(default=None, validator=checks.base_url)

    @property
    def url(self) -> str:
        """The base URL in use."""
        return self.base_url or f"https://{self.account}.{self.environment}.com.br"


@sealed
@attrs.frozen(kw_only=True)
class Crux:
    """Access to Crux Connect: a token, or the user name and password that tokens are fetched with."""

    token: Secret | None = attrs.field(
        default=None, converter=as_optional_secret, validator=checks.credential, repr=False
    )
    username: str | None = attrs.field(default=None, validator=checks.text, repr=False)
    password: Secret | None = attrs.field(
        default=None, converter=as_optional_secret, validator=checks.secret_text, repr=False
    )
    environment: Literal["dev", "sandbox", "production"] = attrs.field(
        default="production", validator=attrs.validators.in_(tuple(_CRUX_HOSTS))
    )
    #: "v1", or "timp" for Timpanogos: the same API under /timp/.
    release: Literal["v1", "timp"] = attrs.field(default="v1", validator=attrs.validators.in_(("v1", "timp")))
    #: In place of the environment's base URL; https, or http to this machine.
    base_url: str | None = attrs.field(default=None, validator=checks.base_url)

    def __attrs_post_init__(self) -> None:
        by_login = self.username is not None or self.password is not None
        if (self.token is not None) == by_login or (by_login and not (self.username and self.password)):
            raise ValueError("Crux takes a token, or a username and a password")

    @property
    def url(self) -> str:
        """The base URL in use."""
        return self.base_url or _CRUX_HOSTS[self.environment]


def _tenant(value: int | str) -> str:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not (isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 20):
        raise ValueError("tenant_id must be digits: it is part of a host name")
    return text


@sealed
@attrs.frozen(kw_only=True)
class Kibo:
    """Access to one Kibo tenant: by its id alone, with a token, or with client credentials to fetch tokens with."""

    #: The tenant, digits; part of the host name, and sent as x-vol-tenant.
    tenant_id: str = attrs.field(converter=_tenant)
    environment: Literal["production", "sandbox"] = attrs.field(
        default="production", validator=attrs.validators.in_(tuple(_KIBO_DOMAINS))
    )
    access_token: Secret | None = attrs.field(
        default=None, converter=as_optional_secret, validator=checks.credential, repr=False
    )
    client_id: str | None = attrs.field(default=None, validator=checks.text, repr=False)
    client_secret: Secret | None = attrs.field(
        default=None, converter=as_optional_secret, validator=checks.secret_text, repr=False
    )
    #: In place of the tenant's base URL; https, or http to this machine.
    base_url: str | None = attrs.field(default=None, validator=checks.base_url)
    #: Where tokens are fetched, in place of Kibo's own host.
    auth_url: str = attrs.field(default=_KIBO_LOGIN_HOST, validator=checks.base_url)

    def __attrs_post_init__(self) -> None:
        by_login = self.client_id is not None or self.client_secret is not None
        if by_login and not (self.client_id and self.client_secret):
            raise ValueError("Kibo takes client_id and client_secret together")
        if by_login and self.access_token is not None:
            raise ValueError("Kibo takes an access_token, or client credentials, not both")

    @property
    def url(self) -> str:
        """The base URL in use."""
        return self.base_url or f"https://{self.tenant_id}-{_KIBO_DOMAINS[self.environment]}"


#: A marketplace's short name → its configuration.
MARKETPLACES: dict[str, type[Any]] = {"pattern": Pattern, "vtex": Vtex, "crux": Crux, "kibo": Kibo}


def named_in(environ: Mapping[str, str]) -> dict[str, SealedHeaders]:
    """Return the fields that `environ` sets, by marketplace name; from here on they do not show themselves."""
    found: dict[str, SealedHeaders] = {}
    for name, kind in MARKETPLACES.items():
        values = {field.name: environ.get(_variable(name, field.name)) for field in attrs.fields(kind)}
        given = SealedHeaders({field: value for field, value in values.items() if value})
        if given:
            found[name] = given
    return found


def configured(given: Mapping[str, SealedHeaders]) -> dict[str, Any]:
    """Return the configurations that these fields make, by marketplace name. Raises ValueError."""
    found: dict[str, Any] = {}
    for name, fields in given.items():
        kind = MARKETPLACES[name]
        missing = [
            _variable(name, field.name)
            for field in attrs.fields(kind)
            if field.default is attrs.NOTHING and field.name not in fields
        ]
        if missing:
            raise ValueError(f"{' and '.join(missing)} must be set too")
        found[name] = kind(**fields)
    return found


def _variable(name: str, field: str) -> str:
    return f"COUNTERMAND_{name.upper()}_{field.upper()}"
