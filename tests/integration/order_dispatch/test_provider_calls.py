"""Providers that are called: each order is submitted once, even if the result of the call is unknown."""

import pytest

from replenish_contracts.events import DeviceDeregistered, DeviceRegistered, SlotSpec
from tests.integration.order_dispatch.shop import shop
from tests.support import orders as a
from tests.support.portal_server import until

pytestmark = pytest.mark.usefixtures("protocols_of_tests")


@pytest.fixture
async def counter():
    async with shop() as opened:
        yield opened


async def opened(world, counter, name, **account):
    await world.put_provider(name, protocol="courier", url=counter.url, account=account)
    return await world.approve(name)


async def event_types(world, order_id):
    return [event["type"] for event in await world.events(order_id)]


async def requested(counter, order_id, what):
    async def was():
        return what in counter.requests_for(order_id)

    await until(was, f"{order_id}: {what}")


async def retried(world, order_id, request="submit"):
    async def was():
        async with world.kit.read() as store:
            return await store.connection.fetchval(
                "SELECT attempt > 1 FROM task WHERE kind = 'provider_call' AND id LIKE $1", f"{order_id}/{request}%"
            )

    await until(was, f"{order_id}: another {request}")


class TestSubmit:
    async def test_submit_places_order_with_providers_reference(self, world, counter):
        order_id = await opened(world, counter, "plain")

        placed = await world.reaches(order_id, "placed")

        assert placed["reference"] == f"S-{order_id}"
        assert [update["update_id"] for update in placed["updates"]] == [f"call-{order_id}/submit"]
        assert counter.cities == ["Ulm"]
        assert [step["to_state"] for step in placed["history"]] == ["drafted", "placing", "placed"]

    async def test_submit_refused_ends_order_with_providers_reason(self, world, counter):
        counter.mood = "refuses"
        order_id = await opened(world, counter, "choosy")

        refused = await world.reaches(order_id, "refused")

        assert refused["updates"][0]["provider_reason"] == "refuses"

    async def test_submit_without_status_waits_for_update(self, world, counter):
        counter.mood = "silent"
        order_id = await opened(world, counter, "quiet")
        await requested(counter, order_id, "deliver")

        async def has_number():
            return (await world.order(order_id))["reference"]

        await until(has_number, "the provider's number is known")
        counter.book[order_id] = "accepted"
        world.step(hours=24)

        placed = await world.reaches(order_id, "placed")
        assert "unknown" in [step["to_state"] for step in placed["history"]]

    async def test_submit_is_retried_if_nothing_was_done(self, world, counter):
        counter.mood = "busy"
        order_id = await opened(world, counter, "popular")
        await retried(world, order_id)
        assert (await world.order(order_id))["state"] == "placing"

        counter.mood = "accepts"
        await world.reaches(order_id, "placed")

        assert {key for what, _, key in counter.requested if what == "deliver"} == {f"{order_id}-deliver"}

    async def test_submit_fails_after_answer_hours_without_connection(self, world, counter):
        counter.mood = "busy"
        order_id = await opened(world, counter, "crowded")
        await retried(world, order_id)

        world.step(hours=24)
        failed = await world.reaches(order_id, "failed")

        assert failed["history"][-1]["because"] == "crowded could not be reached for 24 hours"
        assert counter.book == {}

    async def test_submit_is_retried_if_provider_is_down(self, world, counter):
        await world.put_provider("away", protocol="courier", url="http://127.0.0.1:9")
        order_id = await world.approve("away")

        await retried(world, order_id)

        assert (await world.order(order_id))["state"] == "placing"
        await world.cancel(order_id)
        await world.reaches(order_id, "cancelled")


