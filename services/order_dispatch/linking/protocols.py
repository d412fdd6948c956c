"""What a protocol offers whose customers link their accounts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, cast

from libs.kit.http.problems import ProblemError
from services.order_dispatch.domain.links import RemoteSlot, SlotUse
from services.order_dispatch.providers import LinkedLine, protocol


class LinkedProtocol(Protocol):
    """The questions and reports of a provider that knows the customer."""

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Raise ValueError where a client's options are nothing the protocol can work with."""
        ...

    def authorize_extras(self, options: Mapping[str, Any], serial: str) -> dict[str, str]:
        """Return what the authorization page wants to know besides OAuth's own."""
        ...

    async def slot_status(self, line: LinkedLine, use: SlotUse) -> None: ...

    async def device_status(self, line: LinkedLine, active_at: datetime) -> None: ...

    async def subscription_info(self, line: LinkedLine) -> Sequence[RemoteSlot]: ...

    async def deregister(self, line: LinkedLine, serial: str) -> None: ...


def linked_protocol(name: str) -> LinkedProtocol:
    """Return a protocol that links customers; raises ProblemError 422 for one that does not."""
    speaks: Any = protocol(name)
    if not getattr(speaks, "LINKED", False):
        raise ProblemError(422, "not_linkable", f"The protocol {name} links no customers")
    return cast("LinkedProtocol", speaks)
