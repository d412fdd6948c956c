"""The running service on a real broker: events in, events and HTTP responses out."""

import asyncio
import json

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from libs.kit.clock import SteppedClock
from libs.kit.testing import running
from replenish_contracts import wire
from replenish_contracts.catalogue import topic_of
from replenish_contracts.events import DeviceDeregistered, SlotMeasured, SlotRefilled, SlotUsed
from replenish_contracts.topics import partition_for
from services.consumption.service import SERVICE
from tests.integration.consumption import reported
from tests.integration.consumption.reported import NOON, at, spec
from tests.support.portal_server import portal, until

#: Generous because other tests share the machine.
DEADLINE_SECONDS = 120


class Environment:
    """Clients of the service and its broker."""

    def __init__(self, kit, kafka_url, desk, producer, clock):
        self.kit, self.kafka_url, self.desk, self.producer, self.clock = kit, kafka_url, desk, producer, clock
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app=kit.app), base_url="http://consumption")
        self._sequences: dict = {}

    async def publish(self, event, event_id=None):
        topic, key = topic_of(event), event.key.encode()
        place = (topic, partition_for(key, 12))
        number = None
        if topic != "usage":
            number = self._sequences[place] = self._sequences.get(place, 0) + 1
        value = wire.encode(event, id=event_id or f"{place}-{number}", source="/test", time=NOON, sequence=number)
        await self.producer.send_and_wait(topic, value, key, partition=place[1])

    async def report(self, kind, seq=None, *, device_id="brewer", slot="1", hours=0, boot="b1", **fields):
        counted = {"boot": boot, "seq": seq} if seq else {}
        times = {"occurred_at": at(hours), "received_at": at(hours)}
        await self.publish(kind(device_id=device_id, slot=slot, **counted, **times, **fields))

    async def get(self, path, role="operator", **claims):
        return await self.http.get(f"/v1/devices/{path}", headers=self.desk.headers(role, **claims))

    async def settled(self, path, **expected):
        """Wait until the slot has these values, and return the slot."""

        async def shows():
            answer = await self.get(path)
            shown = answer.json()
            return shown if answer.status_code == 200 and expected.items() <= shown.items() else None

        return await until(shows, f"{path} shows {expected}", DEADLINE_SECONDS)

    async def said(self, count, **about):
        """Wait for enough events of a device on `slots`, and return them."""
        place = TopicPartition("slots", partition_for(about["device_id"].encode(), 12))
        async with AIOKafkaConsumer(bootstrap_servers=self.kafka_url, enable_auto_commit=False) as consumer:
            consumer.assign([place])
            await consumer.seek_to_beginning(place)
            found = []

            async def enough():
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    values = [json.loads(record.value) for record in records]
                    found.extend(value for value in values if about.items() <= value["data"].items())
                return len(found) >= count

            await until(enough, f"{count} events about {about}", DEADLINE_SECONDS)
        return found


@pytest.fixture(scope="module")
async def world(database, kafka_url, tmp_path_factory):
    clock = tmp_path_factory.mktemp("consumption") / "clock"
    stepped = SteppedClock.create(clock, NOON)
    async with (
        portal() as desk,
        running(SERVICE, kafka_url=kafka_url, database_urls=database, portal_url=desk.url, clock_file=clock) as kit,
        AIOKafkaProducer(bootstrap_servers=kafka_url, acks="all") as producer,
    ):
        world = Environment(kit, kafka_url, desk, producer, stepped)
        yield world
        await world.http.aclose()


class TestHousehold:
    async def test_household_uses_crosses_and_refills(self, world):
        slots = (spec(level=30, unit="GRM", scale=1, capacity=1000, name="Beans"),)
        await world.publish(reported.registered("grinder", slots=slots))
        await world.settled("grinder/slots/1", level="3")
        await world.publish(reported.trigger(device_id="grinder", at_level=20))
        await until(lambda: self.armed(world), "the trigger is armed", DEADLINE_SECONDS)
        for day, quantity in enumerate([5, 3, 4], 1):
            await world.report(SlotUsed, day, device_id="grinder", hours=24 * day, quantity=quantity)
        await world.report(SlotRefilled, 4, device_id="grinder", hours=75, quantity=500)

        shown = await world.settled("grinder/slots/1", level="51.8")
        said = await world.said(2, device_id="grinder")

        assert (shown["level_steps"], shown["capacity"], shown["unit"], shown["state"]) == (518, "100", "GRM", "normal")
        assert shown["books"]["used_steps"] == 12
        assert [one["type"] for one in said] == ["ThresholdCrossed", "SlotFilled"]
        assert (said[0]["data"]["level"], said[0]["data"]["epoch"]) == (18, 1)
        assert (said[1]["data"]["quantity"], said[1]["data"]["cause"]) == (500, "reported")
        days = (await world.get("grinder/slots/1/history")).json()["days"]
        assert [day["used"] for day in days[-3:]] == ["0.5", "0.3", "0.4"]

    async def test_reports_before_registration_are_processed_after_it(self, world):
        for seq in (1, 2, 3):
            await world.report(SlotUsed, seq, device_id="early", quantity=10)
        await until(lambda: self.held(world), "the reports wait", DEADLINE_SECONDS)

        await world.publish(reported.registered("early"))

        shown = await world.settled("early/slots/1", level="70")
        assert shown["books"]["last_seq"] == 3

    async def test_deregistered_household_is_deleted(self, world):
        await world.publish(reported.registered("leaver"))
        await world.report(SlotMeasured, device_id="leaver", level=40, by="person")
        await world.settled("leaver/slots/1", level="40")
        await world.publish(DeviceDeregistered(customer_id="ann", device_id="leaver", registration=1))

        async def is_gone():
            return (await world.get("leaver/slots/1")).status_code == 404

        await until(is_gone, "the device is forgotten", DEADLINE_SECONDS)

    @staticmethod
    async def armed(world):
        async with world.kit.read() as store:
            return [slot for slot in await store.list_slots("grinder") if slot.trigger.armed]

    @staticmethod
    async def held(world):
        async with world.kit.read() as store:
            return await store.connection.fetchval("SELECT count(*) = 3 FROM deferred WHERE key = 'early'")


