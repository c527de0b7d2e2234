"""Accounts from a file, from the environment with files, and of a third party's marketplace."""

import os
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from countermand import AsyncCountermand, Countermand, Pattern, SecretFile, Vtex, outcome_from_dict
from tests.support.doors import Door, Kind
from tests.support.markets import PATTERN
from tests.support.stage import Stage

from .test_secrets import raised

ACCOUNTS = """
timeout = 7

[accounts.ar]
marketplace = "vtex"
account = "brand-ar"
app_key = { env = "VTEX_AR_KEY" }
app_token = { file = "secrets/vtex-ar" }

[accounts."brand mx"]
marketplace = "vtex"
account = "brand-mx"
environment = "vtexcommercebeta"
app_key = "mx-key"
app_token = "mx-token"

[accounts.shop]
marketplace = "kibo"
tenant_id = 12345
"""


@pytest.fixture
def doors(kind: Kind) -> Any:
    """Return the class of one door."""
    return AsyncCountermand if kind == "async" else Countermand


@pytest.fixture
def accounts(tmp_path: Path) -> Path:
    """Return the path of a file that only its owner can read, with the secret that it names beside it."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "vtex-ar").write_text("ar-token\n")
    return write(tmp_path, ACCOUNTS)


def write(folder: Path, text: str, mode: int = 0o600) -> Path:
    """Write a file of accounts."""
    path = folder / "accounts.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def configurations(client: Any) -> dict[str, Any]:
    """Return a client's configurations by label."""
    found: dict[str, Any] = client._configurations
    return found


def test_a_file_gives_labelled_accounts(accounts: Path, doors: Any) -> None:
    """Texts, numbers, environment variables, and files, which are kept to be read anew."""
    client = doors.from_file(accounts, environ={"VTEX_AR_KEY": "ar-key"})
    assert client.accounts == ("ar", "brand mx", "shop")
    found = configurations(client)
    token = SecretFile(accounts.parent / "secrets" / "vtex-ar")
    assert found["ar"] == Vtex(label="ar", account="brand-ar", app_key="ar-key", app_token=token)
    assert found["brand mx"].url == "https://brand-mx.vtexcommercebeta.com.br"
    assert found["shop"].tenant_id == "12345"
    assert client._settings.timeout == 7.0


def test_an_argument_goes_before_the_files_timeout(accounts: Path, doors: Any) -> None:
    """As it goes before the environment's; without either it is 30 seconds."""
    environ = {"VTEX_AR_KEY": "k"}
    assert doors.from_file(str(accounts), environ=environ, timeout=3)._settings.timeout == 3.0
    token = {"COUNTERMAND_PATTERN_TOKEN": "t"}
    assert doors.from_env(token | {"COUNTERMAND_TIMEOUT": "9.5"})._settings.timeout == 9.5
    assert doors.from_env(token | {"COUNTERMAND_TIMEOUT": "9.5"}, timeout=3)._settings.timeout == 3.0
    assert doors.from_env(token | {"COUNTERMAND_TIMEOUT": ""})._settings.timeout == 30.0


