import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from deploy.local.waiting import until
from replenish_contracts.events import SlotAnomalyDetected
from replenish_contracts.identity import event_identity
from replenish_contracts.topics import PARTITIONS, partition_for
from services.gateway import handlers
from services.gateway.api.ingest_pipeline import pipeline_of
from services.gateway.domain.rate_limit import RateLimit, RateLimiter
from tests.integration.gateway.usage_records import read_events, read_usage
from tests.support import routes

USED = {"type": "SlotUsed", "slot": "1", "quantity": 2, "unit": "pods", "boot": "b"}


@pytest.fixture(scope="module")
async def portal(kafka_url, database):
    async with routes.portal(kafka_url, database) as server:
        yield server


@pytest.fixture(scope="module")
async def gateway(kafka_url, database, portal):
    async with routes.gateway(kafka_url, database, portal.url) as server:
        yield server


@pytest.fixture
async def device(portal):
    return await portal.register(await portal.join())


def bearer(device):
    return {"Authorization": f"Bearer {device['credential']}"}


def numbered(*numbers, **changes):
    return [USED | {"seq": number} | changes for number in numbers]


async def send(gateway, device, body, **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    defaults = {"Content-Type": "application/json"} | bearer(device) | headers
    return await gateway.http.post("/v1/usage", content=content, headers=defaults)


class TestAccepted:
    async def test_answers_after_the_broker_has_the_report(self, gateway, device, kafka_url):
        answer = await send(gateway, device, numbered(1)[0])

        assert answer.status_code == 202, answer.text
        (event,) = await read_events(kafka_url, device["device_id"])
        assert answer.json() == {"accepted": [{"index": 0, "id": event.id}], "refused": []}
        assert (event.type, event.subject, event.source) == ("SlotUsed", device["device_id"], "/replenish/gateway")
        assert (event.data.quantity, event.data.boot, event.data.seq) == (2, "b", 1)

    async def test_writes_reports_of_a_device_to_its_partition_in_order(self, gateway, device, kafka_url):
        await send(gateway, device, numbered(*range(1, 4)))
        await send(gateway, device, numbered(*range(4, 20)))

        records = await read_usage(kafka_url, device["device_id"])

        partition = partition_for(device["device_id"].encode(), PARTITIONS)
        assert {record.partition for record in records} == {partition}
        assert [json.loads(record.value)["data"]["seq"] for record in records] == list(range(1, 20))

    async def test_repeat_has_the_same_id(self, gateway, device, kafka_url):
        uncounted = {"type": "SlotUsed", "slot": "1", "quantity": 1, "occurred_at": datetime.now(UTC).isoformat()}

        answers = [await send(gateway, device, body) for body in (*numbered(1, 1), uncounted, uncounted)]

        first, second, third, fourth = [answer.json()["accepted"][0]["id"] for answer in answers]
        assert first == second != third == fourth

    async def test_batch_with_invalid_reports_is_accepted_in_part(self, gateway, device, kafka_url):
        batch = [*numbered(1), *numbered(2, slot="9"), *numbered(3, unit="kg"), *numbered(4, quantty=1), *numbered(5)]

        answer = await send(gateway, device, batch)

        assert answer.status_code == 202
        assert [report["index"] for report in answer.json()["accepted"]] == [0, 4]
        refused = {(r["index"], r["code"], r["field"]) for r in answer.json()["refused"]}
        assert refused == {(1, "unknown_slot", "slot"), (2, "wrong_dimension", "unit"), (3, "unknown_field", "quantty")}
        assert all(report["problem"] and report["remedy"] for report in answer.json()["refused"])
        assert [event.data.seq for event in await read_events(kafka_url, device["device_id"])] == [1, 5]

    async def test_traceparent_is_propagated(self, gateway, device, kafka_url):
        trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

        await send(gateway, device, numbered(1), traceparent=trace)

        (event,) = await read_events(kafka_url, device["device_id"])
        assert event.traceparent.split("-")[1] == trace.split("-")[1]

    async def test_a_thousand_reports_in_one_request(self, gateway, device, kafka_url):
        answer = await send(gateway, device, numbered(*range(1, 1001)))

        assert len(answer.json()["accepted"]) == 1000
        assert len(await read_usage(kafka_url, device["device_id"])) == 1000


class TestCloudEvents:
    def event(self, number, **changes):
        defaults = {"specversion": "1.0", "id": f"e-{number}", "source": "urn:maker", "type": "SlotMeasured"}
        return defaults | {"data": {"slot": "1", "level": number, "unknown": {}}} | changes

    async def test_are_accepted_structured_batched_and_binary(self, gateway, device, kafka_url):
        one = await send(gateway, device, self.event(1), **{"Content-Type": "application/cloudevents+json"})
        batch = [self.event(2), self.event(3, type="Nothing")]
        many = await send(gateway, device, batch, **{"Content-Type": "application/cloudevents-batch+json"})
        attributes = {"ce-specversion": "1.0", "ce-id": "e-4", "ce-source": "urn:maker", "ce-type": "SlotMeasured"}
        binary = await send(gateway, device, {"slot": "1", "level": 4}, **attributes)

        assert [answer.status_code for answer in (one, many, binary)] == [202, 202, 202]
        assert many.json()["refused"][0]["code"] == "unknown_type"
        events = await read_events(kafka_url, device["device_id"])
        ids = [event_identity("urn:maker", f"e-{number}") for number in (1, 2, 4)]
        assert [(event.id, event.data.level) for event in events] == list(zip(ids, (1, 2, 4), strict=True))

    @pytest.mark.parametrize(
        ("header", "status"),
        [
            (b"r%C3%BC", 202),
            ("rü".encode(), 202),
            (b"r%FF", 422),
            (b"r\xff", 422),
            (b"r%00", 422),
        ],
    )
    async def test_binary_id_is_read_exactly(self, gateway, device, kafka_url, header, status):
        attributes = {b"ce-specversion": b"1.0", b"ce-source": b"urn:maker", b"ce-type": b"SlotMeasured"}
        known = {b"Content-Type": b"application/json", b"Authorization": bearer(device)["Authorization"].encode()}
        headers = [*(known | attributes).items(), (b"ce-id", header)]

        answer = await gateway.http.post("/v1/usage", content=b'{"slot": "1", "level": 4}', headers=headers)

        assert answer.status_code == status, answer.text
        events = await read_events(kafka_url, device["device_id"])
        assert [event.id for event in events] == [event_identity("urn:maker", "rü")] * (status == 202)

    async def test_subject_in_raw_utf8_names_the_device(self, gateway, portal):
        device = await portal.register(await portal.join(), device_id=f"mühle-{uuid4()}")
        attributes = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "urn:maker", "ce-type": "SlotMeasured"}
        headers = {name.encode(): value.encode() for name, value in (attributes | bearer(device)).items()}
        headers |= {b"Content-Type": b"application/json", b"ce-subject": device["device_id"].encode()}

        answer = await gateway.http.post("/v1/usage", content=b'{"slot": "1", "level": 4}', headers=headers)

        assert answer.status_code == 202, answer.text

    async def test_same_id_of_two_sources_is_two_reports(self, gateway, device):
        used = {"type": "SlotUsed", "data": {"slot": "1", "quantity": 1}}
        batch = [self.event(1, **used), self.event(1, source="urn:other", **used), self.event(1, **used)]

        answer = await send(gateway, device, batch, **{"Content-Type": "application/cloudevents-batch+json"})

        first, second, again = [report["id"] for report in answer.json()["accepted"]]
        assert first == again
        assert first != second


