"""HTTP client of a linked provider: every request carries the customer's access token."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from libs.kit import Kit, RejectedError, RetryLaterError
from libs.kit.errors import TRANSIENT
from services.order_dispatch.domain.links import LinkClient
from services.order_dispatch.linking.oauth import BAD_REQUEST, UNAUTHORIZED, open_plain_client
from services.order_dispatch.linking.tokens import Token, get_token
from services.order_dispatch.providers.protocol import ProviderClient, Reply


@dataclass(frozen=True)
class TokenClient:
    """LinkedProviderClient of one link. A rejected token is renewed and the request repeated, once."""

    kit: Kit
    http: ProviderClient
    link_id: str
    account: Mapping[str, Any]
    url: str

    @property
    def provider_id(self) -> str:
        return self.http.provider_id

    def secret(self, name: str) -> str | None:  # noqa: ARG002  # a link has no secret besides its tokens
        return None

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> Reply:
        """Send a request as the customer. Raises RejectedError if the link has ended."""
        token = await self._get_token()
        rejected = None
        while True:
            all_headers = {**(headers or {}), "Authorization": f"Bearer {token.text}"}
            reply = await self.http.request(
                method, path, json=json, content=content, headers=all_headers, idempotency_key=idempotency_key
            )
            if rejected is not None or not is_invalid_token(reply):
                return reply
            rejected = token.sealed
            token = await self._get_token(rejected)

    async def _get_token(self, rejected: bytes | None = None) -> Token:
        """Return an access token. Raises RetryLaterError without one: the request itself was not performed."""
        try:
            return await get_token(self.kit, self.link_id, rejected)
        except RetryLaterError:
            raise
        except TRANSIENT as error:
            raise RetryLaterError(f"no token: {type(error).__name__}") from error

    async def remote_slot(self, slot: str) -> str:
        """Return the provider's name of one of our slots. Raises RejectedError if the link has no such slot."""
        try:
            async with self.kit.read() as store:
                name: str | None = await store.find_remote_slot(self.link_id, slot)
        except TRANSIENT as error:
            raise RetryLaterError(f"slot {slot} was not looked up: {type(error).__name__}") from error
        if name is None:
            raise RejectedError(f"{self.provider_id} has no slot {slot} of this device")
        return name

    async def find_reference(self, order_id: str) -> str | None:
        async with self.kit.read() as store:
            reference: str | None = await store.find_order_reference(self.provider_id, order_id)
        return reference

    async def is_reference_used(self, reference: str, order_id: str) -> bool:
        async with self.kit.read() as store:
            used: bool = await store.is_reference_used(self.provider_id, reference, order_id)
        return used


def is_invalid_token(reply: Reply) -> bool:
    """Whether the provider rejected the token: with 401, or as DRS does with 400 and `Invalid token`."""
    if reply.status == UNAUTHORIZED:
        return True
    return reply.status == BAD_REQUEST and _error_message(reply).strip().lower().startswith("invalid token")


def _error_message(reply: Reply) -> str:
    try:
        body = json.loads(reply.body)
    except ValueError:
        return ""
    message = body.get("message", "") if isinstance(body, dict) else ""
    return message if isinstance(message, str) else ""


async def open_linked_client(kit: Kit, provider_id: str, device_id: str) -> TokenClient:
    """Open the client of a device's link to a provider. Raises RejectedError if there is no active link."""
    async with kit.read() as store:
        client: LinkClient | None = await store.find_link_client(provider_id)
        link_id: str | None = await store.find_active_link(provider_id, device_id)
    if client is None or link_id is None:
        raise RejectedError(f"device {device_id} is not linked with {provider_id}")
    return open_token_client(kit, client, link_id)


def open_token_client(kit: Kit, client: LinkClient, link_id: str) -> TokenClient:
    return TokenClient(kit, open_plain_client(kit, client), link_id, client.options, client.api_url)
