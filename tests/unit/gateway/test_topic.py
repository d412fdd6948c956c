import asyncio

import pytest
from aiokafka.errors import KafkaConnectionError, NotLeaderForPartitionError

from deploy.local.waiting import until
from services.gateway.domain.records import Written
from services.gateway.store.topic import WORTH_A_BATCH, ProduceError, UsageTopic

RECORD = Written(b"machine-1", b"{}")
SOON_S = 10


class Batch:
    """Holds three records and no more."""

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


class Producer:
    """Acknowledges, refuses, or never says anything, as a broker might make it."""

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


async def topic_over(*producers, patience=0.05, wedged=60.0):
    """A topic that builds these producers one after another, once it is connected."""
    left = list(producers)
    topic = UsageTopic(lambda: left.pop(0), patience_seconds=patience, wedged_seconds=wedged)
    await topic.start()
    await until(lambda: topic.connected, "a producer is connected", within_s=SOON_S)
    return topic


@pytest.mark.parametrize("count", [1, WORTH_A_BATCH - 1, WORTH_A_BATCH, 50])
async def test_every_record_is_handed_over_once_and_in_order(count):
    producer = Producer()
    topic = await topic_over(producer)
    records = [Written(b"machine-1", str(number).encode()) for number in range(count)]
    settled = []

    await topic.write(records, lambda: settled.append(True))
    await topic.stop()

    assert producer.sent == records
    assert settled == [True]
    assert producer.stopped


async def test_a_refusal_of_the_broker_is_never_an_acknowledgement():
    topic = await topic_over(Producer(NotLeaderForPartitionError()))

    with pytest.raises(ProduceError):
        await topic.write([RECORD] * 20, lambda: None)
    with pytest.raises(ProduceError):
        await topic.write([RECORD], lambda: None)

    await topic.stop()


async def test_without_a_producer_nothing_waits():
    topic = UsageTopic(Producer, patience_seconds=60, wedged_seconds=60)
    settled = []

    with pytest.raises(ProduceError):
        await topic.write([RECORD], lambda: settled.append(True))

    assert settled == [True]


async def test_memory_counts_as_used_until_the_producer_lets_go_of_it():
    topic = await topic_over(Producer(answers=False))
    settled = []

    with pytest.raises(ProduceError):
        await topic.write([RECORD], lambda: settled.append(True))
    still_held = not settled
    await topic.stop()
    await until(lambda: bool(settled), "given back", within_s=SOON_S)

    assert still_held


async def test_a_producer_that_gets_no_acknowledgements_is_built_again():
    stuck, working = Producer(answers=False), Producer()
    topic = await topic_over(stuck, working, wedged=0.1)

    with pytest.raises(ProduceError):
        await topic.write([RECORD], lambda: None)
    await until(lambda: topic.built == 2 and topic.connected, "a new producer", within_s=SOON_S)
    await topic.write([RECORD], lambda: None)
    await topic.stop()

    assert stuck.stopped
    assert working.sent == [RECORD]


async def test_what_a_given_up_producer_still_owes_is_told_as_unwritten():
    stuck = Producer(answers=False)
    topic = await topic_over(stuck, Producer(), patience=SOON_S, wedged=0.1)

    with pytest.raises(ProduceError, match="gave up"):  # long before its patience ends
        await topic.write([RECORD], lambda: None)

    await topic.stop()


async def test_a_broker_that_is_not_there_yet_is_tried_again():
    topic = await topic_over(Producer(KafkaConnectionError()), Producer(KafkaConnectionError()), Producer())

    await topic.write([RECORD], lambda: None)
    await topic.stop()

    assert topic.built == 3
