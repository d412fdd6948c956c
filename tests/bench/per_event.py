"""The simple design: a FastStream handler and a transaction per event, with an inbox table against duplicates."""

import sys

import asyncpg
import uvloop
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker
from pydantic import BaseModel

TABLES = """
CREATE TABLE naive_slot (LIKE slot INCLUDING ALL);
CREATE TABLE naive_inbox (id text PRIMARY KEY);
CREATE TABLE naive_outbox (device_id text, slot text);
"""


class Used(BaseModel):
    device_id: str
    slot: str
    quantity: int
    seq: int


class Said(BaseModel):
    id: str
    data: Used


def build(kafka_url, database_url, topic):
    broker = KafkaBroker(kafka_url, logger=None)
    pool = None

    @broker.subscriber(topic, group_id="per-event", auto_offset_reset="earliest", ack_policy=AckPolicy.NACK_ON_ERROR)
    async def on_used(said: Said) -> None:
        used = said.data
        async with pool.acquire() as connection, connection.transaction():
            new = await connection.fetchval(
                "INSERT INTO naive_inbox VALUES ($1) ON CONFLICT DO NOTHING RETURNING id", said.id
            )
            if new is None:
                return
            row = await connection.fetchrow(
                "UPDATE naive_slot SET level = level - $3, used_total = used_total + $3, last_seq = $4"
                " WHERE device_id = $1 AND slot = $2 RETURNING level, at_level",
                used.device_id,
                used.slot,
                used.quantity,
                used.seq,
            )
            if row["level"] <= row["at_level"]:
                await connection.execute("INSERT INTO naive_outbox VALUES ($1, $2)", used.device_id, used.slot)

    app = FastStream(broker, logger=None)

    @app.on_startup
    async def connect() -> None:
        nonlocal pool
        pool = await asyncpg.create_pool(database_url, min_size=1, max_size=4)

    return app


if __name__ == "__main__":
    uvloop.run(build(*sys.argv[1:]).run())
