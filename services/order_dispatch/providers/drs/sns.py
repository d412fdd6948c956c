"""Signatures of Amazon SNS messages: string to sign, verification, certificates.

docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import base64
import binascii
import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from libs.kit import Kit, RetryLaterError

NOTIFICATION, SUBSCRIPTION, UNSUBSCRIPTION = "Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"
#: Signed fields in order; an absent Subject is omitted.
SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    SUBSCRIPTION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    UNSUBSCRIPTION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_SNS_HOST = re.compile(r"sns\.([a-z0-9-]{1,40})\.amazonaws\.com(\.cn)?")
_ARN = re.compile(r"arn:aws(?:-cn|-us-gov)?:sns:([a-z0-9-]{1,40}):\d{1,20}:[A-Za-z0-9_.-]{1,256}")


class SnsSignatureError(Exception):
    """The message is not signed by SNS for the topic that it names."""


def string_to_sign(message: Mapping[str, Any]) -> bytes:
    """Return the bytes that SNS signs. Raises SnsSignatureError if a field is missing."""
    names = SIGNED.get(str(message.get("Type")))
    if names is None:
        raise SnsSignatureError("the message type is unknown")
    lines: list[str] = []
    for name in names:
        value = message.get(name)
        if value is None and name == "Subject":
            continue
        if not isinstance(value, str):
            raise SnsSignatureError(f"{name} is missing")
        lines += [name, value]
    return ("\n".join(lines) + "\n").encode()


def verify(message: Mapping[str, Any], certificate: bytes) -> None:
    """Verify SignatureVersion 1 (SHA-1) or 2 (SHA-256). Raises SnsSignatureError."""
    # Imported lazily: 8 MB, not needed without such providers.
    from cryptography import x509  # noqa: PLC0415  # see above
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  # see above
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  # see above
    from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415  # see above

    digest: hashes.HashAlgorithm
    if message.get("SignatureVersion") == "1":
        digest = hashes.SHA1()  # noqa: S303  # required by version 1
    elif message.get("SignatureVersion") == "2":
        digest = hashes.SHA256()
    else:
        raise SnsSignatureError("SignatureVersion is neither 1 nor 2")
    try:
        key = x509.load_pem_x509_certificate(certificate).public_key()
        signature = base64.b64decode(str(message.get("Signature", "")), validate=True)
    except (ValueError, binascii.Error) as error:
        raise SnsSignatureError("the certificate or the signature is malformed") from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise SnsSignatureError("the certificate has no RSA key")
    try:
        key.verify(signature, string_to_sign(message), padding.PKCS1v15(), digest)
    except InvalidSignature as error:
        raise SnsSignatureError("the signature does not match the message") from error


def check_certificate_url(url: Any, topic_arn: str, stand_ins: frozenset[str]) -> str:
    """Return the URL if it is a certificate URL of SNS in the topic's region, else raise SnsSignatureError."""
    return _check(url, topic_arn, stand_ins, suffix=".pem")


def check_subscribe_url(url: Any, topic_arn: str, stand_ins: frozenset[str]) -> str:
    return _check(url, topic_arn, stand_ins, suffix="")


def _check(url: Any, topic_arn: str, stand_ins: frozenset[str], suffix: str) -> str:
    try:
        split = urlsplit(url) if isinstance(url, str) and len(url) <= 2000 and url.isascii() else None  # noqa: PLR2004  # longer URLs are not used by SNS
        if split is None or any(character <= " " or character == "\\" for character in url):
            raise SnsSignatureError("the URL is missing or invalid")
        split.port  # noqa: B018  # raises ValueError for an invalid port
    except ValueError as error:
        raise SnsSignatureError("the URL is invalid") from error
    if split.netloc.lower() in stand_ins and split.path.endswith(suffix):
        return str(url)
    host, region = _SNS_HOST.fullmatch(split.netloc), _ARN.fullmatch(topic_arn)
    if split.scheme != "https" or host is None or not split.path.endswith(suffix):
        raise SnsSignatureError(f"{split.netloc[:100]} is not an SNS host")
    if region is None or host[1] != region[1]:
        raise SnsSignatureError(f"{split.netloc[:100]} is not in the topic's region")
    return str(url)


KEEP_SECONDS = 86_400.0
#: More than SNS has regions; beyond this the oldest entry is evicted.
MOST_KEPT = 64
LARGEST_CERTIFICATE = 65_536
_OK = 200
_KEPT: WeakKeyDictionary[Kit, dict[str, tuple[float, bytes]]] = WeakKeyDictionary()


async def certificate_at(url: str, kit: Kit) -> bytes:
    """Fetch a certificate, or return it from the cache; the URL must be checked already.

    Raises RetryLaterError on failure.
    """
    import httpx  # noqa: PLC0415  # 5 MB, not needed without notifications

    kept = _KEPT.setdefault(kit, {})
    if url in kept and time.monotonic() - kept[url][0] < KEEP_SECONDS:
        return kept[url][1]
    try:
        async with kit.http.stream("GET", url) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > LARGEST_CERTIFICATE:
                    raise RetryLaterError(f"the certificate exceeds {LARGEST_CERTIFICATE} bytes")
    except httpx.HTTPError as error:
        raise RetryLaterError(f"the certificate could not be fetched: {type(error).__name__}") from error
    if response.status_code != _OK:
        raise RetryLaterError(f"the certificate could not be fetched: {response.status_code}")
    if len(kept) >= MOST_KEPT:
        kept.pop(next(iter(kept)))
    kept[url] = (time.monotonic(), bytes(body))
    return kept[url][1]
