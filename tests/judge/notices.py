"""Checks notices: one decision per occasion, one mail per decision."""

from collections import Counter, defaultdict

from tests.judge.inputs import Inputs, Record, Row
from tests.judge.verdict import DOUBLED, LOST, PHANTOM, Findings

MAIL = "email"
#: Order events that require a decision whether to notify the customer, and the notice's kind.
OCCASIONS = {
    "OrderPlaced": "order_placed",
    "OrderRefused": "order_refused",
    "OrderLinesRefused": "order_refused",
    "OrderFailed": "order_failed",
    "OrderCancelled": "order_cancelled",
    "OrderLinesCancelled": "order_cancelled",
}
#: Kinds of notices of which an order may have several: one per parcel, refund, claim, or event about some lines.
BY_PART = {
    "order_shipped": ("OrderShipped",),
    "order_delivered": ("OrderDelivered",),
    "order_refused": ("OrderRefused", "OrderLinesRefused"),
    "order_cancelled": ("OrderCancelled", "OrderLinesCancelled"),
    "claim_raised": ("ClaimRaised",),
    "money_returned": ("PaymentRefunded",),
}


def check_notices(inputs: Inputs) -> Findings:
    found = Findings()
    notices = _check_decisions(found, inputs)
    _check_occasions(found, inputs, notices)
    if inputs.mails or any(record.data.get("channel") == MAIL for record in notices.values()):
        _check_mails(found, inputs, notices)
    return found


def _check_decisions(found: Findings, inputs: Inputs) -> dict[str, Record]:
    notices: dict[str, Record] = {}
    occasions: Counter[tuple[str, str, str]] = Counter()
    kinds_of_parts = {kind for kinds in BY_PART.values() for kind in kinds}
    parts = Counter((record.type, str(record.data["order_id"])) for record in inputs.events(*kinds_of_parts))
    for record in inputs.events("CustomerNotified"):
        found.figures["notices"] += 1
        data = record.data
        if data["notice_id"] in notices:
            found.note(DOUBLED, record.place, f"notice {data['notice_id']} was published before")
        notices.setdefault(data["notice_id"], record)
        if data.get("order_id") is None:
            continue
        occasion = (data["customer_id"], data["kind"], data["order_id"])
        occasions[occasion] += 1
        causes = sum(parts[kind, str(data["order_id"])] for kind in BY_PART.get(data["kind"], ()))
        if occasions[occasion] > max(1, causes):
            found.note(DOUBLED, record.place, f"{occasion} was notified before")
    return notices


def _check_occasions(found: Findings, inputs: Inputs, notices: dict[str, Record]) -> None:
    """Each occasion has a decision, and each decision to notify was published."""
    if "notification.notice" not in inputs.tables:
        return
    rows = {(row["kind"], row["order_id"]): row for row in inputs.table("notification.notice")}
    erased = {record.data["customer_id"] for record in inputs.events("CustomerErased")}
    for record in inputs.events(*OCCASIONS):
        if (OCCASIONS[record.type], record.data["order_id"]) not in rows and record.data["customer_id"] not in erased:
            what = f"no decision whether to notify of {record.type} {record.data['order_id']}"
            found.note(LOST, record.place, what, stopped_at="notification")
    for row in inputs.table("notification.notice"):
        if row["state"] == "sent" and row["notice_id"] not in notices:
            found.note(LOST, f"notice {row['notice_id']}", "state is sent, but CustomerNotified was never published")


def _check_mails(found: Findings, inputs: Inputs, notices: dict[str, Record]) -> None:
    """Notices of one order may share a mail; one may be sent again only if notification was killed while sending it."""
    mail_of = {row["notice_id"]: row.get("sent_with") for row in inputs.table("notification.notice")}
    mails: dict[str, list[Row]] = defaultdict(list)
    for row in inputs.mails:
        mails[notice_of(row)].append(row)
    allowed = sum(1 for kill in inputs.kills if kill.get("window") == "smtp")
    found.figures["mails"] = len(inputs.mails)
    for notice, rows in mails.items():
        if notice not in notices:
            found.note(PHANTOM, f"mail {rows[0].get('message_id')}", "mail without a notice")
        for extra in rows[1:]:
            allowed -= 1
            if allowed < 0:
                found.note(DOUBLED, f"mail {extra.get('message_id')}", f"notice {notice} was mailed before")
            else:
                found.figures["mails_repeated_after_kills"] += 1
    for notice, record in notices.items():
        if record.data.get("channel") == MAIL and (mail_of.get(notice) or notice) not in mails:
            found.note(LOST, record.place, f"notice {notice} was published but never mailed", stopped_at="notification")
    found.figures.update(Counter({f"mails_{kind}": count for kind, count in _kinds(notices, mails).items()}))


def _kinds(notices: dict[str, Record], mails: dict[str, list[Row]]) -> Counter[str]:
    return Counter(str(notices[notice].data["kind"]) for notice in mails if notice in notices)


def notice_of(mail: Row) -> str:
    """Return the notice id from a mail's Message-ID, <notice_id@host>."""
    return str(mail["message_id"]).strip("<> ").partition("@")[0]
