"""Slots that the customer pauses at the provider, links that end there, and what units mean in the customer's country."""

import json
from datetime import timedelta

from replenish_contracts.events import CustomerChanged, DeviceReplaced, SlotMove, SlotSpec
from tests.integration.order_dispatch.drs.environment import device
from tests.support.portal_server import until


async def tell(linked, serial, at, **slots):
    """Publish a notification of these slots' subscriptions, sent at `at`; wait until it is applied."""
    message = {
        "notificationInfo": {
            "notificationType": "SubscriptionChangedNotification",
            "notificationTime": at.isoformat(),
        },
        "deviceInfo": {"deviceIdentifier": {"serialNumber": serial}},
        "subscriptionInfo": {
            "slotsSubscriptionStatus": {name.removeprefix("s"): value for name, value in slots.items()}
        },
    }
    posted = await linked.post_to_shop("shop/publish", json.dumps(message).encode())
    return await linked.wait_for_outcome(posted["MessageId"])


async def changes_of(linked, device_id):
    """Return what was published about a device's slots after the link was created."""
    found = await linked.published_events("ProviderSubscriptionChanged")
    return [(one["slot"], one["subscribed"], one["occurred_at"]) for one in found if one["device_id"] == device_id][2:]


def as_text(at):
    return at.isoformat().replace("+00:00", "Z")


class TestPause:
    async def test_cancels_the_unsent_order_of_its_slot_only(self, linked):
        await device(linked, "w71", 71)
        await linked.add_drafted_order("paused-1", "w71")
        await linked.add_drafted_order("paused-2", "w71", slot="2")

        await linked.post_to_shop("customer/w71/unsubscribe", slot="1")
        cancelled = await linked.reaches("paused-1", "cancelled")

        assert cancelled["cancellation"]["by"] == "pause"
        assert cancelled["cancellation"]["reason"].startswith("paused at amazon since 20")
        assert (await linked.order("paused-2"))["state"] == "drafted"
        assert not [one for one in linked.shop_log("replenish") if one.get("serial") == "w71"]

    async def test_prevents_a_call_that_is_due(self, linked):
        await device(linked, "w72", 72)
        await linked.post_to_shop("customer/w72/unsubscribe", slot="1")
        await linked.wait_for_row(
            "SELECT 1 FROM link_slot JOIN link USING (link_id) WHERE device_id = 'w72' AND slot = '1' AND NOT subscribed"
        )
        await linked.add_placing_order("paused-3", "w72")
        async with linked.kit.transaction() as tx:
            await tx.store.connection.execute("UPDATE orders SET sent_at = NULL WHERE order_id = 'paused-3'")
            tx.store.add_task("provider_call", "paused-3/submit", {"order_id": "paused-3", "request": "submit"})

        cancelled = await linked.reaches("paused-3", "cancelled")

        assert cancelled["cancellation"]["by"] == "pause"

    async def test_is_published_with_the_time_of_the_notification(self, linked):
        await device(linked, "w73", 73)
        at = linked.clock.now() - timedelta(seconds=30)
        await linked.fetch("UPDATE link_slot SET subscription_at = NULL RETURNING 1")

        await tell(linked, "w73", at, s1=False)

        assert await changes_of(linked, "w73") == [("1", False, as_text(at))]

    async def test_notifications_out_of_order_and_repeated_end_in_the_latest_state(self, linked):
        await device(linked, "w74", 74)
        linked.step(hours=1)
        now = linked.clock.now()
        early, late = now - timedelta(minutes=20), now - timedelta(minutes=10)

        await tell(linked, "w74", late, s1=False)
        await tell(linked, "w74", early, s1=True)
        await tell(linked, "w74", late, s1=False)
        await tell(linked, "w74", now, s1=True)

        assert await changes_of(linked, "w74") == [("1", False, as_text(late)), ("1", True, as_text(now))]

    async def test_notification_from_the_future_does_not_hide_later_ones(self, linked):
        await device(linked, "w75", 75)

        await tell(linked, "w75", linked.clock.now() + timedelta(days=400), s1=False)
        linked.step(minutes=1)
        await tell(linked, "w75", linked.clock.now(), s1=True)

        assert [subscribed for _, subscribed, _ in await changes_of(linked, "w75")] == [False, True]

    async def test_is_published_again_for_the_device_that_replaces_another(self, linked):
        await device(linked, "w76", 76)
        await linked.post_to_shop("customer/w76/unsubscribe", slot="1")
        await until(lambda: changes_of(linked, "w76"), "the pause is published")
        replaced = DeviceReplaced(
            customer_id="ann",
            device_id="w76-new",
            registration=1,
            replaces="w76",
            credential_sha256="0" * 64,
            slots=(SlotSpec(slot="1", product_id="pods", unit="C62", capacity=100),),
            moves=(SlotMove(old_slot="1", new_slot="1"),),
        )
        await linked.publish(replaced)

        async def republished():
            found = await linked.published_events("ProviderSubscriptionChanged")
            return [(one["slot"], one["subscribed"]) for one in found if one["device_id"] == "w76-new"]

        assert await until(republished, "the pause is published for the new device") == [("1", False)]


class TestEndedLink:
    async def test_by_the_customer_cancels_unsent_orders(self, linked):
        await device(linked, "w81", 81)
        await linked.add_drafted_order("unlinked-1", "w81")
        (link,) = [one for one in await linked.links("ann") if one["device_id"] == "w81" and one["state"] == "active"]

        await linked.unlink("ann", link["link_id"])

        assert (await linked.reaches("unlinked-1", "cancelled"))["cancellation"]["by"] == "unlink"

    async def test_at_the_provider_cancels_unsent_orders(self, linked):
        await device(linked, "w82", 82)
        await linked.add_drafted_order("unlinked-2", "w82")
        linked.step(minutes=1)

        await linked.post_to_shop("customer/w82/deregister")

        assert (await linked.reaches("unlinked-2", "cancelled"))["cancellation"]["by"] == "unlink"


class TestCountry:
    async def test_of_the_customer_decides_what_a_fluid_ounce_is(self, linked):
        changed = CustomerChanged(customer_id="ann", locale="en", time_zone="Europe/London", country="GB")
        await linked.publish(changed)
        await linked.wait_for_row("SELECT 1 FROM customer_setting WHERE customer_id = 'ann' AND country = 'GB'")

        await device(linked, "w91", 91)

        found = await linked.published_events("ProviderSubscriptionChanged")
        (soap,) = [one for one in found if one["device_id"] == "w91" and one["slot"] == "2"]
        # 103 imperial fluid ounces of 28.41 ml; US ones are 3,046 ml.
        assert soap["items"][0]["quantity"] == 2927


async def test_link_client_of_test_devices_makes_a_test_provider(linked):
    """Such a provider delivers nothing, so its orders are test orders."""
    await linked.put_drs_provider("rehearsal", is_test_device=True)

    providers = (await linked.http.get("/v1/providers", headers=linked.desk.headers("operator"))).json()["providers"]
    changed = [one for one in await linked.published_events("ProviderChanged") if one["provider_id"] == "rehearsal"]

    assert [one["test"] for one in providers if one["provider_id"] == "rehearsal"] == [True]
    assert (changed[-1]["test"], changed[-1]["needs_link"]) == (True, True)
