r"""A shop that accepts orders by signed requests and reports their progress by signed callbacks.

    python -m deploy.samples.webhook_shop --port 8700 --provider acme --log acme.jsonl --secret whsec_... \
        --callbacks https://dispatch.example.com

It implements the protocol of services/order_dispatch/providers/webhook.py. Every fault is an option.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from fastapi import FastAPI, Request
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.responses import JSONResponse

from deploy.samples.order_lines import Line, Parcel, lines_of, parcels_of, price_of
from deploy.samples.shop_log import refuse
from deploy.samples.shop_server import Callback, ShopServer, open_shop


class Shop(ShopServer):
    """A provider with its own server."""

    async def accept(self, request: Request) -> JSONResponse:
        return await self.once(request, self._accept)

    async def _accept(self, order: dict[str, Any], key: str) -> JSONResponse:
        order_id = order["order_id"]
        before = self.log.orders.get(order_id)
        if before is not None and before["status"] == "cancelled":  # its cancellation was confirmed
            return JSONResponse(before)
        expected = datetime.fromisoformat(order["requested_at"]) + timedelta(days=self.options.lead_days)
        lines = [self.offer(line) for line in lines_of(order)]
        accepted = [line for line in lines if line["status"] == "accepted"]
        standing = {"order_id": order_id, "status": "accepted", "reference": f"W{len(self.log.orders) + 1}"}
        standing["expected_at"] = expected.isoformat()
        if len(lines) > 1:
            standing |= {"lines": lines, "amount": self.amount(order, lines), "currency": order["token"]["currency"]}
        if not accepted:
            standing = {"order_id": order_id, "status": "refused", "reason": "sold out"}
        elif self.options.cashes:
            token = order["token"]
            failure = await self.redeem(order_id, token["token"], self.amount(order, lines), token["currency"])
            if failure:
                standing = {"order_id": order_id, "status": "refused", "reason": failure}
        quantity = order["quantity"] if len(lines) == 1 else None
        answer = self.log_response(standing["status"], order_id, standing, key, quantity=quantity)
        if self.options.ships and standing["status"] == "accepted":
            self.ship(order_id, parcels_of(order_id, accepted, part_shipments=self.options.part_shipments))
        return answer

    def offer(self, line: Line) -> Line:
        """Return our answer about a requested line."""
        offered = {"line_id": line["line_id"], "quantity": line["quantity"]}
        if line["product_id"] in self.options.sold_out:
            return {**offered, "status": "refused", "reason": "sold out"}
        return {**offered, "status": "accepted", "amount": price_of(line)}

    def amount(self, order: dict[str, Any], lines: list[Line]) -> int | None:
        """Return the total with the fee that the token covers, without the lines that we refuse."""
        refused = {line["line_id"] for line in lines if line["status"] == "refused"}
        total: int | None = order["token"]["max_amount"]
        if total is None:
            return None
        return total - sum(price_of(line) or 0 for line in lines_of(order) if line["line_id"] in refused)

    async def cancel(self, order_id: str, request: Request) -> JSONResponse:
        async def work(asked: dict[str, Any], key: str) -> JSONResponse:
            standing = self.log.orders.get(order_id)
            if standing is None:  # confirmed: this order will not be accepted later
                gone = {"order_id": order_id, "status": "cancelled", "reason": "never accepted"}
                return self.log_response("fenced", order_id, gone, key)
            if "lines" not in standing and standing["status"] == "accepted":
                return self.log_response("cancelled", order_id, {**standing, "status": "cancelled"}, key)
            waiting = [line["line_id"] for line in standing.get("lines", []) if line["status"] == "accepted"]
            chosen = [line_id for line_id in waiting if line_id in asked.get("line_ids", waiting)]
            if chosen:
                standing = change_lines(standing, chosen, status="cancelled")
                if not any(line["status"] in ("accepted", "shipped") for line in standing["lines"]):
                    standing["status"] = "cancelled"
                return self.log_response("cancelled", order_id, standing, key, line_ids=chosen)
            return JSONResponse(standing)

        return await self.once(request, work)

    async def show(self, order_id: str) -> JSONResponse:
        standing = self.log.orders.get(order_id)
        return JSONResponse(standing) if standing else refuse(404, "no_such_order", "the order was never accepted")

    def ship(self, order_id: str, parcels: list[Parcel]) -> None:
        """Ship a parcel and report it by a callback; once that is accepted, ship the next one."""
        parcel, *others = parcels
        known = {line["line_id"]: line for line in self.log.orders[order_id].get("lines", [])}
        if any(known.get(line["line_id"], line)["status"] == "cancelled" for line in parcel.lines):
            return  # cancelled while the parcel before it was reported
        self.move(order_id, "shipped", parcel, partial(self.ship, order_id, others) if others else None)

    def move(self, order_id: str, status: str, parcel: Parcel, then: Callable[[], None] | None = None) -> None:
        """Advance the lines of a parcel and queue a callback."""
        before, named = self.log.orders[order_id], [line["line_id"] for line in parcel.lines]
        goods: dict[str, Any] = {} if "lines" in before else {"quantity": parcel.lines[0]["quantity"]}
        standing = {**change_lines(before, named, status=status), "status": status, **goods}
        self.log.write(status, order_id, order=standing, **({"line_ids": named} if "lines" in before else goods))
        if parcel.shipment_id is None:
            message = {"type": "order.snapshot", "data": standing}
        else:  # one step: what is in the parcel
            lines = [{"line_id": line["line_id"], "quantity": line["quantity"]} for line in parcel.lines]
            data = {"order_id": order_id, "status": status, "shipment_id": parcel.shipment_id, "lines": lines}
            message = {"type": "order.updated", "data": data}
        message_id = "-".join(filter(None, (order_id, status, parcel.shipment_id)))
        self.callbacks.put_nowait(Callback(message_id, message, then))

    def authenticate(self, request: Request, body: bytes) -> JSONResponse | None:
        try:
            Webhook(self.options.secret).verify(body, dict(request.headers), json_parse=False)
        except (WebhookVerificationError, ValueError):
            return refuse(401, "invalid_signature", "the signature is invalid")
        return None

    def sign(self, message_id: str, content: str) -> dict[str, str]:
        now = datetime.now(UTC)
        signature = Webhook(self.options.secret).sign(message_id, now, content)
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signature,
        }


def change_lines(standing: dict[str, Any], line_ids: list[str], **changes: Any) -> dict[str, Any]:
    """Return the order with some of its lines changed; an order of one line has none."""
    if "lines" not in standing:
        return standing
    lines = [{**line, **changes} if line["line_id"] in line_ids else line for line in standing["lines"]]
    return {**standing, "lines": lines}


def routes(shop: Shop, app: FastAPI) -> None:
    app.post("/orders")(shop.accept)
    app.post("/orders/{order_id}/cancel")(shop.cancel)
    app.get("/orders/{order_id}")(shop.show)


if __name__ == "__main__":
    open_shop(Shop, routes, __doc__)
