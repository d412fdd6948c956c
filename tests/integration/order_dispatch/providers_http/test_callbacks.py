"""Tests of provider callbacks: stored unchanged, processed once, refused without a valid signature."""

import asyncio
import hashlib
import json
import secrets
import time

import pytest

from libs.http_client.signatures import Scheme, sign
from tests.integration.order_dispatch.providers_http.sample_shops import SECRET

OTHER_SECRET = "whsec_b29vb29vb29vb29vb29vb29vb29vb29v"


def callback(order_id, status, kind="order.snapshot", **more):
    return {"type": kind, "data": {"order_id": order_id, "status": status, **more}}


def acp_event(session, status, fulfilled=0, packs=2):
    quantity = {"ordered": packs, "current": packs, "fulfilled": fulfilled}
    order = {
        "type": "order",
        "id": "ord_1",
        "checkout_session_id": session,
        "permalink_url": "https://shop.example/1",
        "status": status,
        "line_items": [{"id": "1", "title": "Pods", "quantity": quantity}],
        "fulfillments": [{"id": "f", "type": "shipping", "status": "shipped", "tracking_number": "T1"}],
    }
    return {"type": "order_update", "data": order if fulfilled else {**order, "fulfillments": []}}


@pytest.fixture(scope="module")
async def order_of(world):
    """Return an order that the webhook provider or ACP merchant has accepted."""
    numbers = {}
    async with world.shop("webhook", "acme"), world.shop("acp", "globex"):

        async def order(provider="acme"):
            numbers[provider] = numbers.get(provider, 0) + 1
            order_id = await world.approve(provider, numbers[provider])
            await world.reaches(order_id, "placed")
            return order_id

        yield order


