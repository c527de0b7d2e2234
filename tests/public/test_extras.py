"""What is said when the packages of an extra are not installed."""

import subprocess
import sys

import pytest

from countermand.transport.extras import needs

MODULES = [
    ("countermand.integrations.opentelemetry", "opentelemetry", "otel"),
    ("countermand.transport.aiohttp", "aiohttp", "aiohttp"),
]


@pytest.mark.parametrize("module, package, extra", MODULES)
def test_a_missing_extra_says_how_to_install_it(module: str, package: str, extra: str) -> None:
    """In the error of the import, which is a ModuleNotFoundError as ever."""
    program = f"""
import sys
sys.modules[{package!r}] = None
try:
    import {module}
except ModuleNotFoundError as error:
    print(error, error.name, error.__cause__)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert f"pip install 'countermand[{extra}]'" in done.stdout
    assert done.stdout.startswith(package)


def test_the_sandbox_over_http_says_how_to_install_it() -> None:
    """When it is opened; in memory it needs nothing."""
    program = """
import sys
sys.modules["uvicorn"] = None
from countermand.sandbox import Sandbox
try:
    with Sandbox(http=True) as sandbox:
        sandbox.client()
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "pip install 'countermand[sandbox]'" in done.stdout


def test_another_missing_module_is_told_as_it_is() -> None:
    """What is missing inside an installed package is not the extra's affair."""
    with pytest.raises(ModuleNotFoundError) as caught, needs("otel", "opentelemetry"):
        raise ModuleNotFoundError("No module named 'elsewhere'", name="elsewhere")
    assert "pip install" not in str(caught.value)