class TestApi:
    @pytest.fixture
    async def device(self, world):
        await world.publish(reported.registered("shown", slots=(spec(level=50), spec("2", product_id="milk"))))
        await world.settled("shown/slots/1")
        return "shown/slots"

    async def test_owner_gets_all_slots(self, world, device):
        answer = await world.get(device, "customer", customer_id="ann")

        assert [(slot["slot"], slot["product_id"]) for slot in answer.json()["slots"]] == [("1", "pods"), ("2", "milk")]

    @pytest.mark.parametrize("place", ["", "/1", "/1/history"])
    async def test_other_customer_gets_404_as_for_unknown_device(self, world, device, place):
        foreign = await world.get(device + place, "customer", customer_id="bob")
        absent = await world.get("nowhere/slots" + place, "customer", customer_id="bob")

        assert (foreign.status_code, foreign.json()) == (404, absent.json())

    @pytest.mark.parametrize(("role", "status"), [("service", 200), ("operator", 200), ("provider", 404)])
    async def test_roles_are_checked(self, world, device, role, status):
        assert (await world.get(f"{device}/1", role)).status_code == status

    async def test_token_is_required(self, world, device):
        assert (await world.http.get(f"/v1/devices/{device}")).status_code == 401

    async def test_slot_has_all_fields(self, world, device):
        shown = (await world.get(f"{device}/1")).json()

        assert (shown["level"], shown["rate_prior_share"], shown["rate_per_day"]) == ("50", 1.0, "3.3333")
        assert {
            "uncertainty_steps",
            "run_out_at",
            "last_report_at",
            "capacity",
            "loading",
            "fill",
            "name",
        } <= shown.keys()
        assert shown["books"]["opening_steps"] == 50

    async def test_days_are_paginated(self, world):
        await world.publish(reported.registered("paged", slots=(spec(level=10**6, capacity=10**6),)))
        for day in range(70):
            await world.report(SlotUsed, day + 1, device_id="paged", hours=24 * day, quantity=day)
        await world.settled("paged/slots/1", level_steps=10**6 - sum(range(70)))
        async with world.kit.transaction() as tx:
            await tx.store.file_days(10)

        pages, path = [], "paged/slots/1/history?limit=30&from=2026-01-02"
        while True:
            page = (await world.get(path)).json()
            pages.append([day["used_steps"] for day in page["days"]])
            if page["next"] is None:
                break
            path = f"paged/slots/1/history?limit=30&cursor={page['next']}"

        assert pages == [list(range(1, 31)), list(range(31, 61)), list(range(61, 70))]
        some = (await world.get("paged/slots/1/history?from=2026-02-01&to=2026-02-03")).json()["days"]
        assert [day["day"] for day in some] == ["2026-02-01", "2026-02-02", "2026-02-03"]

    async def test_page_size_is_limited(self, world, device):
        answer = await world.get(f"{device}/1/history?limit=100000")

        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_thousand_reports_are_applied_once(world):
    slots = tuple(spec(str(n), level=10**6, capacity=10**6) for n in range(5))
    await world.publish(reported.registered("busy", slots=slots))
    await asyncio.gather(
        *(
            world.report(SlotUsed, seq, device_id="busy", slot=str(slot), quantity=2)
            for seq in range(1, 101)
            for slot in range(5)
            for _ in range(2)
        )
    )

    for slot in range(5):
        shown = await world.settled(f"busy/slots/{slot}", level_steps=10**6 - 200)
        assert shown["books"]["used_steps"] == 200


async def test_jump_is_shown_and_counts_by_itself(world):
    """The clock of this test steps, so it is the last one of the module."""
    await world.publish(reported.registered("jar", slots=(spec(level=90, unit="GRM", scale=1, capacity=1000),)))
    await world.publish(reported.trigger(device_id="jar", at_level=20))
    await world.settled("jar/slots/1", level="9")
    await world.report(SlotMeasured, 1, device_id="jar", hours=1, level=900)

    async def waits():
        shown = (await world.get("jar/slots/1")).json()
        return shown if shown["pending"] else None

    shown = await until(waits, "the reading waits", DEADLINE_SECONDS)
    world.clock.step_to(at(26))
    counted = await world.settled("jar/slots/1", level="90", pending=None)

    assert (shown["level"], shown["books"]["last_seq"]) == ("9", 1)
    assert (shown["pending"]["level"], shown["pending"]["level_steps"]) == ("90", 900)
    assert shown["pending"]["counts_at"] == "2026-01-02T12:00:00Z"
    assert counted["books"]["received_steps"] == 810
    [filled] = await world.said(1, device_id="jar")
    assert (filled["type"], filled["data"]["quantity"]) == ("SlotFilled", 810)
