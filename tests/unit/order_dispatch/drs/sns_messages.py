"""Builders of SNS messages and notifications."""

import json
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

TOPIC = "arn:aws:sns:us-east-2:989023162453:sampletopic"
CERTIFICATE_URL = "https://sns.us-east-2.amazonaws.com/SimpleNotificationService-ac565b8b1a6c5d002d285f9598aa1d9b.pem"


def envelope(message, **changes):
    fields = {
        "Type": "Notification",
        "MessageId": "75103c40-8e08-5761-aec1-686eb5490a30",
        "TopicArn": TOPIC,
        "Message": message if isinstance(message, str) else json.dumps(message),
        "Timestamp": "2018-10-03T03:35:29.676Z",
        "SignatureVersion": "1",
        "Signature": "",
        "SigningCertURL": CERTIFICATE_URL,
        "UnsubscribeURL": "https://sns.us-east-2.amazonaws.com/?Action=Unsubscribe",
    }
    return fields | changes


def notification(kind, **parts):
    return {
        "notificationInfo": {
            "notificationType": kind,
            "lwaClientId": "amzn1.application-oa2-client.6b68exxxxxxxxxx9",
            "notificationTime": "2016-12-02T21:09:58.689Z",
            "notificationId": "amzn1.dash.notification.v1.xxxxxxxxxxxxx13",
            "version": "2015-06-05",
        },
        "deviceInfo": {
            "deviceIdentifier": {"serialNumber": "mySerialNumber"},
            "productIdentifier": {"modelId": "myDeviceModel"},
        },
        "customerInfo": {"directedCustomerId": "amzn1.account.AH54JCXQ7WZKCZOFxxxxxxxx"},
        **parts,
    }


def order_info(*products, **more):
    return {"instanceId": "amzn1.dash.v2.o.ci45", "slotId": "myProduct", "productInfo": list(products), **more}


def product(quantity=103, unit="fl oz", **more):
    return {"asin": "B00JGZBTCI", "quantity": quantity, "unit": unit, **more}


def key_and_certificate(key=None):
    key = key or rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return key, certificate.public_bytes(serialization.Encoding.PEM)
