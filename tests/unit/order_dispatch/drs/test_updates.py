"""Tests of the translation of notifications to updates, in base steps of the order's slot."""

import pytest

from replenish_contracts.units import BaseUnit
from services.order_dispatch.domain import State
from services.order_dispatch.providers.drs.notifications import (
    parse_notification,
    quantity_of,
    unmatched_update,
    update_of,
)
from tests.support import orders
from tests.unit.order_dispatch.drs import sns_messages as a


def shipped(*products, kind="ItemShippedNotification"):
    return parse_notification(a.envelope(a.notification(kind, orderInfo=a.order_info(*products))))


def order(unit, scale=0):
    return orders.with_line(orders.order(State.PLACED), unit=unit, scale=scale)


@pytest.mark.parametrize(
    ("quantity", "unit", "base", "scale", "steps"),
    [
        (103, "fl oz", BaseUnit.MILLILITRE, 0, 3046),  # fluid ounces in the US
        (5.0, "l", BaseUnit.MILLILITRE, 0, 5000),  # and for the UK
        (24.0, "oz", BaseUnit.GRAM, 0, 680),
        (24.0, "oz", BaseUnit.MILLILITRE, 0, 710),
        (1.5, "kg", BaseUnit.GRAM, 0, 1500),
        (30.0, "pounds", BaseUnit.GRAM, 0, 13608),
        (0.1, "kg", BaseUnit.GRAM, 1, 1000),
        (100, "Count", BaseUnit.EACH, 0, 100),
        (100.0, "count", BaseUnit.EACH, 0, 100),
        (12, "pods", BaseUnit.EACH, 0, 12),
        ("12", "pods", BaseUnit.EACH, 0, 12),
        (100, "percentage", BaseUnit.PERCENT, 0, 100),
    ],
)
def test_units_of_all_countries_are_converted(quantity, unit, base, scale, steps):
    assert quantity_of(shipped(a.product(quantity, unit)), order(base, scale)) == (steps, None)


def test_unmatched_update_truncates_instance_id():
    info = a.order_info() | {"instanceId": "i" * 255}
    notification = parse_notification(a.envelope(a.notification("OrderPlacedNotification", orderInfo=info)))

    assert unmatched_update(notification, "amazon", "m1").order_id == "i" * 200


def test_products_of_a_slot_are_summed():
    found = quantity_of(shipped(a.product(6, "count"), a.product(4, "Count")), order(BaseUnit.EACH))

    assert found == (10, None)


@pytest.mark.parametrize(
    ("product", "base"),
    [
        (a.product(1, "count"), BaseUnit.GRAM),
        (a.product(2.5, "count"), BaseUnit.EACH),
        (a.product(1, "boxes"), BaseUnit.EACH),
        (a.product(None, "count"), BaseUnit.EACH),
        (a.product(-1, "count"), BaseUnit.EACH),
    ],
)
def test_ambiguous_quantity_is_omitted_with_reason(product, base):
    quantity, reason = quantity_of(shipped(product), order(base))

    assert quantity is None
    assert reason


def test_shipment_has_quantity_and_expected_date():
    update = update_of(
        shipped(a.product(30, "count", estimatedDeliveryDate="2016-12-09T07:59:59Z")), order(BaseUnit.EACH), "m1"
    )

    assert (update.status, update.quantity, update.update_id, update.order_id) == ("shipped", 30, "m1", "o1")
    assert update.expected_at.day == 9


def test_placed_order_has_no_quantity():
    update = update_of(shipped(a.product(30, "count"), kind="OrderPlacedNotification"), order(BaseUnit.EACH), "m1")

    assert (update.status, update.quantity, update.reason) == ("accepted", None, None)


def test_cancellation_has_reason():
    update = update_of(shipped(kind="OrderCancelledNotification"), order(BaseUnit.EACH), "m1")

    assert (update.status, update.reason) == ("cancelled", "cancelled at the provider")


def packs_of(packs, size, unit=BaseUnit.EACH, scale=0):
    line = {"packs": packs, "pack_size": size, "quantity": packs * size, "unit": unit, "scale": scale}
    return orders.with_line(orders.order(State.PLACED), **line)


@pytest.mark.parametrize("unit", ["count", "Count", "pods", "pod", "each"])
@pytest.mark.parametrize(
    ("packs", "size", "quantity"), [(1, 50, 1.0), (2, 50, 2.0), (2, 50, 1.0), (4, 2, 4.0), (1, 50, "1")]
)
def test_number_of_packs_is_unclear_and_no_short_delivery(unit, packs, size, quantity):
    order = packs_of(packs, size)
    update = update_of(shipped(a.product(quantity, unit)), order, "m1")

    decision = orders.decide(order, update.model_copy(update={"provider_id": order.provider_id})).decision

    assert (update.quantity, [note.field for note in update.notes]) == (None, ["quantity"])
    assert "packs" in update.reason
    assert orders.only(decision.order).shipped_quantity == packs * size
    assert orders.only(decision.order).is_unclear


@pytest.mark.parametrize("parts", [(1.0, 1.0), (0.5, 1.5)])
def test_packs_of_several_products_are_summed(parts):
    found = quantity_of(shipped(*(a.product(part, "count") for part in parts)), packs_of(2, 50, scale=1))

    assert found[0] is None
    assert found[1]


@pytest.mark.parametrize("quantity", [50.0, 49, 30, 2.0, 51])
def test_neither_packs_nor_all_units_is_a_count_of_units(quantity):
    assert quantity_of(shipped(a.product(quantity, "count")), packs_of(1, 50)) == (int(quantity), None)


def test_pack_of_one_is_clear():
    assert quantity_of(shipped(a.product(1.0, "count")), packs_of(1, 1)) == (1, None)


@pytest.mark.parametrize("unit", [BaseUnit.GRAM, BaseUnit.MILLILITRE, BaseUnit.PERCENT])
def test_count_of_all_packs_of_a_measured_product_is_clear(unit):
    order = packs_of(2, 500, unit)

    update = update_of(shipped(a.product(2.0, "count")), order, "m1")

    assert (update.quantity, update.reason, update.notes) == (None, None, ())
    assert quantity_of(shipped(a.product(1.0, "count")), order)[1]


@pytest.mark.parametrize(
    "product", [a.product(1.0, "volume"), a.product(1.0, ""), a.product(None, "count"), a.product(5, "kg")]
)
def test_other_quantities_that_cannot_be_read_are_unclear(product):
    update = update_of(shipped(product), packs_of(1, 50), "m1")

    assert (update.quantity, [note.field for note in update.notes]) == (None, ["quantity"])


def test_percentage_of_a_cartridge_is_clear():
    assert quantity_of(shipped(a.product(100, "percentage")), packs_of(1, 100, BaseUnit.PERCENT)) == (100, None)


def test_placed_order_is_not_doubted():
    update = update_of(shipped(a.product(1.0, "count"), kind="OrderPlacedNotification"), packs_of(1, 50), "m1")

    assert (update.quantity, update.reason, update.notes) == (None, None, ())