class TestNotes:
    async def test_tell_what_was_kept(self, gateway, device, kafka_url):
        level = {"type": "SlotMeasured", "slot": "1", "level": 12.25, "boot": "b", "seq": 1}
        used = USED | {"seq": 2, "occurred_at": "1970-01-01T00:00:12Z"}

        answer = await send(gateway, device, [level, used, *numbered(3)])

        assert answer.status_code == 202, answer.text
        rounded, unset, exact = answer.json()["accepted"]
        assert [(note["code"], note["sent"], note["kept"]) for note in rounded["notes"]] == [("rounded", "12.25", "12")]
        assert [(note["code"], note["sent"]) for note in unset["notes"]] == [
            ("clock_not_set", "1970-01-01T00:00:12+00:00")
        ]
        assert all(note["problem"] and note["remedy"] for note in (*rounded["notes"], *unset["notes"]))
        assert exact.keys() == {"index", "id"}
        measured, received, _ = await read_events(kafka_url, device["device_id"])
        assert measured.data.level == 12
        assert received.data.occurred_at == received.data.received_at

    async def test_leap_second_is_the_last_microsecond_before_it(self, gateway, device, kafka_url):
        yesterday = (datetime.now(UTC) - timedelta(days=1)).date()

        answer = await send(gateway, device, USED | {"seq": 1, "occurred_at": f"{yesterday}T23:59:60Z"})

        assert answer.status_code == 202, answer.text
        (event,) = await read_events(kafka_url, device["device_id"])
        assert event.data.occurred_at.isoformat() == f"{yesterday}T23:59:59.999999+00:00"


