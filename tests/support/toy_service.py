"""A minimal service for the kit's tests: it records what it applied and publishes an event.

Nothing in its table is unique: an effect that happens twice is two rows.
"""

from libs.kit import Store
from tests.support import kit_events as a

TABLES = """
CREATE TABLE applied (n bigint GENERATED ALWAYS AS IDENTITY, topic text NOT NULL, id text NOT NULL,
                      subject text NOT NULL, cause text);
CREATE TABLE total (subject text PRIMARY KEY, quantity bigint NOT NULL);
"""


class Toy(Store):
    async def note(self, topic, event_id, subject):
        await self.connection.execute(
            "-- note\nINSERT INTO applied (topic, id, subject, cause) VALUES ($1, $2, $3, $4)",
            topic,
            event_id,
            subject,
            self.cause,
        )

    async def add(self, subject, quantity):
        await self.connection.execute(
            """-- add
            INSERT INTO total AS t VALUES ($1, $2)
            ON CONFLICT (subject) DO UPDATE SET quantity = t.quantity + $2""",
            subject,
            quantity,
        )


async def on_usage(records, store):
    """The hot path: a batch at a time; each use leads to one SlotFilled."""
    said = []
    for record in sorted(records, key=lambda record: record.key):
        await store.note(record.topic, record.id, record.key)
        await store.add(record.key, record.data.quantity)
        said.append(store.caused_by(a.slot_filled(record.key, record.data.quantity), record))
    return said


async def on_device_registered(event, store):
    """One event at a time; each leads to one SlotFilled of its device."""
    await store.note("accounts", store.cause, event.customer_id)
    return [a.slot_filled(event.device_id)]