class TestCallback:
    async def test_is_stored_and_updates_order(self, world, order_of):
        order_id = await order_of()
        body = (
            b'{ "type":"order.snapshot",  "data":{"order_id":"%s","status":"shipped","tracking":"T9"}}'
            % order_id.encode()
        )

        answer = await world.call_back("acme", "m-raw", body, **{"request-id": "r1", "x-more": "not stored"})

        assert (answer.status_code, answer.json()["outcome"], answer.json()["request_id"]) == (200, "applied", "r1")
        assert answer.headers["request-id"] == "r1"
        assert (await world.order(order_id))["tracking"] == "T9"
        (row,) = await world.rows("SELECT * FROM callback WHERE callback_id = 'm-raw'")
        assert (row["body"], row["order_id"], row["outcome"]) == (body, order_id, "applied")
        assert "webhook-signature" in row["headers"]
        assert "x-more" not in row["headers"]

    async def test_repetition_gets_same_answer(self, world, order_of):
        order_id = await order_of()
        first = await world.call_back("acme", "m-again", callback(order_id, "shipped"))
        again = await world.call_back("acme", "m-again", callback(order_id, "shipped"))

        assert (first.status_code, again.status_code) == (200, 200)
        assert first.json() == again.json()
        assert ("idempotent-replayed" in first.headers, again.headers["idempotent-replayed"]) == (False, "true")
        assert len((await world.order(order_id))["updates"]) == 2  # the answer to the submit, and this callback

    async def test_concurrent_repetitions_are_applied_once(self, world, order_of):
        order_id = await order_of()

        requests = [world.call_back("acme", "m-ten", callback(order_id, "shipped")) for _ in range(10)]
        answers = await asyncio.gather(*requests)

        assert [answer.status_code for answer in answers] == [200] * 10
        assert [answer.headers.get("idempotent-replayed") for answer in answers].count(None) == 1
        assert [
            row["repeats"] for row in await world.rows("SELECT repeats FROM callback WHERE callback_id = 'm-ten'")
        ] == [9]
        states = [step["to_state"] for step in (await world.order(order_id))["history"]]
        assert states.count("shipped") == 1

    async def test_other_body_with_same_id_is_refused(self, world, order_of):
        order_id = await order_of()
        await world.call_back("acme", "m-other", callback(order_id, "shipped"))

        other = await world.call_back("acme", "m-other", callback(order_id, "delivered"))

        assert (other.status_code, other.json()["code"]) == (422, "idempotency_conflict")
        assert (await world.order(order_id))["state"] == "shipped"

    async def test_out_of_order_callbacks_reach_same_state(self, world, order_of):
        order_id = await order_of()
        outcomes = [
            (await world.call_back("acme", f"m-back-{status}", callback(order_id, status))).json()["outcome"]
            for status in ("delivered", "shipped", "accepted")
        ]

        assert outcomes == ["applied", "not_applied", "not_applied"]
        assert (await world.order(order_id))["state"] == "delivered"

    async def test_update_of_earlier_callback_is_repeated(self, world, order_of):
        order_id = await order_of()
        update = callback(order_id, "shipped", "order.updated", update_id="u-1", occurred_at="2026-03-01T12:00:00Z")

        outcomes = [(await world.call_back("acme", f"m-u-{n}", update)).json()["outcome"] for n in range(2)]

        assert outcomes == ["applied", "repeated"]

    async def test_unknown_order_is_stored_as_unmatched(self, world, order_of):
        answer = await world.call_back("acme", "m-unknown", callback("unknown", "shipped"))

        assert (answer.status_code, answer.json()["outcome"]) == (200, "unmatched")

    async def test_order_of_another_provider_is_refused(self, world, order_of):
        order_id = await order_of("globex")

        answer = await world.call_back("acme", "m-foreign", callback(order_id, "cancelled"))

        assert answer.json()["outcome"] == "refused"
        assert (await world.order(order_id))["state"] == "placed"

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"[]",
            b"null",
            b'"x"',
            b"{}",
            b'{"type": "order.updated"}',
            b'{"type": "order.deleted", "data": {"order_id": "o", "status": "shipped"}}',
            b'{"type": "order.snapshot", "data": {"order_id": "", "status": "shipped"}}',
            b'{"type": "order.snapshot", "data": {"order_id": "a\\u0000b", "status": "shipped"}}',
            b"[" * 20_000 + b"]" * 20_000,
        ],
        ids=range(11),
    )
    async def test_unreadable_body_is_stored_and_refused(self, world, order_of, body):
        message_id = f"m-unreadable-{hashlib.sha256(body).hexdigest()}"
        answer = await world.call_back("acme", message_id, body)

        assert (answer.status_code, answer.json()["code"]) == (400, "unreadable")
        (row,) = await world.rows("SELECT * FROM callback WHERE callback_id = $1", message_id)
        assert (row["body"], row["outcome"]) == (body, "unreadable")

    @pytest.mark.parametrize("details", [{"quantity": 1e99}, {"expected_at": "soon"}, {"tracking": ["T9"]}], ids=str)
    async def test_word_counts_without_an_invalid_detail(self, world, order_of, details):
        order_id, (field,) = await order_of(), details
        answer = await world.call_back("acme", f"m-{order_id}", callback(order_id, "Shipped", **details))

        assert answer.json()["outcome"] == "applied"
        shown = await world.order(order_id)
        assert shown["state"] == "shipped"
        assert [note["field"] for note in shown["updates"][-1]["notes"]] == [field]

    async def test_unknown_word_is_a_question_until_a_clear_update(self, world, order_of):
        order_id = await order_of()

        answer = await world.call_back("acme", f"m-{order_id}", callback(order_id, "teleported"))

        async def questions():
            listed = await world.http.get("/v1/questions", headers=world.desk.headers("operator"))
            return [one for one in listed.json()["questions"] if one["order_id"] == order_id]

        (question,) = await questions()
        assert (answer.status_code, answer.json()["outcome"]) == (200, "unclear")
        assert (question["word"], question["state"], question["outcome"]) == ("teleported", "placed", "unclear")
        update = (await world.order(order_id))["updates"][-1]
        assert (update["status"], update["word"], update["asks"]) == ("unclear", "teleported", True)
        await world.tell(order_id, "shipped")
        assert await questions() == []

    async def test_invalid_id_is_refused(self, world, order_of):
        answer = await world.call_back("acme", secrets.token_hex(4000), callback("x", "shipped"))

        assert (answer.status_code, answer.json()["code"]) == (400, "id_too_long")

    async def test_too_large_body_is_refused(self, world, order_of):
        answer = await world.call_back("acme", "m-large", b" " * 300_000)

        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
        assert await world.rows("SELECT FROM callback WHERE callback_id = 'm-large'") == []