def test_the_process_environment_is_looked_up(
    accounts: Path, doors: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no other is given."""
    monkeypatch.setenv("VTEX_AR_KEY", "from-the-process")
    assert configurations(doors.from_file(accounts))["ar"].app_key.reveal() == "from-the-process"


def test_names_that_others_read_are_known(doors: Any) -> None:
    """COUNTERMAND_LOG is read where logging is set up; other prefixes are other programs'."""
    environ = {"COUNTERMAND_PATTERN_TOKEN": "t", "COUNTERMAND_LOG": "debug", "SHOP_PATTERN_TOKN": "x"}
    assert doors.from_env(environ).accounts == ("pattern",)


def test_a_prefix_takes_the_place_of_ours(doors: Any) -> None:
    """And ours is then another program's."""
    environ = {"SHOP_PATTERN_TOKEN": "t", "SHOP_TIMEOUT": "5", "COUNTERMAND_PATTERN_TOKN": "x"}
    client = doors.from_env(environ, prefix="SHOP_")
    assert (client.accounts, client._settings.timeout) == (("pattern",), 5.0)


def test_a_variable_may_name_a_file(tmp_path: Path, doors: Any) -> None:
    """With `_FILE` after a credential's name, as Docker has it."""
    (tmp_path / "token").write_text("from-a-file\n")
    client = doors.from_env({"COUNTERMAND_PATTERN_TOKEN_FILE": str(tmp_path / "token")})
    assert configurations(client)["pattern"] == Pattern(token=SecretFile(tmp_path / "token"))


@pytest.mark.skipif(os.name == "nt", reason="it has no such permissions")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_file_with_a_secret_that_others_can_read_is_warned_about(
    tmp_path: Path, mode: int, doors: Any
) -> None:
    """The warning names the file, says what to do, and points to the caller's line."""
    path = write(tmp_path, '[accounts.us]\nmarketplace = "pattern"\ntoken = "sekret-token"\n', mode)
    with pytest.warns(UserWarning, match="chmod 600") as caught:
        doors.from_file(path)
    assert str(path) in str(caught[0].message)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "sekret" not in raised(lambda: doors.from_file(path))


@pytest.mark.parametrize(
    "value", ['{ env = "TOKEN" }', '{ file = "token" }'], ids=["a variable", "a file of its own"]
)
def test_a_file_without_a_secret_may_be_read(tmp_path: Path, value: str, doors: Any) -> None:
    """There is nothing in it to hide."""
    (tmp_path / "token").write_text("t")
    path = write(tmp_path, f'[accounts.us]\nmarketplace = "pattern"\ntoken = {value}\n', 0o644)
    assert doors.from_file(path, environ={"TOKEN": "t"}).accounts == ("us",)


SHOP = """
import attrs
from countermand import Account
from countermand.engine import checks
from countermand.engine.credentials import Credential, as_credential
from countermand.engine.secret import sealed

@sealed
@attrs.frozen(kw_only=True)
class Shop(Account):
    marketplace = "my-shop"
    key: Credential = attrs.field(converter=as_credential, validator=checks.credential, repr=False)
    port: int = attrs.field(default=1, validator=attrs.validators.instance_of(int))
    eager: bool = False
    rate: float | None = None
    zone: str = attrs.field(default="a", validator=attrs.validators.in_("ab"))
    label: str = "shop"
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Install a marketplace of somebody else's, and return its configuration's class."""
    (tmp_path / "shop_for_tests.py").write_text(SHOP)
    metadata = tmp_path / "shop_for_tests-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: shop-for-tests\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[countermand.marketplaces]\nmy-shop = shop_for_tests:Shop\n")
    monkeypatch.syspath_prepend(tmp_path)
    import shop_for_tests  # type: ignore[import-not-found]  # pyright: ignore[reportMissingImports]

    yield shop_for_tests.Shop
    from countermand.marketplaces import registry

    registry.configuration_of.cache_clear()
    del sys.modules["shop_for_tests"]


def test_a_third_partys_marketplace_is_configured_the_same_way(shop: Any, tmp_path: Path, doors: Any) -> None:
    """From the environment, with texts taken for what its fields are, and from a file."""
    environ = {
        "COUNTERMAND_MY_SHOP_KEY": "k",
        "COUNTERMAND_MY_SHOP_PORT": "80",
        "COUNTERMAND_MY_SHOP_EAGER": "yes",
        "COUNTERMAND_MY_SHOP_RATE": "2.5",
    }
    wanted = shop(key="k", port=80, eager=True, rate=2.5)
    assert configurations(doors.from_env(environ)) == {"shop": wanted}
    text = '[accounts.one]\nmarketplace = "my-shop"\nkey = "k"\nport = 80\neager = true\n'
    found = configurations(doors.from_file(write(tmp_path, text)))
    assert found == {"one": shop(key="k", port=80, eager=True, label="one")}


@pytest.mark.parametrize(
    "name, value, told",
    [
        ("MY_SHOP_PORT", "eighty", "COUNTERMAND_MY_SHOP_PORT: my-shop: port must be a whole number"),
        ("MY_SHOP_EAGER", "sekret", "COUNTERMAND_MY_SHOP_EAGER: my-shop: eager must be true or false"),
        ("MY_SHOP_RATE", "sekret", "COUNTERMAND_MY_SHOP_RATE: my-shop: rate must be a number"),
        (
            "MY_SHOP_KEY",
            "Bearer sekret",
            "COUNTERMAND_MY_SHOP_KEY: my-shop: key must be the credential alone",
        ),
        ("MY_SHOP_ZONE", "sekret-zone", r"COUNTERMAND_MY_SHOP_ZONE: my-shop: .*\[redacted\]"),
        ("MY_SHOP_KYE", "sekret", "COUNTERMAND_MY_SHOP_KYE: did you mean COUNTERMAND_MY_SHOP_KEY"),
        (
            "MY_SHOP_LABEL",
            "pattern",
            "COUNTERMAND_MY_SHOP_LABEL: my-shop: the label 'pattern' is taken by pattern",
        ),
    ],
)
def test_its_mistakes_are_told_too(shop: Any, name: str, value: str, told: str, doors: Any) -> None:
    """By the same code."""
    environ = {"COUNTERMAND_PATTERN_TOKEN": "t", "COUNTERMAND_MY_SHOP_KEY": "k", f"COUNTERMAND_{name}": value}
    with pytest.raises(ValueError, match=told) as caught:
        doors.from_env(environ)
    assert "sekret" not in str(caught.value)


