"""Pure rules: which notices are sent, and how their mails read."""

from services.notification.domain.kinds import (
    ANSWERED,
    HOLDS,
    KINDS,
    MAY_PASS,
    NO_OCCASIONS,
    ORDER_FACTS,
    PASSING,
    TO_SHOPS,
    TOLD_BY_PROVIDERS,
    Kind,
    Rule,
)
from services.notification.domain.letters import Contact, Letter, compose, one_line
from services.notification.domain.notices import Decision, Facts, Notice, NoticeTiming, Told, decide, notice_id_of

__all__ = [
    "ANSWERED",
    "HOLDS",
    "KINDS",
    "MAY_PASS",
    "NO_OCCASIONS",
    "ORDER_FACTS",
    "PASSING",
    "TOLD_BY_PROVIDERS",
    "TO_SHOPS",
    "Contact",
    "Decision",
    "Facts",
    "Kind",
    "Letter",
    "Notice",
    "NoticeTiming",
    "Rule",
    "Told",
    "compose",
    "decide",
    "notice_id_of",
    "one_line",
]
