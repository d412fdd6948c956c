"""Tests of account linking: authorization, and encryption, renewal, revocation and deletion of tokens."""

import asyncio
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from libs.kit import RejectedError, RetryLaterError
from replenish_contracts.events import (
    CustomerErased,
    DeviceDeregistered,
    DeviceReplaced,
    SlotLevelChanged,
    SlotMove,
    SlotSpec,
)
from services.order_dispatch.linking.client import open_linked_client
from services.order_dispatch.linking.tokens import get_token
from tests.integration.order_dispatch.drs.environment import register, state_of
from tests.support.portal_server import until


class TestAuthorizeUrl:
    async def test_contains_challenge_state_and_device_but_no_secret(self, linked):
        begun = (await linked.begin_linking("ann", "washer")).json()

        query = {name: values[0] for name, values in parse_qs(urlsplit(begun["authorize_url"]).query).items()}
        assert (query["response_type"], query["code_challenge_method"]) == ("code", "S256")
        assert (query["scope"], len(query["code_challenge"]), len(query["state"])) == ("dash:replenish", 43, 43)
        assert query["redirect_uri"] == f"{linked.url}/v1/links/callback"
        assert '"serial": "washer"' in query["scope_data"]
        assert "secret" not in begun["authorize_url"]

    async def test_is_refused_for_devices_of_other_customers(self, linked):
        await register(linked, "bob", "fryer", 2)

        assert (await linked.begin_linking("ann", "fryer")).json()["code"] == "no_such_device"
        assert (await linked.begin_linking("ann", "washer", "unknown")).json()["code"] == "not_linkable"
        headers = linked.customer("bob")
        body = {"provider_id": "amazon", "device_id": "washer"}
        assert (await linked.http.post("/v1/customers/ann/links", json=body, headers=headers)).status_code == 404

    @pytest.mark.parametrize("url", ["http://8.8.8.8/", "https://a@b.example/", "ftp://x/", "no url", "https://a b/"])
    async def test_client_with_forbidden_url_is_refused(self, linked, url):
        body = linked.link_client() | {"token_url": url}
        path = "/v1/providers/amazon/link-client"
        put = await linked.http.put(path, json=body, headers=linked.desk.headers("operator"))

        assert (put.status_code, put.json()["errors"][0]["field"]) == (422, "token_url")

    @pytest.mark.parametrize("secret", ["", " ", "a secret", "secret\n", "geheimnis-ä"])
    async def test_client_with_unusable_secret_is_refused(self, linked, secret):
        body = linked.link_client() | {"client_secret": secret}
        path = "/v1/providers/amazon/link-client"
        put = await linked.http.put(path, json=body, headers=linked.desk.headers("operator"))

        assert (put.status_code, put.json()["code"]) == (422, "unusable_secret")
        assert put.json()["errors"][0]["field"] == "client_secret"

    @pytest.mark.parametrize(
        "options", [{"country": "us"}, {"topic_arns": 5}, {"note": "\ud800"}, {"note": "\x00"}, {"note": float("inf")}]
    )
    async def test_client_with_invalid_options_is_refused(self, linked, options):
        body = json.dumps(linked.link_client() | {"options": options})
        path = "/v1/providers/amazon/link-client"
        put = await linked.http.put(path, content=body, headers=linked.desk.headers("operator"))

        assert put.status_code in (400, 422), put.text


