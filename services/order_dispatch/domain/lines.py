"""A line to a provider's server, as a protocol sees it: where to call, what is known, one way to ask."""

from collections.abc import Mapping
from typing import Any, Protocol


class Reply(Protocol):
    """What a provider's server answered, whatever the status."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def body(self) -> bytes: ...


class Line(Protocol):
    """A way to call one provider; Retry means that nothing was done, any other failure that nobody knows."""

    @property
    def provider_id(self) -> str: ...

    @property
    def account(self) -> Mapping[str, Any]: ...

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
        """Send one request and return its answer."""
        ...


class LinkedLine(Line, Protocol):
    """A line on which every request carries a customer's token, to a provider that knows the customer."""

    async def remote_slot(self, slot: str) -> str:
        """Return what the provider calls a slot of ours."""
        ...

    async def recall(self, order_id: str) -> str | None:
        """Return the provider's own number of an order of ours."""
        ...

    async def is_taken(self, reference: str, order_id: str) -> bool:
        """Tell whether another order of ours has this number of the provider's."""
        ...
