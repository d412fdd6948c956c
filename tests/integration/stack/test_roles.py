"""Each service's role can access only its own schema."""

import asyncpg
import pytest


@pytest.fixture(scope="module", autouse=True)
async def _shelf(database):
    """Create a table with one row in inventory's schema as the migration role."""
    owner = await asyncpg.connect(database["inventory"].owner_url)
    await owner.execute("CREATE TABLE shelf (id bigint GENERATED ALWAYS AS IDENTITY, n serial, units int)")
    await owner.close()


class TestOwnSchema:
    async def test_role_reads_and_writes_without_schema_name(self, database):
        inventory = await asyncpg.connect(database["inventory"].url)

        await inventory.execute("INSERT INTO shelf (units) VALUES (3)")
        await inventory.execute("UPDATE shelf SET units = 4")
        units = await inventory.fetchval("SELECT units FROM shelf")
        await inventory.execute("DELETE FROM shelf")
        await inventory.close()

        assert units == 4

    @pytest.mark.parametrize("statement", ["CREATE TABLE mine (a int)", "DROP TABLE shelf", "TRUNCATE shelf"])
    async def test_role_cannot_alter_tables(self, database, statement):
        inventory = await asyncpg.connect(database["inventory"].url)

        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await inventory.execute(statement)

        await inventory.close()


FORBIDDEN = [
    "SELECT * FROM inventory.shelf",
    "INSERT INTO inventory.shelf (units) VALUES (1)",
    "SELECT nextval('inventory.shelf_n_seq')",
    "DROP TABLE inventory.shelf",
    "CREATE TABLE inventory.mine (a int)",
    "CREATE TABLE public.mine (a int)",
    "CREATE TEMPORARY TABLE mine (a int)",
    "CREATE SCHEMA mine",
    "SET ROLE {database}_inventory",
    "SET ROLE {database}_owner",
    "COPY inventory.shelf TO STDOUT",
    "SELECT pg_read_file('PG_VERSION')",
]


class TestForeignSchema:
    @pytest.mark.parametrize("statement", FORBIDDEN)
    async def test_foreign_schema_is_refused(self, database, statement):
        portal = await asyncpg.connect(database["portal"].url)
        name = await portal.fetchval("SELECT current_database()")

        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await portal.execute(statement.format(database=name))

        await portal.close()

    async def test_role_has_no_privileges_in_foreign_schema(self, database):
        check = await asyncpg.connect(database.check_url)

        holders = await check.fetch(
            """
            SELECT grantee, privilege FROM pg_class, aclexplode(relacl) AS acl (grantor, grantee, privilege, again)
            WHERE oid = 'inventory.shelf'::regclass AND privilege <> 'MAINTAIN'
            """
        )
        found = {(await name_of(check, row["grantee"]), row["privilege"]) for row in holders}
        name = await check.fetchval("SELECT current_database()")
        await check.close()

        of_the_service = {(f"{name}_inventory", right) for right in ("SELECT", "INSERT", "UPDATE", "DELETE")}
        of_others = {holder for holder in found - of_the_service if holder[0] != f"{name}_owner"}
        assert of_the_service <= found
        assert of_others == {(f"{name}_check", "SELECT")}

    async def test_role_cannot_connect_to_other_databases(self, backends, database):
        server, _, _ = database["portal"].url.rpartition("/")

        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(f"{server}/postgres")


class TestCheckRole:
    async def test_check_role_reads_all_schemas_and_writes_none(self, database):
        check = await asyncpg.connect(database.check_url)

        assert await check.fetchval("SELECT count(*) FROM inventory.shelf") == 0
        await check.execute("SET default_transaction_read_only = off")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await check.execute("INSERT INTO inventory.shelf (units) VALUES (1)")

        await check.close()


async def name_of(connection, role):
    return await connection.fetchval("SELECT rolname FROM pg_roles WHERE oid = $1", role) or "PUBLIC"
