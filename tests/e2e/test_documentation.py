"""The quick start as a reader runs it: from an empty folder to a delivered order. The portal's page follows."""

import json
import tempfile
from pathlib import Path

import pytest

from tests.support.documentation import MAKE, Block, commands_of, run_blocks

QUICKSTART_DONE, PORTAL_DONE = "== the quick start is done", "== the portal's page is done"


def marker(text: str) -> Block:
    return Block("", "sh", f'echo "{text}"')


@pytest.fixture(scope="module")
async def printed():
    """Run the blocks in one shell; the stack is stopped by the last block of the quick start."""
    with tempfile.TemporaryDirectory(prefix="replenish-docs-", ignore_cleanup_errors=True) as folder:
        sandbox = Path(folder)
        sandbox.chmod(0o755)  # Postgres' own account must be able to enter when we are root
        *quickstart, stop = commands_of("docs/quickstart.md")
        portal = commands_of("services/portal/README.md")
        blocks = [*quickstart, marker(QUICKSTART_DONE), *portal, marker(PORTAL_DONE), stop]
        home = {"REPLENISH_HOME": str(sandbox / "home"), "KAFKA_URL": "", "DATABASE_URL": ""}

        status, printed = await run_blocks(blocks, sandbox, MAKE + "trap 'make down' EXIT\n", **home)

        yield f"{printed}\nexit status {status}"


@pytest.mark.timeout(500)
async def test_quickstart_ends_with_a_delivered_order(printed):
    assert QUICKSTART_DONE in printed, printed
    answers = [json.loads(line) for line in printed.splitlines() if line.startswith('{"orders"')]
    assert [order["state"] for order in answers[-1]["orders"]] == ["delivered"], printed
    assert "So 1 x 50 from acme were ordered." in printed


@pytest.mark.timeout(500)
async def test_commands_of_the_portal_page_are_accepted(printed):
    assert PORTAL_DONE in printed, printed
    assert '"device_id":"m-2"' in printed
    assert printed.endswith("exit status 0"), printed
