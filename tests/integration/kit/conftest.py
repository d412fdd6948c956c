"""A new environment for each test of the kit."""

import pytest

from tests.support.kit_environment import made_world


@pytest.fixture
async def world(backends):
    async with made_world(backends) as world:
        yield world
