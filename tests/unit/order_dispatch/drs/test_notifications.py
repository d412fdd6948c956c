"""Tests of the notification parser, with both versions and all observed spellings."""

import json
from datetime import UTC, date, datetime

import pytest

from replenish_contracts.units import BaseUnit
from services.order_dispatch.domain.links import RemoteItem, RemoteSlot
from services.order_dispatch.providers.drs.notifications import (
    Kind,
    UnreadableMessageError,
    parse_notification,
    update_of,
)
from tests.support import orders
from tests.unit.order_dispatch.drs import sns_messages as a

DATE = datetime(2016, 12, 9, 7, 59, 59, tzinfo=UTC)


def parsed(kind, **parts):
    return parse_notification(a.envelope(a.notification(kind, **parts)))


class TestOrders:
    @pytest.mark.parametrize("kind", ["OrderPlacedNotification", "ItemShippedNotification"])
    def test_version_2_has_the_date_in_the_product(self, kind):
        found = parsed(kind, orderInfo=a.order_info(a.product(estimatedDeliveryDate="2016-12-09T07:59:59Z")))

        assert (found.kind, found.serial) == (kind, "mySerialNumber")
        assert (found.instance_id, found.remote_slot) == ("amzn1.dash.v2.o.ci45", "myProduct")
        assert (found.items, found.expected_at) == ((RemoteItem("B00JGZBTCI", 103, "fl oz"),), DATE)
        assert found.sent_at == datetime(2016, 12, 2, 21, 9, 58, 689000, tzinfo=UTC)

    def test_version_1_has_date_in_order_and_no_asin(self):
        info = a.order_info({"quantity": 5.0, "unit": "l"}, estimatedDeliveryDate="2016-12-09T07:59:59Z")

        found = parsed("OrderPlacedNotification", orderInfo=info)

        assert (found.items, found.expected_at) == ((RemoteItem("", 5.0, "l"),), DATE)

    def test_date_in_other_spelling(self):
        info = a.order_info(a.product(quantity=5.0, unit="l", estimatedDeliverydate="2016-12-09T07:59:59Z"))

        assert parsed("ItemShippedNotification", orderInfo=info).expected_at == DATE

    def test_latest_date_of_products(self):
        dates = ("2016-12-09T07:59:59Z", "2016-12-07T07:59:59Z")
        info = a.order_info(*(a.product(estimatedDeliveryDate=date) for date in dates))

        found = parsed("ItemShippedNotification", orderInfo=info)

        assert (len(found.items), found.expected_at) == (2, DATE)

    def test_a_cancellation_has_no_products(self):
        found = parsed("OrderCancelledNotification", orderInfo={"instanceId": "i", "slotId": "s"})

        assert (found.instance_id, found.items, found.expected_at) == ("i", (), None)

    @pytest.mark.parametrize(
        "info", [{}, {"instanceId": "i"}, {"slotId": "s"}, {"instanceId": "i" * 256, "slotId": "s"}]
    )
    def test_missing_instance_id_or_slot_is_unreadable(self, info):
        with pytest.raises(UnreadableMessageError):
            parsed("OrderCancelledNotification", orderInfo=info)

    @pytest.mark.parametrize("quantity", [None, True, "many", [1]])
    def test_invalid_quantity_is_none(self, quantity):
        info = a.order_info(a.product(quantity=quantity))

        assert parsed("ItemShippedNotification", orderInfo=info).items[0].quantity is None

    def test_invalid_date_is_none(self):
        assert (
            parsed(
                "ItemShippedNotification", orderInfo=a.order_info(a.product(estimatedDeliveryDate="soon"))
            ).expected_at
            is None
        )


class TestSubscriptions:
    def test_version_2_names_products(self):
        slots = {"slot-fake-slot": {"subscribed": True, "productInfoList": [a.product(24.0, "pounds")]}}

        found = parsed("SubscriptionChangedNotification", subscriptionInfo={"slotsSubscriptionStatus": slots})

        assert found.slots == (RemoteSlot("slot-fake-slot", True, (RemoteItem("B00JGZBTCI", 24.0, "pounds"),)),)

    def test_version_1_has_flags_only(self):
        info = {"slotsSubscriptionStatus": {"b": False, "a": True}}

        found = parsed("SubscriptionChangedNotification", subscriptionInfo=info)

        assert found.slots == (RemoteSlot("a", True), RemoteSlot("b", False))


