"""Registration and replacement of devices over HTTP."""

import asyncio
import hashlib
import json

import asyncpg
import pytest

from tests.support import routes as doors
from tests.support.routes import device, slot


@pytest.fixture(scope="module")
async def portal(kafka_url, database):
    async with doors.portal(kafka_url, database) as door:
        yield door


async def said(database, kind, device_id):
    """Return the data of a device's events of this type."""
    connection = await asyncpg.connect(database["portal"].url)
    try:
        rows = await connection.fetch("SELECT value FROM outbox ORDER BY sequence")
    finally:
        await connection.close()
    events = [json.loads(row["value"]) for row in rows]
    return [e["data"] for e in events if e["type"] == kind and e["data"]["device_id"] == device_id]


async def test_registration_returns_credential_and_publishes_hash(portal, database):
    customer_id = await portal.join()
    beans = slot(unit="kg", capacity="1.5", level={"quantity": "250", "unit": "g"}, product_id="beans")

    registered = await portal.register(customer_id, slots=[beans])

    (event,) = await said(database, "DeviceRegistered", registered["device_id"])
    assert event["credential_sha256"] == hashlib.sha256(registered["credential"].encode()).hexdigest()
    assert event["registration"] == registered["registration"] == 1
    assert event["slots"][0] | {"unit": "GRM", "capacity": 1500, "level": 250} == event["slots"][0]
    assert (registered["slots"][0]["capacity"], registered["slots"][0]["level"]) == ("1500", "250")


@pytest.mark.parametrize(
    ("described", "capacity", "system"),
    [
        ({"unit": "us_gal", "capacity": 2}, "7571", "us"),
        ({"unit": "imp gal", "capacity": 2}, "9092", "imperial"),
        ({"unit": "pt", "unit_system": "imperial", "capacity": 2}, "1137", "imperial"),
        ({"unit": "ml", "capacity": 2}, "2", None),
    ],
)
async def test_registration_keeps_unit_system(portal, database, described, capacity, system):
    registered = await portal.register(await portal.join(), slots=[slot(**described | {"level": None})])
    path = f"/v1/devices/{registered['device_id']}/replacement"

    replaced = await portal.http.post(path, json={}, headers=await portal.operator())

    shown = [device["slots"][0] for device in (registered, replaced.json())]
    assert [(one["capacity"], one["unit_system"]) for one in shown] == [(capacity, system)] * 2
    (event,) = await said(database, "DeviceRegistered", registered["device_id"])
    assert event["slots"][0].get("unit_system") == system


async def test_repeated_registration_returns_same_unstored_credential(portal, database):
    customer_id = await portal.join()
    headers = await portal.operator() | {"Idempotency-Key": "register-1"}
    path, body = f"/v1/customers/{customer_id}/devices", device()

    first = await portal.http.post(path, json=body, headers=headers)
    again = await portal.http.post(path, json=body, headers=headers)

    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert len(await said(database, "DeviceRegistered", body["device_id"])) == 1
    assert not await doors.rows_with(database, first.json()["credential"])


async def test_device_belongs_to_one_customer_until_deregistration(portal, database):
    one, other = await portal.join(), await portal.join()
    body = device()
    operators = await portal.operator()
    first = await portal.register(one, **body)

    taken = await portal.http.post(f"/v1/customers/{other}/devices", json=body, headers=operators)
    stolen = await portal.http.delete(f"/v1/devices/{body['device_id']}", headers=await portal.customer(other))
    left = await portal.http.delete(f"/v1/devices/{body['device_id']}", headers=await portal.customer(one))
    second = await portal.register(other, **body)

    assert (taken.status_code, taken.json()["code"]) == (409, "device_taken")
    assert stolen.status_code == 404
    assert left.status_code == 204
    assert second["registration"] == 2
    assert second["credential"] != first["credential"]
    (deregistered,) = await said(database, "DeviceDeregistered", body["device_id"])
    assert (deregistered["customer_id"], deregistered["registration"]) == (one, 1)
    gone = await portal.http.get(f"/v1/customers/{one}/devices", headers=operators)
    assert gone.json() == {"devices": []}


