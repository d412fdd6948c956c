"""`replenish up` starts and keeps the stack running; `down` stops every process."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from deploy.local.names import SERVICES, for_people
from deploy.local.waiting import until
from tests.integration.stack.toys import alive

ROOT = Path(__file__).parents[3]


async def replenish(home, *arguments):
    """Run the command; return its exit status and output."""
    environment = {name: value for name, value in os.environ.items() if name not in ("KAFKA_URL", "DATABASE_URL")}
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.cli", *arguments, "--home", home),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        cwd=ROOT,
    )
    printed, _ = await child.communicate()
    return child.returncode, printed.decode()


async def processes(home):
    _, printed = await replenish(home, "status", "--json")
    return {process["name"]: process for process in json.loads(printed)["processes"]}


@pytest.fixture(scope="module")
async def home():
    with tempfile.TemporaryDirectory(prefix="replenish-home-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # as root, the account of Postgres must be able to enter
        status, printed = await replenish(folder, "up", "--scale", "consumption=2")
        assert status == 0, printed
        yield Path(folder)
        await replenish(folder, "down")


class TestUp:
    async def test_up_starts_services_and_backends(self, home):
        status, printed = await replenish(home, "status", "--json")
        found = {process["name"]: process for process in json.loads(printed)["processes"]}

        assert status == 0, [
            (name, one["condition"], one.get("status", {}).get("why_not")) for name, one in found.items()
        ]
        expected = {"kafka", "postgres", "consumption-1", *(f"{for_people(service)}-0" for service in SERVICES)}
        assert set(found) == expected
        assert {process["condition"] for process in found.values()} == {"ready"}
        assert all(found[f"consumption-{instance}"]["status"]["instance"] == instance for instance in (0, 1))

    async def test_second_up_is_refused(self, home):
        before = await processes(home)

        status, printed = await replenish(home, "up")

        assert (status, "already running" in printed) == (0, True)
        assert {name: process["pid"] for name, process in before.items()} == {
            name: process["pid"] for name, process in (await processes(home)).items()
        }

    async def test_scale_changes_only_the_named_service(self, home):
        before = await processes(home)

        more = await replenish(home, "up", "--scale", "inventory=2", "--scale", "consumption=2")
        between = await processes(home)
        less = await replenish(home, "up", "--scale", "inventory=1")
        after = await processes(home)

        assert (more[0], less[0]) == (0, 0), more[1] + less[1]
        assert "scaled: inventory=2\n" in more[1]
        assert between["inventory-1"]["condition"] == "ready"
        assert between.keys() - before.keys() == {"inventory-1"}
        assert {name: one["pid"] for name, one in after.items()} == {name: one["pid"] for name, one in before.items()}
        assert not alive(between["inventory-1"]["pid"])

    async def test_token_for_operator(self, home):
        status, printed = await replenish(home, "token")

        assert status == 0, printed
        assert printed.strip().count(".") == 2

    async def test_logs_of_one_service(self, home):
        status, printed = await replenish(home, "logs", "consumption-1")

        assert status == 0
        assert printed
        assert all(line.startswith("consumption-1 ") for line in printed.splitlines())

    async def test_killed_service_is_restarted(self, home):
        before = await processes(home)
        killed = ("consumption-0", "postgres", "kafka")

        for name in killed:
            os.kill(before[name]["pid"], signal.SIGKILL)

        async def all_are_well():
            status, printed = await replenish(home, "status", "--json")
            now = {process["name"]: process for process in json.loads(printed)["processes"]}
            return status == 0 and all(now[name]["pid"] not in (None, before[name]["pid"]) for name in killed)

        await until(all_are_well, "what was killed is back and everybody is well", within_s=120, every_s=0.5)
        after = await processes(home)
        assert all(after[name]["restarts"] > before[name]["restarts"] for name in killed)


class TestDown:
    async def test_down_stops_processes_and_keeps_data(self, home):
        before = await processes(home)
        passwords = (home / "secrets" / "roles" / "passwords.json").read_text()

        status, printed = await replenish(home, "down")

        assert status == 0, printed
        assert not [name for name, process in before.items() if alive(process["pid"])]
        assert (await replenish(home, "status"))[0] == 1
        assert (await replenish(home, "down"))[1].startswith("no stack is running")

        status, printed = await replenish(home, "up")
        assert status == 0, printed
        after = await processes(home)
        assert {name: after[name]["url"] for name in after} == {
            name: process["url"] for name, process in before.items() if name in after
        }
        assert (home / "secrets" / "roles" / "passwords.json").read_text() == passwords