class TestWarnings:
    async def test_are_in_later_answers_for_the_device(self, gateway, portal):
        customer_id = await portal.join()
        device, other = await portal.register(customer_id), await portal.register(customer_id)
        for one in (device, other):
            assert "warnings" not in (await send(gateway, one, numbered(1)[0])).json()
        fields = {"device_id": device["device_id"], "slot": "1", "customer_id": customer_id, "product_id": "pods"}
        anomaly = SlotAnomalyDetected(
            **fields, code="shared_counter", reason="why", level=0, uncertainty=0, occurred_at=datetime.now(UTC)
        )

        async with gateway.kit.transaction() as tx:
            await handlers.on_slot_anomaly_detected(anomaly, tx.store)

        async def warned():
            return (await send(gateway, device, numbered(2)[0])).json().get("warnings")

        await until(warned, "the warning reaches the replica", within_s=20, every_s=0.2)
        (warning,) = await warned()
        assert (warning["code"], warning["slot"], warning["problem"]) == ("shared_counter", "1", "why")
        assert warning["remedy"]
        refused = (await send(gateway, device, USED | {"seq": 3, "slot": "9"})).json()
        assert refused["warnings"] == [warning]
        assert "warnings" not in (await send(gateway, other, numbered(2)[0])).json()


class TestRefused:
    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            (b"{", 400, "malformed_json"),
            (b"", 400, "empty"),
            (b"[]", 400, "empty"),
            (b"[" * 100_000, 400, "too_deep"),
            (json.dumps(numbered(*range(1, 1002))).encode(), 413, "too_many_reports"),
            (json.dumps(USED | {"seq": 1, "slot": "9"}).encode(), 422, "unknown_slot"),
            (json.dumps(USED | {"seq": 1, "quantity": -1}).encode(), 422, "out_of_range"),
            (json.dumps(USED | {"seq": 1, "quantity": 10**9}).encode(), 422, "quantity_too_large"),
            (json.dumps(USED | {"seq": 1, "type": "SlotUsedV2"}).encode(), 422, "unknown_type"),
            (
                json.dumps(USED | {"boot": None, "occurred_at": "1970-01-01T00:00:00Z"}).encode(),
                422,
                "time_ancient",
            ),
            (json.dumps({"type": "SlotMeasured", "slot": "1", "level": 10**6}).encode(), 422, "level_above_capacity"),
            (json.dumps(USED | {"seq": 1, "occurred_at": "2999-01-01T00:00:00Z"}).encode(), 422, "time_in_future"),
            (json.dumps([USED | {"seq": 1, "slot": "9"}, USED | {"seq": 0}]).encode(), 422, "refused"),
            (json.dumps(USED | {"seq": 1, "device_id": "another-machine"}).encode(), 403, "foreign_device"),
        ],
    )
    async def test_invalid_request_has_stable_code(self, gateway, device, kafka_url, body, status, code):
        answer = await send(gateway, device, body)

        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/problem+json"
        assert await read_usage(kafka_url, device["device_id"]) == []

    @pytest.mark.parametrize(
        ("headers", "code"),
        [
            ({"Content-Type": "text/html"}, "unsupported_media_type"),
            ({"Content-Encoding": "gzip"}, "unsupported_encoding"),
        ],
    )
    async def test_unsupported_content_type_and_encoding(self, gateway, device, headers, code):
        answer = await send(gateway, device, numbered(1), **headers)

        assert (answer.status_code, answer.json()["code"]) == (415, code)

    async def test_large_body_is_not_read_to_its_end(self, gateway, device):
        whole = await send(gateway, device, b" " * 1_048_577)
        async with open_request(gateway, device, b"Transfer-Encoding: chunked") as (reader, writer):
            for _ in range(20):
                writer.write(b"10000\r\n" + b" " * 65_536 + b"\r\n")

            answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)

        assert (whole.status_code, whole.json()["code"]) == (413, "body_too_large")
        assert answer.startswith(b"HTTP/1.1 413")
        assert b"connection: close" in answer.lower()
        assert pipeline_of(gateway.kit).memory.used == 0

    async def test_slow_body_times_out(self, gateway, device):
        with routes.changed(pipeline_of(gateway.kit), body_timeout_seconds=0.2):
            async with open_request(gateway, device, b"Content-Length: 100") as (reader, writer):
                writer.write(b"[")

                answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)

        assert answer.startswith(b"HTTP/1.1 408")
        assert pipeline_of(gateway.kit).memory.used == 0

    async def test_memory_limit_answers_503(self, gateway, device):
        memory = pipeline_of(gateway.kit).memory
        memory.used += memory.limit
        try:
            answer = await send(gateway, device, numbered(1))
        finally:
            memory.used -= memory.limit

        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
        assert answer.headers["retry-after"] == "1"


