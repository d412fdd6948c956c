"""The smallest provider: two topics, and a file of accepted orders. README.md lists its obligations."""

import asyncio
import json
import os
import sys
from datetime import datetime, timedelta
from typing import Any, TextIO

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

LEAD = timedelta(days=2)


def answers(event: dict[str, Any], taken: set[str]) -> list[dict[str, Any]]:
    """Return the updates for an event: the same updates with the same ids, however often it is consumed."""
    asked, order_id = event["data"], event["data"]["order_id"]
    facts = {"provider_id": asked["provider_id"], "order_id": order_id, "occurred_at": asked["requested_at"]}
    if event["type"] == "OrderRequested":  # packed immediately
        facts["expected_at"] = (datetime.fromisoformat(asked["requested_at"]) + LEAD).isoformat()
        return [{**facts, "status": said, "update_id": f"{order_id}-{said}"} for said in ("accepted", "shipped")]
    # OrderStatusRequested always gets a reply; CancelRequested comes too late, as the same status shows.
    return [{**facts, "status": "shipped" if order_id in taken else "not_found", "update_id": event["id"]}]


async def run(kafka: str, provider: str, book: TextIO) -> None:
    book.seek(0)
    taken = set(book.read().splitlines())
    topic, reading = f"provider-orders-{provider}", {"enable_auto_commit": False, "auto_offset_reset": "earliest"}
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka, group_id=f"provider-{provider}", **reading)
    async with consumer, AIOKafkaProducer(bootstrap_servers=kafka, acks="all") as producer:
        async for record in consumer:
            event = json.loads(record.value)
            if event["type"] == "OrderRequested" and event["data"]["order_id"] not in taken:
                taken.add(event["data"]["order_id"])
                print(event["data"]["order_id"], file=book, flush=True)
                os.fsync(book.fileno())  # on disk before anything is published
            for update in answers(event, taken):
                around = {"specversion": "1.0", "id": update["update_id"], "source": f"/{provider}"}
                told = {**around, "type": "OrderUpdated", "time": update["occurred_at"], "data": update}
                await producer.send_and_wait(f"provider-updates-{provider}", json.dumps(told).encode(), record.key)
            await consumer.commit()  # after publishing, so that a crash leads to reading again


if __name__ == "__main__":
    with open(sys.argv[3], "a+") as opened:  # noqa: PTH123  # plain Python reads best in a sample
        asyncio.run(run(sys.argv[1], sys.argv[2], opened))
