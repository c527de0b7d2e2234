"""The environment variables that point a client at a sandbox."""

from countermand.sandbox.sandbox import Sandbox


def variables(sandbox: Sandbox) -> dict[str, str]:
    """Return what `Countermand.from_env` reads to ask this sandbox, which has to be served: `Sandbox(http=True)`.

    client = Countermand.from_env(variables(sandbox))
    """
    world = sandbox.world
    return {
        "COUNTERMAND_PATTERN_TOKEN": min(world.pattern.tokens),
        "COUNTERMAND_PATTERN_BASE_URL": sandbox.base_url("pattern"),
        "COUNTERMAND_VTEX_ACCOUNT": "sandbox",
        "COUNTERMAND_VTEX_APP_KEY": world.vtex.app_key,
        "COUNTERMAND_VTEX_APP_TOKEN": world.vtex.app_token,
        "COUNTERMAND_VTEX_BASE_URL": sandbox.base_url("vtex"),
        "COUNTERMAND_CRUX_TOKEN": min(world.crux.tokens),
        "COUNTERMAND_CRUX_BASE_URL": sandbox.base_url("crux"),
        "COUNTERMAND_KIBO_TENANT_ID": str(world.kibo.tenant_id),
        "COUNTERMAND_KIBO_BASE_URL": sandbox.base_url("kibo"),
        "COUNTERMAND_KIBO_AUTH_URL": sandbox.base_url("kibo"),
    }
