"""An Amazon SNS topic: signed messages, posted until accepted, after the listener has confirmed the subscription.

The key is generated at the start with a self-signed certificate: the listener must be configured to trust this host.
"""

import asyncio
import base64
import contextlib
import json
import uuid
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

Message = dict[str, Any]
SIGNED = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
PAUSE_SECONDS = 0.2


@dataclass
class Topic:
    """One topic with one listener."""

    arn: str
    #: Base URL of this server.
    base: str
    listener: str
    signature_version: str = "2"
    #: Number of times every message is posted.
    copies: int = 1
    confirmed: bool = False
    _key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    _waiting: deque[Message] = field(default_factory=deque)

    @property
    def certificate(self) -> bytes:
        """Return the certificate of the key, in PEM."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.example")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=30))
            .sign(self._key, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM)

    def publish(self, message: str, **more: Any) -> Message:
        """Queue a notification; return it as it will be posted."""
        signed = self.sign({"Type": "Notification", "Message": message, **more})
        self._waiting.append(signed)
        return signed

    def subscribe(self) -> Message:
        """Queue the subscription confirmation request ahead of all messages."""
        token = uuid.uuid4().hex
        url = f"{self.base}/?Action=ConfirmSubscription&TopicArn={self.arn}&Token={token}"
        asked = {"Type": "SubscriptionConfirmation", "Token": token, "SubscribeURL": url}
        signed = self.sign({**asked, "Message": f"You have chosen to subscribe to the topic {self.arn}."})
        self._waiting.appendleft(signed)
        return signed

    def sign(self, message: Message) -> Message:
        """Return a message with the fields that SNS adds, including its signature."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        around = {"MessageId": str(uuid.uuid4()), "TopicArn": self.arn, "Timestamp": now}
        full = {**around, **message, "SignatureVersion": self.signature_version}
        text = "".join(f"{name}\n{full[name]}\n" for name in SIGNED if name in full).encode()
        digest = hashes.SHA256() if self.signature_version == "2" else hashes.SHA1()  # noqa: S303  # SNS' version 1
        signature = self._key.sign(text, padding.PKCS1v15(), digest)
        place = f"{self.base}/SimpleNotificationService.pem"
        return {**full, "Signature": base64.b64encode(signature).decode(), "SigningCertURL": place}

    async def run(self) -> None:
        """Post queued messages in order, each until it is accepted."""
        self.subscribe()
        async with httpx.AsyncClient(timeout=10) as client:
            while True:
                if self._waiting and (self.confirmed or self._waiting[0]["Type"] != "Notification"):
                    await self._post(client, self._waiting[0])
                else:
                    await asyncio.sleep(0.02)

    async def _post(self, client: httpx.AsyncClient, message: Message) -> None:
        headers = {"Content-Type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": message["Type"]}
        with contextlib.suppress(httpx.HTTPError):
            answers = [
                await client.post(self.listener, content=json.dumps(message).encode(), headers=headers)
                for _ in range(self.copies)
            ]
            if all(answer.is_success for answer in answers):
                self._waiting.popleft()
                return
        await asyncio.sleep(PAUSE_SECONDS)
