"""One stack for all chaos tests."""

import os
import random
import shutil
import tempfile
from pathlib import Path

import pytest

from deploy.local.settings import ROOT
from tests.chaos.environment import running_environment


@pytest.fixture(scope="package")
async def attacked(request):
    with tempfile.TemporaryDirectory(prefix="replenish-chaos-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # Postgres' own account must be able to enter when we are root
        async with running_environment(Path(folder)) as world:
            yield world
            if request.session.testsfailed:
                kept = ROOT / "out" / "chaos"
                shutil.copytree(world.stack.home.logs, kept / "logs", dirs_exist_ok=True)
                shutil.copytree(world.inputs, kept / "inputs", dirs_exist_ok=True)
                print(f"logs and judge inputs are in {kept}")


@pytest.fixture
async def world(attacked):
    yield attacked
    await attacked.is_unharmed()


@pytest.fixture
def dice():
    """Random generator whose seed is printed; reproduce with CHAOS_SEED."""
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(2**32))
    print(f"CHAOS_SEED={seed}")
    return random.Random(seed)


def pytest_configure(config):
    config.addinivalue_line("markers", "often: only where chaos is repeated (make chaos)")


def pytest_generate_tests(metafunc):
    """Repeat the tests of the shared stack CHAOS_ROUNDS times."""
    rounds = int(os.environ.get("CHAOS_ROUNDS") or 0)
    if rounds and "world" in metafunc.fixturenames:
        metafunc.fixturenames.append("round_number")
        metafunc.parametrize("round_number", range(1, rounds + 1))


def pytest_collection_modifyitems(items):
    """Deselect tests marked `often` without CHAOS_ROUNDS, as in `make test`."""
    if not os.environ.get("CHAOS_ROUNDS"):
        items[:] = [item for item in items if not item.get_closest_marker("often")]
