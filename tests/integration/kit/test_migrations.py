"""Migrations run once and atomically, as the schema's owner; the service's role is restricted to its schema."""

import asyncio

import asyncpg
import pytest

from libs.kit import migrations
from libs.kit.health import Health
from libs.kit.http.app import build_app
from libs.kit.migrations import MigrationError, migrate
from libs.kit.run import running
from libs.kit.testing import settings_for
from tests.support.kit_environment import NEIGHBOUR


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder of further migrations of the toy."""
    known = migrations._files

    def with_more(service):
        return [*known(service), *((f"toy/{path.name}", path) for path in sorted(tmp_path.glob("*.sql")))]

    monkeypatch.setattr(migrations, "_files", with_more)
    return tmp_path


async def run(world):
    return await migrate(world.database[world.name].owner_url, world.name)


class TestMigrating:
    async def test_runs_each_file_once(self, world, files):
        (files / "0001_add.sql").write_text("CREATE TABLE added (n integer)")
        assert await run(world) == ["toy/0001_add.sql"]
        (files / "0002_fill.sql").write_text("INSERT INTO added VALUES (1)")
        assert await run(world) == ["toy/0002_fill.sql"]
        assert await run(world) == []
        assert await world.value("SELECT count(*) FROM added") == 1

    async def test_by_many_at_once_runs_each_file_once(self, world, files):
        (files / "0001_add.sql").write_text("CREATE TABLE added (n integer); SELECT pg_sleep(0.3)")
        (files / "0002_fill.sql").write_text("INSERT INTO added VALUES (1)")

        ran = await asyncio.gather(*[run(world) for _ in range(5)])

        assert sorted(map(len, ran)) == [0, 0, 0, 0, 2]
        assert await world.value("SELECT count(*) FROM added") == 1

    async def test_waits_for_another_however_long_that_takes(self, world, files, monkeypatch):
        """The limit applies to tables in use, not to a concurrent migration."""
        monkeypatch.setattr(migrations, "_LOCK_TIMEOUT", "200ms")
        (files / "0001_add.sql").write_text("CREATE TABLE added (n integer); SELECT pg_sleep(1)")

        ran = await asyncio.gather(run(world), run(world))

        assert sorted(map(len, ran)) == [0, 1]

    async def test_refuses_a_file_that_was_edited(self, world, files):
        (files / "0001_add.sql").write_text("CREATE TABLE added (n integer)")
        await run(world)
        (files / "0001_add.sql").write_text("CREATE TABLE added (n bigint)")
        (files / "0002_fill.sql").write_text("INSERT INTO added VALUES (1)")

        with pytest.raises(MigrationError, match="0001_add"):
            await run(world)
        assert await world.value("SELECT count(*) FROM added") == 0

    async def test_leaves_nothing_of_a_file_that_fails(self, world, files):
        (files / "0001_add.sql").write_text("CREATE TABLE added (n integer); SELECT 1 / 0")

        with pytest.raises(asyncpg.DivisionByZeroError):
            await run(world)

        assert await world.value("SELECT to_regclass('added')") is None
        (files / "0001_add.sql").write_text("CREATE TABLE added (n integer)")
        assert await run(world) == ["toy/0001_add.sql"]

    async def test_gives_up_on_a_table_that_stays_locked(self, world, files, monkeypatch):
        """A waiting lock request blocks all later ones."""
        monkeypatch.setattr(migrations, "_LOCK_TIMEOUT", "200ms")
        (files / "0001_widen.sql").write_text("ALTER TABLE total ADD COLUMN more integer")
        connection = await asyncpg.connect(world.database[world.name].url)
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("SELECT * FROM total")

        with pytest.raises(asyncpg.LockNotAvailableError):
            await run(world)
        await transaction.rollback()
        await connection.close()

        assert await run(world) == ["toy/0001_widen.sql"]

    async def test_refuses_names_without_an_order(self, tmp_path, monkeypatch):
        (tmp_path / "add.sql").write_text("SELECT 1")
        monkeypatch.setattr(migrations, "_KIT", tmp_path)

        with pytest.raises(MigrationError, match="NNNN_what"):
            migrations._files("toy")


class TestAService:
    async def test_waits_for_its_migrations(self, world, files):
        (files / "0001_add.sql").write_text("CREATE TABLE added (n integer)")

        starting = asyncio.create_task(started_unprepared(world))
        await asyncio.sleep(0.5)  # it must not have started, which no event shows
        assert not starting.done()
        await run(world)
        assert await asyncio.wait_for(starting, 20) == 0

    async def test_sees_no_other_schema(self, world):
        connection = await asyncpg.connect(world.database[world.name].url)
        try:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"CREATE TABLE {NEIGHBOUR}.mine (n integer)")
            await migrate(world.database[NEIGHBOUR].owner_url, NEIGHBOUR)
            for table in ("outbox", "checkpoint", "task", "migration"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(f"SELECT * FROM {NEIGHBOUR}.{table}")
        finally:
            await connection.close()

    @pytest.mark.parametrize(
        "statement",
        [
            "CREATE TABLE mine (n integer)",
            "DROP TABLE outbox",
            "ALTER TABLE outbox ADD COLUMN more integer",
            "TRUNCATE outbox",
            "CREATE SCHEMA mine",
            "CREATE ROLE mine",
        ],
    )
    async def test_cannot_change_what_it_lives_in(self, world, statement):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await world.change(statement)


async def started_unprepared(world):
    service, health = world.service(), Health()
    settings = settings_for(service, world.database, kafka_url=world.kafka_url)
    async with running(service, settings, build_app(service.name, None, health), health):
        return await world.value("SELECT count(*) FROM added")
