"""Tests of DRS orders and notifications, including repeated and out-of-order ones."""

import json

import pytest

from replenish_contracts.events import UpdateStatus
from tests.integration.order_dispatch.drs.environment import device
from tests.support.portal_server import until

#: Of the region of the topic.
CERTIFICATE_URL = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-ac565b8b1a6c5d002d285f9598aa1d9b.pem"


async def instance(environment, order_id):
    ((reference,),) = await environment.fetch("SELECT reference FROM orders WHERE order_id = $1", order_id)
    return reference


async def states(environment, order_id):
    return [step["to_state"] for step in (await environment.order(order_id))["history"]]


class TestOrder:
    async def test_order_is_placed_and_shipped(self, linked):
        await device(linked, "w1", 21)
        await linked.add_placing_order("o1", "w1")
        answer = await linked.call_provider("o1")
        await linked.reaches("o1", "placed")

        linked.step(hours=1)
        await linked.post_to_shop("shop/ship", instance=answer.reference)
        shipped = await linked.reaches("o1", "shipped")
        linked.step(days=2)
        delivered = await linked.reaches("o1", "delivered")

        assert answer.reference == await instance(linked, "o1")
        assert shipped["shipped"] == {"quantity": "20", "unit": "C62"}
        assert (delivered["evidence"], await states(linked, "o1")) == (
            "estimated",
            ["drafted", "placing", "placed", "shipped", "delivered"],
        )
        assert [line["instance"] for line in linked.shop_log("placed") if line["serial"] == "w1"] == [answer.reference]

    async def test_fluid_ounces_are_converted_to_millilitres(self, linked):
        await device(linked, "w2", 22)
        await linked.add_placing_order("o2", "w2", slot="2")
        answer = await linked.call_provider("o2")
        await linked.post_to_shop("shop/ship", instance=answer.reference)

        assert (await linked.reaches("o2", "shipped"))["shipped"] == {"quantity": "3046", "unit": "MLT"}

    async def test_shipped_before_placed_notification(self, linked):
        await device(linked, "w3", 23)
        await linked.post_to_shop("shop/resolution", on="true")
        await linked.add_placing_order("o3", "w3")
        answer = await linked.call_provider("o3")
        await linked.post_to_shop("shop/resolution", on="false")
        shipped = await linked.post_to_shop("shop/ship", instance=answer.reference)
        placed = await linked.post_to_shop("shop/settle", instance=answer.reference)

        await linked.reaches("o3", "shipped")

        assert await linked.wait_for_outcome(shipped["MessageId"], "applied")
        assert await linked.wait_for_outcome(placed["MessageId"], "applied")
        assert await states(linked, "o3") == ["drafted", "placing", "placed", "shipped"]

    async def test_resolving_order_waits_for_customer(self, linked):
        await device(linked, "w4", 24)
        await linked.post_to_shop("shop/resolution", on="true")
        await linked.add_placing_order("o4", "w4")
        answer = await linked.call_provider("o4")
        await linked.post_to_shop("shop/resolution", on="false")

        assert (answer.status, (await linked.call_provider("o4", "status")).status) == (None, "resolving")
        order = await linked.order("o4")
        assert (order["state"], order["resolve_by"] is None) == ("placing", False)
        await linked.post_to_shop("shop/settle", instance=answer.reference)
        await linked.reaches("o4", "placed")

    async def test_resolving_order_ends_after_72_hours(self, linked):
        await device(linked, "w8", 28)
        await linked.post_to_shop("shop/resolution", on="true")
        await linked.add_placing_order("o8", "w8")
        await linked.call_provider("o8")
        await linked.post_to_shop("shop/resolution", on="false")
        await linked.call_provider("o8", "status")

        linked.step(hours=73)

        assert (await linked.reaches("o8", "cancelled"))["cancellation"]["by"] == "resolution"

    async def test_cancel_by_customer_at_provider(self, linked):
        await device(linked, "w5", 25)
        await linked.add_placing_order("o5", "w5")
        await linked.call_provider("o5")
        await linked.reaches("o5", "placed")

        await linked.post_to_shop("customer/w5/cancel", slot="1")

        assert (await linked.reaches("o5", "cancelled"))["history"][-1]["to_state"] == "cancelled"

    async def test_unsubscribed_slot_is_refused_with_reason(self, linked):
        await device(linked, "w6", 26)
        await linked.post_to_shop("customer/w6/unsubscribe", slot="1")
        await linked.add_placing_order("o6", "w6")

        answer = await linked.call_provider("o6")

        assert (answer.status, answer.reason) == ("refused", "DRS answered 400: slot 1 is unsubscribed")
        await linked.reaches("o6", "refused")

    async def test_expired_token_places_order_once(self, linked):
        await device(linked, "w7", 27)
        await linked.post_to_shop("customer/w7/expire")
        await linked.add_placing_order("o7", "w7")

        await linked.call_provider("o7")

        await linked.reaches("o7", "placed")
        assert len([line for line in linked.shop_log("placed") if line["serial"] == "w7"]) == 1


