"""The environment of payment tests: one sandbox and one kit per module."""

import pytest

from tests.integration.order_dispatch.payments.environment import running, sandbox


@pytest.fixture(scope="module")
async def environment(database, tmp_path_factory):
    log = tmp_path_factory.mktemp("pay") / "book.jsonl"
    async with (
        sandbox(log, "--slow-seconds", "0.8") as url,
        running(database, log, sandbox_pay_url=url) as opened,
    ):
        yield opened
