"""Searches all columns of all tables of the services for a text."""

TABLES = """
SELECT table_schema, table_name FROM information_schema.tables
WHERE table_type = 'BASE TABLE' AND table_schema = ANY($1::text[]) ORDER BY 1, 2
"""


async def traces(world, needle, services):
    """Return the tables with a row that contains the needle, also within JSON and bytes."""
    tables = [f"{schema}.{table}" for schema, table in await world.database.fetch(TABLES, list(services))]
    found = {
        table: await world.database.fetchval(
            f"SELECT count(*) FROM {table} AS t WHERE t::text LIKE '%' || $1 || '%' OR t::text LIKE '%' || $2 || '%'",
            needle,
            needle.encode().hex(),
        )
        for table in tables
    }
    return {table for table, count in found.items() if count}
