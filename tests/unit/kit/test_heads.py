"""Limits of request heads, on a real server with raw connections."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
import uvicorn

from libs.kit.http import limits
from libs.kit.http.limits import LARGEST_HEAD_BYTES, LimitedHeads

SOON_S = 10
OPENING = b"POST /x HTTP/1.1\r\nHost: x\r\n"


async def echo(scope, receive, send):
    """Respond with the length of the body."""
    length, more = 0, True
    while more:
        message = await receive()
        length, more = length + len(message.get("body", b"")), message.get("more_body", False)
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"x-length", b"%d" % length), (b"content-length", b"0")],
        }
    )
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
async def server():
    config = uvicorn.Config(echo, http=LimitedHeads, port=0, log_config=None, lifespan="off")
    running = uvicorn.Server(config)
    task = asyncio.create_task(running._serve())
    while not running.started:
        await asyncio.sleep(0.01)
    yield running
    running.should_exit = True
    await task


@asynccontextmanager
async def connected(server):
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    reader, writer = await asyncio.open_connection(host, port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def answer(reader):
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SOON_S)
    return int(head.split()[1]), head.lower()


async def endless(writer, part):
    """Send the same bytes until the server disconnects; return how many were sent."""
    sent = 0
    try:
        while sent < 2**26:
            writer.write(part)
            sent += len(part)
            await writer.drain()
    except ConnectionError:
        pass
    return sent


@pytest.mark.parametrize("part", [b"a" * 65_536, b"X-More: " + b"a" * 1000 + b"\r\n"], ids=["one long", "many"])
async def test_a_head_without_end_is_hung_up_on(server, part):
    async with connected(server) as (_, writer):
        writer.write(OPENING + b"X-Long: ")

        assert await endless(writer, part) < 2**24  # the rest is buffered by the sockets


async def test_a_head_that_is_too_large_is_told_so(server):
    async with connected(server) as (reader, writer):
        writer.write(OPENING + b"X-Long: " + b"a" * LARGEST_HEAD_BYTES)

        status, head = await answer(reader)

        assert (status, b"application/problem+json" in head) == (431, True)
        assert json.loads(await reader.read())["code"] == "head_too_large"


async def test_trailers_without_end_are_hung_up_on(server):
    async with connected(server) as (_, writer):
        writer.write(OPENING + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Long: ")

        assert await endless(writer, b"a" * 65_536) < 2**24


@pytest.mark.parametrize("begun", [b"", OPENING])
async def test_a_head_that_does_not_come_is_not_waited_for(server, monkeypatch, begun):
    monkeypatch.setattr(limits, "SLOWEST_HEAD_SECONDS", 0.1)
    async with connected(server) as (reader, writer):
        writer.write(begun)

        assert (await answer(reader))[0] == 408


async def test_a_second_request_has_as_long_as_the_first(server, monkeypatch):
    monkeypatch.setattr(limits, "SLOWEST_HEAD_SECONDS", 0.1)
    async with connected(server) as (reader, writer):
        writer.write(OPENING + b"Content-Length: 0\r\n\r\n")
        first, _ = await answer(reader)
        writer.write(OPENING)

        assert (first, (await answer(reader))[0]) == (200, 408)


async def test_a_slow_answer_is_no_slow_head(server, monkeypatch):
    monkeypatch.setattr(limits, "SLOWEST_HEAD_SECONDS", 0.1)
    async with connected(server) as (reader, writer):
        writer.write(OPENING + b"Content-Length: 1\r\n\r\n")
        await asyncio.sleep(0.3)
        writer.write(b"x")

        assert (await answer(reader))[0] == 200


@pytest.mark.parametrize("size", [16, 1000, 65_536])
async def test_what_is_around_the_parts_of_a_large_body_is_no_head(server, size):
    parts = 2**20 // size
    async with connected(server) as (reader, writer):
        writer.write(OPENING + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(parts):
            writer.write(b"%x\r\n" % size + b"a" * size + b"\r\n")
        writer.write(b"0\r\n\r\n")

        status, head = await answer(reader)

        assert (status, b"x-length: %d\r\n" % (parts * size) in head) == (200, True)


async def test_many_requests_over_one_connection_are_counted_one_by_one(server):
    async with connected(server) as (reader, writer):
        for _ in range(5):
            writer.write(OPENING + b"X-Long: " + b"a" * 20_000 + b"\r\nContent-Length: 3\r\n\r\nabc")
            assert (await answer(reader))[0] == 200
