"""The embedded Kafka: readiness, data and port over restarts, and its end."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.local.broker import READY_TOPIC, unready
from deploy.local.errors import StackError
from deploy.local.kafka import Kafka
from deploy.local.waiting import until
from tests.integration.stack.toys import alive


@pytest.fixture(scope="module")
async def kafka(tmp_path_factory):
    broker = Kafka(tmp_path_factory.mktemp("kafka"))
    await broker.start()
    yield broker
    await broker.stop()


async def write(url, value):
    producer = AIOKafkaProducer(bootstrap_servers=url, acks="all")
    await producer.start()
    await producer.send_and_wait(READY_TOPIC, value)
    await producer.stop()


async def read_all(url):
    consumer = AIOKafkaConsumer(bootstrap_servers=url, auto_offset_reset="earliest")
    await consumer.start()
    place = TopicPartition(READY_TOPIC, 0)
    consumer.assign([place])
    end = (await consumer.end_offsets([place]))[place]
    values = []
    while len(values) < end:
        values += [record.value for record in (await consumer.getmany(timeout_ms=500)).get(place, [])]
    await consumer.stop()
    return values


class TestKafka:
    @pytest.mark.parametrize("crash", [False, True])
    async def test_kafka_keeps_data_and_port_over_restart(self, kafka, crash):
        url, value = kafka.url, os.urandom(8)
        await write(url, value)

        if crash:
            await kafka.kill()
            assert await unready(url) is not None
        await kafka.restart()

        assert kafka.url == url
        assert value in await read_all(url)

    async def test_failed_start_is_explained_in_one_line(self, tmp_path):
        broker = Kafka(tmp_path)
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "meta.properties").write_text("version=1\ncluster.id=x\nnode.id=7\n")

        with pytest.raises(StackError, match=r"Kafka exited with 1: .+") as caught:
            await broker.start()

        assert "\n" not in str(caught.value)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
async def test_kafka_stops_with_killed_parent(tmp_path):
    program = (
        "import asyncio, sys; from pathlib import Path; from deploy.local.kafka import Kafka\n"
        "async def main():\n"
        "    kafka = Kafka(Path(sys.argv[1])); await kafka.start(); print(kafka.pid, flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, tmp_path, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    pid = int(await parent.stdout.readline())

    parent.send_signal(signal.SIGKILL)
    await parent.wait()

    await until(lambda: not alive(pid), "Kafka is gone", within_s=10)
