"""Pure rules: which notices are sent, and how their mails read."""

from services.notification.domain.kinds import (
    DELAYED,
    EPOCH_BOUND,
    EVENTS_WITHOUT_NOTICE,
    KIND_BY_EVENT,
    KIND_BY_HOLD,
    KINDS,
    SENT_BY_PROVIDERS,
    TO_SHOPS,
    WITH_ANSWER_LINKS,
    Kind,
    Rule,
)
from services.notification.domain.notices import (
    Decision,
    Facts,
    Notice,
    NoticeState,
    NoticeTiming,
    decide,
    notice_id_of,
)
from services.notification.domain.rendering import Contact, RenderedMail, one_line, render_mail

__all__ = [
    "DELAYED",
    "EPOCH_BOUND",
    "EVENTS_WITHOUT_NOTICE",
    "KINDS",
    "KIND_BY_EVENT",
    "KIND_BY_HOLD",
    "SENT_BY_PROVIDERS",
    "TO_SHOPS",
    "WITH_ANSWER_LINKS",
    "Contact",
    "Decision",
    "Facts",
    "Kind",
    "Notice",
    "NoticeState",
    "NoticeTiming",
    "RenderedMail",
    "Rule",
    "decide",
    "notice_id_of",
    "one_line",
    "render_mail",
]
