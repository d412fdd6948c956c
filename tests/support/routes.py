"""Runs portal and gateway in this process behind real HTTP servers, with tokens for each role."""

import asyncio
import socket
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import asyncpg
import httpx
import uvicorn

from libs.kit.testing import running
from services.gateway.service import SERVICE as GATEWAY
from services.order_dispatch.service import SERVICE as DISPATCH
from services.portal.api.security import security_of
from services.portal.service import SERVICE as PORTAL
from tests.support.kit_environment import empty_logs

OPERATOR_KEY = "the operators' key"
_numbers = count(1)


@dataclass
class Door:
    """A running HTTP service and its client."""

    kit: Any
    url: str
    http: httpx.AsyncClient

    async def token(self, **key):
        answer = await self.http.post("/v1/tokens", json=key or {"operator_key": OPERATOR_KEY})
        assert answer.status_code == 200, answer.text
        return answer.json()["access_token"]

    async def operator(self):
        return {"Authorization": f"Bearer {await self.token()}"}

    async def customer(self, customer_id):
        answer = await self.http.post(f"/v1/customers/{customer_id}/tokens", headers=await self.operator())
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def sign(self, **said):
        """Return a token with these claims, signed with the portal's key."""
        usual = {"sub": "a-subject", "iss": "replenish", "aud": "replenish", "exp": int(time.time()) + 60}
        return security_of(self.kit).key_ring.sign(usual | said)

    def sign_service(self, name):
        return self.sign(role="service", service=name)

    async def join(self, **changes):
        answer = await self.http.post("/v1/customers", json=person(**changes), headers=await self.operator())
        assert answer.status_code == 201, answer.text
        return answer.json()["customer_id"]

    async def register(self, customer_id, **changes):
        path = f"/v1/customers/{customer_id}/devices"
        answer = await self.http.post(path, json=device(**changes), headers=await self.operator())
        assert answer.status_code == 201, answer.text
        return answer.json()


@contextmanager
def changed(part, **knobs):
    """Override settings of a running service within the block."""
    name = "settings" if hasattr(part, "settings") else "_settings"
    before = getattr(part, name)
    setattr(part, name, before.model_copy(update=knobs))
    try:
        yield
    finally:
        setattr(part, name, before)


def person(**changes):
    ship_to = {"name": "Ana Kowalska", "line1": "Mill Lane 1", "postal_code": "12345", "city": "Town", "country": "DE"}
    return {
        "name": "Ana Kowalska",
        "email": "ana@example.org",
        "time_zone": "Europe/Berlin",
        "ship_to": ship_to,
    } | changes


def slot(**changes):
    pods = {"slot": "1", "name": "Pods", "unit": "pods", "capacity": 60, "product_id": "coffee-pods", "level": 40}
    return pods | changes


def device(**changes):
    return {"device_id": f"machine-{next(_numbers)}", "model": "Brewer 3", "slots": [slot()]} | changes


@contextmanager
def free_socket():
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening, f"http://127.0.0.1:{listening.getsockname()[1]}"


@asynccontextmanager
async def serving(app, listening):
    """Serve an application in the current event loop."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=2))
    server.capture_signals = _nothing
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield
    finally:
        server.should_exit = True
        await task


@contextmanager
def _nothing():
    yield


@asynccontextmanager
async def portal(kafka_url, database, **knobs):
    await empty_logs(kafka_url)  # events of earlier tests do not belong to this database
    async with _door(PORTAL, "portal_url", kafka_url, database, {"operator_key": OPERATOR_KEY} | knobs) as door:
        yield door
    await empty_logs(kafka_url)


@asynccontextmanager
async def gateway(kafka_url, database, portal_url, **knobs):
    async with _door(GATEWAY, "gateway_url", kafka_url, database, {"portal_url": portal_url} | knobs) as door:
        yield door


@asynccontextmanager
async def order_dispatch(kafka_url, database, portal):
    """Run order_dispatch, which creates shops, at the URL that this portal uses."""
    knobs = {"portal_url": portal.url}
    async with _door(DISPATCH, "order_dispatch_url", kafka_url, database, knobs) as door:
        with changed(portal.kit, order_dispatch_url=door.url):
            yield door


@asynccontextmanager
async def _door(service, own_url, kafka_url, database, knobs):
    with free_socket() as (listening, url):
        knobs = {own_url: url, "public_url": url} | knobs if service is PORTAL else {own_url: url} | knobs
        async with (
            running(service, kafka_url=kafka_url, database_urls=database, **knobs) as kit,
            serving(kit.app, listening),
            httpx.AsyncClient(base_url=url, timeout=20) as http,
        ):
            yield Door(kit, url, http)


async def rows_with(database, word):
    """Return the tables with a row that contains the word."""
    connection = await asyncpg.connect(database["portal"].owner_url)
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'portal'")
        found = []
        for (table,) in tables:
            if await connection.fetchval(f'SELECT count(*) FROM "{table}" AS t WHERE t::text LIKE $1', f"%{word}%"):
                found.append(table)
        return found
    finally:
        await connection.close()
