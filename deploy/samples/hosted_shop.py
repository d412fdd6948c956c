"""A small shop whose orders are kept here: it polls them over HTTP, acknowledges them, and ships the goods.

It needs its provider_id and key: it fetches a token from the portal, polls its open orders, acknowledges
new ones and ships acknowledged ones. Repeating a request is harmless, so it may be killed at any moment.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from deploy.samples.order_lines import Line, parcels_of


class Shop:
    """One shop: its token, its log, and its next step for each order."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.http = options, httpx.Client(timeout=10)
        self.orders = f"{options.dispatch}/v1/providers/{options.provider}/orders"

    def sign_in(self) -> None:
        key = {"provider_id": self.options.provider, "provider_key": self.options.key}
        answer = self.http.post(f"{self.options.portal}/v1/tokens", json=key)
        answer.raise_for_status()
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def work(self) -> None:
        """Poll the open orders once and take the next step of each."""
        answer = self.http.get(self.orders, params={"open": True, "limit": 200})
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            return self.sign_in()
        answer.raise_for_status()
        for order in reversed(answer.json()["orders"]):
            self.advance(order)
        return None

    def advance(self, order: dict[str, Any]) -> None:
        lines = order["lines"]
        waiting = [line for line in lines if line["state"] == "ordered"]
        cancelled = [line for line in waiting if order["cancellation"] or line.get("cancellation")]
        too_large = [line for line in waiting if line["packs"] > self.options.largest]
        if cancelled and order["state"] != "placing":
            self.refuse(order, cancelled, reason="cancelled in time")
        elif order["state"] == "placing" and too_large:
            self.refuse(order, too_large, reason=f"we ship at most {self.options.largest} packs")
        elif order["state"] == "placing":
            self.report(order, "acknowledge")
        elif order["state"] in ("placed", "shipped") and waiting:
            self.ship(order, waiting)
        elif order["state"] == "shipped" and self.options.delivers:
            self.deliver(order)

    def refuse(self, order: dict[str, Any], lines: Sequence[Line], reason: str) -> None:
        """Refuse lines, or the order if these are all that it has."""
        named = {} if len(lines) == len(order["lines"]) else {"lines": [{"line_id": line["line_id"]} for line in lines]}
        self.report(order, "refuse", reason=reason, **named)

    def ship(self, order: dict[str, Any], waiting: Sequence[Line]) -> None:
        """Ship the next parcel: with part shipments, the first of several lines leaves after the others."""
        ids = [line["line_id"] for line in waiting]
        for parcel in parcels_of(order["order_id"], order["lines"], part_shipments=self.options.part_shipments):
            goods = [line for line in parcel.lines if line["line_id"] in ids]
            if goods:
                tracking = f"T-{parcel.shipment_id or order['order_id'][:8]}"
                self.report(order, "ship", tracking=tracking, **self.content(order, goods, parcel.shipment_id))
                return

    def deliver(self, order: dict[str, Any]) -> None:
        """Deliver the next parcel that was shipped under a name, or all lines at once."""
        for parcel in order["shipments"]:
            if not parcel["arrived"]:
                self.report(order, "deliver", **self.content(order, parcel["lines"], parcel["shipment_id"]))
                return
        self.report(order, "deliver")

    def content(self, order: dict[str, Any], goods: Sequence[Line], shipment_id: str | None) -> dict[str, Any]:
        """Return the fields that name what is in a parcel; without a name it has all that is to leave."""
        if shipment_id is None:
            return {}
        quantities = {line["line_id"]: line["quantity"]["quantity"] for line in order["lines"]}
        lines = [{"line_id": line["line_id"], "quantity": quantities[line["line_id"]]} for line in goods]
        return {"shipment_id": shipment_id, "lines": lines}

    def report(self, order: dict[str, Any], step: str, **detail: Any) -> None:
        """Report a step and log it; a step reported too late (409) is logged as such."""
        named = [line["line_id"] for line in detail.get("lines", ())]
        once = {"Idempotency-Key": "-".join([step, order["order_id"], *named])}
        answer = self.http.post(f"{self.orders}/{order['order_id']}/{step}", json=detail, headers=once)
        if answer.status_code not in (httpx.codes.OK, httpx.codes.CONFLICT):
            answer.raise_for_status()
        op = step if answer.is_success else f"late {step}"
        line = {"op": op, "order_id": order["order_id"], "quantity": order["quantity"], "state": answer.json()["state"]}
        with self.options.log.open("a") as log:
            log.write(json.dumps(line | ({"line_ids": named} if named else {})) + "\n")


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--portal", required=True, help="base URL of the portal, such as http://127.0.0.1:8000")
    parser.add_argument("--dispatch", required=True, help="base URL of order-dispatch")
    parser.add_argument("--provider", required=True, help="the shop's provider_id")
    parser.add_argument("--key", required=True, help="the shop's key, shown at sign-up")
    parser.add_argument("--log", required=True, type=Path, help="log file (JSON lines)")
    parser.add_argument("--largest", type=int, default=1000, help="refuse lines of more packs")
    parser.add_argument("--delivers", action="store_true", help="also report deliveries")
    parser.add_argument(
        "--part-shipments", action="store_true", help="ship the first of several lines later, in its own parcel"
    )
    parser.add_argument("--pause", type=float, default=0.3, help="seconds between two polls")
    return parser


def main() -> None:
    options = arguments().parse_args()
    shop, signed_in = Shop(options), False
    while True:
        try:
            if not signed_in:
                shop.sign_in()
                signed_in = True
            shop.work()
        except (httpx.HTTPError, ValueError) as error:  # retried with the next poll
            print(f"not available: {type(error).__name__}", flush=True)
        time.sleep(options.pause)


if __name__ == "__main__":
    main()