class TestSignature:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"secret": OTHER_SECRET},
            {"at": time.time() - 400},
            {"at": time.time() + 100_000},
            {"scheme": Scheme.HMAC},
            {"webhook-signature": "v1,AAAA"},
            {"webhook-id": "another"},
            {"webhook-timestamp": "1"},
        ],
        ids=lambda wrong: next(iter(wrong)),
    )
    async def test_invalid_signature_is_refused_and_not_stored(self, world, order_of, wrong):
        order_id = await order_of()
        before = await world.rows("SELECT count(*) FROM callback")

        answer = await world.call_back("acme", "m-forged", callback(order_id, "shipped"), **wrong)

        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_signature")
        assert await world.rows("SELECT count(*) FROM callback") == before
        assert (await world.order(order_id))["state"] == "placed"

    async def test_missing_signature_is_refused(self, world, order_of):
        answer = await world.http.post("/v1/providers/acme/callbacks", json=callback("x", "shipped"))

        assert answer.status_code == 401

    @pytest.mark.parametrize("provider", ["unknown", "plain"])
    async def test_unknown_provider_gets_same_answer_as_one_without_secrets(self, world, order_of, provider):
        if provider == "plain":
            await world.put_provider("plain")
        answer = await world.call_back(provider, "m-1", callback("x", "shipped"))
        known = await world.call_back("acme", "m-1", callback("x", "shipped"), secret=OTHER_SECRET)

        assert (answer.status_code, answer.json()) == (known.status_code, known.json())

    async def test_svix_headers_are_accepted_and_stored(self, world, order_of):
        body = json.dumps(callback(await order_of(), "shipped")).encode()
        signed = sign(Scheme.STANDARD, SECRET, "m-svix", body, time.time())
        headers = {name.replace("webhook", "svix"): value for name, value in signed.items()}

        answer = await world.http.post("/v1/providers/acme/callbacks", content=body, headers=headers)

        assert (answer.status_code, answer.json()["outcome"]) == (200, "applied")
        (row,) = await world.rows("SELECT headers FROM callback WHERE callback_id = 'm-svix'")
        assert "svix-signature" in row["headers"]

    @pytest.mark.parametrize("scheme", [Scheme.STANDARD, Scheme.HMAC])
    async def test_repeated_header_is_refused(self, world, order_of, scheme):
        body = json.dumps(callback(await order_of(), "shipped")).encode()
        provider = "acme" if scheme is Scheme.STANDARD else "globex"
        signed = list(sign(scheme, SECRET, "m-twice", body, time.time()).items())
        for repeated in signed:
            answer = await world.http.post(
                f"/v1/providers/{provider}/callbacks", content=body, headers=[*signed, repeated]
            )
            assert (answer.status_code, answer.json()["code"]) == (401, "invalid_signature"), repeated[0]

    @pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
    async def test_header_that_is_not_ascii_is_refused(self, world, order_of, name):
        body = json.dumps(callback(await order_of(), "shipped")).encode()
        signed = sign(Scheme.STANDARD, SECRET, "m-bytes", body, time.time()) | {name: b"\xff\xfe\xe9"}

        answer = await world.http.post("/v1/providers/acme/callbacks", content=body, headers=list(signed.items()))

        assert answer.status_code == 401

    async def test_secret_before_rotation_is_accepted_with_the_new_one(self, world, order_of):
        operator = world.desk.headers("operator")
        path = "/v1/providers/acme/secrets"
        rotating = {"signing": SECRET, "callback": OTHER_SECRET, "callback_before": SECRET}
        assert (await world.http.put(path, json={"secrets": rotating}, headers=operator)).status_code == 204
        try:
            for number, secret in enumerate((SECRET, OTHER_SECRET)):
                body = callback(await order_of(), "shipped")
                answer = await world.call_back("acme", f"m-rotating-{number}", body, secret=secret)
                assert (answer.status_code, answer.json()["outcome"]) == (200, "applied")
        finally:
            before = {"secrets": {"signing": SECRET, "callback": SECRET}}
            await world.http.put(path, json=before, headers=operator)

    async def test_invalid_signature_is_counted(self, world, order_of):
        await world.call_back("acme", "m-1", callback("x", "shipped"), secret=OTHER_SECRET)

        assert 'order_dispatch_callbacks_total{outcome="untrusted"}' in (await world.http.get("/metrics")).text


