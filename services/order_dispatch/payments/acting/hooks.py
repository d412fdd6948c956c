"""Who is told, in the same transaction, what became of a payment: whoever moves orders registers here."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from replenish_contracts.catalogue import Event

OnAuthorized = Callable[[str, Any], Awaitable[Sequence[Event]]]
OnFailed = Callable[[str, str, Any], Awaitable[Sequence[Event]]]


async def _nobody_waits(_: str, __: Any) -> Sequence[Event]:
    return ()


async def _nobody_minds(_: str, __: str, ___: Any) -> Sequence[Event]:
    return ()


@dataclass
class Hooks:
    """Called with the order's id (and the reason) and the store; the order's row is locked."""

    #: The money is reserved: the order may be placed.
    on_authorized: OnAuthorized = _nobody_waits
    #: The money was refused before anything was placed, or the reservation of a placed order ran out.
    on_failed: OnFailed = _nobody_minds
    #: Goods left and their money could not be taken.
    on_capture_failed: OnFailed = _nobody_minds


hooks = Hooks()
