"""Inserts slots into consumption's tables, equal to registered ones."""

from tests.bench.load import CROSSES_ONE_IN, SLOTS_PER_DEVICE, START

LEVEL = 1000
DEVICES = "SELECT 'dev-' || lpad(g::text, 8, '0') AS device_id, g FROM generate_series(0, $1::integer - 1) AS g"
#: `n` is load.slot_number.
SLOTS = f"""SELECT device_id, s::text AS slot, g * {SLOTS_PER_DEVICE} + s AS n
    FROM ({DEVICES}) AS d, generate_series(1, {SLOTS_PER_DEVICE}) AS s ORDER BY g, s"""


async def register(connection, devices):
    """Fill device and slot_spec; `connection` is the schema owner's."""
    await connection.execute(f"INSERT INTO device SELECT device_id, 'c-' || g / 10, 1 FROM ({DEVICES}) AS d", devices)
    await connection.execute(
        f"""INSERT INTO slot_spec (device_id, slot, customer_id, product_id, name, unit, scale, capacity, loading, fill,
                                   pool_id, epoch)
        SELECT device_id, slot, 'c-1', 'p-1', 'Pods', 'C62', 0, {LEVEL}, 'by_hand', 'add', 'c-1/p-1', 1
        FROM ({SLOTS}) AS d""",
        devices,
    )


async def fill_hot_rows(connection, table, devices, *, armed=True):
    """Fill a table of consumption's hot rows; if armed, one slot in a hundred is at its threshold."""
    at = START.timestamp()
    await connection.execute(
        f"""INSERT INTO {table} (level, opening, rate_use, rate_days, used_at, received_at, variance, armed, at_level,
                                 device_id, slot)
        SELECT {LEVEL}, {LEVEL}, 24, 1, {at}, {at}, 0, $2,
               CASE WHEN $2 AND n % {CROSSES_ONE_IN} = 0 THEN {LEVEL} ELSE 0 END, device_id, slot
        FROM ({SLOTS}) AS d""",
        devices,
        armed,
    )
    await connection.execute(f"VACUUM ANALYZE {table}")
