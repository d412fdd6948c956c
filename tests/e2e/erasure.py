"""Queries for what remains of a device after it left, and the check that its credential is refused."""

from deploy.local.waiting import until

#: Tables that may keep rows of a deregistered device: its registration and its orders.
LEFT_BEHIND = {
    "portal.device",
    "consumption.ended_device",
    "inventory.device",
    "reorder_decision.device",
    "order_dispatch.device",
    "order_dispatch.slot",
    "order_dispatch.order_line",
    "gateway.departure",
}
HAS_DEVICE_ID = """
SELECT table_schema, table_name FROM information_schema.columns AS c JOIN information_schema.tables AS t
USING (table_schema, table_name)
WHERE c.column_name = 'device_id' AND t.table_type = 'BASE TABLE' ORDER BY 1, 2
"""


async def left_behind(world, device_id):
    """Return the tables that still have a row of the device."""
    tables = [f"{schema}.{table}" for schema, table in await world.database.fetch(HAS_DEVICE_ID)]
    counts = {
        table: await world.database.fetchval(f"SELECT count(*) FROM {table} WHERE device_id = $1", device_id)
        for table in tables
    }
    assert len(counts) > len(LEFT_BEHIND)
    return {table for table, count in counts.items() if count}


async def is_refused(world, device_id, credential):
    """Wait until the gateway refuses the credential with 401. The report would be refused with any credential."""

    async def refused():
        nonsense = [{"type": "SlotUsed", "device_id": device_id, "slot": "none", "quantity": 1}]
        return (await world.gateway.post(credential, nonsense)).status_code == 401

    await until(refused, "the old credential is refused", within_s=60)
