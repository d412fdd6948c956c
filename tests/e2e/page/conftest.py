"""Browser shared by all tests of the page."""

import pytest

from tests.support.browser import chromium


@pytest.fixture(scope="session")
async def browser():
    async with chromium() as running:
        yield running
