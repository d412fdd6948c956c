r"""A shop that accepts orders by signed requests and reports their progress by signed callbacks.

    python -m deploy.samples.webhook_shop --port 8700 --provider acme --log acme.jsonl --secret whsec_... \
        --callbacks https://dispatch.example.com

It implements the protocol of services/order_dispatch/providers/webhook.py. Every fault is an option.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import FastAPI, Request
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.responses import JSONResponse

from deploy.samples.shop_log import refuse
from deploy.samples.shop_server import ShopServer, open_shop


class Shop(ShopServer):
    """A provider with its own server."""

    async def accept(self, request: Request) -> JSONResponse:
        return await self.once(request, self._accept)

    async def _accept(self, order: dict[str, Any], key: str) -> JSONResponse:
        order_id, token = order["order_id"], order["token"]
        before = self.log.orders.get(order_id)
        if before is not None and before["status"] == "cancelled":  # its cancellation was confirmed
            return JSONResponse(before)
        expected = datetime.fromisoformat(order["requested_at"]) + timedelta(days=self.options.lead_days)
        standing = {"order_id": order_id, "status": "accepted", "reference": f"W{len(self.log.orders) + 1}"}
        standing["expected_at"] = expected.isoformat()
        if order["product_id"] in self.options.sold_out:
            standing = {"order_id": order_id, "status": "refused", "reason": "sold out"}
        elif self.options.cashes:
            failure = await self.redeem(order_id, token["token"], token["max_amount"], token["currency"])
            if failure:
                standing = {"order_id": order_id, "status": "refused", "reason": failure}
        answer = self.log_response(standing["status"], order_id, standing, key, quantity=order["quantity"])
        if self.options.ships and standing["status"] == "accepted":
            self.move(order_id, "shipped", order["quantity"])
        return answer

    async def cancel(self, order_id: str, request: Request) -> JSONResponse:
        async def work(_: Any, key: str) -> JSONResponse:
            standing = self.log.orders.get(order_id)
            if standing is None:  # confirmed: this order will not be accepted later
                gone = {"order_id": order_id, "status": "cancelled", "reason": "never accepted"}
                return self.log_response("fenced", order_id, gone, key)
            if standing["status"] == "accepted":
                return self.log_response("cancelled", order_id, {**standing, "status": "cancelled"}, key)
            return JSONResponse(standing)

        return await self.once(request, work)

    async def show(self, order_id: str) -> JSONResponse:
        standing = self.log.orders.get(order_id)
        return JSONResponse(standing) if standing else refuse(404, "no_such_order", "the order was never accepted")

    def move(self, order_id: str, status: str, quantity: int) -> None:
        """Advance an order and queue a callback."""
        standing = {**self.log.orders[order_id], "status": status, "quantity": quantity}
        self.log.write(status, order_id, order=standing, quantity=quantity)
        self.callbacks.put_nowait((f"{order_id}-{status}", {"type": "order.snapshot", "data": standing}))

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


def routes(shop: Shop, app: FastAPI) -> None:
    app.post("/orders")(shop.accept)
    app.post("/orders/{order_id}/cancel")(shop.cancel)
    app.get("/orders/{order_id}")(shop.show)


if __name__ == "__main__":
    open_shop(Shop, routes, __doc__)
