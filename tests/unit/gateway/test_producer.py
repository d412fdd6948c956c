import pytest
from aiokafka.errors import KafkaConnectionError, NotLeaderForPartitionError

from deploy.local.waiting import until
from services.gateway.domain.records import Record
from services.gateway.producer import MIN_BATCH_RECORDS, ProduceError, UsageProducer
from tests.unit.gateway.fake_client import Client

RECORD = Record(b"machine-1", b"{}")
SOON_S = 10


async def producer_with(*clients, timeout=0.05, wedged=60.0):
    """Return a connected producer that builds these clients one after another."""
    left = list(clients)
    producer = UsageProducer(lambda: left.pop(0), timeout_seconds=timeout, wedged_seconds=wedged)
    await producer.start()
    await until(lambda: producer.connected, "the producer is connected", within_s=SOON_S)
    return producer


@pytest.mark.parametrize("count", [1, MIN_BATCH_RECORDS - 1, MIN_BATCH_RECORDS, 50])
async def test_produce_sends_each_record_once_in_order(count):
    client = Client()
    producer = await producer_with(client)
    records = [Record(b"machine-1", str(number).encode()) for number in range(count)]
    done = []

    await producer.produce(records, lambda: done.append(True))
    await producer.stop()

    assert client.sent == records
    assert done == [True]
    assert client.stopped


async def test_produce_raises_if_broker_refuses():
    producer = await producer_with(Client(NotLeaderForPartitionError()))

    with pytest.raises(ProduceError):
        await producer.produce([RECORD] * 20, lambda: None)
    with pytest.raises(ProduceError):
        await producer.produce([RECORD], lambda: None)

    await producer.stop()


async def test_produce_raises_at_once_without_connection():
    producer = UsageProducer(Client, timeout_seconds=60, wedged_seconds=60)
    done = []

    with pytest.raises(ProduceError):
        await producer.produce([RECORD], lambda: done.append(True))

    assert done == [True]


async def test_produce_calls_on_done_after_client_is_stopped():
    producer = await producer_with(Client(answers=False))
    done = []

    with pytest.raises(ProduceError):
        await producer.produce([RECORD], lambda: done.append(True))
    still_in_flight = not done
    await producer.stop()
    await until(lambda: bool(done), "done", within_s=SOON_S)

    assert still_in_flight


async def test_wedged_client_is_replaced():
    stuck, working = Client(answers=False), Client()
    producer = await producer_with(stuck, working, wedged=0.1)

    with pytest.raises(ProduceError):
        await producer.produce([RECORD], lambda: None)
    await until(lambda: producer.clients_built == 2 and producer.connected, "a new client", within_s=SOON_S)
    await producer.produce([RECORD], lambda: None)
    await producer.stop()

    assert stuck.stopped
    assert working.sent == [RECORD]


async def test_produce_raises_when_wedged_client_is_stopped():
    stuck = Client(answers=False)
    producer = await producer_with(stuck, Client(), timeout=SOON_S, wedged=0.1)

    with pytest.raises(ProduceError, match="closed before"):  # long before the timeout
        await producer.produce([RECORD], lambda: None)

    await producer.stop()


async def test_start_retries_until_broker_is_available():
    producer = await producer_with(Client(KafkaConnectionError()), Client(KafkaConnectionError()), Client())

    await producer.produce([RECORD], lambda: None)
    await producer.stop()

    assert producer.clients_built == 3