class TestUnknown:
    @pytest.mark.parametrize("mood", ["breaks", "garbage"])
    async def test_unknown_order_is_found_by_status_request(self, world, counter, mood):
        counter.mood = mood
        order_id = await opened(world, counter, mood)

        placed = await world.reaches(order_id, "placed")

        assert [step["to_state"] for step in placed["history"]] == ["drafted", "placing", "unknown", "placed"]
        assert counter.requests_for(order_id) == ["deliver", "status"]
        assert list(counter.book) == [order_id]

    async def test_not_found_is_not_applied_while_call_may_be_running(self, world, counter):
        counter.mood = "slow"
        order_id = await opened(world, counter, "tardy", timeout=0.3)
        await world.reaches(order_id, "unknown")
        await requested(counter, order_id, "status")  # the answer is that there is no such order

        counter.mood = "accepts"
        counter.go.set()

        async def taken():
            return counter.book

        await until(taken, "the order is taken after all")
        world.step(hours=2)
        await world.reaches(order_id, "placed")
        assert counter.requests_for(order_id).count("deliver") == 1

    async def test_not_found_fails_order_once_call_has_ended(self, world, counter):
        counter.mood = "lost"
        order_id = await opened(world, counter, "leaky")
        unknown = await world.reaches(order_id, "unknown")
        await requested(counter, order_id, "status")

        async def told():
            return (await world.order(order_id))["updates"]

        (early,) = await until(told, "the answer was kept")
        world.step(hours=2)
        failed = await world.reaches(order_id, "failed")

        assert (early["status"], early["outcome"]) == ("not_found", "not_applied")
        assert unknown["history"][-1]["because"] == "no clear result from leaky: RuntimeError"
        assert failed["history"][-1]["because"].startswith("leaky reported not_found")
        assert counter.requests_for(order_id).count("deliver") == 1


class TestCancel:
    async def test_cancel_calls_provider_and_applies_its_answer(self, world, counter):
        order_id = await opened(world, counter, "kind")
        await world.reaches(order_id, "placed")

        assert (await world.cancel(order_id)).status_code == 202
        cancelled = await world.reaches(order_id, "cancelled")

        assert cancelled["cancellation"]["by"] == "customer"
        assert counter.requests_for(order_id) == ["deliver", "cancel"]
        assert await event_types(world, order_id) == ["OrderDrafted", "OrderPlaced", "OrderCancelled"]

    async def test_cancel_before_submission_sends_nothing(self, world, counter):
        counter.mood = "busy"
        order_id = await opened(world, counter, "queue")
        await retried(world, order_id)

        assert (await world.cancel(order_id)).status_code == 202
        await world.reaches(order_id, "cancelled")

        assert set(counter.requests_for(order_id)) == {"deliver"}
        assert counter.book == {}

    async def test_deregistration_before_submission_sends_nothing(self, world, counter):
        counter.mood = "busy"
        await world.put_provider("farewell", protocol="courier", url=counter.url)
        slots = (SlotSpec(slot="1", product_id="pods", unit="C62", capacity=100),)
        await world.publish(
            DeviceRegistered(
                customer_id="ann", device_id="leaver", registration=1, credential_sha256="0" * 64, slots=slots
            )
        )
        approved = a.approved(order_id="farewell-1", pool_id="farewell-1", provider_id="farewell", device_id="leaver")
        await world.publish(approved)
        await retried(world, "farewell-1")

        await world.publish(DeviceDeregistered(customer_id="ann", device_id="leaver", registration=1))

        cancelled = await world.reaches("farewell-1", "cancelled")
        assert cancelled["cancellation"]["by"] == "deregistration"
        counter.mood = "accepts"
        assert counter.book == {}

    async def test_cancel_waits_for_end_of_submission(self, world, counter):
        counter.mood = "slow"
        order_id = await opened(world, counter, "overtaken")
        await requested(counter, order_id, "deliver")

        assert (await world.cancel(order_id)).status_code == 202
        await retried(world, order_id, "cancel")
        assert counter.requests_for(order_id) == ["deliver"]

        counter.mood = "accepts"
        counter.go.set()
        await world.reaches(order_id, "cancelled")
        assert counter.requests_for(order_id) == ["deliver", "cancel"]
        assert counter.book == {order_id: "cancelled"}


class TestResolution:
    async def test_resolving_cancels_after_providers_hours(self, world, counter):
        counter.mood = "silent"
        order_id = await opened(world, counter, "problem")
        await requested(counter, order_id, "deliver")

        async def got_through():
            async with world.kit.read() as store:
                return (await store.find_order(order_id)).sent_at

        await until(got_through, "the call is over, and the wait for an answer begins")
        counter.book[order_id] = "resolving"
        world.step(hours=24)

        async def waits():
            return (await world.order(order_id))["resolve_by"]

        await until(waits, "the problem is known")
        world.step(hours=72)
        cancelled = await world.reaches(order_id, "cancelled")

        assert cancelled["cancellation"]["by"] == "resolution"
        await requested(counter, order_id, "cancel")


class TestAddress:
    async def test_address_is_not_stored(self, world, counter):
        order_id = await opened(world, counter, "discreet")
        await world.reaches(order_id, "placed")

        async with world.kit.read() as store:
            for table in ("orders", "order_history", "provider_update", "task"):
                kept = await store.connection.fetchval(f"SELECT string_agg(to_jsonb(t)::text, '') FROM {table} t")
                assert "Elm 1" not in kept
