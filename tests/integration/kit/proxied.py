"""Broker and database behind proxies that can interrupt connections."""

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from deploy.local.roles import ServiceUrls
from tests.support import proxy
from tests.support.stack import through


@dataclass
class Between:
    """The proxies, and the `urls` by which a service goes through them."""

    postgres: proxy.Proxy
    kafka: proxy.Proxy
    urls: dict[str, Any]


@asynccontextmanager
async def proxied(world):
    url = world.database[world.name].url
    host, _, port = world.kafka_url.rpartition(":")
    async with (
        proxy.postgres(urlsplit(url).hostname, urlsplit(url).port) as postgres,
        proxy.kafka(host, int(port)) as kafka,
    ):
        owner_url = world.database[world.name].owner_url
        urls = {world.name: ServiceUrls(url=through(url, postgres.port), owner_url=owner_url)}
        yield Between(postgres, kafka, {"database_urls": urls, "kafka_url": f"{host}:{kafka.port}"})