class TestOrderEvent:
    async def test_acp_event_finds_order_by_session(self, world, order_of):
        order_id = await order_of("globex")
        (stored,) = await world.rows("SELECT reference FROM order_reference WHERE order_id = $1", order_id)
        event = acp_event(stored["reference"], "shipped", fulfilled=2)

        answer = await world.call_back("globex", "unused", event, scheme=Scheme.HMAC)

        assert (answer.status_code, answer.json()["received"], answer.json()["outcome"]) == (200, True, "applied")
        shipped = await world.order(order_id)
        assert (shipped["state"], shipped["tracking"]) == ("shipped", "T1")
        assert shipped["shipped"] == {"quantity": "40", "unit": "C62"}

    async def test_repetition_is_recognized_by_body(self, world, order_of):
        order_id = await order_of("globex")
        (stored,) = await world.rows("SELECT reference FROM order_reference WHERE order_id = $1", order_id)
        event = acp_event(stored["reference"], "shipped", fulfilled=2)
        await world.call_back("globex", "one", event, scheme=Scheme.HMAC)

        again = await world.call_back("globex", "two", event, scheme=Scheme.HMAC, at=time.time() - 60)

        assert again.headers["idempotent-replayed"] == "true"

    async def test_partial_shipment_leaves_the_rest_for_later(self, world, order_of):
        order_id = await order_of("globex")
        (stored,) = await world.rows("SELECT reference FROM order_reference WHERE order_id = $1", order_id)
        await world.call_back("globex", "", acp_event(stored["reference"], "shipped", fulfilled=1), scheme=Scheme.HMAC)
        part = await world.order(order_id)

        await world.call_back("globex", "", acp_event(stored["reference"], "shipped", fulfilled=2), scheme=Scheme.HMAC)
        whole = await world.order(order_id)

        assert (part["state"], part["shipped"]["quantity"]) == ("shipped", "20")
        assert part["lines"][0]["remaining"] == {"quantity": "20", "unit": "C62"}
        assert (whole["state"], whole["shipped"]["quantity"]) == ("shipped", "40")
        assert whole["lines"][0]["remaining"] is None
        shipped = await world.facts(order_id, "OrderShipped")
        assert [(event["lines"][0]["quantity"], event["complete"]) for event in shipped] == [(20, False), (20, True)]


class TestInterruptedRequest:
    async def test_callback_is_processed_by_periodic_job(self, world, order_of):
        order_id = await order_of()
        async with world.kit.writing() as connection:
            store = world.kit.store_in(connection)
            await store.add_callback("acme", "m-left", {}, json.dumps(callback(order_id, "shipped")).encode())

        world.step(minutes=3)

        await world.reaches(order_id, "shipped")
        (row,) = await world.rows("SELECT outcome FROM callback WHERE callback_id = 'm-left'")
        assert row["outcome"] == "applied"


class TestRetention:
    async def test_old_bodies_are_deleted_but_repetitions_recognized(self, world, order_of):
        order_id = await order_of()
        await world.call_back("acme", "m-old", callback(order_id, "shipped"))

        world.step(days=31)

        await world.has("SELECT FROM callback WHERE callback_id = 'm-old' AND body IS NULL")
        again = await world.call_back("acme", "m-old", callback(order_id, "shipped"))
        assert (again.status_code, again.headers["idempotent-replayed"]) == (200, "true")


async def test_shipping_shop_sends_callback(world):
    async with world.shop("webhook", "quick", "--ships"), world.shop("acp", "swift", "--ships"):
        for provider in ("quick", "swift"):
            order_id = await world.approve(provider)
            await world.reaches(order_id, "shipped")

    rows = await world.rows("SELECT outcome FROM callback WHERE provider_id IN ('quick', 'swift')")
    assert [row["outcome"] for row in rows] == ["applied", "applied"]


