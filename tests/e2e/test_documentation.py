"""The quick start as a reader runs it: from an empty folder to a delivered order."""

import json
import tempfile
from pathlib import Path

import pytest

from tests.support.documentation import MAKE, commands_of, run_blocks


@pytest.mark.timeout(240)
async def test_quickstart_ends_with_a_delivered_order():
    with tempfile.TemporaryDirectory(prefix="replenish-docs-", ignore_cleanup_errors=True) as folder:
        sandbox = Path(folder)
        sandbox.chmod(0o755)  # Postgres' own account must be able to enter when we are root
        blocks = commands_of("docs/quickstart.md")
        home = {"REPLENISH_HOME": str(sandbox / "home"), "KAFKA_URL": "", "DATABASE_URL": ""}

        status, printed = await run_blocks(blocks, sandbox, MAKE + "trap 'make down' EXIT\n", **home)

        assert status == 0, printed
        answers = [json.loads(line) for line in printed.splitlines() if line.startswith('{"orders"')]
        assert [order["state"] for order in answers[-1]["orders"]] == ["delivered"], printed
        assert "So 1 x 50 from acme were ordered." in printed
