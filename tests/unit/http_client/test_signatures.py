"""Tests of both signature schemes: valid signatures pass, any change fails."""

import base64
import hashlib
import hmac
import time

import pytest
from standardwebhooks import Webhook

from libs.http_client.signatures import InvalidSignatureError, Scheme, sign, verify

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 32).decode()
BODY = b'{"type":"order.updated"}'


@pytest.fixture
def now():
    return time.time()


@pytest.mark.parametrize("scheme", list(Scheme))
class TestBothSchemes:
    def test_verify_accepts_signed_body(self, scheme, now):
        headers = sign(scheme, SECRET, "m1", BODY, now)

        assert verify(scheme, [SECRET], headers, BODY, now).callback_id

    def test_verify_accepts_old_and_new_secret(self, scheme, now):
        headers = sign(scheme, OTHER, "m1", BODY, now)

        assert verify(scheme, [SECRET, OTHER], headers, BODY, now)

    def test_verify_returns_same_id_for_repetition(self, scheme, now):
        ids = {verify(scheme, [SECRET], sign(scheme, SECRET, "m1", BODY, at), BODY, at) for at in (now, now - 60)}

        assert len(ids) == 1

    @pytest.mark.parametrize("body", [b"", BODY + b" ", BODY.upper(), b"\xff\xfe"])
    def test_verify_refuses_other_body(self, scheme, now, body):
        with pytest.raises(InvalidSignatureError):
            verify(scheme, [SECRET], sign(scheme, SECRET, "m1", BODY, now), body, now)

    def test_verify_refuses_other_secret(self, scheme, now):
        with pytest.raises(InvalidSignatureError):
            verify(scheme, [OTHER], sign(scheme, SECRET, "m1", BODY, now), BODY, now)

    def test_verify_refuses_without_secret(self, scheme, now):
        with pytest.raises(InvalidSignatureError):
            verify(scheme, [], sign(scheme, SECRET, "m1", BODY, now), BODY, now)

    @pytest.mark.parametrize("off", [-301, 302])
    def test_verify_refuses_timestamp_outside_tolerance(self, scheme, now, off):
        with pytest.raises(InvalidSignatureError):
            verify(scheme, [SECRET], sign(scheme, SECRET, "m1", BODY, now + off), BODY, now)

    @pytest.mark.parametrize("off", [-295, 295])
    def test_verify_accepts_timestamp_within_tolerance(self, scheme, now, off):
        assert verify(scheme, [SECRET], sign(scheme, SECRET, "m1", BODY, now + off), BODY, now)

    def test_verify_refuses_missing_headers(self, scheme, now):
        with pytest.raises(InvalidSignatureError):
            verify(scheme, [SECRET], {}, BODY, now)

    @pytest.mark.parametrize(
        "malformed", ["", ",", "v1", "v1,", "v1,é", "v1,!!!", "v2,AAAA", "t=,v1=", "t=1,v1=zz", "\x00", "a" * 9999]
    )
    def test_verify_refuses_malformed_signature(self, scheme, now, malformed):
        for name in sign(scheme, SECRET, "m1", BODY, now):
            headers = sign(scheme, SECRET, "m1", BODY, now) | {name: malformed}
            with pytest.raises(InvalidSignatureError):
                verify(scheme, [SECRET], headers, BODY, now)


class TestStandardWebhooks:
    def test_sign_matches_library(self, now):
        Webhook(SECRET).verify(BODY, sign(Scheme.STANDARD, SECRET, "m1", BODY, now))

    def test_signature_covers_id(self, now):
        headers = sign(Scheme.STANDARD, SECRET, "m1", BODY, now)

        assert verify(Scheme.STANDARD, [SECRET], headers, BODY, now).callback_id == "m1"
        with pytest.raises(InvalidSignatureError):
            verify(Scheme.STANDARD, [SECRET], headers | {"webhook-id": "m2"}, BODY, now)

    @pytest.mark.parametrize("stamp", ["nan", "inf", "-1", "1e999", "9" * 400])
    def test_verify_refuses_malformed_timestamp(self, now, stamp):
        with pytest.raises(InvalidSignatureError):
            verify(
                Scheme.STANDARD,
                [SECRET],
                sign(Scheme.STANDARD, SECRET, "m1", BODY, now) | {"webhook-timestamp": stamp},
                BODY,
                now,
            )


class TestHmac:
    def test_sign_matches_acp(self):
        mac = hmac.new(SECRET.encode(), b"1709123456." + BODY, hashlib.sha256).hexdigest()
        headers = {"merchant-signature": f"t=1709123456,v1={mac}"}

        assert sign(Scheme.HMAC, SECRET, "m1", BODY, 1709123456.7) == headers
        assert verify(Scheme.HMAC, [SECRET], headers, BODY, 1709123456 + 300)

    def test_id_is_body_hash(self, now):
        one, other = (sign(Scheme.HMAC, SECRET, "m1", body, now) for body in (BODY, BODY + b" "))
        first = verify(Scheme.HMAC, [SECRET], one, BODY, now)

        assert first != verify(Scheme.HMAC, [SECRET], other, BODY + b" ", now)
