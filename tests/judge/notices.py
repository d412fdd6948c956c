"""Checks notices: one decision for each occasion, one mail for each decision."""

from collections import Counter, defaultdict

from tests.judge.evidence import Evidence, Record, Row
from tests.judge.verdict import DOUBLED, LOST, PHANTOM, Findings

MAIL = "email"
#: Facts that need a decision whether to notify the customer, and the kind of that decision.
OCCASIONS = {
    "OrderPlaced": "order_placed",
    "OrderRefused": "order_refused",
    "OrderFailed": "order_failed",
    "OrderCancelled": "order_cancelled",
}


def judge_notices(evidence: Evidence) -> Findings:
    found = Findings()
    notices = _judge_decisions(found, evidence)
    _judge_occasions(found, evidence, notices)
    if evidence.mails or any(record.data.get("channel") == MAIL for record in notices.values()):
        _judge_mails(found, evidence, notices)
    return found


def _judge_decisions(found: Findings, evidence: Evidence) -> dict[str, Record]:
    notices: dict[str, Record] = {}
    occasions: dict[tuple[str, str, str], Record] = {}
    for record in evidence.said("CustomerNotified"):
        found.figures["notices"] += 1
        data = record.data
        if data["notice_id"] in notices:
            found.note(DOUBLED, record.place, f"notice {data['notice_id']} was published before")
        notices.setdefault(data["notice_id"], record)
        if data.get("order_id") is None:
            continue
        occasion = (data["customer_id"], data["kind"], data["order_id"])
        if occasion in occasions:
            found.note(DOUBLED, record.place, f"{occasion} was told before at {occasions[occasion].place}")
        occasions.setdefault(occasion, record)
    return notices


def _judge_occasions(found: Findings, evidence: Evidence, notices: dict[str, Record]) -> None:
    """Every occasion has a decision; every decision to notify was published."""
    if "notification.notice" not in evidence.tables:
        return
    rows = {(row["kind"], row["order_id"]): row for row in evidence.table("notification.notice")}
    gone = {record.data["customer_id"] for record in evidence.said("CustomerErased")}
    for record in evidence.said(*OCCASIONS):
        if (OCCASIONS[record.type], record.data["order_id"]) not in rows and record.data["customer_id"] not in gone:
            what = f"nobody decided whether to tell of {record.type} {record.data['order_id']}"
            found.note(LOST, record.place, what, stopped_at="notification")
    for row in rows.values():
        if row["state"] == "sent" and row["notice_id"] not in notices:
            found.note(LOST, f"notice {row['notice_id']}", "told, and CustomerNotified was never said")


def _judge_mails(found: Findings, evidence: Evidence, notices: dict[str, Record]) -> None:
    """A mail may be duplicated only if notification was killed during the SMTP conversation."""
    mails: dict[str, list[Row]] = defaultdict(list)
    for row in evidence.mails:
        mails[notice_of(row)].append(row)
    allowed = sum(1 for kill in evidence.kills if kill.get("window") == "smtp")
    found.figures["mails"] = len(evidence.mails)
    for notice, rows in mails.items():
        if notice not in notices:
            found.note(PHANTOM, f"mail {rows[0].get('message_id')}", "a mail that no notice stands for")
        for extra in rows[1:]:
            allowed -= 1
            if allowed < 0:
                found.note(DOUBLED, f"mail {extra.get('message_id')}", f"notice {notice} was mailed before")
            else:
                found.figures["mails_doubled_by_kills"] += 1
    for notice, record in notices.items():
        if record.data.get("channel") == MAIL and notice not in mails:
            found.note(LOST, record.place, f"notice {notice} was said and never mailed", stopped_at="notification")
    found.figures.update(Counter({f"mails_{kind}": count for kind, count in _kinds(notices, mails).items()}))


def _kinds(notices: dict[str, Record], mails: dict[str, list[Row]]) -> Counter[str]:
    return Counter(str(notices[notice].data["kind"]) for notice in mails if notice in notices)


def notice_of(mail: Row) -> str:
    """Return the notice a mail stands for: its Message-ID is <notice_id@host>."""
    return str(mail["message_id"]).strip("<> ").partition("@")[0]
