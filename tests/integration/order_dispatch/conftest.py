"""A running order_dispatch on the stepped clock, with a stand-in for the portal."""

import pytest

from libs.kit.clock import SteppedClock
from libs.kit.testing import running
from replenish_contracts.events import DeviceRegistered, SlotSpec
from services.order_dispatch.providers import registry
from services.order_dispatch.service import SERVICE
from tests.integration.order_dispatch.protocols import courier, hosted_here
from tests.support import orders as a
from tests.support.order_environment import World, own_logs
from tests.support.portal_server import portal


@pytest.fixture(scope="module")
def protocols_of_tests():
    """Register the protocols of tests/integration/order_dispatch/protocols."""
    before = registry.PROTOCOLS
    registry.PROTOCOLS = {**before, "courier": courier.PROTOCOL, "hosted_here": hosted_here.PROTOCOL}
    yield
    registry.PROTOCOLS = before


@pytest.fixture(scope="module")
def knobs():
    """Settings that a test module overrides."""
    return {}


@pytest.fixture(scope="module")
async def world(database, kafka_url, tmp_path_factory, knobs):
    folder = tmp_path_factory.mktemp("dispatch")
    clock = SteppedClock.create(folder / "clock", a.NOON)
    knobs = knobs | {"clock_file": folder / "clock", "answer_hours": 24, "allowed_private_networks": ("127.0.0.0/8",)}
    async with (
        own_logs(kafka_url),
        portal() as desk,
        running(SERVICE, kafka_url=kafka_url, database_urls=database, portal_url=desk.url, **knobs) as kit,
    ):
        world = World(kit, kafka_url, clock, desk, folder)
        slots = (SlotSpec(slot="1", product_id="pods", unit="C62", capacity=100),)
        for registration, customer in enumerate(("ann", "gone"), 1):
            device = "brewer" if customer == "ann" else "lost"
            await world.publish(
                DeviceRegistered(
                    customer_id=customer,
                    device_id=device,
                    registration=registration,
                    credential_sha256="0" * 64,
                    slots=slots,
                )
            )
        yield world
        await world.http.aclose()
