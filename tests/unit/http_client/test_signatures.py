"""Tests of both signature schemes: valid signatures pass, any change fails."""

import base64
import hashlib
import hmac
import time

import pytest
from standardwebhooks import Webhook

from libs.http_client.signatures import (
    InvalidSignatureError,
    Scheme,
    UnusableSecretError,
    check_characters,
    check_secret,
    sign,
    verify,
)

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

    @pytest.mark.parametrize(
        "stamp", ["²", "1.5", "+1", " ", "0x10", "٣"], ids=["superscript", "fraction", "sign", "space", "hex", "arabic"]
    )
    def test_verify_refuses_timestamp_other_than_digits(self, now, stamp):
        headers = sign(Scheme.STANDARD, SECRET, "m1", BODY, now) | {"webhook-timestamp": stamp}

        with pytest.raises(InvalidSignatureError):
            verify(Scheme.STANDARD, [SECRET], headers, BODY, now)

    @pytest.mark.parametrize(
        "given",
        [
            "{right}",
            "{right} {wrong}",
            "{wrong} {right}",
            "v1a,AAAA {right}",
            "v2,{mac} {right} v0,x",
            " {right} ",
            "broken {right}",
            "v1 {right}",
            "v1,!!! {right}",
            "v1,é {right}",
            "{wrong}\t{right}",
            "{unpadded}",
        ],
    )
    def test_verify_finds_right_one_of_several_signatures(self, now, given):
        headers = sign(Scheme.STANDARD, SECRET, "m1", BODY, now)
        right, wrong = (sign(Scheme.STANDARD, s, "m1", BODY, now)["webhook-signature"] for s in (SECRET, OTHER))
        signature = given.format(right=right, wrong=wrong, mac=right[3:], unpadded=right.rstrip("="))

        assert verify(Scheme.STANDARD, [SECRET], headers | {"webhook-signature": signature}, BODY, now) == ("m1",)

    @pytest.mark.parametrize(
        "given", ["{wrong} {wrong}", "v2,{mac}", "v1a,{mac}", "V1,{mac}", "{mac}", "v1,", " ", "v1,{mac}x"]
    )
    def test_verify_refuses_list_without_right_signature(self, now, given):
        headers = sign(Scheme.STANDARD, SECRET, "m1", BODY, now)
        wrong = sign(Scheme.STANDARD, OTHER, "m1", BODY, now)["webhook-signature"]
        signature = given.format(wrong=wrong, mac=headers["webhook-signature"][3:])

        with pytest.raises(InvalidSignatureError):
            verify(Scheme.STANDARD, [SECRET], headers | {"webhook-signature": signature}, BODY, now)

    def test_verify_accepts_several_signatures_of_rotating_sender(self, now):
        headers = sign(Scheme.STANDARD, SECRET, "m1", BODY, now)
        both = " ".join(sign(Scheme.STANDARD, s, "m1", BODY, now)["webhook-signature"] for s in (OTHER, SECRET))

        for known in ([SECRET], [OTHER], [SECRET, OTHER]):
            assert verify(Scheme.STANDARD, known, headers | {"webhook-signature": both}, BODY, now)

    def test_verify_skips_secret_that_cannot_sign(self, now):
        headers = sign(Scheme.STANDARD, SECRET, "m1", BODY, now)

        assert verify(Scheme.STANDARD, ["whsec_", "é", SECRET], headers, BODY, now)

    def test_verify_refuses_id_that_is_not_ascii(self, now):
        headers = sign(Scheme.STANDARD, SECRET, "mé", BODY, now)

        with pytest.raises(InvalidSignatureError):
            verify(Scheme.STANDARD, [SECRET], headers, BODY, now)


