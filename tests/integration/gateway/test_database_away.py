import os
import tempfile
from pathlib import Path

import pytest

from deploy.local.names import SERVICES
from deploy.local.postgres import Postgres
from deploy.local.roles import prepare_database
from deploy.local.waiting import until
from services.gateway.api.ingest_pipeline import pipeline_of
from tests.support import routes

SOON_S = 60
REPORT = {"type": "SlotUsed", "slot": "1", "quantity": 1, "boot": "b"}


@pytest.fixture(scope="module")
async def postgres():
    """Run a database server that the test may kill."""
    with tempfile.TemporaryDirectory(prefix="gateway-postgres-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = Postgres(Path(folder) / "postgres", fsync=False)
        await server.start()
        try:
            yield server
        finally:
            await server.stop()


@pytest.fixture(scope="module")
async def portal_and_gateway(postgres, kafka_url):
    prepared = await prepare_database(postgres.admin_url, f"away_{os.getpid()}", SERVICES)
    async with (
        routes.portal(kafka_url, prepared) as portal,
        routes.gateway(kafka_url, prepared, portal.url) as gateway,
    ):
        yield portal, gateway


async def send(gateway, device, number):
    headers = {"Authorization": f"Bearer {device['credential']}"}
    return await gateway.http.post("/v1/usage", json=REPORT | {"seq": number}, headers=headers)


async def test_cached_credentials_are_accepted_while_database_is_down(postgres, portal_and_gateway):
    portal, gateway = portal_and_gateway
    customer_id = await portal.join()
    known, unknown = await portal.register(customer_id), await portal.register(customer_id)
    customers_token = await portal.customer(customer_id)
    assert (await send(gateway, known, 1)).status_code == 202

    await postgres.kill()
    cached = await send(gateway, known, 2)
    uncached = await send(gateway, unknown, 1)
    customer = await portal.http.get(f"/v1/customers/{customer_id}", headers=customers_token)
    with routes.changed(pipeline_of(gateway.kit).registry, credentials_stale_seconds=0.0):
        stale = await send(gateway, known, 3)
    await postgres.start()

    assert cached.status_code == 202
    assert [answer.status_code for answer in (uncached, customer, stale)] == [503, 503, 503]
    assert all("retry-after" in answer.headers for answer in (uncached, customer, stale))
    assert stale.json()["code"] == "credentials_stale"

    async def is_accepted():
        return (await send(gateway, unknown, 1)).status_code == 202

    await until(is_accepted, "an uncached device is accepted again", within_s=SOON_S, every_s=0.2)
    assert (await portal.http.get(f"/v1/customers/{customer_id}", headers=customers_token)).status_code == 200
