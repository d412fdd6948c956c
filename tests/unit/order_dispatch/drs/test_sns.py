"""Tests of SNS signatures and of the certificate URLs allowed for a topic's region."""

import base64

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding

from services.order_dispatch.providers.drs.sns import (
    SnsSignatureError,
    check_certificate_url,
    check_subscribe_url,
    string_to_sign,
    verify,
)
from tests.unit.order_dispatch.drs import sns_messages as a

NO_STAND_INS = frozenset()
KEY, CERTIFICATE = a.key_and_certificate()


def signed(version="2", key=KEY, **changes):
    message = a.envelope("Hello\nworld", SignatureVersion=version, **changes)
    digest = hashes.SHA1() if version == "1" else hashes.SHA256()
    signature = key.sign(string_to_sign(message), padding.PKCS1v15(), digest)
    return message | {"Signature": base64.b64encode(signature).decode()}


class TestStringToSign:
    def test_notification_has_six_fields_with_values(self):
        message = a.envelope(
            "My Test Message", MessageId="4d4dc071", Subject="My subject", Timestamp="2019-01-31T04:37"
        )

        assert string_to_sign(message) == (
            b"Message\nMy Test Message\nMessageId\n4d4dc071\nSubject\nMy subject\nTimestamp\n2019-01-31T04:37\n"
            b"TopicArn\narn:aws:sns:us-east-2:989023162453:sampletopic\nType\nNotification\n"
        )

    def test_absent_subject_is_omitted(self):
        message = a.envelope("m", MessageId="i", Timestamp="t", TopicArn="a")

        assert string_to_sign(message) == b"Message\nm\nMessageId\ni\nTimestamp\nt\nTopicArn\na\nType\nNotification\n"

    def test_confirmation_has_url_and_token_but_no_subject(self):
        message = a.envelope("m", Type="SubscriptionConfirmation", MessageId="i", Subject="s", Timestamp="t")
        message |= {"SubscribeURL": "u", "Token": "k", "TopicArn": "a"}

        assert string_to_sign(message) == (
            b"Message\nm\nMessageId\ni\nSubscribeURL\nu\nTimestamp\nt\nToken\nk\nTopicArn\na\n"
            b"Type\nSubscriptionConfirmation\n"
        )

    @pytest.mark.parametrize("changes", [{"Type": "Other"}, {"MessageId": None}, {"Message": 5}])
    def test_other_messages_are_refused(self, changes):
        with pytest.raises(SnsSignatureError):
            string_to_sign(a.envelope("m") | changes)


