"""The sample provider with the faults of real ones, each enabled by an option."""

import argparse
import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer

from deploy.samples.order_lines import Line
from deploy.samples.order_log import Update
from deploy.samples.provider import Integration, arguments


class UnrulyIntegration(Integration):
    """Refuses, repeats, stays silent, forgets, ships less, or publishes out of order."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self.requested: set[str] = set()

    def handle(self, event: dict[str, Any]) -> None:
        if event["type"] == "OrderStatusRequested":
            self.requested.add(event["data"]["order_id"])
        if event["type"] == "OrderRequested" and self.options.forgetful:
            self.log.write("read", type=event["type"], id=event["id"], **self.ids(event["data"]))
        else:
            super().handle(event)

    def accept(self, request: dict[str, Any]) -> None:
        if is_turn(len(self.log.latest) + 1, self.options.refuse_every):
            self.decide("refused", request, reason="sold out")
        else:
            super().accept(request)

    def decide(
        self,
        status: str,
        order: dict[str, Any],
        lines: Sequence[Line] = (),
        shipment_id: str | None = None,
        **more: Any,
    ) -> None:
        if status == "shipped" and is_turn(self.number(order), self.options.short_every):
            first, *others = lines
            # Without `remaining`, the rest of a line that leaves in a named parcel would be awaited.
            lines = [{**first, "quantity": first["quantity"] // 2, "remaining": 0}, *others]
        super().decide(status, order, lines, shipment_id, **more)

    def number(self, order: dict[str, Any]) -> int:
        return 1 + list(self.log.latest).index(order["order_id"])

    def outgoing(self) -> list[Update]:
        updates = super().outgoing()
        if self.options.silent:
            updates = [update for update in updates if update["order_id"] in self.requested]
        return updates[::-1] if self.options.reorder else updates

    async def publish(self, update: Update, producer: AIOKafkaProducer) -> None:
        for _ in range(2 if self.options.duplicate else 1):
            await super().publish(update, producer)


def is_turn(number: int, every: int) -> bool:
    """Whether this order is one of every N that get the fault; 0 is never."""
    return every > 0 and number % every == 0


if __name__ == "__main__":
    parser = arguments()
    parser.add_argument("--refuse-every", type=int, default=0, metavar="N", help="refuse every N-th order")
    parser.add_argument("--short-every", type=int, default=0, metavar="N", help="ship half of every N-th order")
    parser.add_argument("--duplicate", action="store_true", help="publish every update twice")
    parser.add_argument("--silent", action="store_true", help="publish updates only on request")
    parser.add_argument("--forgetful", action="store_true", help="lose every order")
    parser.add_argument("--reorder", action="store_true", help="publish the latest update first")
    asyncio.run(UnrulyIntegration(parser.parse_args()).run())
