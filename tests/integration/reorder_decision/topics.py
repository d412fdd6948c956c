"""Topics without the records of other tests: a new database's relay rightly refuses a log it did not write."""

from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient

from libs.contracts.topics import OWN_TOPICS
from libs.kit.topics import create_topics
from tests.integration.order_dispatch.portal import until

DEADLINE_SECONDS = 120


@asynccontextmanager
async def fresh_topics(kafka_url):
    """Make the company's topics anew, and again for whoever comes after."""
    await renew(kafka_url)
    yield
    await renew(kafka_url)


async def renew(kafka_url):
    ours = {topic.name for topic in OWN_TOPICS}
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_url)
    await admin.start()

    async def are_gone():
        return not ours & set(await admin.list_topics())

    try:
        await admin.delete_topics(sorted(ours & set(await admin.list_topics())))
        await until(are_gone, "the topics are deleted", DEADLINE_SECONDS)
    finally:
        await admin.close()
    await create_topics(kafka_url, OWN_TOPICS)
