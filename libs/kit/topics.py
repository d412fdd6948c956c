"""Creates and checks the topics of the catalogue; brokers do not create them automatically.

`python -m libs.kit.topics create` creates our own topics on KAFKA_URL.
"""

import asyncio
import sys
from collections.abc import Sequence

from aiokafka.admin import NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from libs.kit.connections import kafka_admin
from libs.kit.errors import RecordLossError, RetryLaterError
from libs.kit.settings import KafkaAddress
from replenish_contracts.topics import OWN_TOPICS, Topic, find_topic

READY_SECONDS = 30.0
#: Survives the loss of one broker with min.insync.replicas=2; smaller clusters get one replica per broker.
REPLICAS = 3


async def create_topics(kafka_url: str, topics: Sequence[Topic]) -> None:
    """Create missing topics and return when every partition has a leader; raises TimeoutError after READY_SECONDS."""
    async with kafka_admin(kafka_url) as admin:
        brokers = len((await admin.describe_cluster())["brokers"])
        replication = min(REPLICAS, brokers)
        wanted = [NewTopic(t.name, t.partitions, replication, topic_configs=t.config) for t in topics]
        response = await admin.create_topics(wanted)
        for _, code, *_ in response.topic_errors:
            if code not in (0, TopicAlreadyExistsError.errno):
                raise for_code(code)
        async with asyncio.timeout(READY_SECONDS):
            names = [topic.name for topic in topics]
            # The admin client has no notification of leader elections.
            while any(  # noqa: ASYNC110  # there is nothing to wait on
                _leaderless(found) for found in await admin.describe_topics(names)
            ):
                await asyncio.sleep(0.05)


def _leaderless(described: dict) -> bool:  # type: ignore[type-arg]  # aiokafka is untyped
    partitions = described["partitions"]
    return not partitions or any(partition["leader"] < 0 for partition in partitions)


async def check_topics(kafka_url: str, names: Sequence[str]) -> None:
    """Raise RetryLaterError if a topic is missing, RecordLossError if its number of partitions is not the catalogue's.

    With another number of partitions a key would be in two of them, and its order lost.
    """
    async with kafka_admin(kafka_url) as admin:
        known = set(await admin.list_topics())
        if absent := [name for name in names if name not in known]:
            raise RetryLaterError(
                f"no topic {', '.join(absent)} yet; create it with `python -m libs.kit.topics create`"
            )
        for described in await admin.describe_topics(list(names)):
            name, found = described["topic"], len(described["partitions"])
            if found != (expected := find_topic(name).partitions):
                raise RecordLossError(f"topic {name} has {found} partitions instead of {expected}")


if __name__ == "__main__":
    if sys.argv[1:] != ["create"]:
        sys.exit("usage: KAFKA_URL=host:port python -m libs.kit.topics create")
    asyncio.run(create_topics(KafkaAddress().kafka_url, OWN_TOPICS))
