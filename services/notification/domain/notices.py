"""A notice: one decision about one occasion, whether or not anybody is told."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from libs.contracts.events import Fault
from services.notification.domain.kinds import KINDS, MAY_PASS, TO_SHOPS, TOLD_BY_PROVIDERS, Kind

_NAMESPACE = UUID("b7c3a5f2-6f0d-4e0b-9a58-3a3f0e0d8c11")
#: How order_dispatch writes reasons; events from before they had a fault tell it by these only.
_TOLD_BY_REASON = {"the payment failed": Fault.PAYMENT, "taken for fraud": Fault.FRAUD}


class Told(StrEnum):
    """What became of a notice."""

    DUE = "due"
    TOLD = "told"
    #: Decided against, with a reason.
    NOT_TOLD = "not_told"
    #: The trouble ended before anybody was told.
    WITHDRAWN = "withdrawn"
    #: It could not be told, ever.
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Notice:
    """One occasion for one customer; `details` is what only its event knows."""

    notice_id: str
    customer_id: str
    kind: Kind
    #: The order, or the pool and epoch where there is no order.
    reference: str
    order_id: str | None
    product_id: str
    pool_id: str
    epoch: int | None
    state: Told
    reason: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about the occasion when the letter is written; what is not known is left out of it."""

    title: str | None = None
    provider: str | None = None
    quantity: int | None = None
    unit: str | None = None
    scale: int = 0
    price: int | None = None
    currency: str | None = None
    expected_at: datetime | None = None
    needed_by: datetime | None = None
    level: int | None = None
    rate_per_day: float | None = None
    run_out_at: datetime | None = None
    #: Whether the decision behind the order was heard of yet.
    approved: bool = False


def notice_id_of(customer_id: str, kind: Kind, reference: str) -> str:
    """Return the notice's name, which is also its mail's: the same occasion always has the same."""
    return str(uuid5(_NAMESPACE, f"{customer_id}\n{kind}\n{reference}"))


def fault_of(notice: Notice) -> Fault:
    """Return what the notice's order failed over, or was cancelled for."""
    details = notice.details
    said = details.get("by") if notice.kind is Kind.ORDER_CANCELLED else details.get("fault", Fault.PROVIDER)
    if notice.kind is Kind.ORDER_FAILED and said == Fault.PROVIDER:
        reason = details.get("reason") or ""
        return next((fault for words, fault in _TOLD_BY_REASON.items() if words in reason), Fault.PROVIDER)
    return Fault(said) if said in set(Fault) else Fault.PROVIDER


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a person is told, why, and from when on."""

    state: Told
    reason: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Tact:
    """How patient we are before telling, and telling again."""

    grace: timedelta
    quiet: timedelta


def decide(
    kind: Kind,
    *,
    preference: bool | None,
    last_told_at: datetime | None,
    tact: Tact,
    now: datetime,
    protocol: str | None = None,
) -> Decision:
    """Decide by the table, what the customer chose, who else tells it, and when the same trouble was told last."""
    rule = KINDS[kind]
    if kind in TO_SHOPS:
        return Decision(Told.DUE, rule.reason, now)
    if why_not := _why_not(kind, preference, protocol):
        return Decision(Told.NOT_TOLD, why_not, now)
    if kind not in MAY_PASS:
        return Decision(Told.DUE, rule.reason if rule.told else "they asked to know", now)
    if last_told_at is not None and now < last_told_at + tact.quiet:
        return Decision(Told.NOT_TOLD, f"told on {last_told_at:%Y-%m-%d}", now)
    return Decision(Told.DUE, rule.reason, now + tact.grace)


def _why_not(kind: Kind, preference: bool | None, protocol: str | None) -> str | None:
    """Return why this customer is not told of this kind at all; what they chose comes first."""
    if preference is not None:
        return None if preference else "they do not want to know"
    if kind in TOLD_BY_PROVIDERS.get(protocol or "", ()):
        return "the provider tells them itself"
    return None if KINDS[kind].told else KINDS[kind].reason
