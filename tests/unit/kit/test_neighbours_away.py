"""503 with Retry-After if another service is unavailable; errors of our own stay 500."""

import subprocess
import sys

import httpx
import pytest
from fastapi import APIRouter

from deploy.local.ports import free_port
from libs.kit.client import InternalHttpClient
from libs.kit.health import Health
from libs.kit.http.app import build_app

router = APIRouter()


@router.get("/calls")
async def calls(port: int) -> None:
    neighbours = InternalHttpClient()
    try:
        await neighbours.client.get(f"http://127.0.0.1:{port}/")
    finally:
        await neighbours.close()


@router.get("/answered")
async def answered(status: int) -> None:
    httpx.Response(status, request=httpx.Request("GET", "http://neighbour/")).raise_for_status()


@pytest.fixture
async def door():
    transport = httpx.ASGITransport(build_app("asker", router, Health()), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://asker") as client:
        yield client


async def test_nobody_there_is_a_neighbour_that_is_away(door):
    answer = await door.get("/calls", params={"port": free_port()})

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "2"
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(("said", "told"), [(500, 503), (503, 503), (429, 503), (404, 500), (422, 500)])
async def test_what_it_answers_is_its_trouble_or_our_mistake(door, said, told):
    assert (await door.get("/answered", params={"status": said})).status_code == told


def test_a_service_that_calls_nobody_has_no_client_in_memory():
    imported = "import libs.kit.http.app, sys; sys.exit('httpx' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", imported], check=False).returncode == 0
