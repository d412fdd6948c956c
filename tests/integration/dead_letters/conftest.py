"""Four failed records of consumption: a missing slot, an unknown device, one blocked by it, invalid bytes."""

import itertools

import pytest

from tests.integration.dead_letters.operator import Operator
from tests.support.company import running_company

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
async def company(backends):
    async with running_company(backends) as company:
        yield company


@pytest.fixture
async def idle(company, tmp_path):
    """An operator of a company without failed records."""
    operator = Operator(company, next(_numbers), tmp_path / "home")
    operator.write_home()
    return operator


@pytest.fixture
async def operator(idle):
    """An operator of a company with the four failed records of this test."""
    await idle.create_failed_records()
    yield idle
    await idle.change("DELETE FROM deferred; DELETE FROM dead_letter")
