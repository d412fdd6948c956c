"""A stand-in for the portal: tokens, the public key, delivery addresses and contacts."""

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from joserfc import jwt
from joserfc.jwk import OKPKey

from tests.support.serving import served

SHIP_TO = {"name": "Ann Lee", "line1": "Elm 1", "postal_code": "89073", "city": "Ulm", "country": "DE"}
CONTACT = {"email": "ann@example.com", "name": "Ann Lee", "locale": "en", "time_zone": "UTC"}


@dataclass
class Portal:
    """Responses of the stand-in; with `down`, requests about customers get 503."""

    url: str = ""
    down: bool = False
    requests: int = 0
    ship_to: dict[str, Any] = field(default_factory=lambda: {"ann": SHIP_TO})
    contacts: dict[str, Any] = field(default_factory=lambda: {"ann": CONTACT})
    key: OKPKey = field(default_factory=lambda: OKPKey.generate_key("Ed25519", {"kid": "k1"}))

    def token(self, role: str, **more: str) -> str:
        now = int(time.time())
        claims = {"iss": "replenish", "aud": "replenish", "sub": role, "role": role, "iat": now, "exp": now + 3600}
        return jwt.encode({"alg": "Ed25519", "kid": "k1"}, claims | more, self.key, algorithms=["Ed25519"])

    def headers(self, role: str, **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(role, **more)}"}

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/.well-known/jwks.json")
        async def keys():
            return {"keys": [self.key.as_dict(private=False)]}

        @app.post("/v1/tokens")
        async def tokens(request: Request):
            service = (await request.json())["service"]
            return {"access_token": self.token("service", service=service), "expires_in": 3600}

        @app.get("/v1/customers/{customer_id}/ship-to")
        async def ship_to(customer_id: str):
            return self._about(customer_id, self.ship_to)

        @app.get("/v1/customers/{customer_id}/contact")
        async def contact(customer_id: str):
            return self._about(customer_id, self.contacts)

        return app

    def _about(self, customer_id, known):
        self.requests += 1
        if self.down:
            return JSONResponse({}, 503)
        return known[customer_id] if customer_id in known else JSONResponse({}, 404)


@asynccontextmanager
async def portal():
    """Serve a fake portal on a free port."""
    opened = Portal()
    async with served(opened.app()) as opened.url:
        yield opened


async def until(condition, what, seconds=30.0):
    """Poll the condition until it returns a true value, and return that."""
    end = time.monotonic() + seconds
    while True:
        found = await condition()
        if found:
            return found
        assert time.monotonic() < end, f"timed out: {what}"
        await asyncio.sleep(0.05)