@asynccontextmanager
async def open_request(gateway, device, header):
    """Open a connection and send the headers of a request, but no body."""
    host, _, port = gateway.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    credential = device["credential"].encode()
    lines = (b"POST /v1/usage HTTP/1.1", b"Host: x", b"Authorization: Bearer " + credential, header, b"", b"")
    writer.write(b"\r\n".join(lines))
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


class TestCredentials:
    @pytest.mark.parametrize("header", [{}, {"Authorization": "Basic x"}, {"Authorization": "Bearer rpl_dev_unknown"}])
    async def test_missing_or_unknown_credential_answers_401(self, gateway, header):
        answer = await gateway.http.post("/v1/usage", json=numbered(1), headers=header)

        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"

    async def test_unknown_credential_waits_for_registration(self, gateway, portal):
        for _ in range(5):  # each reports before its registration can have arrived through Kafka
            device = await portal.register(await portal.join())
            assert (await send(gateway, device, numbered(1))).status_code == 202

    async def test_unknown_credential_is_answered_at_once_the_second_time(self, gateway, device):
        unknown = device | {"credential": "rpl_dev_absent"}
        clock = asyncio.get_running_loop().time
        times = []
        for _ in range(2):
            started = clock()
            assert (await send(gateway, unknown, numbered(1))).status_code == 401
            times.append(clock() - started)

        assert times[0] >= 0.9
        assert times[1] < times[0] / 2

    async def test_rate_of_unknown_credentials_is_limited_per_address(self, gateway, device):
        pipeline = pipeline_of(gateway.kit)
        before = pipeline.unknown_credential_rates
        pipeline.unknown_credential_rates = RateLimiter(RateLimit(per_second=0.01, burst=3), max_senders=10)
        try:
            await send(gateway, device, numbered(1))
            answers = [await send(gateway, {"credential": "rpl_dev_absent"}, numbered(1)) for _ in range(5)]
            known = await send(gateway, device, numbered(2))
        finally:
            pipeline.unknown_credential_rates = before

        assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert known.status_code == 202

    async def test_credential_of_deleted_device_is_refused(self, gateway, portal, device):
        assert (await send(gateway, device, numbered(1))).status_code == 202

        await portal.http.delete(f"/v1/devices/{device['device_id']}", headers=await portal.operator())

        async def is_refused():
            return (await send(gateway, device, numbered(2))).status_code == 401

        await until(is_refused, "the credential ends", within_s=20, every_s=0.3)

    async def test_credential_of_replaced_device_is_refused(self, gateway, portal, device):
        await send(gateway, device, numbered(1))
        path = f"/v1/devices/{device['device_id']}/replacement"
        new = (await portal.http.post(path, json={}, headers=await portal.operator())).json()

        assert (await send(gateway, new, numbered(1))).status_code == 202

        async def is_refused():
            return (await send(gateway, device, numbered(2))).status_code == 401

        await until(is_refused, "the old credential ends", within_s=20, every_s=0.3)


