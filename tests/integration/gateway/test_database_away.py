import os
import tempfile
from pathlib import Path

import pytest

from deploy.local.names import SERVICES
from deploy.local.postgres import Postgres
from deploy.local.roles import prepare_database
from deploy.local.waiting import until
from services.gateway.api.door import door_of
from tests.support import routes as doors

SOON_S = 60
REPORT = {"type": "SlotUsed", "slot": "1", "quantity": 1, "boot": "b"}


@pytest.fixture(scope="module")
async def postgres():
    """A database server of our own, to do bad things to."""
    with tempfile.TemporaryDirectory(prefix="gateway-postgres-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = Postgres(Path(folder) / "postgres", fsync=False)
        await server.start()
        try:
            yield server
        finally:
            await server.stop()


@pytest.fixture(scope="module")
async def world(postgres, kafka_url):
    prepared = await prepare_database(postgres.admin_url, f"away_{os.getpid()}", SERVICES)
    async with (
        doors.portal(kafka_url, prepared) as portal,
        doors.gateway(kafka_url, prepared, portal.url) as gateway,
    ):
        yield portal, gateway


async def send(gateway, device, number):
    headers = {"Authorization": f"Bearer {device['credential']}"}
    return await gateway.http.post("/v1/usage", json=REPORT | {"seq": number}, headers=headers)


async def test_known_devices_go_on_and_the_rest_waits_until_it_is_back(postgres, world):
    portal, gateway = world
    customer_id = await portal.join()
    known, unknown = await portal.register(customer_id), await portal.register(customer_id)
    theirs = await portal.customer(customer_id)
    assert (await send(gateway, known, 1)).status_code == 202

    await postgres.kill()
    still = await send(gateway, known, 2)
    stranger = await send(gateway, unknown, 1)
    people = await portal.http.get(f"/v1/customers/{customer_id}", headers=theirs)
    with doors.changed(door_of(gateway.kit).registry, credentials_stale_seconds=0.0):
        stale = await send(gateway, known, 3)
    await postgres.start()

    assert still.status_code == 202
    assert [answer.status_code for answer in (stranger, people, stale)] == [503, 503, 503]
    assert all("retry-after" in answer.headers for answer in (stranger, people, stale))
    assert stale.json()["code"] == "credentials_stale"

    async def is_back():
        return (await send(gateway, unknown, 1)).status_code == 202

    await until(is_back, "an unknown device is let in again", within_s=SOON_S, every_s=0.2)
    assert (await portal.http.get(f"/v1/customers/{customer_id}", headers=theirs)).status_code == 200
