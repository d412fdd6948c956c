"""Creating, changing and erasing customers over HTTP."""

import json

import asyncpg
import pytest

from tests.support import routes as doors

CANARY = "Zyzzyx Canary"


@pytest.fixture(scope="module")
async def portal(kafka_url, database):
    async with doors.portal(kafka_url, database) as door:
        yield door


async def said(database, customer_id):
    """Return the types of a customer's account events, in order."""
    connection = await asyncpg.connect(database["portal"].url)
    try:
        rows = await connection.fetch("SELECT value FROM outbox WHERE key = $1 ORDER BY sequence", customer_id.encode())
    finally:
        await connection.close()
    return [row["value"] for row in rows]


def types(values):
    return [value.decode().split('"type":"')[1].split('"')[0] for value in values]


async def test_customer_joined_contains_no_personal_data(portal, database):
    customer_id = await portal.join(name=CANARY, email="canary@example.org")

    values = await said(database, customer_id)

    assert types(values) == ["CustomerJoined"]
    assert b"anary" not in b"".join(values)


async def test_join_with_same_key_creates_one_customer(portal):
    headers = await portal.operator() | {"Idempotency-Key": "join-1"}

    first = await portal.http.post("/v1/customers", json=doors.person(), headers=headers)
    again = await portal.http.post("/v1/customers", json=doors.person(), headers=headers)
    other = await portal.http.post("/v1/customers", json=doors.person(name="Somebody"), headers=headers)

    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_conflict")


async def test_given_customer_id_is_used_once(portal):
    headers = await portal.operator()

    first = await portal.http.post("/v1/customers", json=doors.person(customer_id="shop-17"), headers=headers)
    again = await portal.http.post("/v1/customers", json=doors.person(customer_id="shop-17"), headers=headers)

    assert first.json()["customer_id"] == "shop-17"
    assert (again.status_code, again.json()["code"]) == (409, "customer_exists")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "ana"}, "email"),
        ({"email": "änä@example.org"}, "email"),
        ({"email": "ana..b@example.org"}, "email"),
        ({"email": "ana@example..org"}, "email"),
        ({"email": "ana@example.org\r\nBcc: all@example.org"}, "email"),
        ({"name": "Ana\nBcc: x"}, "name"),
        ({"name": ""}, "name"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "localtime"}, "time_zone"),
        ({"time_zone": "posix/Europe/Berlin"}, "time_zone"),
        ({"locale": "english"}, "locale"),
        ({"role": "operator"}, "role"),
        ({"ship_to": doors.person()["ship_to"] | {"country": "Germany"}}, "ship_to.country"),
        ({"ship_to": {}}, "ship_to.name"),
        ({"email": "max@ex\u200dample.org"}, "email"),
        ({"email": '"a b"@example.org'}, "email"),
        ({"email": "ana@[192.0.2.1]"}, "email"),
        ({"ship_to": doors.person()["ship_to"] | {"country": "UK"}}, "ship_to.country"),
        ({"ship_to": doors.person()["ship_to"] | {"country": "XX"}}, "ship_to.country"),
        ({"ship_to": doors.person()["ship_to"] | {"postal_code": None}}, "ship_to.postal_code"),
        ({"ship_to": doors.person()["ship_to"] | {"postal_code": "SW1A 1AA"}}, "ship_to.postal_code"),
        ({"ship_to": doors.person()["ship_to"] | {"country": "US", "region": "Bavaria"}}, "ship_to.region"),
    ],
)
async def test_invalid_customer_is_refused_with_field(portal, changes, field):
    answer = await portal.http.post("/v1/customers", json=doors.person(**changes), headers=await portal.operator())

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert field in [error["field"] for error in answer.json()["errors"]]


async def test_address_without_postal_code_is_kept_and_changed(portal):
    ship_to = {"name": "Ann", "line1": "1 Nathan Road", "city": "Kowloon", "country": "hk"}
    customer_id = await portal.join(email="max@XN--fa-hia.de", ship_to=ship_to)
    path, theirs = f"/v1/customers/{customer_id}", await portal.customer(customer_id)

    assert (await portal.http.get(f"{path}/ship-to", headers=theirs)).json() == ship_to | {
        "country": "HK",
        "postal_code": "",
    }
    assert (await portal.http.get(f"{path}/contact", headers=theirs)).json()["email"] == "max@faß.de"

    moved = await portal.http.patch(
        path,
        json={"ship_to": ship_to | {"country": "gb", "postal_code": "sw1a1aa"}, "email": "Max@MÜNCHEN.de"},
        headers=theirs,
    )
    assert moved.json()["ship_to"] == ship_to | {"country": "GB", "postal_code": "SW1A 1AA"}
    assert moved.json()["email"] == "Max@münchen.de"


