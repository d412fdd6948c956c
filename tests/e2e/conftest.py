"""One stack for all tests; after each file the system must be idle and consistent."""

import shutil
import tempfile
from pathlib import Path

import pytest

from deploy.local.settings import ROOT
from tests.support.environment import running_environment


@pytest.fixture(scope="package")
async def running_world(request):
    with tempfile.TemporaryDirectory(prefix="replenish-e2e-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # Postgres' own account must be able to enter when we are root
        async with running_environment(Path(folder)) as world:
            yield world
            checked = world.command("check")
            if request.session.testsfailed or checked.returncode:
                kept = ROOT / "out" / "e2e"
                shutil.copytree(world.stack.home.logs, kept, dirs_exist_ok=True)
                print(f"the services' logs are in {kept}")
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.fixture(scope="module")
async def world(running_world):
    yield running_world
    await running_world.settled()
    assert await running_world.differences() == []
