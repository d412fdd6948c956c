"""A running order_dispatch with its own web server, so that shops can send callbacks."""

import base64

import pytest

from libs.kit.clock import SteppedClock
from libs.kit.testing import running
from replenish_contracts.events import DeviceRegistered, SlotSpec
from services.order_dispatch.service import SERVICE
from tests.integration.order_dispatch.providers_http.environment import ShopEnvironment
from tests.support import orders as a
from tests.support.order_environment import own_logs
from tests.support.portal_server import portal
from tests.support.serving import served

SETTINGS = {
    "answer_hours": 24,
    "call_timeout_seconds": 0.3,
    "connect_timeout_seconds": 0.3,
    "breaker_failures": 5,
    "breaker_open_seconds": 0.2,
    "calls_per_second": 200,
    "calls_burst": 200,
    "allowed_private_networks": ("127.0.0.0/8",),
    "sealing_key": base64.b64encode(b"x" * 32).decode(),
}


@pytest.fixture(scope="module")
async def world(database, kafka_url, tmp_path_factory):
    folder = tmp_path_factory.mktemp("providers_http")
    clock = SteppedClock.create(folder / "clock", a.NOON)
    urls = {"portal_url": "", "clock_file": folder / "clock"}
    async with own_logs(kafka_url), portal() as desk:
        urls["portal_url"] = desk.url
        async with (
            running(SERVICE, kafka_url=kafka_url, database_urls=database, **urls, **SETTINGS) as kit,
            served(kit.app) as url,
        ):
            world = ShopEnvironment(kit, kafka_url, clock, desk, folder)
            world.url, world.database_url = url, database["order_dispatch"].url
            slots = tuple(
                SlotSpec(slot=slot, product_id=product, unit="C62", capacity=100)
                for slot, product in (("1", "pods"), ("2", "filters"))
            )
            await world.publish(
                DeviceRegistered(
                    customer_id="ann", device_id="brewer", registration=1, credential_sha256="0" * 64, slots=slots
                )
            )
            yield world
            await world.http.aclose()
