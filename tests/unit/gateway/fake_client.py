"""A stand-in for AIOKafkaProducer."""

import asyncio

from aiokafka.errors import KafkaConnectionError


class Batch:
    """A batch with room for three records."""

    def __init__(self):
        self.records = []
        self.closed = False

    def append(self, *, key, value, timestamp):
        if self.closed or len(self.records) == 3:
            self.close()
            return None
        self.records.append((key, value))
        return object()

    def close(self):
        self.closed = True


class Client:
    """An AIOKafkaProducer that acknowledges, fails or never completes a record."""

    def __init__(self, outcome=None, *, answers=True):
        self.outcome, self.answers = outcome, answers
        self.sent = []
        self.stopped = False

    async def start(self):
        if isinstance(self.outcome, KafkaConnectionError):
            raise self.outcome

    async def stop(self):
        self.stopped = True

    async def partitions_for(self, topic):
        return {0}

    def create_batch(self):
        return Batch()

    async def send(self, topic, value, key):
        return self._acknowledged([(key, value)])

    async def send_batch(self, batch, topic, *, partition):
        assert batch.closed
        return self._acknowledged(batch.records)

    def _acknowledged(self, records):
        self.sent += records
        future = asyncio.get_running_loop().create_future()
        if self.outcome is not None:
            future.set_exception(self.outcome)
        elif self.answers:
            future.set_result(None)
        return future
