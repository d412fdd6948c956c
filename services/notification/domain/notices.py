"""The decision whether an event or a hold is worth a mail, and which notices share one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from replenish_contracts.events import FIRST_LINE, Fault, OrderReference, PaymentRefunded
from services.notification.domain.kinds import DELAYED, KINDS, SENT_BY_PROVIDERS, SHARED_MAIL, TO_SHOPS, Kind
from services.notification.domain.lines import LineFacts

_NAMESPACE = UUID("b7c3a5f2-6f0d-4e0b-9a58-3a3f0e0d8c11")
#: Events older than the field `fault` reveal it only by these phrases in the reason.
_FAULT_BY_PHRASE = {"the payment failed": Fault.PAYMENT, "taken for fraud": Fault.FRAUD}
#: Events that are about some lines of an order even if they complete it.
_ABOUT_LINES = frozenset(
    {"OrderLinesRefused", "OrderLinesCancelled", "ClaimRaised", "ShopCancelRequested", "CartCancelRequested"}
)
#: The kinds whose mail also lists lines that were refused or cancelled; the first of them leads the mail.
_LEADING = (Kind.ORDER_PLACED, Kind.ORDER_SHIPPED, Kind.ORDER_DELIVERED)
#: Kinds of which several notices share a mail: parcels, claims of several lines, refunds.
_REPEATED = frozenset({Kind.ORDER_SHIPPED, Kind.ORDER_DELIVERED, Kind.CLAIM_RAISED, Kind.MONEY_RETURNED})


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
    #: Order id, `<order id>/<line or parcel>`, or `<pool id>/<epoch>` if there is no order.
    reference: str
    order_id: str | None
    product_id: str
    pool_id: str
    epoch: int | None
    state: NoticeState
    reason: str
    details: dict[str, Any] = field(default_factory=dict)
    #: The notice whose mail contains this one, once its first attempt started.
    sent_with: str | None = None

    @property
    def is_test(self) -> bool:
        """The order is a test: nothing is charged and nothing is delivered."""
        return bool(self.details.get("test"))

    @property
    def ends_lines(self) -> bool:
        """Some lines of an order ended without goods, and the others go on."""
        return self.kind in (Kind.ORDER_REFUSED, Kind.ORDER_CANCELLED) and "complete" in self.details

    @property
    def quantities(self) -> dict[str, int]:
        """The quantity that the event is about, by line id; empty for events without lines."""
        return self.details.get("lines") or {}


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known when the mail is rendered."""

    title: str | None = None
    provider: str | None = None
    quantity: int | None = None
    unit: str | None = None
    scale: int = 0
    #: Agreed price of all lines and the fee.
    price: int | None = None
    fee: int | None = None
    currency: str | None = None
    expected_at: datetime | None = None
    needed_by: datetime | None = None
    level: int | None = None
    rate_per_day: float | None = None
    run_out_at: datetime | None = None
    #: ReorderApproved of this order has been consumed.
    approved: bool = False
    lines: tuple[LineFacts, ...] = ()


def notice_id_of(customer_id: str, kind: Kind, reference: str) -> str:
    """Return a deterministic id, which is also the Message-ID of the mail."""
    return str(uuid5(_NAMESPACE, f"{customer_id}\n{kind}\n{reference}"))


def reference_of(event: OrderReference) -> str:
    """Return the part of a notice's id that distinguishes an order's notices of one kind.

    It is the order's id, followed by the parcel, lines or refund, if there is one.
    """
    parcel = getattr(event, "shipment_id", None)
    if parcel is not None:
        return f"{event.order_id}/{parcel}"
    if isinstance(event, PaymentRefunded):
        return event.order_id if event.refunded == event.amount else f"{event.order_id}/{event.refunded}"
    line_ids = sorted(line.line_id for line in getattr(event, "lines", ()))
    is_about_lines = type(event).__name__ in _ABOUT_LINES and line_ids not in ([], [FIRST_LINE])
    if not is_about_lines and getattr(event, "complete", True):
        return event.order_id
    # The id of many lines is too long for an index.
    return f"{event.order_id}/{line_ids[0] if len(line_ids) == 1 else uuid5(_NAMESPACE, chr(10).join(line_ids))}"


def choose_contents(notice_id: str, due: Sequence[Notice]) -> list[Notice]:
    """Return the notices for the mail of this notice, the leading one first, from those of its order that are `due`.

    Empty if another mail contains it. After the first attempt, the contents stay as they are.
    """
    own = next((notice for notice in due if notice.notice_id == notice_id), None)
    if own is None or own.sent_with is not None:
        return sorted((n for n in due if own and n.sent_with == own.sent_with == notice_id), key=_precedence)
    mail = [notice for notice in due if notice.sent_with is None]
    leaders = [notice for notice in mail if own.ends_lines and notice.kind in _LEADING]
    leading = min(leaders, key=_precedence, default=own)
    others = [notice for notice in mail if notice is not leading and _shares_mail(leading, notice)]
    return [leading, *others]


def _shares_mail(leading: Notice, other: Notice) -> bool:
    if other.ends_lines:
        return leading.ends_lines or leading.kind in _LEADING
    return other.kind is leading.kind and other.kind in _REPEATED


def _precedence(notice: Notice) -> int:
    return _LEADING.index(notice.kind) if notice.kind in _LEADING else len(_LEADING)


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
    """Delays of mails about holds that may end on their own (`DELAYED`), and of mails to share (`SHARED_MAIL`)."""

    #: Between the hold and its mail.
    grace: timedelta
    #: Between two mails of the same kind about one pool.
    quiet: timedelta
    #: Between an event and its mail, if others may share it.
    share: timedelta = timedelta(0)


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
        due_at = now + timing.share if kind in SHARED_MAIL else now
        return Decision(NoticeState.DUE, rule.reason if rule.enabled else "the customer opted in", due_at)
    if last_notified_at is not None and now < last_notified_at + timing.quiet:
        return Decision(NoticeState.NOT_SENT, f"already notified on {last_notified_at:%Y-%m-%d}", now)
    return Decision(NoticeState.DUE, rule.reason, now + timing.grace)


def _find_objection(kind: Kind, preference: bool | None, protocol: str | None) -> str | None:
    if preference is not None:
        return None if preference else "the customer opted out"
    if kind in SENT_BY_PROVIDERS.get(protocol or "", ()):
        return "the provider notifies its customers itself"
    return None if KINDS[kind].enabled else KINDS[kind].reason