class TestRedirect:
    async def test_redirect_is_accepted_once(self, linked):
        back = await linked.consent((await linked.begin_linking("ann", "washer")).json()["authorize_url"])

        first, second = await linked.browser.get(back), await linked.browser.get(back)

        assert first.status_code == 200
        assert (second.status_code, second.json()["code"]) == (400, "attempt_expired")

    async def test_concurrent_redirects_are_accepted_once(self, linked):
        back = await linked.consent((await linked.begin_linking("ann", "washer")).json()["authorize_url"])

        answers = await asyncio.gather(*(linked.browser.get(back) for _ in range(5)))

        assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400, 400]

    async def test_two_concurrent_attempts_make_one_link(self, linked):
        await register(linked, "ann", "steamer", 12)
        begun = [(await linked.begin_linking("ann", "steamer")).json()["authorize_url"] for _ in range(12)]
        backs = [await linked.consent(url) for url in begun]

        answers = await asyncio.gather(*(linked.browser.get(back) for back in backs))

        assert [answer.status_code for answer in answers] == [200] * 12
        assert len({answer.json()["link_id"] for answer in answers}) == 1

    async def test_attempt_expires(self, linked):
        back = await linked.consent((await linked.begin_linking("ann", "washer")).json()["authorize_url"])
        await linked.fetch("UPDATE link_attempt SET expires_at = now() WHERE used_at IS NULL")

        assert (await linked.browser.get(back)).json()["code"] == "attempt_expired"

    async def test_wrong_code_makes_no_link(self, linked):
        await register(linked, "ann", "kettle", 3)
        state = state_of((await linked.begin_linking("ann", "kettle")).json()["authorize_url"])

        forged = await linked.browser.get(f"{linked.url}/v1/links/callback", params={"state": state, "code": "guess"})

        assert (forged.status_code, forged.json()["code"]) == (403, "not_granted")
        assert [link for link in await linked.links("ann") if link["device_id"] == "kettle"] == []

    async def test_code_of_other_attempt_fails_verifier(self, linked):
        await register(linked, "ann", "kettle", 3)
        first, second = [(await linked.begin_linking("ann", "kettle")).json()["authorize_url"] for _ in range(2)]
        code = parse_qs(urlsplit(await linked.consent(first)).query)["code"][0]

        mixed = await linked.browser.get(
            f"{linked.url}/v1/links/callback", params={"state": state_of(second), "code": code}
        )

        assert (mixed.status_code, mixed.json()["code"]) == (403, "not_granted")

    async def test_denied_consent_makes_no_link(self, linked):
        back = await linked.consent((await linked.begin_linking("ann", "washer")).json()["authorize_url"] + "&deny=1")

        answer = await linked.browser.get(back)

        assert (answer.status_code, answer.json()["linked"]) == (403, False)

    async def test_link_to_removed_device_is_revoked(self, linked):
        await register(linked, "ann", "toaster", 4)
        back = await linked.consent((await linked.begin_linking("ann", "toaster")).json()["authorize_url"])
        await linked.publish(DeviceDeregistered(customer_id="ann", device_id="toaster", registration=4))
        await linked.wait_for_row("SELECT 1 FROM device WHERE device_id = 'toaster' AND state = 'left'")

        assert (await linked.browser.get(back)).status_code == 409

        async def deregistered():
            return [line for line in linked.shop_log("deregistered") if line["serial"] == "toaster"]

        await until(deregistered, "the device is deregistered at the provider")
        await linked.wait_for_row("SELECT count(*) = 0 FROM link WHERE device_id = 'toaster' HAVING count(*) = 0")


