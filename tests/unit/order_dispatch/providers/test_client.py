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


class RecordingHttp:
    """HttpClient and CallRecords that records requests, returns one response and stores nothing."""

    def __init__(self, status=200, body=b""):
        self.sent, self._reply = [], Reply(status, {}, body)

    async def call(self, provider_id, request):
        self.sent.append(request)
        return self._reply

    async def issue_token(self, order, ship_to, secrets):
        return OrderToken("spt_1", a.NOON, order.price, order.currency)

    async def find_reference(self, provider_id, order_id):
        return None


def client(http, account=None, **secrets):
    return HttpProviderClient(
        SimpleNamespace(provider_id="acme", url="https://acme.example", account=account or {}), secrets, http, http
    )


class TestSignedRequest:
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
    async def test_request_signed_raises_retry_without_usable_secret(self, account, secrets):
        http = RecordingHttp()

        with pytest.raises(RetryLaterError, match="acme is not called"):
            await webhook.submit(a.drafted(), HOME, client(http, account, **secrets))

        assert http.sent == []

    @pytest.mark.parametrize("status", [401, 403])
    @pytest.mark.parametrize("body", [b"", b"<html>who are you</html>"])
    async def test_rejected_credentials_raise_retry(self, status, body):
        with pytest.raises(RetryLaterError, match="rejected our credentials"):
            await webhook.submit(a.drafted(), HOME, client(RecordingHttp(status, body), signing="whsec_a2V5"))
        with pytest.raises(RetryLaterError, match="rejected our credentials"):
            await acp.submit(a.drafted(), HOME, client(RecordingHttp(status, body), api_key="k"))

    async def test_error_without_code_raises_unknown(self):
        with pytest.raises(UnknownOutcomeError):
            await webhook.submit(a.drafted(), HOME, client(RecordingHttp(404, b"<html>"), signing="whsec_a2V5"))


class TestApiKey:
    @pytest.mark.parametrize(("secrets", "sent"), [({"api_key": "k"}, "Bearer k"), ({}, None)])
    async def test_api_key_is_sent_as_bearer_token(self, secrets, sent):
        http = RecordingHttp(400, json.dumps({"type": "invalid_request", "code": "invalid", "message": "no"}).encode())

        await acp.submit(a.drafted(), HOME, client(http, **secrets))

        assert http.sent[0].headers.get("Authorization") == sent

    @pytest.mark.parametrize("key", ["two\nlines", "schlüssel"])
    async def test_invalid_api_key_raises_retry(self, key):
        http = RecordingHttp()

        with pytest.raises(RetryLaterError, match="api_key"):
            await acp.submit(a.drafted(), HOME, client(http, api_key=key))

        assert http.sent == []


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
    def test_signature_scheme_prefers_account_to_protocol(self, protocol, account, scheme):
        provider = SimpleNamespace(protocol=protocol, account=account)

        assert signature_scheme(provider) == scheme