async def test_replacement_takes_over_slots_by_name(portal, database):
    customer_id = await portal.join()
    old = await portal.register(customer_id, slots=[slot(), slot(slot="2", product_id="beans", unit="g")])
    theirs = await portal.customer(customer_id)

    answer = await portal.http.post(f"/v1/devices/{old['device_id']}/replacement", json={}, headers=theirs)

    new = answer.json()
    assert answer.status_code == 201, answer.text
    assert new["credential"] != old["credential"]
    (event,) = await said(database, "DeviceReplaced", new["device_id"])
    assert event["replaces"] == old["device_id"]
    assert [move["old_slot"] for move in event["moves"]] == ["1", "2"]
    listed = await portal.http.get(f"/v1/customers/{customer_id}/devices", headers=theirs)
    assert [device["device_id"] for device in listed.json()["devices"]] == [new["device_id"]]


async def test_replacement_with_other_slots_and_moves(portal):
    customer_id = await portal.join()
    old = await portal.register(customer_id)
    path, operators = f"/v1/devices/{old['device_id']}/replacement", await portal.operator()
    wish = {"slots": [slot(slot="left", capacity=90)], "moves": [{"old_slot": "1", "new_slot": "left"}]}

    refused = await portal.http.post(path, json=wish | {"slots": [slot(slot="left", unit="g")]}, headers=operators)
    self_made = await portal.http.post(path, json={"device_id": old["device_id"]}, headers=operators)
    done = await portal.http.post(path, json=wish, headers=operators)

    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "moves.0")
    assert self_made.status_code == 422
    assert done.json()["moves"] == wish["moves"]


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"slots": [slot(unit="oz")]}, "slots.0.unit", "ambiguous_unit"),
        ({"slots": [slot(), slot()]}, "slots.1.slot", "invalid"),
        ({"slots": [slot(capacity={"quantity": 1, "unit": "kg"})]}, "slots.0.capacity", "wrong_dimension"),
        ({"slots": [slot(level=61)]}, "slots.0.level", "out_of_range"),
        ({"slots": [slot(unit="%", capacity=200)]}, "slots.0.capacity", "out_of_range"),
    ],
)
async def test_invalid_slots_are_refused_with_remedy(portal, changes, field, code):
    customer_id = await portal.join()

    path = f"/v1/customers/{customer_id}/devices"
    answer = await portal.http.post(path, json=device(**changes), headers=await portal.operator())

    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["field"], error["code"]) == (422, field, code)
    assert error["remedy"]


@pytest.mark.parametrize(
    "changes",
    [
        {"slots": []},
        {"owner": "x"},
        {"slots": [slot(scale=7)]},
        {"slots": [slot(scale=True)]},
        {"slots": [slot(capacity=True, level=None)]},
        {"slots": [slot(capacity={"quantity": True}, level=None)]},
        {"slots": [slot(level=False)]},
        {"slots": [slot(loading="by_drone")]},
        {"device_id": ""},
        {"device_id": "kitchen/brewer"},
        {"device_id": ".."},
        {"slots": [slot(product_id="pods/decaf")]},
    ],
)
async def test_invalid_body_is_refused(portal, changes):
    customer_id = await portal.join()

    path = f"/v1/customers/{customer_id}/devices"
    answer = await portal.http.post(path, json=device(**changes), headers=await portal.operator())

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_registration_for_other_customer_is_refused(portal):
    mine, other = await portal.join(), await portal.join()

    path = f"/v1/customers/{mine}/devices"
    answer = await portal.http.post(path, json=device(), headers=await portal.customer(other))

    assert answer.status_code == 404


async def test_device_limit_applies_to_customers_only(portal):
    customer_id = await portal.join()
    path, theirs, operators = (
        f"/v1/customers/{customer_id}/devices",
        await portal.customer(customer_id),
        await portal.operator(),
    )
    with doors.changed(portal.kit, devices_per_customer=2):
        # concurrently, to provoke a race past the limit
        answers = await asyncio.gather(*(portal.http.post(path, json=device(), headers=theirs) for _ in range(5)))
        registered = [answer.json() for answer in answers if answer.status_code == 201]
        refused = [answer for answer in answers if answer.status_code != 201]

        old = registered[0]["device_id"]
        replaced = await portal.http.post(f"/v1/devices/{old}/replacement", json={}, headers=theirs)
        by_operator = await portal.http.post(path, json=device(), headers=operators)
        await portal.http.delete(f"/v1/devices/{by_operator.json()['device_id']}", headers=theirs)
        await portal.http.delete(f"/v1/devices/{replaced.json()['device_id']}", headers=theirs)
        after_one_left = await portal.http.post(path, json=device(), headers=theirs)

    assert len(registered) == 2
    assert {(answer.status_code, answer.json()["code"], answer.json()["limit"]) for answer in refused} == {
        (409, "too_many_devices", 2)
    }
    assert [answer.status_code for answer in (replaced, by_operator, after_one_left)] == [201, 201, 201]
