"""A tiny service for the kit's tests: it counts what slots use and says so."""

from libs.contracts.events import DeviceRegistered, SlotFilled, SlotUsed
from libs.kit import NotYet, Refuse, Retry, Service, Store

MIGRATION = """
CREATE TABLE IF NOT EXISTS seen (device_id text PRIMARY KEY, total bigint NOT NULL, events bigint NOT NULL);
"""
BROKEN: set[str] = set()
KNOWN_ONLY: set[str] = set()


class Ledger(Store):
    async def add(self, device_id, quantity):
        await self.connection.execute(
            """-- add
            INSERT INTO seen VALUES ($1, $2, 1)
            ON CONFLICT (device_id) DO UPDATE SET total = seen.total + $2, events = seen.events + 1""",
            device_id,
            quantity,
        )


def filled(event, at):
    return SlotFilled(
        device_id=event.device_id,
        slot="1",
        customer_id="c",
        product_id="p",
        quantity=event.quantity,
        level=0,
        cause="reported",
        at=at,
    )


async def on_usage(records, store):
    said = []
    for record in sorted(records, key=lambda r: r.key):
        device = record.data.device_id
        if device in BROKEN:
            raise ValueError(f"{device} is broken")
        if device in KNOWN_ONLY:
            store.hold(record, NotYet(f"device:{device}"))
            continue
        await store.add(device, record.data.quantity)
        said.append(store.because(filled(record.data, store.now), record))
    return said


async def on_device_registered(event, store):
    if event.device_id in BROKEN:
        raise ValueError("broken")
    if event.model == "refuse":
        raise Refuse("not this model")
    if event.model == "retry":
        raise Retry("later")
    KNOWN_ONLY.discard(event.device_id)
    await store.add(event.device_id, 0)
    store.appear(f"device:{event.device_id}")
    return []


SERVICE = Service(
    name="consumption",
    store=Ledger,
    hears={DeviceRegistered: on_device_registered},
    hears_in_batches={"usage": on_usage},
    says=(SlotFilled,),
)
USED = SlotUsed
