r"""A merchant of the Agentic Commerce Protocol, version 2026-04-17, with optional faults.

    python -m deploy.samples.acp_shop --port 8701 --provider globex --log globex.jsonl --secret KEY \
        --callbacks https://dispatch.example.com

`--secret` is the API key and signs order events (Merchant-Signature). An order is accepted when its session is
completed; `order_id` in the log comes from the session's metadata.
"""

import hashlib
import hmac
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import JSONResponse

from deploy.samples.order_lines import Line, Parcel, parcels_of
from deploy.samples.shop_log import refuse
from deploy.samples.shop_server import Callback, ShopServer, open_shop

VERSION = "2026-04-17"
CLOSED = ("completed", "canceled")
Session = dict[str, Any]


class Merchant(ShopServer):
    """An ACP server; the shelf's orders are its checkout sessions."""

    async def create(self, request: Request) -> JSONResponse:
        return await self.once(request, self._create)

    async def _create(self, asked: dict[str, Any], key: str) -> JSONResponse:
        order_id, lines = asked["metadata"]["order_id"], [self.offer(line) for line in asked["line_items"]]
        items = sum(total_of(line) for line in lines)
        fees = [total("fulfillment", self.options.shipping)] if self.options.shipping else []
        session = {
            "id": f"cs_{hashlib.sha256(key.encode()).hexdigest()[:24]}",
            "status": "not_ready_for_payment",
            "currency": asked["currency"],
            "line_items": lines,
            "totals": [total("subtotal", items), *fees, total("total", items + self.options.shipping)],
            **{name: [] for name in ("fulfillment_options", "messages", "links")},
            "capabilities": {},
            "metadata": asked["metadata"],
        }
        return self.log_response("opened", order_id, session, key, 201)

    def offer(self, line: Line) -> Line:
        """Return a requested line with our total for it."""
        amount = line["item"]["unit_amount"] * line["quantity"]
        return {**line, "totals": [total(kind, amount) for kind in ("items_base_amount", "subtotal", "total")]}

    async def update(self, session_id: str, request: Request) -> JSONResponse:
        async def work(asked: dict[str, Any], key: str) -> JSONResponse:
            session = self.log.orders[session_id]
            if session["status"] in CLOSED:
                return refuse(409, "conflict", f"the session is {session['status']}")
            ways = [{"type": "shipping", "id": "ground", "title": "Ground", "totals": []}]
            changed = {**session, **asked, "fulfillment_options": ways}
            sold_out = [
                line["item"]["id"] for line in changed["line_items"] if line["item"]["id"] in self.options.sold_out
            ]
            if sold_out:
                content = f"sold out: {', '.join(sold_out)}"
                changed["messages"] = [{"type": "error", "code": "out_of_stock", "content": content}]
            elif "selected_fulfillment_options" in changed:
                changed["status"] = "ready_for_payment"
            return self.log_response("changed", session["metadata"]["order_id"], changed, key)

        return await self._with(session_id, request, work)

    async def complete(self, session_id: str, request: Request) -> JSONResponse:
        async def work(asked: dict[str, Any], key: str) -> JSONResponse:
            session = self.log.orders[session_id]
            if session["status"] != "ready_for_payment":
                return refuse(405, "conflict", f"the session is {session['status']}")
            order_id, token = (
                session["metadata"]["order_id"],
                asked["payment_data"]["instrument"]["credential"]["token"],
            )
            if self.options.cashes:
                failure = await self.redeem(order_id, token, total_of(session), session["currency"])
                if failure:
                    return refuse(400, "payment_declined", failure)
            answer = self.log_response("accepted", order_id, self.ordered(self.log.orders[session_id]), key)
            if self.options.ships:
                lines = self.log.orders[session_id]["order"]["line_items"]
                self.ship(order_id, session_id, parcels_of(order_id, lines, part_shipments=self.options.part_shipments))
            return answer

        return await self._with(session_id, request, work)

    async def cancel(self, session_id: str, request: Request) -> JSONResponse:
        async def work(_: Any, key: str) -> JSONResponse:
            session = self.log.orders[session_id]
            if session["status"] in CLOSED or f"/checkout_sessions/{session_id}/complete" in str(self.in_flight):
                return refuse(405, "conflict", f"the session is {session['status']}")
            return self.log_response("fenced", session["metadata"]["order_id"], {**session, "status": "canceled"}, key)

        return await self._with(session_id, request, work)

    async def show(self, session_id: str, request: Request) -> JSONResponse:
        refusal = self.authenticate(request, b"") or self._missing(session_id)
        return refusal or JSONResponse(self.log.orders[session_id])

    async def _with(self, session_id: str, request: Request, work: Any) -> JSONResponse:
        return self._missing(session_id) or await self.once(request, work)

    def _missing(self, session_id: str) -> JSONResponse | None:
        return None if session_id in self.log.orders else refuse(404, "not_found", "session not found")

    def ordered(self, session: Session) -> Session:
        """Return the completed session with its order."""
        date = (datetime.now(UTC) + timedelta(days=self.options.lead_days)).isoformat()
        number = session["id"][3:]
        order = {
            "id": f"ord_{number}",
            "checkout_session_id": session["id"],
            "permalink_url": f"https://{self.options.provider}.example.com/orders/{number}",
            "status": "confirmed",
            "estimated_delivery": {"earliest": date, "latest": date},
            "line_items": [ordered_line(line) for line in session["line_items"]],
        }
        return {**session, "status": "completed", "order": order}

    def ship(self, order_id: str, session_id: str, parcels: list[Parcel]) -> None:
        """Ship a parcel and send an event with the updated order; once that is accepted, ship the next one."""
        parcel, *others = parcels
        session = self.log.orders[session_id]
        order = sent(session["order"], parcel, is_last=not others)
        self.log.write("shipped", order_id, order={**session, "order": order})
        message_id = "-".join(filter(None, (order_id, "shipped", parcel.shipment_id)))
        then = partial(self.ship, order_id, session_id, others) if others else None
        self.callbacks.put_nowait(
            Callback(message_id, {"type": "order_update", "data": {"type": "order", **order}}, then)
        )

    def authenticate(self, request: Request, body: bytes) -> JSONResponse | None:  # noqa: ARG002  # others sign it
        if request.headers.get("authorization") != f"Bearer {self.options.secret}":
            return refuse(401, "unauthorized", "invalid API key")
        if request.headers.get("api-version") != VERSION:
            return refuse(400, "unsupported_api_version", f"supported version: {VERSION}")
        return None

    def sign(self, message_id: str, content: str) -> dict[str, str]:
        now = str(int(time.time()))
        seal = hmac.new(self.options.secret.encode(), f"{now}.{content}".encode(), hashlib.sha256).hexdigest()
        return {"merchant-signature": f"t={now},v1={seal}", "request-id": message_id}


