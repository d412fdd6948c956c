"""Builders of households and their read models."""

from datetime import UTC, datetime, timedelta

from replenish_contracts.events import ShipTo, SlotSpec
from services.portal.domain.board import CustomerView, Offer, SlotView, Subscription, Wait
from services.portal.domain.devices import Device
from services.portal.domain.orders import Line, LineState, Order, OrderState
from services.portal.domain.people import Customer, Person
from services.portal.domain.registration import Quantity, SlotForm
from services.portal.pages import Household, build_board

NOW = datetime(2026, 3, 10, 9, tzinfo=UTC)
DAY = timedelta(days=1)
SHIP_TO = ShipTo(name="Ana", line1="Mill Lane 1", postal_code="12345", city="Town", country="DE")


def slot_form(**changes):
    usual = {"slot": "1", "product_id": "coffee", "unit": "g", "capacity": Quantity("1", "kg")}
    return SlotForm(**(usual | changes))


def spec(**changes):
    return SlotSpec(**({"slot": "1", "product_id": "pods", "unit": "C62", "capacity": 60} | changes))


def device(*slots, **changes):
    usual = {
        "device_id": "machine",
        "registration": 1,
        "customer_id": "customer-1",
        "model": "Brewer 3",
        "serial": None,
        "nonce": b"n",
        "credential_sha256": b"s",
        "registered_at": NOW,
        "slots": slots or (spec(),),
    }
    return Device(**(usual | changes))


def slot_view(**changes):
    return SlotView(**({"level": 30, "rate_per_day": 2.0, "run_out_at": NOW + 15 * DAY, "occurred_at": NOW} | changes))


def subscription(**changes):
    usual = {
        "subscription_id": "sub",
        "product_id": "pods",
        "provider_id": "globex",
        "packs": 2,
        "pack_size": 50,
        "mode": "auto",
        "status": "active",
    }
    return Subscription(**(usual | changes))


def wait(**changes):
    usual = {
        "product_id": "pods",
        "reason": "paused",
        "wake_up": "SubscriptionChanged",
        "reconsider_at": None,
        "order_id": None,
        "occurred_at": NOW,
    }
    return Wait(**(usual | changes))


#: State of a line in an order of this state; in all others it is `ordered`.
LINE_STATES = {
    OrderState.SHIPPED: LineState.SHIPPED,
    OrderState.DELIVERED: LineState.DELIVERED,
    OrderState.REFUSED: LineState.REFUSED,
    OrderState.CANCELLED: LineState.CANCELLED,
    OrderState.FAILED: LineState.FAILED,
}


def line(line_id="1", **changes):
    usual = {
        "line_id": line_id,
        "product_id": "pods",
        "state": LineState.ORDERED,
        "quantity": 50,
        "unit": "C62",
        "packs": 1,
        "pack_size": 50,
        "unit_price": 1990,
        "receipt_id": f"receipt-{line_id}",
    }
    return Line(**(usual | changes))


def order(*lines, product_id="pods", **changes):
    """Order of these lines, or of one line of `product_id`."""
    usual = {
        "order_id": "order-1",
        "provider_id": "globex",
        "state": OrderState.PLACED,
        "price": 1990,
        "currency": "EUR",
        "expected_at": NOW + 2 * DAY,
        "tracking": (),
        "reason": None,
        "began_at": NOW - DAY,
        "changed_at": NOW,
    }
    fields = usual | changes
    only = line(product_id=product_id, state=LINE_STATES.get(fields["state"], LineState.ORDERED))
    return Order(lines=lines or (only,), **fields)


OFFER = Offer("Lungo pods", 50, 1990, "EUR")


def board(*, devices=None, zone="UTC", now=NOW, **view):
    """Build a household's page from read models."""
    customer, person = Customer("customer-1", "en", zone), Person("Ana", "ana@example.org", SHIP_TO)
    household = Household(customer, person, tuple(devices or (device(),)), CustomerView(**view))
    return build_board(household, now)
