"""The decision whether an event or a hold is worth a mail."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from replenish_contracts.events import Fault
from services.notification.domain.kinds import DELAYED, KINDS, SENT_BY_PROVIDERS, TO_SHOPS, Kind

_NAMESPACE = UUID("b7c3a5f2-6f0d-4e0b-9a58-3a3f0e0d8c11")
#: Events older than the field `fault` reveal it only by these phrases in the reason.
_FAULT_BY_PHRASE = {"the payment failed": Fault.PAYMENT, "taken for fraud": Fault.FRAUD}


class NoticeState(StrEnum):
    """The state of a notice."""

    DUE = "due"
    SENT = "sent"
    #: Not to be sent; the notice contains the reason.
    NOT_SENT = "not_sent"
    #: Obsolete before it was sent.
    WITHDRAWN = "withdrawn"
    #: It cannot be delivered; not retried.
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Notice:
    """One decision for one customer and one event or hold; `details` are fields of the event that the mail needs."""

    notice_id: str
    customer_id: str
    kind: Kind
    #: Order id, or `<pool id>/<epoch>` if there is no order.
    reference: str
    order_id: str | None
    product_id: str
    pool_id: str
    epoch: int | None
    state: NoticeState
    reason: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known when the mail is rendered."""

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
    #: ReorderApproved of this order has been consumed.
    approved: bool = False


def notice_id_of(customer_id: str, kind: Kind, reference: str) -> str:
    """Return a deterministic id, which is also the Message-ID of the mail."""
    return str(uuid5(_NAMESPACE, f"{customer_id}\n{kind}\n{reference}"))


def fault_of(notice: Notice) -> Fault:
    """Return the cause of the order's failure or cancellation; PROVIDER if unknown."""
    details = notice.details
    fault = details.get("by") if notice.kind is Kind.ORDER_CANCELLED else details.get("fault", Fault.PROVIDER)
    if notice.kind is Kind.ORDER_FAILED and fault == Fault.PROVIDER:
        reason = details.get("reason") or ""
        return next((cause for phrase, cause in _FAULT_BY_PHRASE.items() if phrase in reason), Fault.PROVIDER)
    return Fault(fault) if fault in set(Fault) else Fault.PROVIDER


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether the mail is sent, why, and the earliest time."""

    state: NoticeState
    reason: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class NoticeTiming:
    """Delays of mails about holds that may end on their own (`DELAYED`)."""

    #: Between the hold and its mail.
    grace: timedelta
    #: Between two mails of the same kind about one pool.
    quiet: timedelta


def decide(
    kind: Kind,
    *,
    preference: bool | None,
    last_notified_at: datetime | None,
    timing: NoticeTiming,
    now: datetime,
    protocol: str | None = None,
) -> Decision:
    """Decide whether to send; the order of precedence is preference, provider's own mails, default of the kind."""
    rule = KINDS[kind]
    if kind in TO_SHOPS:
        return Decision(NoticeState.DUE, rule.reason, now)
    if (objection := _find_objection(kind, preference, protocol)) is not None:
        return Decision(NoticeState.NOT_SENT, objection, now)
    if kind not in DELAYED:
        return Decision(NoticeState.DUE, rule.reason if rule.enabled else "the customer opted in", now)
    if last_notified_at is not None and now < last_notified_at + timing.quiet:
        return Decision(NoticeState.NOT_SENT, f"already notified on {last_notified_at:%Y-%m-%d}", now)
    return Decision(NoticeState.DUE, rule.reason, now + timing.grace)


def _find_objection(kind: Kind, preference: bool | None, protocol: str | None) -> str | None:
    if preference is not None:
        return None if preference else "the customer opted out"
    if kind in SENT_BY_PROVIDERS.get(protocol or "", ()):
        return "the provider notifies its customers itself"
    return None if KINDS[kind].enabled else KINDS[kind].reason