class TestTokens:
    async def test_tokens_are_encrypted(self, linked):
        ((access, refresh),) = await linked.fetch(
            "SELECT access_sealed, refresh_sealed FROM link WHERE device_id = 'washer' AND state = 'active'"
        )
        ((secret,),) = await linked.fetch("SELECT client_secret_sealed FROM link_client WHERE provider_id = 'amazon'")

        assert not any(b"Atza|" in blob or b"Atzr|" in blob for blob in (access, refresh))
        assert b"sample-secret" not in secret

    async def test_concurrent_calls_renew_once_before_expiry(self, linked):
        (link_id,) = [one["link_id"] for one in await linked.links("ann") if one["device_id"] == "washer"]
        await linked.fetch("UPDATE link SET expires_at = now() + interval '1 minute' WHERE link_id = $1", link_id)
        before = len(linked.shop_log("token"))

        tokens = await asyncio.gather(*(get_token(linked.kit, link_id) for _ in range(10)))

        assert len({token.text for token in tokens}) == 1
        assert [line["grant"] for line in linked.shop_log("token")[before:]] == ["refresh_token"]

    async def test_rejected_token_is_renewed_once(self, linked):
        await linked.post_to_shop("customer/washer/expire")
        before = len(linked.shop_log("token"))
        line = await open_linked_client(linked.kit, "amazon", "washer")

        async def call():
            return (await line.request("GET", "/subscriptionInfo", headers={})).body

        answers = await asyncio.gather(*(call() for _ in range(5)))

        assert all(b"x-amzn-type-version" in answer for answer in answers)
        assert len(linked.shop_log("token")) == before + 1

    async def test_refused_renewal_ends_link(self, linked):
        await register(linked, "ann", "shaver", 5)
        link_id = await linked.link("ann", "shaver")
        # No other call may detect the revoked token first.
        await linked.wait_for_row("SELECT 1 FROM task WHERE id = $1 AND state = 'done'", link_id)
        await linked.post_to_shop("customer/shaver/forget")
        line = await open_linked_client(linked.kit, "amazon", "shaver")

        with pytest.raises(RejectedError, match="refused to renew the token: invalid_grant"):
            await line.request("GET", "/subscriptionInfo")

        ended = [one["reason"] for one in await linked.published_events("LinkEnded") if one["link_id"] == link_id]
        assert ended == ["the provider refused to renew the token: invalid_grant"]
        query = "SELECT access_sealed, refresh_sealed, end_reason FROM link WHERE link_id = $1"
        assert await linked.fetch(query, link_id) == [
            (None, None, "the provider refused to renew the token: invalid_grant")
        ]

    async def test_invalid_client_keeps_link(self, linked):
        await register(linked, "ann", "shaver", 5)
        link_id = await linked.link("ann", "shaver")
        await linked.wait_for_row("SELECT 1 FROM task WHERE id = $1 AND state = 'done'", link_id)
        await linked.fetch("UPDATE link SET expires_at = now() WHERE link_id = $1", link_id)

        await linked.put_link_client(client_secret="mistyped")
        with pytest.raises(RetryLaterError, match="answered 401 invalid_client"):
            await get_token(linked.kit, link_id)
        begun = await linked.begin_linking("ann", "shaver")
        back = await linked.browser.get(await linked.consent(begun.json()["authorize_url"]))
        await linked.put_link_client()

        assert (back.status_code, back.json()["code"]) == (502, "provider_unavailable")
        assert (await get_token(linked.kit, link_id)).text

    async def test_undecryptable_token_keeps_link(self, linked):
        await register(linked, "ann", "shaver", 5)
        link_id = await linked.link("ann", "shaver")
        await linked.wait_for_row("SELECT 1 FROM task WHERE id = $1 AND state = 'done'", link_id)
        await linked.fetch("UPDATE link SET access_sealed = refresh_sealed WHERE link_id = $1", link_id)

        with pytest.raises(RetryLaterError, match="cannot be decrypted"):
            await get_token(linked.kit, link_id)


class TestUnlink:
    async def test_customer_unlink_revokes_and_deletes_tokens(self, linked):
        await register(linked, "ann", "juicer", 6)
        link_id = await linked.link("ann", "juicer")
        await linked.wait_for_row("SELECT 1 FROM link_slot WHERE link_id = $1 AND subscribed", link_id)

        answer = await linked.unlink("ann", link_id)

        assert (answer.status_code, answer.json()["state"]) == (202, "ending")
        rows = "SELECT 1 FROM link WHERE link_id = $1 AND state = 'ended' AND access_sealed IS NULL"
        await linked.wait_for_row(rows, link_id)
        assert [line["serial"] for line in linked.shop_log("deregistered") if line["serial"] == "juicer"] == ["juicer"]
        assert linked.shop_log("revoked")
        assert (await linked.unlink("ann", link_id)).json()["state"] == "ended"
        followed = [
            one["following"] for one in await linked.published_events("SlotFollowed") if one["device_id"] == "juicer"
        ]
        assert sorted(followed) == [False, False, True, True]
        assert (await linked.unlink("bob", link_id)).status_code == 404

    async def test_device_can_be_linked_again(self, linked):
        await register(linked, "ann", "mixer", 7)
        first = await linked.link("ann", "mixer")
        await linked.unlink("ann", first)
        await linked.wait_for_row("SELECT 1 FROM link WHERE link_id = $1 AND state = 'ended'", first)

        second = await linked.link("ann", "mixer")

        states = {one["link_id"]: one["state"] for one in await linked.links("ann") if one["device_id"] == "mixer"}
        assert states == {first: "ended", second: "active"}

    async def test_removed_device_ends_link(self, linked):
        await register(linked, "ann", "grill", 8)
        link_id = await linked.link("ann", "grill")

        await linked.publish(DeviceDeregistered(customer_id="ann", device_id="grill", registration=8))

        await linked.wait_for_row("SELECT 1 FROM link WHERE link_id = $1 AND state = 'ended'", link_id)
        assert [line for line in linked.shop_log("deregistered") if line["serial"] == "grill"]

    async def test_erased_customer_leaves_no_link_data(self, linked):
        await register(linked, "cleo", "oven", 9)
        link_id = await linked.link("cleo", "oven")
        await linked.wait_for_row("SELECT 1 FROM sns_message WHERE serial = 'oven'")

        await linked.publish(CustomerErased(customer_id="cleo"))

        await linked.wait_for_row("SELECT 1 WHERE NOT EXISTS (SELECT FROM link WHERE customer_id = 'cleo')")
        assert [line for line in linked.shop_log("deregistered") if line["serial"] == "oven"]
        assert await linked.fetch("SELECT 1 FROM link_attempt WHERE customer_id = 'cleo'") == []
        assert await linked.fetch("SELECT 1 FROM link_slot WHERE link_id = $1", link_id) == []


