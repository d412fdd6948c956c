"""Log lines and events carry the ids of their cause."""

import json
import logging

from fastapi import APIRouter

from libs.kit.http.dependencies import KitDep
from libs.kit.logs import JsonLines
from replenish_contracts.events import DeviceRegistered
from tests.support import kit_events as a
from tests.support import toy_service as toy
from tests.support.kit_environment import ask, until

TRACE = "00-{:032x}-b7ad6b7169203331-01"


def used(device, trace):
    event = json.loads(a.slot_used(device))
    return json.dumps(event | {"traceparent": TRACE.format(trace)}).encode()


class TestATrace:
    async def test_goes_through_a_batch_with_each_record(self, world):
        """The journey begins with usage, which is handled in batches: the last record's trace is not the others'."""
        await world.publish("usage", [("one", used("one", 1)), ("two", used("two", 2)), ("none", a.slot_used("none"))])
        async with world.running():
            await world.has_applied(3)
            await world.has_published()

        traces = {told["subject"]: told.get("traceparent") for told in await world.said("slots")}
        assert traces["none"] is None
        assert [traces[device].split("-")[1] for device in ("one", "two")] == [f"{1:032x}", f"{2:032x}"]
        assert traces["one"].split("-")[2] != "b7ad6b7169203331", "a span of our own"

    async def test_goes_through_single_events_with_each(self, world):
        await world.say(a.device_registered("ann", "first"), traceparent=TRACE.format(1))
        await world.say(a.device_registered("ann", "second"), traceparent=TRACE.format(2))
        async with world.running():
            await world.has_applied(2)
            await world.has_published()

        traces = {told["subject"]: told["traceparent"].split("-")[1] for told in await world.said("slots")}
        assert traces == {"first": f"{1:032x}", "second": f"{2:032x}"}

    async def test_goes_through_a_request(self, world):
        async def command(kit):
            async with kit.transaction() as transaction:
                transaction.publish(a.slot_filled("asked"))

        async with world.running(api(world, command)) as kit:
            answer = await ask(kit, "/command", "POST", headers={"traceparent": TRACE.format(7)})
            assert answer.status_code == 200
            await world.has_published()

        (told,) = await world.said("slots")
        assert told["traceparent"].split("-")[1] == f"{7:032x}"

    async def test_that_is_none_is_not_passed_on(self, world):
        broken = json.loads(a.slot_used("d")) | {"traceparent": "junk; DROP TABLE"}
        await world.publish("usage", [("d", json.dumps(broken).encode())])
        async with world.running():
            await world.has_applied(1)
            await world.has_published()

        (told,) = await world.said("slots")
        assert "traceparent" not in told


class TestALogLine:
    async def test_names_the_event_and_its_cause(self, world, caplog):
        async def on_device_registered(event, store):
            logging.getLogger("toy").warning("seen", extra={"customer": event.customer_id})
            return []

        lines = Lines()
        async with world.running(world.service(consumes={DeviceRegistered: on_device_registered})):
            with lines:
                await world.say(a.device_registered("ann"), cause="why", traceparent=TRACE.format(1))
                await until(lambda: lines.find("seen"), "the line is written")

        line = lines.find("seen")
        assert line["event"] == "accounts-1-ann"
        assert line["cause"] == "why"
        assert line["traceparent"] == TRACE.format(1)
        assert (line["service"], line["customer"], line["level"]) == ("toy", "ann", "WARNING")

    async def test_of_a_failing_handler_names_the_event_and_the_place(self, world):
        async def on_usage(records, store):
            if any(record.key == "bad" for record in records):
                raise ValueError("boom")
            return await toy.on_usage(records, store)

        lines = Lines()
        with lines:
            await world.use(("good", 1), ("bad", 1))
            async with world.running(world.service(consumes_in_batches={"usage": on_usage})):
                await until(lambda: world.value("SELECT 1 FROM deferred"), "the bad one is held")
                await world.use(("good", 2))
                await world.has_applied(2)

        line = lines.find("handler failed")
        assert line["event"] == "bad-1"
        assert line["topic"] == "usage"
        assert "ValueError: boom" in line["trace"]
        later = [line for line in lines.all() if line["message"] == "ready"]
        assert all("event" not in line for line in later)

    def test_is_one_line_whatever_is_in_it(self):
        record = logging.makeLogRecord(
            {"msg": 'a\nb "c" \x00 %s', "args": ("d\n",), "what": object(), "occurred_at": "mine"}
        )

        line = JsonLines("toy", 0).format(record)

        assert "\n" not in line
        assert json.loads(line)["message"] == 'a\nb "c" \x00 d\n'


class Lines(logging.Handler):
    """Catches log lines as a process would write them."""

    def __init__(self):
        super().__init__()
        self._lines = []
        self.setFormatter(JsonLines("toy", 0))

    def emit(self, record):
        self._lines.append(self.format(record))

    def all(self):
        return [json.loads(line) for line in self._lines]

    def find(self, message):
        return next((line for line in self.all() if line["message"] == message), None)

    def __enter__(self):
        logging.getLogger().addHandler(self)

    def __exit__(self, *_):
        logging.getLogger().removeHandler(self)


def api(world, command):
    router = APIRouter()

    @router.post("/command")
    async def route(kit: KitDep):
        await command(kit)
        return {}

    return world.service(api=router)