class TestTolerance:
    def test_wrapped_message_is_unwrapped(self):
        inner = a.notification("DeviceDeregisteredNotification")

        for message in ({"default": inner, "email": inner}, {"https": inner}, {"default": json.dumps(inner)}):
            assert parse_notification(a.envelope(message)).kind is Kind.DEREGISTERED

    def test_text_for_email_only_is_unreadable(self):
        with pytest.raises(UnreadableMessageError, match="contains no notification"):
            parse_notification(a.envelope({"email": a.notification("DeviceDeregisteredNotification")}))

    def test_field_names_are_case_insensitive(self):
        message = a.notification("DeviceRegisteredNotification")
        message["NotificationInfo"] = message.pop("notificationInfo")
        message["NotificationInfo"]["LWAClientId"] = message["NotificationInfo"].pop("lwaClientId")

        assert parse_notification(a.envelope(message)).customer == "amzn1.account.AH54JCXQ7WZKCZOFxxxxxxxx"

    def test_trailing_commas_are_tolerated(self):
        text = json.dumps(a.notification("DeviceRegisteredNotification"))[:-2] + ",}, }"

        assert parse_notification(a.envelope(text)).kind is Kind.REGISTERED

    def test_unknown_fields_are_ignored(self):
        parts = {"orderInfo": a.order_info(a.product(colour="red"), gift=None), "more": [{}]}

        assert parsed("OrderPlacedNotification", **parts).instance_id == "amzn1.dash.v2.o.ci45"

    def test_time_defaults_to_envelope(self):
        message = a.notification("DeviceRegisteredNotification")
        del message["notificationInfo"]["notificationTime"]

        assert parse_notification(a.envelope(message)).sent_at.year == 2018

    @pytest.mark.parametrize(
        "message",
        ["", "[]", "null", '{"notificationInfo": {"notificationType: 1}', '{"notificationInfo": []}', "[" * 100_000],
    )
    def test_other_messages_are_unreadable(self, message):
        with pytest.raises(UnreadableMessageError):
            parse_notification(a.envelope(message))

    @pytest.mark.parametrize("dirt", ["\ud800", "a\x00b", float("nan"), float("inf")])
    def test_values_that_cannot_be_stored_are_unreadable(self, dirt):
        slots = {"1": {"subscribed": True, "productInfoList": [{"asin": "B1", "quantity": dirt, "unit": "Count"}]}}
        message = a.notification("SubscriptionChangedNotification", subscriptionInfo={"slotsSubscriptionStatus": slots})

        with pytest.raises(UnreadableMessageError):
            parse_notification(a.envelope(json.dumps(message)))

    @pytest.mark.parametrize("date", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
    def test_times_out_of_range_are_none(self, date):
        info = a.order_info(a.product(estimatedDeliveryDate=date))

        assert parsed("ItemShippedNotification", orderInfo=info).expected_at is None

    @pytest.mark.parametrize("kind", ["OrderLostNotification", None, 5])
    def test_unknown_types_are_unreadable(self, kind):
        with pytest.raises(UnreadableMessageError, match="is unknown"):
            parsed(kind)

    def test_missing_serial_number_is_unreadable(self):
        with pytest.raises(UnreadableMessageError, match="serialNumber"):
            parsed("DeviceRegisteredNotification", deviceInfo={})


class TestDates:
    @pytest.mark.parametrize("text", ["2026-12-05", "2026-12-05T00:00:00Z", "2026-12-05T00:00:00.000Z"])
    @pytest.mark.parametrize("kind", ["OrderPlacedNotification", "ItemShippedNotification"])
    def test_date_without_a_time_is_a_date(self, kind, text):
        found = parsed(kind, orderInfo=a.order_info(a.product(estimatedDeliveryDate=text)))

        assert (found.expected_at, found.expected_date) == (None, date(2026, 12, 5))

    def test_latest_of_a_date_and_a_time_counts(self):
        texts = ("2026-12-04T18:00:00Z", "2026-12-05", "2026-12-05T10:00:00Z")
        info = a.order_info(*(a.product(estimatedDeliveryDate=text) for text in texts))

        found = parsed("ItemShippedNotification", orderInfo=info)

        assert (found.expected_at, found.expected_date) == (None, date(2026, 12, 5))


class TestWords:
    @pytest.mark.parametrize(
        ("word", "kind"),
        [
            ("OrderCanceledNotification", Kind.CANCELLED),
            ("orderCancelledNotification", Kind.CANCELLED),
            ("ITEM_SHIPPED_NOTIFICATION", Kind.SHIPPED),
            ("item-shipped-notification", Kind.SHIPPED),
        ],
    )
    def test_types_are_read_in_any_spelling(self, word, kind):
        assert parsed(word, orderInfo=a.order_info(a.product())).kind is kind

    @pytest.mark.parametrize(("word", "kept"), [("ItemDelayedNotification", "ItemDelayedNotification"), (7, "7")])
    def test_unknown_type_about_an_order_is_unclear(self, word, kept):
        found = parsed(word, orderInfo=a.order_info(a.product()))

        update = update_of(found, orders.drafted(), "u1")

        assert (update.status, update.word, update.quantity) == ("unclear", kept, None)


class TestNotes:
    @pytest.mark.parametrize(
        ("info", "field", "value"),
        [
            (a.order_info(a.product(estimatedDeliveryDate="soon")), "estimatedDeliveryDate", "soon"),
            (a.order_info(a.product(estimatedDeliveryDate=5)), "estimatedDeliveryDate", "5"),
            (a.order_info() | {"productInfo": {"asin": "B1"}}, "productInfo", '{"asin": "B1"}'),
            (a.order_info() | {"productInfo": ["B1"]}, "productInfo", '["B1"]'),
        ],
        ids=str,
    )
    def test_invalid_detail_has_a_note(self, info, field, value):
        order = orders.with_line(orders.drafted(), unit=BaseUnit.MILLILITRE)

        update = update_of(parsed("ItemShippedNotification", orderInfo=info), order, "u1")

        assert update.status == "shipped"
        assert [(note.field, note.value) for note in update.notes] == [(field, value)]
