"""One company for all attacks."""

import shutil
import tempfile
from pathlib import Path

import pytest

from deploy.local.settings import ROOT
from tests.chaos.world import world_under_attack


@pytest.fixture(scope="session")
async def attacked(request):
    with tempfile.TemporaryDirectory(prefix="replenish-chaos-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # Postgres' own account must be able to enter when we are root
        async with world_under_attack(Path(folder)) as world:
            yield world
            if request.session.testsfailed:
                kept = ROOT / "out" / "chaos"
                shutil.copytree(world.stack.home.logs, kept / "logs", dirs_exist_ok=True)
                shutil.copytree(world.evidence, kept / "evidence", dirs_exist_ok=True)
                print(f"logs and evidence are in {kept}")


@pytest.fixture
async def world(attacked):
    yield attacked
    await attacked.is_unharmed()