class TestVerify:
    @pytest.mark.parametrize("version", ["1", "2"])
    def test_verify_accepts_signed_message(self, version):
        verify(signed(version), CERTIFICATE)
        verify(signed(version, Subject="DRS Test"), CERTIFICATE)

    @pytest.mark.parametrize("name", ["Message", "MessageId", "Timestamp", "TopicArn"])
    def test_verify_refuses_changed_field(self, name):
        message = signed()

        with pytest.raises(SnsSignatureError, match="does not match the message"):
            verify(message | {name: message[name] + "x"}, CERTIFICATE)

    def test_verify_refuses_added_subject(self):
        with pytest.raises(SnsSignatureError):
            verify(signed() | {"Subject": "urgent"}, CERTIFICATE)

    def test_verify_refuses_other_key(self):
        other, _ = a.key_and_certificate()

        with pytest.raises(SnsSignatureError):
            verify(signed(key=other), CERTIFICATE)

    def test_verify_refuses_signature_of_other_version(self):
        with pytest.raises(SnsSignatureError):
            verify(signed("1") | {"SignatureVersion": "2"}, CERTIFICATE)

    @pytest.mark.parametrize("changes", [{"SignatureVersion": "3"}, {"SignatureVersion": None}, {"Signature": "%%"}])
    def test_verify_refuses_malformed_signature(self, changes):
        with pytest.raises(SnsSignatureError):
            verify(signed() | changes, CERTIFICATE)

    def test_verify_refuses_malformed_certificate(self):
        with pytest.raises(SnsSignatureError):
            verify(signed(), b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")

    def test_verify_refuses_other_key_types(self):
        _, certificate = a.key_and_certificate(ec.generate_private_key(ec.SECP256R1()))

        with pytest.raises(SnsSignatureError, match="RSA"):
            verify(signed(), certificate)


class TestUrls:
    def test_urls_in_topic_region_are_allowed(self):
        assert check_certificate_url(a.CERTIFICATE_URL, a.TOPIC, NO_STAND_INS) == a.CERTIFICATE_URL
        url = "https://sns.us-east-2.amazonaws.com/?Action=ConfirmSubscription&Token=1"
        assert check_subscribe_url(url, a.TOPIC, NO_STAND_INS) == url

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
            *(
                pytest.param(url, id=name)
                for name, url in {
                    "query": f"{a.CERTIFICATE_URL}?x=1",
                    "empty query": f"{a.CERTIFICATE_URL}?",
                    "query before path": a.CERTIFICATE_URL.replace(".com/", ".com?/"),
                    "fragment": f"{a.CERTIFICATE_URL}#x",
                    "empty fragment": f"{a.CERTIFICATE_URL}#",
                    "user": a.CERTIFICATE_URL.replace("//", "//user@"),
                    "user and password": a.CERTIFICATE_URL.replace("//", "//user:pw@"),
                    "empty user": a.CERTIFICATE_URL.replace("//", "//@"),
                    "usual port": a.CERTIFICATE_URL.replace(".com/", ".com:443/"),
                    "empty port": a.CERTIFICATE_URL.replace(".com/", ".com:/"),
                    "http": a.CERTIFICATE_URL.replace("https", "http"),
                    "capital scheme": a.CERTIFICATE_URL.replace("https", "HTTPS"),
                    "capital host": a.CERTIFICATE_URL.replace("amazonaws", "AmazonAWS"),
                    "capital path": a.CERTIFICATE_URL.replace("Simple", "SIMPLE"),
                    "other name": a.CERTIFICATE_URL.replace("SimpleNotificationService", "Other"),
                    "other folder": a.CERTIFICATE_URL.replace(".com/", ".com/folder/"),
                    "parent folder": a.CERTIFICATE_URL.replace(".com/", ".com/x/../"),
                    "double slash": a.CERTIFICATE_URL.replace(".com/", ".com//"),
                    "parameter": a.CERTIFICATE_URL.replace(".pem", ";x.pem"),
                    "encoded path": a.CERTIFICATE_URL.replace("Simple", "%53imple"),
                    "encoded host": a.CERTIFICATE_URL.replace("sns.", "sns%2e"),
                    "final dot": a.CERTIFICATE_URL.replace(".com/", ".com./"),
                    "missing dot": a.CERTIFICATE_URL.replace("sns.", "sns"),
                    "prefix": a.CERTIFICATE_URL.replace("//", "//evil-"),
                    "longer host": a.CERTIFICATE_URL.replace(".com/", ".com.evil.example/"),
                    "other domain": a.CERTIFICATE_URL.replace("amazonaws.com", "amazonaws.net"),
                    "look-alike": a.CERTIFICATE_URL.replace("amazonaws", "amaz0naws"),
                    "China": a.CERTIFICATE_URL.replace(".com/", ".com.cn/"),
                    "other suffix": a.CERTIFICATE_URL.replace(".pem", ".crt"),
                    "line break": f"{a.CERTIFICATE_URL}\n",
                    "tab": a.CERTIFICATE_URL.replace("sns", "s\tns"),
                    "no scheme": a.CERTIFICATE_URL.removeprefix("https:"),
                    "too long": a.CERTIFICATE_URL.replace(".pem", "a" * 3000 + ".pem"),
                }.items()
            ),
        ],
    )
    def test_other_urls_are_refused(self, url):
        with pytest.raises(SnsSignatureError):
            check_certificate_url(url, a.TOPIC, NO_STAND_INS)

    @pytest.mark.parametrize(
        "url",
        [
            "https://sns.us-east-2.amazonaws.com/",
            "https://sns.us-east-2.amazonaws.com/?Action=Unsubscribe&Token=1",
            "https://sns.us-east-2.amazonaws.com/?Action=ConfirmSubscription&Action=Publish",
            "https://sns.us-east-2.amazonaws.com/?Action=ConfirmSubscription&Token=1#x",
            "https://sns.us-east-2.amazonaws.com/x?Action=ConfirmSubscription",
            "https://sns.us-east-2.amazonaws.com:443/?Action=ConfirmSubscription",
            "https://user@sns.us-east-2.amazonaws.com/?Action=ConfirmSubscription",
            "http://sns.us-east-2.amazonaws.com/?Action=ConfirmSubscription",
            "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription",
            "https://evil.example/?Action=ConfirmSubscription",
        ],
    )
    def test_other_subscribe_urls_are_refused(self, url):
        with pytest.raises(SnsSignatureError):
            check_subscribe_url(url, a.TOPIC, NO_STAND_INS)

    def test_urls_of_china_belong_to_its_topics(self):
        url = a.CERTIFICATE_URL.replace("us-east-2.amazonaws.com", "cn-north-1.amazonaws.com.cn")
        topic = "arn:aws-cn:sns:cn-north-1:989023162453:sampletopic"

        assert check_certificate_url(url, topic, NO_STAND_INS) == url
        with pytest.raises(SnsSignatureError):
            check_certificate_url(url.replace(".com.cn", ".com"), topic, NO_STAND_INS)

    def test_stand_in_has_no_query(self):
        with pytest.raises(SnsSignatureError):
            check_certificate_url("http://127.0.0.1:4000/a.pem?x", a.TOPIC, frozenset({"127.0.0.1:4000"}))

    def test_urls_are_refused_for_invalid_topic(self):
        with pytest.raises(SnsSignatureError, match="region"):
            check_certificate_url(a.CERTIFICATE_URL, "arn:aws:sqs:us-east-2:1:x", NO_STAND_INS)

    def test_stand_in_is_allowed_only_by_setting(self):
        url = "http://127.0.0.1:4000/a.pem"

        assert check_certificate_url(url, a.TOPIC, frozenset({"127.0.0.1:4000"})) == url
        with pytest.raises(SnsSignatureError):
            check_certificate_url(url, a.TOPIC, frozenset({"127.0.0.1:4001"}))
