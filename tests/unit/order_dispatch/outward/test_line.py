"""Tests of the provider client: signatures, idempotency keys, and requests that are not sent."""

import json
from types import SimpleNamespace

import pytest

from libs.http_client.exchange import Reply, UnknownOutcomeError
from libs.kit import RetryLaterError
from replenish_contracts.events import ShipTo
from services.order_dispatch.providers import acp, webhook
from services.order_dispatch.providers.client import HttpProviderClient
from services.order_dispatch.providers.registry import get_protocol, signature_scheme
from services.order_dispatch.providers.tokens import OrderToken
from tests.support import orders as a

HOME = ShipTo(name="Ann Lee", line1="Elm 1", postal_code="89073", city="Ulm", country="DE")


class Wire:
    """Records requests and returns one fixed answer; its notes store nothing."""

    def __init__(self, status=200, body=b""):
        self.sent, self._reply = [], Reply(status, {}, body)

    async def call(self, provider_id, request):
        self.sent.append(request)
        return self._reply

    async def allowance(self, order, ship_to, secrets):
        return OrderToken("spt_1", a.NOON, order.price, order.currency)

    async def recall(self, provider_id, order_id):
        return None


def line(wire, account=None, **secrets):
    return HttpProviderClient(
        SimpleNamespace(provider_id="acme", url="https://acme.example", account=account or {}), secrets, wire, wire
    )


class TestSignedCall:
    @pytest.mark.parametrize(
        ("account", "secrets"),
        [
            ({}, {}),
            ({"signature": "hmac"}, {}),
            ({}, {"signing": "whsec_"}),
            ({}, {"signing": "no base64 é"}),
            ({"signature": "md5"}, {"signing": "whsec_a2V5"}),
        ],
    )
    async def test_signed_retries_without_usable_secret(self, account, secrets):
        wire = Wire()

        with pytest.raises(RetryLaterError, match="acme is not called"):
            await webhook.submit(a.drafted(), HOME, line(wire, account, **secrets))

        assert wire.sent == []

    @pytest.mark.parametrize("status", [401, 403])
    @pytest.mark.parametrize("body", [b"", b"<html>who are you</html>"])
    async def test_rejected_credentials_raise_retry(self, status, body):
        with pytest.raises(RetryLaterError, match="rejected our credentials"):
            await webhook.submit(a.drafted(), HOME, line(Wire(status, body), signing="whsec_a2V5"))
        with pytest.raises(RetryLaterError, match="rejected our credentials"):
            await acp.submit(a.drafted(), HOME, line(Wire(status, body), api_key="k"))

    async def test_error_without_code_raises_unknown(self):
        with pytest.raises(UnknownOutcomeError):
            await webhook.submit(a.drafted(), HOME, line(Wire(404, b"<html>"), signing="whsec_a2V5"))


class TestApiKey:
    @pytest.mark.parametrize(("secrets", "sent"), [({"api_key": "k"}, "Bearer k"), ({}, None)])
    async def test_api_key_is_sent_as_bearer_token(self, secrets, sent):
        wire = Wire(400, json.dumps({"type": "invalid_request", "code": "invalid", "message": "no"}).encode())

        await acp.submit(a.drafted(), HOME, line(wire, **secrets))

        assert wire.sent[0].headers.get("Authorization") == sent

    @pytest.mark.parametrize("key", ["two\nlines", "schlüssel"])
    async def test_invalid_api_key_raises_retry(self, key):
        wire = Wire()

        with pytest.raises(RetryLaterError, match="api_key"):
            await acp.submit(a.drafted(), HOME, line(wire, api_key=key))

        assert wire.sent == []


class TestAccount:
    @pytest.mark.parametrize(
        ("protocol", "account"),
        [
            ("webhook", {"signature": "md5"}),
            ("acp", {"signature": []}),
            ("acp", {"locale": "de\nDE"}),
            ("acp", {"handler_id": 5}),
        ],
    )
    def test_check_account_refuses_invalid_settings(self, protocol, account):
        with pytest.raises(ValueError, match="must be"):
            get_protocol(protocol).check_account(account)

    @pytest.mark.parametrize(
        ("protocol", "account", "scheme"),
        [
            ("webhook", {}, "standard"),
            ("webhook", {"signature": "hmac"}, "hmac"),
            ("acp", {}, "hmac"),
            ("acp", {"signature": "standard"}, "standard"),
        ],
    )
    def test_signature_of_prefers_account_to_protocol(self, protocol, account, scheme):
        provider = SimpleNamespace(protocol=protocol, account=account)

        assert signature_scheme(provider) == scheme
