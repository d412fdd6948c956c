"""A small shop whose orders are kept here: it asks for them over HTTP, takes them, and sends the goods.

Everything it needs is its name and its key: it fetches a token from the portal, polls its open orders, acknowledges
what is new and ships what it took. Asking or answering twice is harmless, so it may be killed at any moment.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import httpx


class Shop:
    """One shop: its token, its log, and what it does about each order."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.http = options, httpx.Client(timeout=10)
        self.orders = f"{options.dispatch}/v1/providers/{options.provider}/orders"

    def sign_in(self) -> None:
        key = {"provider_id": self.options.provider, "provider_key": self.options.key}
        answer = self.http.post(f"{self.options.portal}/v1/tokens", json=key)
        answer.raise_for_status()
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def work(self) -> None:
        """Look once at every open order and do the next thing about it."""
        answer = self.http.get(self.orders, params={"open": True, "limit": 200})
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            return self.sign_in()
        answer.raise_for_status()
        for order in reversed(answer.json()["orders"]):
            self.look_at(order)
        return None

    def look_at(self, order: dict[str, Any]) -> None:
        if order["cancellation"] and order["state"] == "placed":
            self.say(order, "refuse", reason="cancelled in time")
        elif order["state"] == "placing" and order["packs"] > self.options.largest:
            self.say(order, "refuse", reason=f"we send at most {self.options.largest} packs")
        elif order["state"] == "placing":
            self.say(order, "acknowledge")
        elif order["state"] == "placed":
            self.say(order, "ship", tracking=f"T-{order['order_id'][:8]}")
        elif order["state"] == "shipped" and self.options.delivers:
            self.say(order, "deliver")

    def say(self, order: dict[str, Any], step: str, **detail: str) -> None:
        """Answer, and write down what was taken; an answer that comes too late (409) is written down as such."""
        once = {"Idempotency-Key": f"{step}-{order['order_id']}"}
        answer = self.http.post(f"{self.orders}/{order['order_id']}/{step}", json=detail, headers=once)
        if answer.status_code not in (httpx.codes.OK, httpx.codes.CONFLICT):
            answer.raise_for_status()
        op = step if answer.is_success else f"late {step}"
        said = {"op": op, "order_id": order["order_id"], "quantity": order["quantity"], "state": answer.json()["state"]}
        with self.options.log.open("a") as log:
            log.write(json.dumps(said) + "\n")


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--portal", required=True, help="where tokens are given, such as http://127.0.0.1:8000")
    parser.add_argument("--dispatch", required=True, help="where orders are kept")
    parser.add_argument("--provider", required=True, help="the shop's provider_id")
    parser.add_argument("--key", required=True, help="the shop's key, shown when it joined")
    parser.add_argument("--log", required=True, type=Path, help="JSON lines: every answer that was given")
    parser.add_argument("--largest", type=int, default=1000, help="packs; larger orders are refused")
    parser.add_argument("--delivers", action="store_true", help="also report the delivery")
    parser.add_argument("--pause", type=float, default=0.3, help="seconds between two looks")
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
        except (httpx.HTTPError, ValueError) as away:  # it looks again
            print(f"not now: {type(away).__name__}", flush=True)
        time.sleep(options.pause)


if __name__ == "__main__":
    main()
