"""Tests of SNS signatures and of the certificate URLs allowed for a topic's region."""

import base64

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding

from services.order_dispatch.sns.signing import (
    NotSigned,
    check_certificate_url,
    check_subscribe_url,
    string_to_sign,
    verify,
)
from tests.unit.order_dispatch.sns import a

NOBODY = frozenset()
KEY, CERTIFICATE = a.key_and_certificate()


def signed(version="2", key=KEY, **changes):
    message = a.envelope("Hello\nworld", SignatureVersion=version, **changes)
    digest = hashes.SHA1() if version == "1" else hashes.SHA256()
    signature = key.sign(string_to_sign(message), padding.PKCS1v15(), digest)
    return message | {"Signature": base64.b64encode(signature).decode()}


class TestStringToSign:
    def test_of_a_notification_has_six_fields_each_followed_by_its_value(self):
        message = a.envelope(
            "My Test Message", MessageId="4d4dc071", Subject="My subject", Timestamp="2019-01-31T04:37"
        )

        assert string_to_sign(message) == (
            b"Message\nMy Test Message\nMessageId\n4d4dc071\nSubject\nMy subject\nTimestamp\n2019-01-31T04:37\n"
            b"TopicArn\narn:aws:sns:us-east-2:989023162453:sampletopic\nType\nNotification\n"
        )

    def test_leaves_out_a_subject_that_is_absent(self):
        message = a.envelope("m", MessageId="i", Timestamp="t", TopicArn="a")

        assert string_to_sign(message) == b"Message\nm\nMessageId\ni\nTimestamp\nt\nTopicArn\na\nType\nNotification\n"

    def test_of_a_confirmation_has_address_and_token_and_no_subject(self):
        message = a.envelope("m", Type="SubscriptionConfirmation", MessageId="i", Subject="s", Timestamp="t")
        message |= {"SubscribeURL": "u", "Token": "k", "TopicArn": "a"}

        assert string_to_sign(message) == (
            b"Message\nm\nMessageId\ni\nSubscribeURL\nu\nTimestamp\nt\nToken\nk\nTopicArn\na\n"
            b"Type\nSubscriptionConfirmation\n"
        )

    @pytest.mark.parametrize("changes", [{"Type": "Other"}, {"MessageId": None}, {"Message": 5}])
    def test_of_anything_else_there_is_none(self, changes):
        with pytest.raises(NotSigned):
            string_to_sign(a.envelope("m") | changes)


class TestVerify:
    @pytest.mark.parametrize("version", ["1", "2"])
    def test_believes_the_key(self, version):
        verify(signed(version), CERTIFICATE)
        verify(signed(version, Subject="DRS Test"), CERTIFICATE)

    @pytest.mark.parametrize("name", ["Message", "MessageId", "Timestamp", "TopicArn"])
    def test_finds_every_change(self, name):
        message = signed()

        with pytest.raises(NotSigned, match="does not match the message"):
            verify(message | {name: message[name] + "x"}, CERTIFICATE)

    def test_finds_a_subject_that_was_added(self):
        with pytest.raises(NotSigned):
            verify(signed() | {"Subject": "urgent"}, CERTIFICATE)

    def test_does_not_believe_another_key(self):
        other, _ = a.key_and_certificate()

        with pytest.raises(NotSigned):
            verify(signed(key=other), CERTIFICATE)

    def test_does_not_believe_one_version_s_signature_in_the_other(self):
        with pytest.raises(NotSigned):
            verify(signed("1") | {"SignatureVersion": "2"}, CERTIFICATE)

    @pytest.mark.parametrize("changes", [{"SignatureVersion": "3"}, {"SignatureVersion": None}, {"Signature": "%%"}])
    def test_does_not_believe_what_cannot_be_read(self, changes):
        with pytest.raises(NotSigned):
            verify(signed() | changes, CERTIFICATE)

    def test_does_not_believe_something_that_is_no_certificate(self):
        with pytest.raises(NotSigned):
            verify(signed(), b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")

    def test_takes_only_rsa(self):
        _, certificate = a.key_and_certificate(ec.generate_private_key(ec.SECP256R1()))

        with pytest.raises(NotSigned, match="RSA"):
            verify(signed(), certificate)


class TestAddresses:
    def test_of_the_topic_s_region_are_called(self):
        assert check_certificate_url(a.CERTIFICATE_URL, a.TOPIC, NOBODY) == a.CERTIFICATE_URL
        url = "https://sns.us-east-2.amazonaws.com/?Action=ConfirmSubscription&Token=1"
        assert check_subscribe_url(url, a.TOPIC, NOBODY) == url

    @pytest.mark.parametrize(
        "url",
        [
            None,
            5,
            "",
            "http://sns.us-east-2.amazonaws.com/a.pem",
            "https://sns.us-east-2.amazonaws.com/a.pem.html",
            "https://sns.eu-west-1.amazonaws.com/a.pem",
            "https://sns.us-east-2.amazonaws.com.evil.example/a.pem",
            "https://evil.example/sns.us-east-2.amazonaws.com/a.pem",
            "https://sns.us-east-2.amazonaws.com@evil.example/a.pem",
            "https://evil.example#sns.us-east-2.amazonaws.com/a.pem",
            "https://evil.example\\.sns.us-east-2.amazonaws.com/a.pem",
            "https://sns.us-east-2.amazonaws.com:8443/a.pem",
            "https://sns.us-east-2.amazonaws.com:x/a.pem",
            "https://s3.us-east-2.amazonaws.com/a.pem",
            "https://sns.us-east-2\n.amazonaws.com/a.pem",
            "https://SNS.us-east-2.amazonaws.com.\u0131o/a.pem",
            "file:///etc/ssl/a.pem",
            "https://127.0.0.1/a.pem",
        ],
    )
    def test_others_are_not(self, url):
        with pytest.raises(NotSigned):
            check_certificate_url(url, a.TOPIC, NOBODY)

    def test_of_a_topic_that_is_none_are_not_called(self):
        with pytest.raises(NotSigned, match="region"):
            check_certificate_url(a.CERTIFICATE_URL, "arn:aws:sqs:us-east-2:1:x", NOBODY)

    def test_of_a_stand_in_are_called_only_where_the_settings_name_it(self):
        url = "http://127.0.0.1:4000/a.pem"

        assert check_certificate_url(url, a.TOPIC, frozenset({"127.0.0.1:4000"})) == url
        with pytest.raises(NotSigned):
            check_certificate_url(url, a.TOPIC, frozenset({"127.0.0.1:4001"}))
