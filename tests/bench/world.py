"""A million slots in consumption's own tables, put there by SQL; triggers armed so that one event in a hundred crosses."""

from tests.bench.load import CROSSES_ONE_IN, SLOTS_PER_DEVICE, START

LEVEL = 1000


async def fill_slots(connection, devices):
    """Fill device, slot_spec and slot as registrations would have; `connection` is the schema owner's."""
    await connection.execute("TRUNCATE device, slot_spec, slot, gap, known_report, used_days")
    names = f"SELECT 'dev-' || lpad(g::text, 8, '0') AS device_id, g FROM generate_series(0, {devices - 1}) AS g"
    slots = f"SELECT device_id, s::text AS slot, g * {SLOTS_PER_DEVICE} + s AS n FROM ({names}) AS d, generate_series(1, {SLOTS_PER_DEVICE}) AS s"
    await connection.execute(f"INSERT INTO device SELECT device_id, 'c-' || g / 10, 1 FROM ({names}) AS d ORDER BY 1")
    await connection.execute(
        f"""INSERT INTO slot_spec (device_id, slot, customer_id, product_id, name, unit, scale, capacity, loading, fill,
                                   pool_id, epoch)
        SELECT device_id, slot, 'c-1', 'p-1', 'Pods', 'C62', 0, {LEVEL}, 'by_hand', 'add', 'c-1/p-1', 1
        FROM ({slots}) AS d ORDER BY 1, 2"""
    )
    await fill_hot_rows(connection, "slot", slots)


async def fill_hot_rows(connection, table, slots=None, devices=0):
    """Fill a table of consumption's hot rows; at most one slot in a hundred is at its threshold."""
    if slots is None:
        names = f"SELECT 'dev-' || lpad(g::text, 8, '0') AS device_id, g FROM generate_series(0, {devices - 1}) AS g"
        slots = f"SELECT device_id, s::text AS slot, g * {SLOTS_PER_DEVICE} + s AS n FROM ({names}) AS d, generate_series(1, {SLOTS_PER_DEVICE}) AS s"
    at = START.timestamp()
    await connection.execute(f"TRUNCATE {table}")
    await connection.execute(
        f"""INSERT INTO {table} (level, opening, rate_use, rate_days, used_at, heard_at, variance, armed, at_level,
                                 device_id, slot)
        SELECT {LEVEL}, {LEVEL}, 24, 1, {at}, {at}, 0, true,
               CASE WHEN n % {CROSSES_ONE_IN} = 0 THEN {LEVEL} ELSE 0 END, device_id, slot
        FROM ({slots}) AS d ORDER BY device_id, slot"""
    )
    await connection.execute(f"VACUUM ANALYZE {table}")
