"""Consumption puts four records aside: of a missing slot, of an unknown device, one behind it, and nonsense."""

import itertools

import pytest

from tests.integration.parked.world import World
from tests.support.company import running_company

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
async def company(backends):
    async with running_company(backends) as company:
        yield company


@pytest.fixture
async def idle(company, tmp_path):
    """Nothing is put aside."""
    world = World(company, next(_numbers), tmp_path / "home")
    world.open_home()
    return world


@pytest.fixture
async def world(idle):
    """Nothing is put aside but the test's own four records."""
    await idle.put_aside()
    yield idle
    await idle.change("DELETE FROM deferred; DELETE FROM dead_letter")