class TestUnansweredOrder:
    async def test_notification_assigns_reference(self, linked):
        await device(linked, "w11", 31)
        await linked.add_placing_order("o11", "w11")
        await linked.post_to_shop("shop/lose", answers=1)

        with pytest.raises(Exception, match="the response was 500"):
            await linked.call_provider("o11")
        await linked.reaches("o11", "placed")

        (placed,) = [line for line in linked.shop_log("placed") if line["serial"] == "w11"]
        assert await instance(linked, "o11") == placed["instance"]
        assert (await linked.call_provider("o11", "status")).status is UpdateStatus.ACCEPTED

    async def test_order_in_progress_is_adopted(self, linked):
        await device(linked, "w12", 32)
        posted = await linked.post_to_shop("shop/order", serial="w12", slot="1")
        assert (await linked.wait_for_outcome(posted["MessageId"]))[0] == "unmatched"

        await linked.add_placing_order("o12", "w12")
        answer = await linked.call_provider("o12")

        assert (answer.status, answer.reason) == (None, "an order is already open for this slot")
        assert len([line for line in linked.shop_log("placed") if line["serial"] == "w12"]) == 1
        linked.step(minutes=1)  # triggers the retry of unmatched notifications
        await linked.reaches("o12", "placed")

    async def test_instance_of_earlier_order_is_not_adopted(self, linked):
        await device(linked, "w13", 33)
        await linked.add_placing_order("o13", "w13")
        first = await linked.call_provider("o13")
        await linked.add_placing_order("o13b", "w13")

        second = await linked.call_provider("o13b")

        assert (second.status, second.reference) == ("refused", None)
        assert first.reference in second.reason

    async def test_older_notification_is_not_adopted(self, linked):
        await device(linked, "w14", 34)
        posted = await linked.post_to_shop("shop/order", serial="w14", slot="1")
        await linked.wait_for_outcome(posted["MessageId"], "unmatched")
        old = linked.shop_log("placed")[-1]["instance"]
        linked.step(days=5)
        await linked.add_placing_order("o14", "w14")

        late = notification("OrderCancelledNotification", "w14", old, "2026-03-01T12:00:00Z")
        posted = await linked.post_to_shop("shop/publish", json.dumps(late).encode())

        assert (await linked.wait_for_outcome(posted["MessageId"]))[0] == "unmatched"
        assert (await linked.order("o14"))["state"] == "placing"


def notification(kind, serial, instance_id, at):
    return {
        "notificationInfo": {"notificationType": kind, "notificationTime": at},
        "deviceInfo": {"deviceIdentifier": {"serialNumber": serial}},
        "orderInfo": {"instanceId": instance_id, "slotId": "1"},
    }