class TestSvixHeaders:
    """Svix's names of the headers of Standard Webhooks: all three, and never with the others'."""

    def headers(self, now, secret=SECRET, message_id="m1", names=("id", "timestamp", "signature"), prefix="svix"):
        signed = sign(Scheme.STANDARD, secret, message_id, BODY, now)
        return {f"{prefix}-{name}": signed[f"webhook-{name}"] for name in names}

    def test_verify_accepts_svix_headers(self, now):
        assert verify(Scheme.STANDARD, [SECRET], self.headers(now), BODY, now) == ("m1",)

    def test_verify_accepts_both_sets_of_one_message(self, now):
        headers = self.headers(now) | self.headers(now, prefix="webhook")

        assert verify(Scheme.STANDARD, [SECRET], headers, BODY, now) == ("m1",)

    @pytest.mark.parametrize("name", ["id", "timestamp", "signature"])
    def test_verify_refuses_mix_of_both_sets(self, now, name):
        others = [other for other in ("id", "timestamp", "signature") if other != name]
        for one, other in (("svix", "webhook"), ("webhook", "svix")):
            mixed = self.headers(now, names=[name], prefix=one) | self.headers(now, names=others, prefix=other)
            with pytest.raises(InvalidSignatureError):
                verify(Scheme.STANDARD, [SECRET], mixed, BODY, now)

    @pytest.mark.parametrize("name", ["id", "timestamp", "signature"])
    def test_verify_refuses_complete_set_beside_part_of_the_other(self, now, name):
        headers = self.headers(now) | self.headers(now, names=[name], prefix="webhook", message_id="m2")

        with pytest.raises(InvalidSignatureError):
            verify(Scheme.STANDARD, [SECRET], headers, BODY, now)

    def test_verify_uses_id_of_verified_set(self, now):
        headers = self.headers(now, message_id="m2") | self.headers(now, prefix="webhook")

        assert verify(Scheme.STANDARD, [SECRET], headers, BODY, now) == ("m1",)

    def test_verify_does_not_fall_back_to_other_set(self, now):
        headers = self.headers(now) | self.headers(now, secret=OTHER, prefix="webhook")

        with pytest.raises(InvalidSignatureError):
            verify(Scheme.STANDARD, [SECRET], headers, BODY, now)


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

    @pytest.mark.parametrize(
        "header",
        [
            "t={t},v1={right}",
            "t={t},v1={right},v1={wrong}",
            "t={t},v1={wrong},v1={right}",
            "t={t},v1={wrong},v1={right},v0=6ffbb59b",
            "v1={right},t={t}",
            "t={t}, v1={wrong}, v1={right}",
            "t={t},v1=zz,v1={right}",
            "t={t},v2={wrong},v1={upper},",
        ],
    )
    def test_verify_finds_right_one_of_several_signatures(self, now, header):
        right, wrong = (sign(Scheme.HMAC, s, "m1", BODY, now)["merchant-signature"][-64:] for s in (SECRET, OTHER))
        header = header.format(t=int(now), right=right, wrong=wrong, upper=right.upper())

        assert verify(Scheme.HMAC, [SECRET], {"merchant-signature": header}, BODY, now)

    @pytest.mark.parametrize(
        "header",
        [
            "t={t},v1={wrong},v1={wrong}",
            "t={t},v0={right}",
            "t={t},v1a={right}",
            "t={t}",
            "v1={right}",
            "t={t},t=1,v1={right}",
            "t=,v1={right}",
            "t={t}x,v1={right}",
            "t={t},v1={right}0",
            "t={t};v1={right}",
            "{right}",
        ],
    )
    def test_verify_refuses_header_without_right_signature(self, now, header):
        right, wrong = (sign(Scheme.HMAC, s, "m1", BODY, now)["merchant-signature"][-64:] for s in (SECRET, OTHER))
        header = header.format(t=int(now), right=right, wrong=wrong)

        with pytest.raises(InvalidSignatureError):
            verify(Scheme.HMAC, [SECRET], {"merchant-signature": header}, BODY, now)

    def test_verify_accepts_signatures_of_both_secrets_of_rotation(self, now):
        macs = [sign(Scheme.HMAC, s, "m1", BODY, now)["merchant-signature"][-64:] for s in (OTHER, SECRET)]
        headers = {"merchant-signature": f"t={int(now)},v1={macs[0]},v1={macs[1]}"}

        for known in ([SECRET], [OTHER], [SECRET, OTHER]):
            assert verify(Scheme.HMAC, known, headers, BODY, now)