async def test_secrets_are_encrypted_and_never_returned(world):
    async with world.shop("webhook", "secretive"):
        pass
    listed = await world.http.get("/v1/providers", headers=world.desk.headers("operator"))
    (row,) = await world.rows("SELECT secrets FROM provider WHERE provider_id = 'secretive'")

    assert SECRET not in listed.text
    assert SECRET.encode() not in row["secrets"]
    refused = await world.http.put(
        "/v1/providers/secretive/secrets",
        json={"secrets": {"callback": "x"}},
        headers=world.desk.headers("provider", provider_id="secretive"),
    )
    assert refused.status_code == 403


class TestSecrets:
    async def put(self, world, provider, **secrets):
        path = f"/v1/providers/{provider}/secrets"
        return await world.http.put(path, json={"secrets": secrets}, headers=world.desk.headers("operator"))

    @pytest.mark.parametrize("name", ["signing", "callback", "callback_before"])
    @pytest.mark.parametrize(
        ("secret", "code"),
        [
            ("whsec_", "too_short"),
            ("whsec_a2V5", "too_short"),
            ("b29vb29vb29vb29vb29vb29vb29vb29v", "wrong_prefix"),
            ("whsk_b29vb29vb29vb29vb29vb29vb29vb29v", "wrong_prefix"),
            ("whsec_this-is-not-base64-but-long-enough", "not_base64"),
            (f"{SECRET}\n", "whitespace"),
        ],
    )
    async def test_secret_that_cannot_sign_is_refused(self, world, order_of, name, secret, code):
        refused = await self.put(world, "acme", **{name: secret})

        assert (refused.status_code, refused.json()["code"]) == (422, "unusable_secret")
        (error,) = refused.json()["errors"]
        assert (error["code"], error["field"]) == (code, f"secrets.{name}")
        assert error["remedy"]
        assert secret.strip() == "whsec_" or secret.strip() not in refused.text
        # The secrets from before still verify.
        answer = await world.call_back("acme", secrets.token_hex(8), callback(await order_of(), "shipped"))
        assert answer.status_code == 200

    @pytest.mark.parametrize(
        ("sent", "fields"),
        [
            ({"callback": "short"}, ["secrets.callback"]),
            ({"callback": "a long one with spaces"}, ["secrets.callback"]),
            ({"api_key": "short"}, ["secrets.api_key"]),
            ({"api_key": "Bearer 0123456789abcdef"}, ["secrets.api_key"]),
            ({"api_key": "schlüssel-mit-umlaut"}, ["secrets.api_key"]),
            ({"singing": SECRET}, ["secrets.singing"]),
            ({"callback": "short", "api_key": "x y"}, ["secrets.callback", "secrets.api_key"]),
        ],
        ids=["short", "spaces", "short key", "scheme in key", "umlaut in key", "unknown name", "two"],
    )
    async def test_secret_of_hmac_and_key_are_checked(self, world, order_of, sent, fields):
        refused = await self.put(world, "globex", **sent)

        assert (refused.status_code, refused.json()["code"]) == (422, "unusable_secret")
        assert [error["field"] for error in refused.json()["errors"]] == fields

    async def test_scheme_in_which_secrets_cannot_sign_is_refused(self, world):
        operator = world.desk.headers("operator")
        body = {"name": "Swap", "protocol": "webhook", "url": "http://127.0.0.1:9"}

        async def put_scheme(scheme):
            account = {"signature": scheme}
            return await world.http.put("/v1/providers/swap", json=body | {"account": account}, headers=operator)

        assert (await put_scheme("hmac")).status_code == 200
        assert (await self.put(world, "swap", signing="a-secret-of-text", callback=SECRET)).status_code == 204

        refused = await put_scheme("standard")
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "secrets.signing")
        assert (await self.put(world, "swap", signing=SECRET, callback=SECRET)).status_code == 204
        assert (await put_scheme("standard")).status_code == 200
