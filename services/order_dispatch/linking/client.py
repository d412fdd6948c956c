"""HTTP client of a linked provider: every request carries the customer's token."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from libs.kit import Kit, RejectedError, RetryLaterError
from libs.kit.errors import TRANSIENT
from services.order_dispatch.domain.links import LinkClient
from services.order_dispatch.linking.oauth import plain_client
from services.order_dispatch.linking.tokens import Token, fresh_token
from services.order_dispatch.providers.protocol import ProviderClient, Reply


@dataclass(frozen=True)
class TokenClient:
    """A line on which every request carries a link's token; one the provider does not take is renewed, once."""

    kit: Kit
    line: ProviderClient
    link_id: str
    account: Mapping[str, Any]

    url: str

    @property
    def provider_id(self) -> str:
        return self.line.provider_id

    def secret(self, name: str) -> str | None:  # noqa: ARG002  # a link's only secret is its token
        """Return nothing: no protocol handles a customer's token itself."""
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
        """Send one request as the customer; raises RejectedError where the link has ended."""
        token = await self._token()
        refused = None
        while True:
            carried = {**(headers or {}), "Authorization": f"Bearer {token.text}"}
            reply = await self.line.request(
                method, path, json=json, content=content, headers=carried, idempotency_key=idempotency_key
            )
            if refused is not None or not is_invalid_token(reply):
                return reply
            refused = token.sealed
            token = await self._token(refused)

    async def _token(self, refused: bytes | None = None) -> Token:
        """Return a token; while none can be had nothing was asked, or nothing was done."""
        try:
            return await fresh_token(self.kit, self.link_id, refused)
        except RetryLaterError:
            raise
        except TRANSIENT as error:
            raise RetryLaterError(f"no token: {type(error).__name__}") from error

    async def remote_slot(self, slot: str) -> str:
        """Return what the provider calls a slot of ours; raises RejectedError where it knows none."""
        try:
            async with self.kit.read() as store:
                found: str | None = await store.find_remote_slot(self.link_id, slot)
        except TRANSIENT as error:
            raise RetryLaterError(f"slot {slot} was not looked up: {type(error).__name__}") from error
        if found is None:
            raise RejectedError(f"slot {slot} is not known to {self.provider_id}")
        return found

    async def find_reference(self, order_id: str) -> str | None:
        """Return the provider's own number of an order of ours."""
        async with self.kit.read() as store:
            found: str | None = await store.find_order_reference(self.provider_id, order_id)
        return found

    async def is_reference_used(self, reference: str, order_id: str) -> bool:
        """Tell whether another order of ours has this number of the provider's."""
        async with self.kit.read() as store:
            taken: bool = await store.is_reference_used(self.provider_id, reference, order_id)
        return taken


def is_invalid_token(reply: Reply) -> bool:
    """Tell whether the provider did not take the token: 401, or as DRS says it, 400 with `Invalid token`."""
    if reply.status == 401:  # noqa: PLR2004  # the status says it
        return True
    return reply.status == 400 and message_of(reply).strip().lower().startswith("invalid token")  # noqa: PLR2004  # HTTP's Bad Request


def message_of(reply: Reply) -> str:
    """Return what an error says for people, if it says anything."""
    try:
        said = json.loads(reply.body)
    except ValueError:
        return ""
    message = said.get("message", "") if isinstance(said, dict) else ""
    return message if isinstance(message, str) else ""


async def open_linked_client(kit: Kit, provider_id: str, device_id: str) -> TokenClient:
    """Return a line to this provider as this device's customer; raises RejectedError where they are not linked."""
    async with kit.read() as store:
        client: LinkClient | None = await store.find_link_client(provider_id)
        link_id: str | None = await store.find_active_link(provider_id, device_id)
    if client is None or link_id is None:
        raise RejectedError(f"device {device_id} is not linked with {provider_id}")
    return token_client(kit, client, link_id)


def token_client(kit: Kit, client: LinkClient, link_id: str) -> TokenClient:
    """Return a line that carries this link's token."""
    return TokenClient(kit, plain_client(kit, client), link_id, client.options, client.api_url)
