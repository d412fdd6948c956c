"""Pure rules: which notices are sent, and how their mails read."""

from services.notification.domain.kinds import (
    EPOCH_BOUND,
    EVENTS_WITHOUT_NOTICE,
    KIND_BY_EVENT,
    KIND_BY_HOLD,
    KINDS,
    TO_SHOPS,
    WITH_ANSWER_LINKS,
    Kind,
)
from services.notification.domain.notices import Facts, Notice, NoticeState, NoticeTiming, decide, notice_id_of
from services.notification.domain.rendering import Contact, RenderedMail, one_line, render_mail

__all__ = [
    "EPOCH_BOUND",
    "EVENTS_WITHOUT_NOTICE",
    "KINDS",
    "KIND_BY_EVENT",
    "KIND_BY_HOLD",
    "TO_SHOPS",
    "WITH_ANSWER_LINKS",
    "Contact",
    "Facts",
    "Kind",
    "Notice",
    "NoticeState",
    "NoticeTiming",
    "RenderedMail",
    "decide",
    "notice_id_of",
    "one_line",
    "render_mail",
]
