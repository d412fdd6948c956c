"""A running order_dispatch that receives SNS messages, with a sample DRS shop and linked devices."""

import socket

import pytest

from libs.kit.clock import SteppedClock
from libs.kit.testing import running
from services.order_dispatch.service import SERVICE
from tests.integration.order_dispatch.drs.environment import DrsEnvironment, free_port, register
from tests.support import orders as a
from tests.support.order_environment import own_logs
from tests.support.portal_server import portal
from tests.support.serving import served

KEY = "3f" * 32


@pytest.fixture(scope="module")
async def environment(database, kafka_url, tmp_path_factory):
    folder = tmp_path_factory.mktemp("drs")
    clock = SteppedClock.create(folder / "clock", a.NOON)
    listener, shop_port = socket.create_server(("127.0.0.1", 0)), free_port()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings = {"clock_file": folder / "clock", "sealing_key": KEY, "public_url": url}
    settings["stand_in_hosts"] = frozenset({f"127.0.0.1:{shop_port}"})
    settings["allowed_private_networks"] = ["127.0.0.0/8"]
    settings |= {
        "breaker_failures": 1000,
        "calls_per_second": 1000,
        "calls_burst": 1000,
    }  # high limits, because tests cause faults on purpose
    async with (
        own_logs(kafka_url),
        portal() as desk,
        running(SERVICE, kafka_url=kafka_url, database_urls=database, portal_url=desk.url, **settings) as kit,
        served(kit.app, listener),
        DrsEnvironment(kit, kafka_url, clock, desk, folder) as environment,
    ):
        environment.url, environment.shop_port = url, shop_port
        environment.database_url = database["order_dispatch"].url
        yield environment


@pytest.fixture(scope="module")
async def linked(environment):
    """The environment with a shop `amazon` and Ann's washer linked to it."""
    async with environment.shop("amazon"):
        await register(environment, "ann", "washer", 1)
        await environment.link("ann", "washer")
        yield environment
