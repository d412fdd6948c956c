"""The supervisor starts processes in order, restarts them, and stops them when it ends."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from deploy.local import supervisor as module
from deploy.local.errors import StackError
from deploy.local.supervisor import Supervisor, move_aside
from deploy.local.waiting import until
from tests.integration.stack.toys import alive, starts, toy


@pytest.fixture
async def supervisor():
    running = Supervisor(say=lambda _: None)
    yield running
    await running.stop()


class TestStart:
    async def test_start_returns_when_all_are_ready(self, supervisor, tmp_path):
        await supervisor.start([toy(tmp_path, "one"), toy(tmp_path, "two")])

        assert [seat.condition for seat in supervisor.seats] == ["ready", "ready"]
        assert all(alive(seat.pid) for seat in supervisor.seats)

    async def test_start_error_names_ended_process_and_its_output(self, supervisor, tmp_path):
        (tmp_path / "two.broken").touch()

        with pytest.raises(StackError, match=r"two exited with 1: broken on purpose"):
            await supervisor.start([toy(tmp_path, "one"), toy(tmp_path, "two")])

    async def test_start_times_out(self, supervisor, tmp_path):
        worker = toy(tmp_path, "one", ready_within_s=0.3)
        worker._is_ready = never

        with pytest.raises(StackError, match="one is ready"):
            await supervisor.start([worker])


class TestRestart:
    async def test_killed_process_is_restarted(self, supervisor, tmp_path):
        await supervisor.start([toy(tmp_path, "one"), toy(tmp_path, "two")])
        seat, other = supervisor.seats
        killed, untouched = seat.pid, other.pid

        os.kill(killed, signal.SIGKILL)
        await until(lambda: seat.restarts == 1 and seat.condition == "ready", "it is back", within_s=20)

        assert seat.pid != killed
        assert seat.last_exit == -signal.SIGKILL
        assert other.pid == untouched

    async def test_restart_pause_grows_and_resets(self, supervisor, tmp_path, monkeypatch):
        await supervisor.start([toy(tmp_path, "one")])
        (seat,) = supervisor.seats

        (tmp_path / "one.broken").touch()
        os.kill(seat.pid, signal.SIGKILL)
        await until(lambda: seat.restarts == 3, "it ended three times", within_s=20)

        assert seat.condition == "restarting"
        assert seat.pause_s >= 4 * module.SHORTEST_PAUSE_SECONDS
        assert "broken on purpose" in seat.trouble

        (tmp_path / "one.broken").unlink()
        await until(lambda: seat.condition == "ready", "it is back", within_s=20)
        monkeypatch.setattr(module, "STABLE_AFTER_SECONDS", 0)
        os.kill(seat.pid, signal.SIGKILL)
        await until(lambda: seat.pause_s == 2 * module.SHORTEST_PAUSE_SECONDS, "the pause is short again", within_s=20)


class TestStop:
    async def test_stop_order_is_reverse(self, tmp_path):
        supervisor = Supervisor(say=lambda _: None)
        for name in ("first", "second", "third"):
            await supervisor.start([toy(tmp_path, name)])

        await supervisor.stop()

        assert (tmp_path / "stopped").read_text().split() == ["third", "second", "first"]
        assert [seat.condition for seat in supervisor.seats] == ["stopped"] * 3

    async def test_stop_cancels_restart(self, tmp_path):
        supervisor = Supervisor(say=lambda _: None)
        await supervisor.start([toy(tmp_path, "one")])
        (seat,) = supervisor.seats
        (tmp_path / "one.broken").touch()
        os.kill(seat.pid, signal.SIGKILL)
        await until(lambda: seat.restarts >= 1, "it ended", within_s=20)

        await supervisor.stop()

        assert all(revival.done() for revival in supervisor._revivals.values())
        assert not [pid for pid in starts(tmp_path, "one") if alive(pid)]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
async def test_children_stop_with_killed_supervisor(tmp_path):
    orphan = await asyncio.create_subprocess_exec(
        sys.executable, Path(__file__).with_name("orphan.py"), tmp_path, stdout=asyncio.subprocess.PIPE
    )
    pids = (await orphan.stdout.readline()).split()

    assert len(pids) == 2
    assert all(alive(int(pid)) for pid in pids)
    orphan.kill()
    await orphan.wait()

    await until(lambda: not any(alive(int(pid)) for pid in pids), "both children are gone", within_s=5)


def test_large_log_is_rotated(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LARGEST_LOG_BYTES", 10)
    log = tmp_path / "one.log"

    with log.open("ab", buffering=0) as writer:
        writer.write(b"0123456789\n")
        move_aside(log)
        writer.write(b"after\n")

    assert log.read_bytes() == b"after\n"
    assert (tmp_path / "one.old.log").read_bytes() == b"0123456789\n"


async def never():
    return False
