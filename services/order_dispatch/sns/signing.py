"""Who signed an Amazon SNS message: what exactly is signed, and where the certificate may come from.

docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

NOTIFICATION, SUBSCRIPTION, UNSUBSCRIPTION = "Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"
#: What is signed, in this order; a Subject that is absent is left out.
SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    SUBSCRIPTION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    UNSUBSCRIPTION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_SNS_HOST = re.compile(r"sns\.([a-z0-9-]{1,40})\.amazonaws\.com(\.cn)?")
_ARN = re.compile(r"arn:aws(?:-cn|-us-gov)?:sns:([a-z0-9-]{1,40}):\d{1,20}:[A-Za-z0-9_.-]{1,256}")


class NotSigned(Exception):  # noqa: N818  # what happened
    """The message does not come from the topic it names."""


def string_to_sign(message: Mapping[str, Any]) -> bytes:
    """Return what SNS signs of a message; raises NotSigned where something of it is missing."""
    names = SIGNED.get(str(message.get("Type")))
    if names is None:
        raise NotSigned("the message is of a type that is not signed")
    lines: list[str] = []
    for name in names:
        value = message.get(name)
        if value is None and name == "Subject":
            continue
        if not isinstance(value, str):
            raise NotSigned(f"{name} is missing")
        lines += [name, value]
    return ("\n".join(lines) + "\n").encode()


def verify(message: Mapping[str, Any], certificate: bytes) -> None:
    """Return if the certificate's key signed the message (SignatureVersion 1 or 2); else raise NotSigned."""
    # 8 MB that a deployment without such providers does not need.
    from cryptography import x509  # noqa: PLC0415  # only who hears from SNS needs it
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  # only who hears from SNS needs it
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  # only who hears from SNS needs it
    from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415  # only who hears from SNS needs it

    digest: hashes.HashAlgorithm
    if message.get("SignatureVersion") == "1":
        digest = hashes.SHA1()  # noqa: S303  # that is version 1
    elif message.get("SignatureVersion") == "2":
        digest = hashes.SHA256()
    else:
        raise NotSigned("SignatureVersion is neither 1 nor 2")
    try:
        key = x509.load_pem_x509_certificate(certificate).public_key()
        signature = base64.b64decode(str(message.get("Signature", "")), validate=True)
    except (ValueError, binascii.Error) as error:
        raise NotSigned("the certificate or the signature cannot be read") from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise NotSigned("the certificate is not of an RSA key")
    try:
        key.verify(signature, string_to_sign(message), padding.PKCS1v15(), digest)
    except InvalidSignature as error:
        raise NotSigned("the signature is not of this message") from error


def check_certificate_url(url: Any, topic_arn: str, stand_ins: frozenset[str]) -> str:
    """Return where the certificate is fetched; raises NotSigned unless it is SNS's own, of the topic's region."""
    return _check(url, topic_arn, stand_ins, suffix=".pem")


def check_subscribe_url(url: Any, topic_arn: str, stand_ins: frozenset[str]) -> str:
    """Return where a subscription is confirmed; the same rules."""
    return _check(url, topic_arn, stand_ins, suffix="")


def _check(url: Any, topic_arn: str, stand_ins: frozenset[str], suffix: str) -> str:
    try:
        split = urlsplit(url) if isinstance(url, str) and len(url) <= 2000 and url.isascii() else None  # noqa: PLR2004  # no address is longer
        if split is None or any(character <= " " or character == "\\" for character in url):
            raise NotSigned("the address is missing or none")
        split.port  # noqa: B018  # raises ValueError for one that is no number
    except ValueError as error:
        raise NotSigned("the address is none") from error
    if split.netloc.lower() in stand_ins and split.path.endswith(suffix):
        return str(url)
    host, region = _SNS_HOST.fullmatch(split.netloc), _ARN.fullmatch(topic_arn)
    if split.scheme != "https" or host is None or not split.path.endswith(suffix):
        raise NotSigned(f"{split.netloc[:100]} is no address of SNS")
    if region is None or host[1] != region[1]:
        raise NotSigned(f"{split.netloc[:100]} is not of the topic's region")
    return str(url)