@pytest.fixture
def broken(shop: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install another package beside it that cannot be loaded, and that takes a name of ours too."""
    metadata = tmp_path / "broken_for_tests-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-for-tests\nVersion: 1\n")
    points = "broken = nothing_for_tests:Shop\nno-class = json:loads\nvtex = nothing_for_tests:Vtex\n"
    (metadata / "entry_points.txt").write_text(f"[countermand.marketplaces]\n{points}")


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize(
    "name, told",
    [
        ("PATTERN_TOKN", "did you mean COUNTERMAND_PATTERN_TOKEN"),
        ("MY_SHOP_KYE", "did you mean COUNTERMAND_MY_SHOP_KEY"),
        ("NOBODY_KEY", "there is no such variable; the marketplaces are pattern, vtex, crux, kibo, "),
        ("BROKEN_KEY", "broken cannot be loaded from nothing_for_tests:Shop: ModuleNotFoundError"),
        ("NO_CLASS_KEY", "json:loads, which a package registers as no-class, is no configuration"),
    ],
)
def test_a_package_that_cannot_be_loaded_hides_no_mistake(name: str, told: str, doors: Any) -> None:
    """Each variable that is not understood is named, with the reason; that of a broken package too."""
    with pytest.raises(ValueError, match=rf"^COUNTERMAND_{name}: .*{re.escape(told)}") as caught:
        doors.from_env({"COUNTERMAND_PATTERN_TOKEN": "t", f"COUNTERMAND_{name}": "sekret"})
    assert "sekret" not in str(caught.value)


@pytest.mark.usefixtures("broken")
def test_a_package_that_cannot_be_loaded_breaks_no_other_account(tmp_path: Path, doors: Any) -> None:
    """An account there is a mistake, with its place; data from there is a ValueError; ours are found."""
    text = '[accounts.a]\nmarketplace = "pattern"\ntoken = "t"\n'
    assert doors.from_file(write(tmp_path, text)).accounts == ("a",)
    text += '[accounts.b]\nmarketplace = "broken"\n[accounts.c]\nmarketplace = "brokn"\n'
    with pytest.raises(ValueError, match="broken cannot be loaded from nothing_for_tests:Shop") as caught:
        doors.from_file(write(tmp_path, text))
    first, second = str(caught.value).splitlines()
    assert "accounts.b.marketplace: " in first
    assert second.endswith(
        "did you mean broken? it must be one of pattern, vtex, crux, kibo, my-shop, broken, no-class"
    )
    with pytest.raises(ValueError, match=r"broken cannot be loaded .* @ \$\.marketplace"):
        outcome_from_dict({"schema": 1, "outcome": "cancelled", "marketplace": "broken"})


def test_packages_are_looked_through_only_for_a_name_that_is_not_ours(
    monkeypatch: pytest.MonkeyPatch, doors: Any
) -> None:
    """It takes a while."""
    import importlib.metadata

    def refused(**_: object) -> Any:
        raise AssertionError("they were looked through")

    monkeypatch.setattr(importlib.metadata, "entry_points", refused)
    environ = {"COUNTERMAND_PATTERN_TOKEN": "t", "COUNTERMAND_TIMEOUT": "9", "COUNTERMAND_LOG": "info"}
    assert doors.from_env(environ).accounts == ("pattern",)
    with pytest.raises(AssertionError):
        doors.from_env(environ | {"COUNTERMAND_SHOP_TOKEN": "t"})


def test_accounts_from_a_file_cancel(tmp_path: Path, kind: Kind, doors: Any) -> None:
    """Their credentials are the ones that are sent."""
    (tmp_path / "token").write_text("from-a-file\n")
    path = write(tmp_path, '[accounts.us]\nmarketplace = "pattern"\ntoken = { file = "token" }\n')
    stage = Stage(cancel=[PATTERN.accepted])
    driver = stage.driver if kind == "sync" else stage.async_driver
    with Door.to(kind, doors.from_file(path, http_client=driver)) as door:
        assert PATTERN.cancel(door).account == "us"
    assert stage.calls[0].headers["Authorization"] == "Bearer from-a-file"
