"""Tests of the DRS protocol: paths, headers and bodies as documented, and translation of responses."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from libs.kit import RejectedError
from replenish_contracts.events import ShipTo, UpdateStatus
from replenish_contracts.units import BaseUnit
from services.order_dispatch.domain.links import RemoteItem, RemoteSlot, SlotUse
from services.order_dispatch.providers import drs
from tests.support import orders as a

HOME = ShipTo(name="Ann", line1="Elm 1", postal_code="1", city="Ulm", country="DE")
KIND = "com.amazon.dash.replenishment"
AT = datetime(2018, 12, 21, 10, tzinfo=UTC)


@dataclass
class Reply:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class RecordingClient:
    """LinkedProviderClient that records requests and returns one response."""

    status: int = 200
    body: object = None
    account: dict[str, object] = field(default_factory=dict)
    reference: str | None = None
    is_used: bool = False
    provider_id: str = "amazon"
    requests: list[tuple[object, ...]] = field(default_factory=list)

    async def request(self, method, path, *, json=None, content=None, headers=None, idempotency_key=None):
        self.requests.append((method, path, json, headers))
        return Reply(self.status, b"" if self.body is None else dumps(self.body))

    async def remote_slot(self, slot):
        return f"tray {slot}"

    async def find_reference(self, order_id):
        return self.reference

    async def is_reference_used(self, reference, order_id):
        return self.is_used


def dumps(body):
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def headers(operation, version="1.0", accept="1.0"):
    return {
        "x-amzn-type-version": f"{KIND}.{operation}Input@{version}",
        "x-amzn-accept-type": f"{KIND}.{operation}Result@{accept}",
    }


def use(**changes):
    plain = SlotUse("1", "tray 1", BaseUnit.EACH, 0, 7, 20, 2.0, AT, 30)
    return replace(plain, **changes)


class TestReplenish:
    async def submit(self, **options):
        client = RecordingClient(**options)
        return await drs.submit(a.drafted(), HOME, client), client

    @pytest.mark.parametrize("detail", ["STANDARD_ORDER_PLACED", "TEST_ORDER_PLACED"])
    async def test_placed_order_has_reference_but_no_status(self, detail):
        answer, client = await self.submit(body={"eventInstanceId": "i1", "detailCode": detail})

        assert (answer.status, answer.reference) == (None, "i1")
        assert client.requests == [("POST", "/replenish/tray%201", None, headers("DrsReplenish"))]

    async def test_order_in_progress_is_adopted(self):
        answer, _ = await self.submit(body={"eventInstanceId": "i1", "detailCode": "ORDER_INPROGRESS"})

        assert (answer.status, answer.reference) == (None, "i1")

    async def test_order_in_progress_of_another_order_is_refused(self):
        answer, _ = await self.submit(body={"eventInstanceId": "i1", "detailCode": "ORDER_INPROGRESS"}, is_used=True)

        assert (answer.status, answer.reference) == (UpdateStatus.REFUSED, None)

    @pytest.mark.parametrize(
        ("status", "reported", "reason"),
        [
            (400, {"message": "slot 1 is unsubscribed"}, "DRS answered 400: slot 1 is unsubscribed"),
            (404, b"<html>", "DRS answered 404"),
        ],
    )
    async def test_refusal_has_reason(self, status, reported, reason):
        answer, _ = await self.submit(status=status, body=reported)

        assert (answer.status, answer.reason) == (UpdateStatus.REFUSED, reason)

    @pytest.mark.parametrize("reported", [b"", b"[]", b"<html>", {"detailCode": "SOMETHING"}, {}])
    async def test_invalid_answer_is_ambiguous(self, reported):
        with pytest.raises(drs.UnreadableResponseError):
            await self.submit(body=reported)


class TestStatus:
    def info(self, status, date="2017-01-05T07:59:59.000Z", slot="tray 1"):
        item = {"asin": "B1", "expectedDeliveryDate": date, "quantity": 1, "slotId": slot, "status": status}
        return {"orderInfoData": {"instanceId": "i 1", "orderItems": [item]}}

    async def request(self, reported, **options):
        client = RecordingClient(body=reported, reference="i 1", **options)
        return await drs.status(a.drafted(), client), client

    @pytest.mark.parametrize(
        ("reported", "status"),
        [
            ("Pending", "accepted"),
            ("Authorized", "accepted"),
            ("Processing", "accepted"),
            ("Shipped", "shipped"),
            ("Closed", "shipped"),
            ("Canceled", "cancelled"),
            ("Cancelled", "cancelled"),
            ("Unknown", "unclear"),
            ("SHIPPED", "shipped"),
            ("Mislaid", "unclear"),
            (None, "unclear"),
            ([7], "unclear"),
        ],
    )
    async def test_states_of_both_versions_are_mapped(self, reported, status):
        answer, client = await self.request(self.info(reported))

        assert (answer.status, answer.reference) == (status, "i 1")
        assert client.requests == [("GET", "/getOrderInfo/i%201", None, headers("DrsOrderInfo"))]

    async def test_status_has_expected_date(self):
        assert (await self.request(self.info("Processing")))[0].expected_at == datetime(
            2017, 1, 5, 7, 59, 59, tzinfo=UTC
        )

    async def test_order_without_date_is_resolving(self):
        answer, _ = await self.request(self.info("Processing", date=None))

        assert (answer.status, answer.reference) == (UpdateStatus.RESOLVING, "i 1")

    @pytest.mark.parametrize(
        ("date", "read"),
        [
            ("2017-01-05T07:59:59", datetime(2017, 1, 5, 7, 59, 59, tzinfo=UTC)),
            ("in a week", None),
            (1483603199, None),
        ],
    )
    async def test_other_date_formats_are_parsed_or_none(self, date, read):
        answer, _ = await self.request(self.info("Processing", date=date))

        assert (answer.status, answer.expected_at, answer.expected_date) == ("accepted", read, None)

    @pytest.mark.parametrize("text", ["2017-01-05", "2017-01-05T00:00:00Z", "2017-01-05T00:00:00.000Z", "20170105"])
    async def test_date_without_a_time_is_a_date(self, text):
        answer, _ = await self.request(self.info("Processing", date=text))

        assert (answer.status, answer.expected_at, answer.expected_date) == ("accepted", None, date(2017, 1, 5))

    async def test_item_of_another_slot_is_ignored(self):
        assert (await self.request(self.info("Shipped", slot="tray 2")))[0].status is None

    async def test_unknown_order_has_no_status(self):
        assert (await self.request({"message": "?"}, status=400))[0].status is None

    async def test_status_without_reference_makes_no_call(self):
        client = RecordingClient()

        assert (await drs.status(a.drafted(), client)).status is None
        assert client.requests == []


class TestSlotStatus:
    async def test_body_has_five_fields(self):
        client = RecordingClient()

        await drs.slot_status(client, use())

        (request,) = client.requests
        assert request[:2] == ("POST", "/slotStatus/tray%201")
        assert request[2] == {
            "expectedReplenishmentDate": "2018-12-24T22:00:00.000Z",
            "remainingQuantityInUnit": 7,
            "originalQuantityInUnit": 20,
            "totalQuantityOnHand": 30,
            "lastUseDate": "2018-12-21T10:00:00.000Z",
        }
        assert request[3] == headers("DrsSlotStatus")

    @pytest.mark.parametrize(
        ("unit", "scale", "level", "country", "expected"),
        [
            (BaseUnit.MILLILITRE, 0, 3500, "DE", 3.5),
            (BaseUnit.MILLILITRE, 0, 3046, "US", 102.997513),
            (BaseUnit.GRAM, 0, 1000, "JP", 1),
            (BaseUnit.GRAM, 1, 4536, "US", 16.000269),
            (BaseUnit.EACH, 0, 20, "US", 20),
            (BaseUnit.PERCENT, 0, 40, "FR", 40),
        ],
    )
    async def test_quantities_use_units_of_country(self, unit, scale, level, country, expected):
        client = RecordingClient(account={"country": country})

        await drs.slot_status(client, use(unit=unit, scale=scale, level=level))

        assert client.requests[0][2]["remainingQuantityInUnit"] == expected

    async def test_unused_slot_runs_out_in_a_year(self):
        assert use(rate_per_day=0).runs_out_at == use(rate_per_day=1e-9).runs_out_at == AT + timedelta(days=365)

    async def test_refusal_is_permanent(self):
        with pytest.raises(RejectedError, match="400: no such slot"):
            await drs.slot_status(RecordingClient(400, {"message": "no such slot"}), use())


class TestOtherCalls:
    async def test_device_status(self):
        client = RecordingClient()

        await drs.device_status(client, AT)

        body = {"mostRecentlyActiveDate": "2018-12-21T10:00:00.000Z"}
        assert client.requests == [("POST", "/deviceStatus", body, headers("DrsDeviceStatus"))]

    @pytest.mark.parametrize(
        ("account", "accept", "slots", "found"),
        [
            ({"subscription_info_version": 1}, "1.0", {"a": True}, (RemoteSlot("a", True),)),
            (
                {},
                "2.0",
                {"a": {"subscribed": True, "productInfoList": [{"asin": "B1", "quantity": 3, "unit": "Count"}]}},
                (RemoteSlot("a", True, (RemoteItem("B1", 3, "Count"),)),),
            ),
        ],
    )
    async def test_subscription_info_in_both_versions(self, account, accept, slots, found):
        client = RecordingClient(body={"slotsSubscriptionStatus": slots}, account=account)

        assert await drs.subscription_info(client) == found
        assert client.requests == [("GET", "/subscriptionInfo", None, headers("DrsSubscriptionInfo", accept=accept))]

    async def test_deregister_in_both_versions(self):
        first, second = RecordingClient(account={"deregister_version": 1, "device_model": "M 1"}), RecordingClient()

        await drs.deregister(first, "s/1")
        await drs.deregister(second, "s/1")

        path = "/deviceModels/M%201/devices/s%2F1/registration"
        assert first.requests == [("DELETE", path, None, headers("DrsDeregister"))]
        assert second.requests == [("DELETE", "/registration", None, headers("DrsDeregister", version="2.0"))]

    async def test_deregister_accepts_missing_registration(self):
        await drs.deregister(RecordingClient(404), "s")
        with pytest.raises(RejectedError):
            await drs.deregister(RecordingClient(400, {"message": "Invalid token"}), "s")

    @pytest.mark.parametrize(
        ("account", "slot", "path"),
        [
            ({}, "1", "/testOrders/slots/1"),
            ({"cancel_test_path": "documented"}, "1", "/testOrders/1"),
            ({}, None, "/testOrders"),
        ],
    )
    async def test_cancel_test_order_by_both_paths(self, account, slot, path):
        client = RecordingClient(body={"slotOrderStatuses": [{"orderStatus": "NO_ORDER_IN_PROGRESS", "slotId": "1"}]})
        client.account = account

        assert await drs.cancel_test_orders(client, slot)
        assert client.requests == [("DELETE", path, None, headers("DrsCancelTestOrders"))]

    async def test_cancel_does_nothing_for_real_orders(self):
        client = RecordingClient()

        assert (await drs.cancel(a.drafted(), client)).status is None
        assert client.requests == []

    async def test_cancel_of_test_order(self):
        reported = {"slotOrderStatuses": [{"orderStatus": "NO_ORDER_IN_PROGRESS", "slotId": "tray 1"}]}

        order = replace(a.drafted(), test=True)

        assert (await drs.cancel(order, RecordingClient(body=reported))).status == "cancelled"

    @pytest.mark.parametrize(
        ("detail", "is_test"),
        [("TEST_ORDER_PLACED", True), ("STANDARD_ORDER_PLACED", False), ("ORDER_INPROGRESS", None)],
    )
    async def test_submit_reports_whether_the_order_is_a_test(self, detail, is_test):
        client = RecordingClient(body={"detailCode": detail, "eventInstanceId": "i1"})

        assert (await drs.submit(a.drafted(), None, client)).test is is_test

    @pytest.mark.parametrize(("country", "level"), [("DE", 1), (None, 33.814023)])
    async def test_levels_are_in_units_of_the_customers_country_then_of_the_providers(self, country, level):
        client = RecordingClient(account={"country": "US"})

        await drs.slot_status(client, use(unit=BaseUnit.MILLILITRE, level=1000, country=country))

        assert client.requests[0][2]["remainingQuantityInUnit"] == level

    async def test_test_order_is_not_sent_for_a_real_device(self):
        client = RecordingClient(body={"detailCode": "STANDARD_ORDER_PLACED", "eventInstanceId": "i1"})

        with pytest.raises(RejectedError, match="acme is a test provider, but its link client has no is_test_device"):
            await drs.submit(replace(a.drafted(), test=True), None, client)

        assert client.requests == []

    @pytest.mark.parametrize(
        "options",
        [
            {"country": "us"},
            {"country": None},
            {"topic_arns": "arn:aws:sns:us-east-1:1:drs"},
            {"topic_arns": [5]},
            {"cancel_test_path": "guessed"},
            {"cancel_test_path": []},
            {"subscription_info_version": "2"},
            {"deregister_version": 3},
            {"is_test_device": "yes"},
            {"device_model": 9},
        ],
    )
    def test_check_options_names_invalid_option(self, options):
        with pytest.raises(ValueError, match=f"{next(iter(options))}: send"):
            drs.check_options(options)

    def test_check_options_accepts_missing_and_unknown(self):
        drs.check_options({"country": "DE", "topic_arns": [], "note": None})

    def test_authorize_extras_contain_device(self):
        extras = drs.authorize_extras({"device_model": "M", "is_test_device": True}, "s1")

        device = {"device_model": "M", "serial": "s1", "is_test_device": True, "should_include_non_live": False}
        assert json.loads(extras["scope_data"]) == {"dash:replenish": device}
