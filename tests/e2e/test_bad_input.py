"""Invalid input is refused with a code or becomes a dead letter with its reason; nothing is dropped silently."""

import json

import pytest

from deploy.local.waiting import until
from tests.support import households as a
from tests.support.event_log import event

DEEP = b"[" * 5000 + b"]" * 5000
PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
async def home(world):
    return await world.move_in(a.household(level=10, at_level=3))


@pytest.fixture(scope="module")
async def neighbour(world):
    return await world.move_in(a.household(level=10, at_level=3))


def good(home, **changes):
    """Return a valid report with changes; a field changed to `...` is omitted."""
    at = home.world.clock.now().isoformat()
    report = {
        "type": "SlotUsed",
        "slot": "1",
        "quantity": 1,
        "unit": "count",
        "boot": "bad",
        "seq": 1,
        "occurred_at": at,
    }
    return {name: value for name, value in (report | changes).items() if value is not ...}


class TestBodies:
    @pytest.mark.parametrize(
        ("body", "headers", "status", "code"),
        [
            (b'{"type": "SlotUsed",', {}, 400, "malformed_json"),
            (b"\xff\xfe", {}, 400, "malformed_json"),
            (b"", {}, 400, "empty"),
            (b"[]", {}, 400, "empty"),
            (b"7", {}, 422, "not_an_object"),
            (DEEP, {}, 400, "too_deep"),
            (b"[" + b",".join([b"{}"] * 1001) + b"]", {}, 413, "too_many_reports"),
            (b"[" + b" " * 10_000_000 + b"]", {}, 413, "body_too_large"),
            (b"{}", {"content_type": "text/csv"}, 415, "unsupported_media_type"),
            (b"{}", {"content_encoding": "gzip"}, 415, "unsupported_encoding"),
            (b"{}", {"content_type": "application/cloudevents+json"}, 422, "invalid_cloudevent"),
            (b"{}", {"ce_specversion": "0.3", "ce_id": "1", "ce_source": "/x", "ce_type": "SlotUsed"}, 422, "invalid_cloudevent"),
            (b"{}", {"ce_specversion": "1.0", "ce_id": "1", "ce_source": "/x", "ce_type": "SlotUsedV9"}, 422, "unknown_type"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )  # fmt: skip
    async def test_body_is_refused(self, world, home, body, headers, status, code):
        written = await world.log.written("usage")
        known = {"content_type": "application/json", "authorization": f"Bearer {home.credentials[home.device_id]}"}

        answer = await world.gateway.raw(body, **known | headers)

        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == PROBLEM
        assert await world.log.written("usage") == written

    @pytest.mark.parametrize(
        "credential", ["", "Bearer rpl_dev_unknown", "Bearer e30.e30.e30", "Basic b3BlbjpzZXNhbWU="]
    )
    async def test_unknown_credential_is_refused(self, world, home, credential):
        answer = await world.gateway.raw(
            json.dumps(good(home)).encode(), content_type="application/json", authorization=credential
        )

        assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM)
        assert answer.json()["code"] == "unauthorized"


class TestReports:
    @pytest.mark.parametrize(
        ("changes", "status", "code", "field"),
        [
            ({"type": "SlotAdored"}, 422, "unknown_type", "type"),
            ({"type": ...}, 422, "unknown_type", "type"),
            ({"slot": "9"}, 422, "unknown_slot", "slot"),
            ({"slot": ...}, 422, "missing_field", "slot"),
            ({"unit": "kg"}, 422, "wrong_dimension", "unit"),
            ({"unit": "furlong"}, 422, "unknown_unit", "unit"),
            ({"quantity": -1}, 422, "out_of_range", "quantity"),
            ({"quantity": 10**30}, 422, "out_of_range", "quantity"),
            ({"quantity": "1e300"}, 422, "out_of_range", "quantity"),
            ({"quantity": 100_000}, 422, "quantity_too_large", "quantity"),
            ({"quantity": "many"}, 422, "not_a_number", "quantity"),
            ({"quantity": 0.5}, 422, "not_whole", "quantity"),
            ({"quantity": ...}, 422, "missing_field", "quantity"),
            ({"quantity": [1]}, 422, "invalid_field", "quantity"),
            ({"occurred_at": "2036-01-01T00:00:00Z"}, 422, "time_in_future", "occurred_at"),
            ({"seq": ..., "boot": ..., "occurred_at": "1970-01-01T00:00:00Z"}, 422, "time_ancient", "occurred_at"),
            ({"type": "SlotMeasured", "quantity": ..., "level": 10**6}, 422, "level_above_capacity", "level"),
            ({"occurred_at": "2026-01-05T08:00:00"}, 422, "invalid_field", "occurred_at"),
            ({"seq": ...}, 422, "missing_field", "seq"),
            ({"seq": 0}, 422, "invalid_field", "seq"),
            ({"seq": ..., "boot": ..., "occurred_at": ...}, 422, "no_identity", "id"),
            ({"quantitiy": 1}, 422, "unknown_field", "quantitiy"),
            ({"slot": "1\0"}, 422, "invalid_field", "slot"),
            ({"device_id": "nobodys"}, 403, "foreign_device", "device_id"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    async def test_report_is_refused_with_field(self, world, home, changes, status, code, field):
        written = await world.log.written("usage")

        answer = await world.gateway.post(home.credentials[home.device_id], [good(home, **changes)])

        told = answer.json()
        assert (answer.status_code, told["code"]) == (status, code)
        assert answer.headers["content-type"] == PROBLEM
        [refused] = told["refused"]
        assert (refused["index"], refused["code"], refused["field"]) == (0, code, field)
        assert refused["problem"]
        assert refused["remedy"]
        assert await world.log.written("usage") == written

    async def test_report_for_device_of_other_customer_is_refused(self, world, home, neighbour):
        theirs = good(neighbour, device_id=neighbour.device_id)

        by_device = await world.gateway.post(home.credentials[home.device_id], [theirs])
        by_customer = await world.gateway.post(await home.token(), [theirs])

        assert (by_device.status_code, by_device.json()["code"]) == (403, "foreign_device")
        assert (by_customer.status_code, by_customer.json()["code"]) == (403, "foreign_device")
        assert await neighbour.level() == 10

    async def test_valid_reports_are_accepted_among_invalid_ones(self, world, neighbour):
        before = await neighbour.level()
        mixed = [
            good(neighbour, quantity=-1),
            good(neighbour, boot="mixed", seq=1),
            good(neighbour, slot="9"),
            good(neighbour, boot="mixed", seq=2),
        ]
        mixed = [report | {"device_id": neighbour.device_id} for report in mixed]

        answer = await world.gateway.post(neighbour.credentials[neighbour.device_id], mixed)
        await world.settled()

        told = answer.json()
        assert answer.status_code == 202
        assert [(one["index"], one["code"]) for one in told["refused"]] == [(0, "out_of_range"), (2, "unknown_slot")]
        assert [one["index"] for one in told["accepted"]] == [1, 3]
        assert await neighbour.level() == before - 2

    async def test_ambiguous_ounce_is_refused_with_remedy(self, world):
        family = a.household(subscribes=False)
        answer = await world.ask("portal", "POST", "/v1/customers", family.joined())
        slot = {"slot": "1", "unit": "oz", "capacity": 10, "product_id": "syrup"}

        refused = await world.posts("portal", f"/v1/customers/{answer['customer_id']}/devices", {"slots": [slot]})

        assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
        [error] = refused.json()["errors"]
        assert (error["field"], error["code"]) == ("slots.0.unit", "ambiguous_unit")
        assert "fl oz" in error["remedy"]


class TestRecords:
    """Records that a manufacturer publishes directly to Kafka."""

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            (b"\x00\x01 no JSON", "JSON"),
            (b'{"specversion": "1.0"', "JSON"),
            ({"specversion": "0.3"}, "specversion"),
            ({"data": {"quantity": -1}}, "quantity"),
            ({"data": {"quantity": 2**60}}, "quantity"),
            ({"data": {"slot": "9"}}, "has no slot 9"),
            ({"data": {"occurred_at": "yesterday"}}, "occurred_at"),
            ({"id": None}, "id"),
        ],
        ids=["bytes", "cut", "version", "negative", "huge", "slot", "time", "nameless"],
    )
    async def test_invalid_record_becomes_dead_letter_with_reason(self, world, home, changes, words):
        value = changes
        if isinstance(changes, dict):
            used = event(good(home, device_id=home.device_id))
            value = json.dumps(used | changes | {"data": used["data"] | changes.get("data", {})}).encode()

        await world.writes("usage", home.device_id, value)

        parked = "SELECT reason, value FROM consumption.dead_letter WHERE key = $1 ORDER BY dead_letter_id DESC LIMIT 1"
        row = await world.database.fetchrow(parked, home.device_id)
        assert bytes(row["value"]) == value
        assert words in row["reason"]
        assert await home.level() == 10

    async def test_record_of_unknown_type_is_counted_and_skipped(self, world, home):
        before = await world.metric("consumption", 'kit_records_skipped_total{topic="usage"}')

        adored = event(good(home, device_id=home.device_id)) | {"type": "SlotUsedV9"}
        await world.writes("usage", home.device_id, json.dumps(adored).encode())

        assert await world.metric("consumption", 'kit_records_skipped_total{topic="usage"}') == before + 1
        assert await home.level() == 10

    async def test_record_of_unknown_device_waits_for_registration(self, world):
        family = a.household(level=10, at_level=3)
        early = {"type": "SlotUsed", "device_id": family.device_id, "slot": "1", "quantity": 4, "boot": "b", "seq": 1}

        await world.writes_usage(early | {"occurred_at": world.clock.now().isoformat()})
        home = await world.move_in(family)

        assert await home.level() == 6

    async def test_invalid_provider_update_becomes_dead_letter(self, world):
        home = await world.move_in(a.household(level=3, at_level=3))
        [order] = await home.orders()

        await world.writes("provider-updates-acme", order, b"we have it!")
        await home.is_supplied(order)

        parked = "SELECT value FROM order_dispatch.dead_letter WHERE key = $1"
        assert bytes(await world.database.fetchval(parked, order)) == b"we have it!"
        assert await home.level() == 53


async def test_valid_report_counts_after_invalid_input(world, home):
    nothing = await home.orders()

    await home.uses(7)

    assert nothing == []
    assert await home.level() == 3
    assert len(await home.orders()) == 1


@pytest.mark.parametrize("chunked", [False, True])
async def test_gateway_releases_memory_of_large_bodies(world, home, chunked):
    gateway = world.process("gateway")
    before = gateway.memory_info().rss

    async def chunks():
        for _ in range(160):
            yield b" " * 65_536

    for _ in range(30):
        body = chunks() if chunked else b" " * 10_485_760
        answer = await world.gateway.raw(
            body, content_type="application/json", authorization=f"Bearer {home.credentials[home.device_id]}"
        )
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")

    assert gateway.memory_info().rss - before < 50 * 2**20


class TestPortal:
    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"name": ...}, "name"),
            ({"name": "Ada\r\nBcc: everybody@example.com"}, "name"),
            ({"email": "nowhere"}, "email"),
            ({"time_zone": "Mars/Olympus"}, "time_zone"),
            ({"admin": True}, "admin"),
            ({"ship_to": {"country": "Germany"}}, "ship_to.country"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    async def test_customer_is_refused_with_field(self, world, changes, field):
        body = {name: value for name, value in (a.household().joined() | changes).items() if value is not ...}

        answer = await world.posts("portal", "/v1/customers", body)

        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
        assert answer.headers["content-type"] == PROBLEM
        assert field in [error["field"] for error in answer.json()["errors"]]

    async def test_malformed_json_is_refused(self, world):
        answer = await world.posts("portal", "/v1/customers", b'{"name": ')

        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")

    async def test_device_of_other_customer_is_refused(self, world, home, neighbour):
        body = {"device_id": home.device_id, "slots": [a.slot().registered("tea")]}

        answer = await world.posts("portal", f"/v1/customers/{neighbour.customer_id}/devices", body)

        assert (answer.status_code, answer.json()["code"]) == (409, "device_taken")

    @pytest.mark.parametrize("token", ["", "a"])
    async def test_portal_releases_memory_of_large_bodies(self, world, token):
        portal = world.process("portal")
        before = portal.memory_info().rss

        for _ in range(10):
            body = b'{"name": "' + b"x" * 10_485_760 + b'"}'
            answer = await world.posts("portal", "/v1/customers", body)
            assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")

        await until(lambda: portal.memory_info().rss - before < 50 * 2**20, "memory is given back", within_s=60)