class TestReplacedDevice:
    async def test_replaced_device_keeps_link(self, linked):
        await register(linked, "ann", "old-press", 10)
        link_id = await linked.link("ann", "old-press")
        await linked.wait_for_row("SELECT 1 FROM link_slot WHERE link_id = $1 AND subscribed", link_id)

        await linked.publish(
            DeviceReplaced(
                customer_id="ann",
                device_id="new-press",
                registration=11,
                replaces="old-press",
                credential_sha256="0" * 64,
                slots=(SlotSpec(slot="9", product_id="pods", unit="C62", capacity=50),),
                moves=(SlotMove(old_slot="1", new_slot="9"),),
            )
        )

        await linked.wait_for_row("SELECT 1 FROM link WHERE link_id = $1 AND device_id = 'new-press'", link_id)
        slots = await linked.fetch("SELECT slot, remote_slot FROM link_slot WHERE link_id = $1", link_id)
        assert slots == [("9", "1")]
        followed = [one for one in await linked.published_events("SlotFollowed") if one["device_id"] == "new-press"]
        assert [(one["slot"], one["following"]) for one in followed] == [("9", True)]


class TestReports:
    def use(self, linked, level, **changes):
        fields = {"device_id": "washer", "slot": "2", "customer_id": "ann", "product_id": "soap"}
        fields |= {"level": level, "uncertainty": 0.0, "rate_per_day": 100.0, "occurred_at": linked.clock.now()}
        return SlotLevelChanged(**(fields | changes))

    async def test_use_of_subscribed_slot_is_reported(self, linked):
        await linked.wait_for_row(
            "SELECT 1 FROM link_slot JOIN link USING (link_id) WHERE device_id = 'washer' AND subscribed"
        )
        for level in (3000, 2900, 2800):
            linked.step(minutes=1)
            await linked.publish(self.use(linked, level))
            await linked.wait_for_shop_log("slot_status", len(linked.shop_log("slot_status")) + 1)

        reported = linked.shop_log("slot_status")[-1]

        assert (reported["serial"], reported["slot"]) == ("washer", "2")
        # 2800 ml and 3000 ml in US fluid ounces of 29.5735295625 ml
        assert reported["body"]["remainingQuantityInUnit"] == 94.679264
        assert reported["body"]["originalQuantityInUnit"] == 101.442068
        assert set(reported["body"]) == {
            "expectedReplenishmentDate",
            "remainingQuantityInUnit",
            "originalQuantityInUnit",
            "totalQuantityOnHand",
            "lastUseDate",
        }

    async def test_use_of_unsubscribed_slot_is_not_reported(self, linked):
        before = len(linked.shop_log("slot_status"))
        await linked.publish(self.use(linked, 5, device_id="fryer", customer_id="bob"))
        linked.step(minutes=1)
        await linked.publish(self.use(linked, 2700))
        await linked.wait_for_shop_log("slot_status", before + 1)

        assert len(linked.shop_log("slot_status")) == before + 1

    async def test_device_status_is_reported_daily(self, linked):
        before = len([line for line in linked.shop_log("device_status") if line["serial"] == "washer"])
        linked.step(days=1)

        async def reported():
            found = [line for line in linked.shop_log("device_status") if line["serial"] == "washer"]
            return found[before:]

        (last,) = await until(reported, "the device's status is reported")
        assert last["at_"] < linked.clock.now().isoformat()