class TestTokens:
    async def test_customer_reports_for_own_device_as_person(self, gateway, portal, kafka_url):
        customer_id = await portal.join()
        device = await portal.register(customer_id)
        level = {"type": "SlotMeasured", "slot": "1", "level": 12, "device_id": device["device_id"]}

        answer = await gateway.http.post("/v1/usage", json=level, headers=await portal.customer(customer_id))

        assert answer.status_code == 202, answer.text
        (event,) = await read_events(kafka_url, device["device_id"])
        assert (event.data.level, event.data.by) == (12, "person")

    async def test_customer_cannot_report_for_foreign_device(self, gateway, portal, device):
        other_customer = await portal.customer(await portal.join())
        report = numbered(1)[0] | {"device_id": device["device_id"]}

        answers = [
            await gateway.http.post("/v1/usage", json=report | change, headers=other_customer)
            for change in ({}, {"device_id": "not-there"})
        ]

        assert [answer.status_code for answer in answers] == [403, 403]
        assert (
            answers[0].json()["refused"] == answers[1].json()["refused"]
        )  # the answer does not reveal whether the device exists

    async def test_operator_reports_for_any_device_by_id(self, gateway, portal, device):
        operators = await portal.operator()
        report = numbered(1)[0] | {"device_id": device["device_id"]}

        answer = await gateway.http.post("/v1/usage", json=[report, numbered(2)[0]], headers=operators)

        assert [report["index"] for report in answer.json()["accepted"]] == [0]
        assert answer.json()["refused"][0]["field"] == "device_id"

    async def test_a_thousand_unknown_devices_are_waited_for_once(self, gateway, portal, device):
        operators = await portal.operator()
        unknown = [numbered(1)[0] | {"device_id": f"unknown-{number}"} for number in range(999)]
        good = numbered(1)[0] | {"device_id": device["device_id"]}

        answer = await gateway.http.post("/v1/usage", json=[*unknown, good], headers=operators)

        assert answer.status_code == 202, answer.text
        assert [report["index"] for report in answer.json()["accepted"]] == [999]
        assert {refused["code"] for refused in answer.json()["refused"]} == {"foreign_device"}

    async def test_device_id_with_nul_is_foreign(self, gateway, portal):
        operators = await portal.operator()

        answer = await gateway.http.post(
            "/v1/usage", json=numbered(1)[0] | {"device_id": "machine\0"}, headers=operators
        )

        assert (answer.status_code, answer.json()["code"]) == (403, "foreign_device")

    async def test_reports_for_foreign_device_count_against_the_sender(self, gateway, portal, device):
        other_customer = await portal.customer(await portal.join())
        foreign = [report | {"device_id": device["device_id"]} for report in numbered(*range(1, 1001))]

        statuses = [
            (await gateway.http.post("/v1/usage", json=foreign, headers=other_customer)).status_code for _ in range(7)
        ]

        assert statuses[-1] == 429
        assert (await send(gateway, device, numbered(*range(1, 1001)))).status_code == 202

    async def test_service_token_answers_403(self, gateway, portal):
        token = portal.sign_service("inventory")

        answer = await gateway.http.post("/v1/usage", json=numbered(1), headers={"Authorization": f"Bearer {token}"})

        assert answer.status_code == 403


class TestRates:
    async def test_device_is_limited_after_burst(self, gateway, device):
        answers = []
        for part in range(6):
            reports = numbered(*range(part * 1000 + 1, part * 1000 + 1001))
            answers.append(await send(gateway, device, reports))

        assert [answer.status_code for answer in answers[:4]] == [202] * 4
        assert answers[-1].status_code == 429
        assert answers[-1].json()["code"] == "rate_limited"
        assert int(answers[-1].headers["retry-after"]) >= 1

    async def test_large_bodies_count_by_size(self, gateway, device):
        padded = json.dumps(numbered(1)).encode() + b" " * 1_000_000
        statuses = [(await send(gateway, device, padded)).status_code for _ in range(8)]

        assert statuses[0] == 202
        assert statuses[-1] == 429