class TestUnmatchedNotifications:
    async def test_unmatched_notification_is_listed(self, linked):
        await device(linked, "w21", 41)
        posted = await linked.post_to_shop("shop/order", serial="w21", slot="1")
        assert (await linked.wait_for_outcome(posted["MessageId"]))[0] == "unmatched"

        headers = linked.desk.headers("operator")
        listed = await linked.http.get("/v1/providers/amazon/notifications?outcome=unmatched", headers=headers)
        updates = await linked.http.get("/v1/providers/amazon/updates", headers=headers)

        assert posted["MessageId"] in [one["message_id"] for one in listed.json()["notifications"]]
        assert posted["MessageId"] in [one["update_id"] for one in updates.json()["updates"]]
        denied = await linked.http.get("/v1/providers/amazon/notifications", headers=linked.customer("ann"))
        assert denied.status_code == 403

    async def test_unreadable_message_is_stored_with_reason(self, linked):
        posted = await linked.post_to_shop("shop/publish", b'{"notificationInfo": {}}')

        assert await linked.wait_for_outcome(posted["MessageId"]) == ("unreadable", "notificationType None is unknown")

    async def test_unlinked_device_is_not_applied(self, linked):
        late = notification("DeviceDeregisteredNotification", "unknown", "i", "2026-03-01T12:00:00Z")
        posted = await linked.post_to_shop("shop/publish", json.dumps(late).encode())

        assert await linked.wait_for_outcome(posted["MessageId"]) == ("not_applied", "no link has this device")


class TestEndpoint:
    async def post(self, linked, message, provider="amazon"):
        return await linked.browser.post(f"{linked.url}/v1/sns/{provider}", content=json.dumps(message).encode())

    async def test_repeated_message_is_stored_once_and_counted(self, linked):
        posted = await linked.post_to_shop("shop/publish", b'{"once": 1}')
        await linked.wait_for_outcome(posted["MessageId"])

        again = await self.post(linked, posted)

        assert (again.status_code, again.json()["outcome"]) == (200, "repeated")
        repeats = await linked.fetch("SELECT repeats FROM sns_message WHERE message_id = $1", posted["MessageId"])
        assert repeats == [(1,)]

    @pytest.mark.parametrize(
        ("changes", "status", "code"),
        [
            ({"Message": '{"forged": 1}'}, 403, "not_signed"),
            ({"TopicArn": "arn:aws:sns:us-east-1:666666666666:drs"}, 403, "not_our_topic"),
            ({"SigningCertURL": "https://sns.us-east-1.amazonaws.com.evil.example/a.pem"}, 403, "not_signed"),
            ({"SigningCertURL": None}, 403, "not_signed"),
            ({"SigningCertURL": f"{CERTIFICATE_URL}?x=1"}, 403, "not_signed"),
            ({"SigningCertURL": f"{CERTIFICATE_URL}#x"}, 403, "not_signed"),
            ({"SigningCertURL": CERTIFICATE_URL.replace("https", "http")}, 403, "not_signed"),
            ({"SignatureVersion": "1"}, 403, "not_signed"),
            ({"Type": "Command"}, 403, "not_signed"),
            ({"MessageId": 5}, 400, "malformed_message"),
            ({"MessageId": ""}, 400, "malformed_message"),
            ({"Message": "\ud800"}, 400, "malformed_json"),
            ({"MessageAttributes": {"version": float("nan")}}, 400, "malformed_json"),
        ],
    )
    async def test_message_with_invalid_signature_is_refused(self, linked, changes, status, code):
        posted = await linked.post_to_shop("shop/publish", b'{"true": 1}')

        answer = await self.post(linked, posted | changes)

        assert (answer.status_code, answer.json()["code"]) == (status, code)

    async def test_provider_without_topic_is_refused(self, linked):
        posted = await linked.post_to_shop("shop/publish", b'{"true": 2}')

        assert (await self.post(linked, posted, "unknown")).status_code == 404

    @pytest.mark.parametrize(
        ("body", "headers"),
        [
            (b'{"notificationInfo": {}}', {"x-amz-sns-rawdelivery": "true"}),
            (b"no JSON at all", {"x-amz-sns-rawdelivery": "True"}),
            (b"[]", {"x-amz-sns-rawdelivery": "true", "x-amz-sns-message-type": "Notification"}),
            (b'{"notificationInfo": {}}', {}),
        ],
        ids=["notification", "text", "list", "without the header"],
    )
    async def test_raw_delivery_is_named(self, linked, body, headers):
        answer = await linked.browser.post(f"{linked.url}/v1/sns/amazon", content=body, headers=headers)

        assert (answer.status_code, answer.json()["code"]) == (400, "raw_delivery")
        assert "RawMessageDelivery" in answer.json()["errors"][0]["remedy"]

    async def test_envelope_with_header_of_raw_delivery_is_verified(self, linked):
        posted = await linked.post_to_shop("shop/publish", b'{"envelope": 1}')
        answer = await linked.browser.post(
            f"{linked.url}/v1/sns/amazon",
            content=json.dumps(posted | {"Message": "forged"}).encode(),
            headers={"x-amz-sns-rawdelivery": "true"},
        )

        assert (answer.status_code, answer.json()["code"]) == (403, "not_signed")

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"MessageId": "a\\u0000b"}'])
    async def test_invalid_body_is_refused(self, linked, body):
        answer = await linked.browser.post(f"{linked.url}/v1/sns/amazon", content=body)

        assert answer.status_code == 400

    async def test_subscription_is_confirmed(self, linked):
        assert linked.shop_log("confirmed")
        row = "SELECT outcome, reason FROM sns_message WHERE type = 'SubscriptionConfirmation'"
        assert set(await linked.fetch(row)) == {("applied", "confirmed")}


