"""A device maker with its own Kafka credentials, whose records bypass the gateway's validation."""

import json
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaProducer

from deploy.demo.event_log import EventLog

#: Days of the faulty records and of the late registration.
MISTAKE_DAY, REGISTRATION_DAY = 3, 5
DEVICE_ID = "early-1"
TOPIC = "usage"


class DeviceMaker:
    """Produces to `usage` directly, usually according to the published schema."""

    def __init__(self, kafka_url: str, event_log: EventLog) -> None:
        self._kafka_url, self._event_log = kafka_url, event_log

    async def report_early(self, now: datetime) -> None:
        """Report for a device that is not registered yet; the record is deferred until its registration."""
        report = {"slot": "1", "quantity": 10, "boot": "b1", "seq": 1, "occurred_at": now.isoformat()}
        call = self._event_log.invoke(what="report", device_id=DEVICE_ID, reports=[{"type": "SlotUsed", **report}])
        data = report | {"device_id": DEVICE_ID, "received_at": now.isoformat()}
        await self._write(json.dumps(_envelope(data, now)).encode())
        self._event_log.write(op="ok", call=call, accepted=[0], refused=[])

    async def write_garbage(self) -> None:
        """Produce a record that cannot be parsed; it becomes a dead letter with bytes and reason."""
        await self._write(b'{"specversion": "1.0", "type": "SlotUsed", "data": "lost in tran')

    async def _write(self, value: bytes) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self._kafka_url, acks="all") as producer:
            await producer.send_and_wait(TOPIC, value, DEVICE_ID.encode())


def _envelope(data: dict[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"{DEVICE_ID}-1",
        "source": "/makers/early",
        "type": "SlotUsed",
        "subject": DEVICE_ID,
        "time": now.isoformat(),
        "datacontenttype": "application/json",
        "data": data,
    }