async def test_contact_and_address_require_role(portal):
    mine, other = await portal.join(name=CANARY), await portal.join()
    path = f"/v1/customers/{mine}"

    for headers in (await portal.operator(), await portal.customer(mine)):
        assert (await portal.http.get(f"{path}/contact", headers=headers)).json()["email"] == "ana@example.org"
        assert (await portal.http.get(f"{path}/ship-to", headers=headers)).json()["city"] == "Town"
        assert (await portal.http.get(path, headers=headers)).json()["name"] == CANARY
    for part in ("", "/contact", "/ship-to", "/devices"):
        foreign = await portal.http.get(path + part, headers=await portal.customer(other))
        assert foreign.status_code == 404
        assert "anary" not in foreign.text
        assert (await portal.http.get(path + part)).status_code == 401


async def test_patch_changes_sent_fields_and_publishes_no_personal_data(portal, database):
    customer_id = await portal.join()
    theirs = await portal.customer(customer_id)

    renamed = await portal.http.patch(f"/v1/customers/{customer_id}", json={"name": CANARY}, headers=theirs)
    moved = await portal.http.patch(f"/v1/customers/{customer_id}", json={"time_zone": "Asia/Tokyo"}, headers=theirs)

    assert renamed.json()["email"] == "ana@example.org"
    assert (moved.json()["name"], moved.json()["time_zone"]) == (CANARY, "Asia/Tokyo")
    assert types(await said(database, customer_id)) == ["CustomerJoined", "CustomerChanged"]
    nothing = await portal.http.patch(f"/v1/customers/{customer_id}", json={}, headers=theirs)
    assert nothing.status_code == 422


async def test_country_of_the_address_is_published(portal, database):
    customer_id = await portal.join()
    path, theirs = f"/v1/customers/{customer_id}", await portal.customer(customer_id)
    shipped_to = doors.person()["ship_to"]
    in_york = shipped_to | {"country": "GB", "postal_code": "YO1 7HH", "city": "York"}

    moved = await portal.http.patch(path, json={"ship_to": in_york}, headers=theirs)
    await portal.http.patch(path, json={"ship_to": in_york | {"line1": "Elm 2"}}, headers=theirs)

    assert moved.status_code == 200
    published = [json.loads(value) for value in await said(database, customer_id)]
    assert [event["data"]["country"] for event in published] == [shipped_to["country"], "GB"]


async def test_erased_customer_leaves_only_id(portal, database):
    customer_id = await portal.join(name="Quetzal", email="quetzal@example.org")
    theirs, operators = await portal.customer(customer_id), await portal.operator()
    await portal.register(customer_id)
    await portal.http.post(f"/v1/customers/{customer_id}/sign-in-links", headers=operators)

    answer = await portal.http.delete(f"/v1/customers/{customer_id}", headers=theirs)

    assert answer.status_code == 204
    kinds = types(await said(database, customer_id))
    assert kinds == ["CustomerJoined", "DeviceRegistered", "DeviceDeregistered", "CustomerErased"]
    assert (await portal.http.get(f"/v1/customers/{customer_id}", headers=operators)).status_code == 404
    again = await portal.http.post("/v1/customers", json=doors.person(customer_id=customer_id), headers=operators)
    assert again.status_code == 409
    assert not await doors.rows_with(database, "uetzal")


async def test_accounts_are_published_again_on_request(portal, database):
    customer_id, gone = await portal.join(), await portal.join()
    device = await portal.register(customer_id)
    await portal.http.delete(f"/v1/customers/{gone}", headers=await portal.operator())
    before = {whose: len(await said(database, whose)) for whose in (customer_id, gone)}

    answer = await portal.http.post("/v1/customers/repeat", headers=await portal.operator())

    again = (await said(database, customer_id))[before[customer_id] :]
    assert answer.status_code == 202
    assert answer.json()["customers"] >= answer.json()["devices"] >= 1
    assert types(again) == ["CustomerChanged", "DeviceRegistered"]
    assert json.loads(again[1])["data"]["registration"] == device["registration"]
    assert len(await said(database, gone)) == before[gone]
