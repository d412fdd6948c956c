"""A small shop whose orders are kept here: it polls them over HTTP, acknowledges them, and ships the goods.

It needs its provider_id and key: it fetches a token from the portal, polls its open orders, acknowledges
new ones and ships acknowledged ones. Repeating a request is harmless, so it may be killed at any moment.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import httpx


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
        if order["cancellation"] and order["state"] == "placed":
            self.report(order, "refuse", reason="cancelled in time")
        elif order["state"] == "placing" and order["packs"] > self.options.largest:
            self.report(order, "refuse", reason=f"we ship at most {self.options.largest} packs")
        elif order["state"] == "placing":
            self.report(order, "acknowledge")
        elif order["state"] == "placed":
            self.report(order, "ship", tracking=f"T-{order['order_id'][:8]}")
        elif order["state"] == "shipped" and self.options.delivers:
            self.report(order, "deliver")

    def report(self, order: dict[str, Any], step: str, **detail: str) -> None:
        """Report a step and log it; a step reported too late (409) is logged as such."""
        once = {"Idempotency-Key": f"{step}-{order['order_id']}"}
        answer = self.http.post(f"{self.orders}/{order['order_id']}/{step}", json=detail, headers=once)
        if answer.status_code not in (httpx.codes.OK, httpx.codes.CONFLICT):
            answer.raise_for_status()
        op = step if answer.is_success else f"late {step}"
        line = {"op": op, "order_id": order["order_id"], "quantity": order["quantity"], "state": answer.json()["state"]}
        with self.options.log.open("a") as log:
            log.write(json.dumps(line) + "\n")


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--portal", required=True, help="base URL of the portal, such as http://127.0.0.1:8000")
    parser.add_argument("--dispatch", required=True, help="base URL of order-dispatch")
    parser.add_argument("--provider", required=True, help="the shop's provider_id")
    parser.add_argument("--key", required=True, help="the shop's key, shown at sign-up")
    parser.add_argument("--log", required=True, type=Path, help="log file (JSON lines)")
    parser.add_argument("--largest", type=int, default=1000, help="refuse orders of more packs")
    parser.add_argument("--delivers", action="store_true", help="also report deliveries")
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