def total(kind: str, amount: int) -> dict[str, Any]:
    return {"type": kind, "display_text": kind.replace("_", " ").capitalize(), "amount": amount}


def total_of(priced: dict[str, Any]) -> int:
    return next(int(entry["amount"]) for entry in priced["totals"] if entry["type"] == "total")


def ordered_line(line: Line) -> Line:
    """Return the order's line for a line of the checkout."""
    packs = {"ordered": line["quantity"], "current": line["quantity"], "fulfilled": 0}
    return {
        "id": line["id"],
        "title": line["item"]["id"],
        "product_id": line["item"]["id"],
        "quantity": packs,
        "totals": line["totals"],
    }


def sent(order: dict[str, Any], parcel: Parcel, *, is_last: bool) -> dict[str, Any]:
    """Return the order with a further fulfillment."""
    named = [line["id"] for line in parcel.lines]
    lines = [
        {**line, "quantity": {**line["quantity"], "fulfilled": line["quantity"]["current"]}}
        if line["id"] in named
        else line
        for line in order["line_items"]
    ]
    number = len(order.get("fulfillments", [])) + 1
    fulfillment = {
        "id": f"f{number}",
        "type": "shipping",
        "status": "shipped",
        "tracking_number": f"T{number}",
        "line_items": [{"id": line["id"], "quantity": line["quantity"]["current"]} for line in parcel.lines],
    }
    return {
        **order,
        "status": "shipped" if is_last else "processing",
        "line_items": lines,
        "fulfillments": [*order.get("fulfillments", []), fulfillment],
    }


def routes(shop: Merchant, app: FastAPI) -> None:
    app.post("/checkout_sessions")(shop.create)
    app.get("/checkout_sessions/{session_id}")(shop.show)
    app.post("/checkout_sessions/{session_id}")(shop.update)
    app.post("/checkout_sessions/{session_id}/complete")(shop.complete)
    app.post("/checkout_sessions/{session_id}/cancel")(shop.cancel)


if __name__ == "__main__":
    open_shop(Merchant, routes, __doc__)
