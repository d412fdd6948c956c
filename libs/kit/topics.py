"""Creates topics as the catalogue describes them; services never create them by writing.

`python -m libs.kit.topics create` makes the company's own topics on KAFKA_URL.
"""

import asyncio
import sys
from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from libs.contracts.topics import OWN_TOPICS, Topic, find_topic
from libs.kit.failures import Lost, Retry
from libs.kit.settings import KafkaAddress

READY_SECONDS = 30.0
#: Survives the loss of one broker with min.insync.replicas=2; a smaller cluster gets what it can.
REPLICAS = 3


async def create_topics(kafka_url: str, topics: Sequence[Topic]) -> None:
    """Make the topics that do not exist and return when every partition has a leader."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_url)
    try:
        await admin.start()
        brokers = len((await admin.describe_cluster())["brokers"])
        replication = min(REPLICAS, brokers)
        wanted = [NewTopic(t.name, t.partitions, replication, topic_configs=t.config) for t in topics]
        answer = await admin.create_topics(wanted)
        for _, code, *_ in answer.topic_errors:
            if code not in (0, TopicAlreadyExistsError.errno):
                raise for_code(code)
        async with asyncio.timeout(READY_SECONDS):
            names = [topic.name for topic in topics]
            # The admin client has no event for a leader's election.
            while any(  # noqa: ASYNC110  # there is nothing to wait on
                _leaderless(found) for found in await admin.describe_topics(names)
            ):
                await asyncio.sleep(0.05)
    finally:
        await admin.close()


def _leaderless(described: dict) -> bool:  # type: ignore[type-arg]  # aiokafka's answer is untyped
    partitions = described["partitions"]
    return not partitions or any(partition["leader"] < 0 for partition in partitions)


async def check_topics(kafka_url: str, names: Sequence[str]) -> None:
    """Raise Retry where a topic is missing, and Lost where its partitions are not as many as agreed.

    With another number of partitions one key would be in two places, and its order lost.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_url)
    try:
        await admin.start()
        known = set(await admin.list_topics())
        if absent := [name for name in names if name not in known]:
            raise Retry(f"no topic {', '.join(absent)} yet; `python -m libs.kit.topics create` makes them")
        for described in await admin.describe_topics(list(names)):
            name, found = described["topic"], len(described["partitions"])
            if found != (agreed := find_topic(name).partitions):
                raise Lost(f"topic {name} has {found} partitions, agreed are {agreed}")
    finally:
        await admin.close()


if __name__ == "__main__":
    if sys.argv[1:] != ["create"]:
        sys.exit("usage: KAFKA_URL=host:port python -m libs.kit.topics create")
    asyncio.run(create_topics(KafkaAddress().kafka_url, OWN_TOPICS))