class TestSecret:
    @pytest.mark.parametrize(
        "secret",
        [SECRET, SECRET.rstrip("="), "whsec_" + base64.b64encode(b"k" * 24).decode(), "whsec_" + "ab+/" * 16],
    )
    @pytest.mark.parametrize("scheme", list(Scheme))
    def test_secret_that_signs_is_accepted(self, scheme, secret):
        check_secret(scheme, secret)

        assert sign(scheme, secret, "m1", BODY, 1)

    @pytest.mark.parametrize(
        ("secret", "code"),
        [
            ("whsec_", "too_short"),
            ("whsec_ ", "too_short"),
            ("whsec_a2V5", "too_short"),
            ("whsec_" + base64.b64encode(b"k" * 23).decode(), "too_short"),
            ("whsec_" + base64.b64encode(b"k" * 65).decode(), "too_long"),
            ("", "wrong_prefix"),
            (base64.b64encode(b"k" * 32).decode(), "wrong_prefix"),
            ("WHSEC_" + SECRET[6:], "wrong_prefix"),
            ("whsk_" + SECRET[6:], "wrong_prefix"),
            ("whpk_" + SECRET[6:], "wrong_prefix"),
            ("a-long-secret-that-is-no-base64-at-all", "wrong_prefix"),
            ("whsec_this-is-not-base64-but-long-enough", "not_base64"),
            ("whsec_" + "ab=c" * 10, "not_base64"),
            ("whsec_" + "ä" * 32, "not_base64"),
            ("whsec_" + "ab-_" * 10, "not_base64"),
            ("whsec_whsec_" + SECRET[6:], "not_base64"),
            (SECRET + "\n", "whitespace"),
            (" " + SECRET, "whitespace"),
            (SECRET[:20] + " " + SECRET[20:], "whitespace"),
            (SECRET + "\u00a0", "whitespace"),
        ],
    )
    def test_secret_of_standard_webhooks_that_cannot_sign_is_refused(self, secret, code):
        with pytest.raises(UnusableSecretError) as refused:
            check_secret(Scheme.STANDARD, secret)

        assert refused.value.code == code
        assert len(secret) < 8 or secret[6:] not in str(refused.value)

    @pytest.mark.parametrize("secret", ["a-key-of-16-chars", "0123456789abcdef", "whsec_not/base64-but-signs"])
    def test_secret_of_hmac_is_any_text(self, secret):
        check_secret(Scheme.HMAC, secret)

    @pytest.mark.parametrize(
        ("secret", "code"),
        [
            ("", "too_short"),
            ("whsec_", "too_short"),
            ("whsec_0123456789", "too_short"),
            ("short", "too_short"),
            ("0123456789abcde", "too_short"),
            ("                    ", "whitespace"),
            ("0123456789 abcdef", "whitespace"),
            ("0123456789abcdef\r\n", "whitespace"),
            ("0123456789abcdef\x07", "not_ascii"),
            ("schlüssel-mit-umlaut", "not_ascii"),
            ("whpk_0123456789abcdef", "wrong_prefix"),
            ("pk_live_0123456789abcdef", "wrong_prefix"),
        ],
    )
    def test_secret_of_hmac_that_is_weak_or_unreadable_is_refused(self, secret, code):
        with pytest.raises(UnusableSecretError) as refused:
            check_secret(Scheme.HMAC, secret)

        assert refused.value.code == code

    @pytest.mark.parametrize("key", ["Bearer 0123456789abcdef", "short", "sk_live_ 0123456789", "schlüssel-mit-umlaut"])
    def test_key_that_is_no_header_value_is_refused(self, key):
        with pytest.raises(UnusableSecretError):
            check_characters(key)
