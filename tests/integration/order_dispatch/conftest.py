"""A running order_dispatch on the stepped clock, with the counterpart of the portal."""

import pytest

from libs.contracts.events import DeviceRegistered, SlotSpec
from libs.kit.clock import SteppedClock
from libs.kit.testing import running
from services.order_dispatch.service import SERVICE
from tests.integration.order_dispatch.portal import portal
from tests.integration.order_dispatch.world import World, own_logs
from tests.unit.order_dispatch import a


@pytest.fixture(scope="module")
async def world(database, kafka_url, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dispatch")
    clock = SteppedClock.create(folder / "clock", a.NOON)
    knobs = {"clock_file": folder / "clock", "answer_hours": 24}
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