class TestSubscriptions:
    async def test_changed_subscription_is_published(self, linked):
        await device(linked, "w31", 51)
        await linked.post_to_shop("customer/w31/unsubscribe", slot="1")

        async def told():
            found = [
                one for one in await linked.published_events("ProviderSubscriptionChanged") if one["device_id"] == "w31"
            ]
            return found if not found[-1]["subscribed"] else None

        found = await until(told, "the subscription changed")
        followed = [one for one in await linked.published_events("SlotFollowed") if one["device_id"] == "w31"]

        assert {(one["slot"], one["items"][0]["reference"], one["items"][0]["quantity"]) for one in found[:2]} == {
            ("1", "B1", 20),
            ("2", "B2", 3046),
        }
        assert (found[-1]["slot"], found[-1].get("items", [])) == ("1", [])
        assert [(one["slot"], one["following"]) for one in followed][-1] == ("1", False)

    async def test_older_notification_is_ignored(self, linked):
        await device(linked, "w32", 52)
        old = notification("SubscriptionChangedNotification", "w32", "", "2020-01-01T00:00:00Z")
        old["subscriptionInfo"] = {"slotsSubscriptionStatus": {"1": False}}

        posted = await linked.post_to_shop("shop/publish", json.dumps(old).encode())
        await linked.wait_for_outcome(posted["MessageId"])

        rows = "SELECT subscribed FROM link_slot JOIN link USING (link_id) WHERE device_id = 'w32' ORDER BY slot"
        assert await linked.fetch(rows) == [(True,), (True,)]


class TestDeregistration:
    async def test_deregistration_ends_link_and_allows_new_link(self, linked):
        await device(linked, "w41", 61)
        (link,) = [one for one in await linked.links("ann") if one["device_id"] == "w41"]

        linked.step(minutes=1)
        await linked.post_to_shop("customer/w41/deregister")

        gone = """SELECT 1 FROM link WHERE link_id = $1 AND state = 'ended' AND access_sealed IS NULL
            AND refresh_sealed IS NULL AND remote_customer IS NULL"""
        await linked.wait_for_row(gone, link["link_id"])
        assert await linked.fetch("SELECT 1 FROM link_slot WHERE link_id = $1", link["link_id"]) == []
        ended = [one["reason"] for one in await linked.published_events("LinkEnded") if one["device_id"] == "w41"]
        assert ended == ["deregistered at the provider"]
        await device(linked, "w41", 61)

    async def test_late_deregistration_keeps_newer_link(self, linked):
        await device(linked, "w42", 62)
        late = notification("DeviceDeregisteredNotification", "w42", "", "2026-02-28T12:00:00Z")

        posted = await linked.post_to_shop("shop/publish", json.dumps(late).encode())

        assert await linked.wait_for_outcome(posted["MessageId"]) == (
            "not_applied",
            "the device has been linked again since then",
        )
