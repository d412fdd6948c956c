"""The embedded Postgres keeps committed data and its port over stops and crashes."""

import os

import asyncpg
import pytest

from deploy.local.pgprograms import OPEN_FOLDER, Account, reachable
from deploy.local.postgres import Postgres


@pytest.fixture(scope="module")
async def postgres(tmp_path_factory):
    server = Postgres(tmp_path_factory.mktemp("postgres"))
    await server.start()
    yield server
    await server.stop()
    server.remove()


async def fetch(url, sql):
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(sql)
    finally:
        await connection.close()


class TestPostgres:
    @pytest.mark.parametrize("crash", [False, True])
    async def test_postgres_keeps_data_and_port_over_restart(self, postgres, crash):
        url = postgres.admin_url
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE TABLE IF NOT EXISTS kept (crash bool)")
        await connection.execute("INSERT INTO kept VALUES ($1)", crash)

        if crash:
            await postgres.kill()
        else:
            await connection.close()
        await postgres.restart()

        assert postgres.admin_url == url
        assert [crash] in [list(row) for row in await fetch(url, "SELECT crash FROM kept")]
        connection.terminate()

    @pytest.mark.parametrize(("name", "value"), [("fsync", "on"), ("max_connections", "200"), ("TimeZone", "UTC")])
    async def test_settings_are_applied(self, postgres, name, value):
        ((found,),) = await fetch(postgres.admin_url, f"SELECT current_setting('{name}')")

        assert found == value

    async def test_postgres_listens_on_loopback_only(self, postgres):
        ((addresses,),) = await fetch(postgres.admin_url, "SELECT current_setting('listen_addresses')")

        assert addresses == "127.0.0.1"

    async def test_files_are_private(self, postgres):
        assert (postgres.home / "data").stat().st_mode & 0o077 == 0
        assert (postgres.folder / "admin_password").stat().st_mode & 0o077 == 0


class TestReachable:
    def test_unreachable_folder_is_detected(self, tmp_path):
        stranger = Account(uid=os.getuid() + 12345, gid=0, name="stranger")
        (tmp_path / "closed" / "inside").mkdir(parents=True)
        (tmp_path / "closed").chmod(0o700)

        assert not reachable(tmp_path / "closed" / "inside", stranger)
        assert reachable(OPEN_FOLDER.parent, stranger)
        assert reachable(tmp_path / "closed" / "inside", None)
