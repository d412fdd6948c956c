"""Sample shops as child processes, and clients for them without a database."""

import asyncio
import base64
import ipaddress
import json
import subprocess
import sys
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from deploy.local.ports import free_port
from libs.http_client.breaker import CallLimits
from libs.http_client.client import HttpClient
from libs.http_client.exchange import Bounds, Exchange
from libs.http_client.guard import Guard
from services.order_dispatch.providers.client import HttpProviderClient
from services.order_dispatch.providers.metrics import CALL_METRICS
from services.order_dispatch.providers.tokens import OrderToken

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
SECRETS = {"signing": SECRET, "callback": SECRET, "api_key": SECRET}


@dataclass
class Shop:
    """A running shop with its URL and log."""

    provider_id: str
    url: str
    log: Any
    account: dict[str, Any] = field(default_factory=dict)

    def lines(self):
        whole = self.log.read_text() if self.log.exists() else ""
        return [json.loads(line) for line in whole.splitlines() if line.endswith("}")]

    def count(self, op):
        """Count log entries of an operation by order."""
        return Counter(line["order_id"] for line in self.lines() if line["op"] == op)


@asynccontextmanager
async def shop(kind, folder, *options, provider="acme"):
    """Start a shop (`webhook` or `acp`) with options for its faults."""
    port, log = free_port(), folder / f"{provider}.jsonl"
    command = [sys.executable, "-m", f"deploy.samples.{kind}_shop", "--port", str(port), "--provider", provider]
    process = subprocess.Popen([*command, "--log", str(log), "--secret", SECRET, *map(str, options)])
    opened = Shop(provider, f"http://127.0.0.1:{port}", log)
    if kind == "acp":
        opened.account = {"signature": "hmac"}
    try:
        await _is_open(opened.url, process)
        yield opened
    finally:
        process.kill()
        await asyncio.to_thread(process.wait)


async def _is_open(url, process):
    async with httpx.AsyncClient(trust_env=False) as client:
        for _ in range(300):
            try:
                await client.get(f"{url}/health")
            except httpx.TransportError:
                assert process.poll() is None, "the shop did not open"
                await asyncio.sleep(0.05)
            else:
                return
    raise AssertionError("the shop did not open in time")


class MemoryRecords:
    """CallRecords in memory."""

    def __init__(self):
        self.references = {}

    async def issue_token(self, order, ship_to, secrets):
        expires = datetime(2030, 1, 1, tzinfo=UTC)
        return OrderToken(f"spt_{order.order_id}", expires, order.price, order.currency)

    async def save_reference(self, provider_id, order_id, reference):
        self.references[order_id] = reference

    async def find_reference(self, provider_id, order_id):
        return self.references.get(order_id)


def http_client(*, seconds=10, limits=None, allowed=LOOPBACK, resolve=None, ca_file=None):
    bounds = Bounds(connect_seconds=seconds, total_seconds=seconds, reply_bytes=262_144, ca_file=ca_file)
    limits = limits or CallLimits(failures=10_000, open_seconds=0.2, calls_per_second=10_000, burst=10_000)
    return HttpClient(Exchange(Guard(allowed, resolve), bounds), limits, CALL_METRICS)


def client_for(to, http=None, records=None):
    return HttpProviderClient(to, SECRETS, http or http_client(), records or MemoryRecords())
