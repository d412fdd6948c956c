"""Signatures of Amazon SNS messages: string to sign, verification, certificates.

docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import base64
import binascii
import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from libs.kit import Kit, RetryLaterError

NOTIFICATION, SUBSCRIPTION, UNSUBSCRIPTION = "Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"
#: Signed fields in order; an absent Subject is omitted.
SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    SUBSCRIPTION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    UNSUBSCRIPTION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_SNS_HOST = re.compile(r"sns\.(?P<region>[a-z0-9-]{1,40})\.amazonaws\.com(?P<china>\.cn)?")
_ARN = re.compile(
    r"arn:(?P<partition>aws(?:-cn|-us-gov)?):sns:(?P<region>[a-z0-9-]{1,40}):[0-9]{1,20}:[A-Za-z0-9_.-]{1,256}"
)
#: As in Amazon's documents: /SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem.
_CERTIFICATE_PATH = re.compile(r"/SimpleNotificationService-[0-9a-f]{32}\.pem")
_STAND_IN_PATH = re.compile(r"/[A-Za-z0-9/_.-]*\.pem")
LONGEST_URL = 2000
#: Header of a delivery without SNS's envelope, and so without a signature.
#: docs.aws.amazon.com/sns/latest/dg/sns-large-payload-raw-message-delivery.html
RAW_DELIVERY_HEADER = "x-amz-sns-rawdelivery"


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
    """Return the URL if it is a certificate URL of SNS in the topic's region, else raise SnsSignatureError.

    Nothing is fetched from another URL: neither one with a user, port, query, fragment or capital letters, nor from a
    host or path that only looks like one of SNS.
    """
    split = _split(url, stand_ins)
    if split.query or "?" in url:
        raise SnsSignatureError("SigningCertURL has a query")
    pattern = _STAND_IN_PATH if split.netloc in stand_ins else _CERTIFICATE_PATH
    if not pattern.fullmatch(split.path):
        raise SnsSignatureError("the path of SigningCertURL is not that of a certificate of SNS")
    _check_region(split.netloc, topic_arn, stand_ins)
    return str(url)


def check_subscribe_url(url: Any, topic_arn: str, stand_ins: frozenset[str]) -> str:
    """Return the URL if it confirms a subscription at SNS in the topic's region, else raise SnsSignatureError."""
    split = _split(url, stand_ins)
    if split.netloc not in stand_ins and (
        split.path not in ("", "/") or parse_qs(split.query).get("Action") != ["ConfirmSubscription"]
    ):
        raise SnsSignatureError("SubscribeURL does not confirm a subscription")
    _check_region(split.netloc, topic_arn, stand_ins)
    return str(url)


def _split(url: Any, stand_ins: frozenset[str]) -> SplitResult:
    """Split a URL of https, or of a stand-in, without a fragment."""
    if not isinstance(url, str) or len(url) > LONGEST_URL or not url.isascii():
        raise SnsSignatureError("the URL is missing or invalid")
    if any(character <= " " or character in "\\\x7f" for character in url):
        raise SnsSignatureError("the URL contains white space or a backslash")
    try:
        split = urlsplit(url)
    except ValueError as error:
        raise SnsSignatureError("the URL is invalid") from error
    if "#" in url:
        raise SnsSignatureError("the URL has a fragment")
    # The scheme and the host are compared as they were sent, so that capital letters are refused.
    if split.netloc not in stand_ins and not url.startswith("https://"):
        raise SnsSignatureError("the URL is not one of https")
    return split


def _check_region(netloc: str, topic_arn: str, stand_ins: frozenset[str]) -> None:
    """Raise SnsSignatureError unless the host, without user and port, is SNS in the region of the topic."""
    if netloc in stand_ins:
        return
    host, topic = _SNS_HOST.fullmatch(netloc), _ARN.fullmatch(topic_arn)
    if host is None:
        raise SnsSignatureError(f"{netloc[:100]} is not an SNS host")
    is_china = topic is not None and topic["partition"] == "aws-cn"
    if topic is None or host["region"] != topic["region"] or (host["china"] is not None) is not is_china:
        raise SnsSignatureError(f"{netloc[:100]} is not in the topic's region")


KEEP_SECONDS = 86_400.0
#: More than SNS has regions; beyond this the oldest entry is evicted.
MAX_CACHED = 64
LARGEST_CERTIFICATE = 65_536
_OK = 200


class _Certificates(dict[str, tuple[float, bytes]]):
    """Certificates by URL, with the monotonic time they were fetched at."""


async def certificate_at(url: str, kit: Kit) -> bytes:
    """Fetch a certificate, or return it from the cache; the URL must be checked already.

    Raises RetryLaterError on failure.
    """
    import httpx  # noqa: PLC0415  # 5 MB, not needed without notifications

    cache = kit.state.get_or_create(_Certificates, _Certificates)
    if url in cache and time.monotonic() - cache[url][0] < KEEP_SECONDS:
        return cache[url][1]
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
    if len(cache) >= MAX_CACHED:
        cache.pop(next(iter(cache)))
    cache[url] = (time.monotonic(), bytes(body))
    return cache[url][1]
