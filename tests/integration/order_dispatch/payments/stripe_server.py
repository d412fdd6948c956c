"""localstripe as a process, a proxy that loses an answer, and a server with a fixed answer."""

import asyncio
import socket
import subprocess
import sys
from contextlib import asynccontextmanager

import httpx
from pydantic import SecretStr

from tests.integration.order_dispatch.payments.environment import running
from tests.support.portal_server import until

#: Runs localstripe on our port, without its dump file in /tmp, which parallel runs would share.
START = """
import sys
from aiohttp import web
from localstripe import resources, server
resources.Store.dump_to_disk = lambda self: None
web.run_app(server.app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
"""
KEY = "sk_test_12345"
VISA = "pm_card_visa"


@asynccontextmanager
async def localstripe(*, captures_several=False):
    """Run localstripe on a free port, which captures an intent once unless told otherwise; yields its URL."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    program = ["-m", "tests.integration.order_dispatch.payments.multicapture_server"]
    process = subprocess.Popen([sys.executable, *(program if captures_several else ["-c", START]), str(port)])
    try:
        async with httpx.AsyncClient() as http:

            async def responds():
                assert process.poll() is None, "localstripe ended"
                try:
                    return (await http.get(f"{url}/v1/payment_intents", auth=(KEY, ""))).status_code == 200
                except httpx.TransportError:
                    return False

            await until(responds, "localstripe responds")
        yield url
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)


def running_at(database, url, tmp_path, **settings):
    """Open a kit of order_dispatch with a Stripe account at this URL."""
    settings = {"stripe_url": url, "stripe_api_key": SecretStr(KEY), "payment_seconds": 5, **settings}
    return running(database, tmp_path / "sandbox.jsonl", **settings)


@asynccontextmanager
async def proxy_losing_first_answer(url):
    """Proxy that drops the answer to the first POST; later requests are forwarded. Yields its URL."""
    port, lost = int(url.rpartition(":")[2]), []

    async def forward(reader, writer):
        inside, out = await asyncio.open_connection("127.0.0.1", port)
        try:
            while data := await reader.read(65536):
                out.write(data)
                answer = await inside.read(65536)
                if data.startswith(b"POST") and not lost:
                    lost.append(answer)
                    break
                writer.write(answer)
        finally:
            out.close()
            writer.close()

    server = await asyncio.start_server(forward, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@asynccontextmanager
async def server_answering(status, body=b"{}"):
    """Server with one answer to every request, or none if the status is None. Yields its URL."""

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        if status is None:
            await reader.read()
        head = f"HTTP/1.1 {status} Status\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
