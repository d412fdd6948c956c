"""The smallest provider: two topics, and a file of accepted orders. README.md lists its obligations."""

import asyncio
import json
import os
import sys
from datetime import datetime, timedelta
from typing import Any, TextIO

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

LEAD = timedelta(days=2)


def answers(event: dict[str, Any], accepted: set[str]) -> list[dict[str, Any]]:
    """Return the updates for an event: the same updates with the same ids, however often it is consumed."""
    request, order_id = event["data"], event["data"]["order_id"]
    facts = {"provider_id": request["provider_id"], "order_id": order_id, "occurred_at": request["requested_at"]}
    if event["type"] == "OrderRequested":  # packed immediately
        facts["expected_at"] = (datetime.fromisoformat(request["requested_at"]) + LEAD).isoformat()
        return [{**facts, "status": status, "update_id": f"{order_id}-{status}"} for status in ("accepted", "shipped")]
    # OrderStatusRequested always gets a reply; CancelRequested comes too late, as the same status shows.
    return [{**facts, "status": "shipped" if order_id in accepted else "not_found", "update_id": event["id"]}]


async def run(kafka: str, provider: str, file: TextIO) -> None:
    file.seek(0)
    accepted = set(file.read().splitlines())
    topic, options = f"provider-orders-{provider}", {"enable_auto_commit": False, "auto_offset_reset": "earliest"}
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka, group_id=f"provider-{provider}", **options)
    async with consumer, AIOKafkaProducer(bootstrap_servers=kafka, acks="all") as producer:
        async for record in consumer:
            event = json.loads(record.value)
            if event["type"] == "OrderRequested" and event["data"]["order_id"] not in accepted:
                accepted.add(event["data"]["order_id"])
                print(event["data"]["order_id"], file=file, flush=True)
                os.fsync(file.fileno())  # on disk before anything is published
            for update in answers(event, accepted):
                attributes = {"specversion": "1.0", "id": update["update_id"], "source": f"/{provider}"}
                envelope = {**attributes, "type": "OrderUpdated", "time": update["occurred_at"], "data": update}
                await producer.send_and_wait(f"provider-updates-{provider}", json.dumps(envelope).encode(), record.key)
            await consumer.commit()  # after publishing, so that a crash leads to reading again


if __name__ == "__main__":
    with open(sys.argv[3], "a+") as opened:  # noqa: PTH123  # plain Python reads best in a sample
        asyncio.run(run(sys.argv[1], sys.argv[2], opened))
