"""Pure rules: which notices are sent, and how their mails read."""

from services.notification.domain.contact import Contact
from services.notification.domain.formatting import one_line
from services.notification.domain.kinds import (
    DELAYED,
    EPOCH_BOUND,
    EVENTS_WITHOUT_NOTICE,
    KIND_BY_EVENT,
    KIND_BY_HOLD,
    KINDS,
    SHARED_MAIL,
    TO_SHOPS,
    WITH_ANSWER_LINKS,
    Kind,
)
from services.notification.domain.lines import LineFacts, LineState, line_rows
from services.notification.domain.notices import (
    Facts,
    Notice,
    NoticeState,
    NoticeTiming,
    choose_contents,
    decide,
    notice_id_of,
    reference_of,
)
from services.notification.domain.rendering import RenderedMail, render_mail

__all__ = [
    "DELAYED",
    "EPOCH_BOUND",
    "EVENTS_WITHOUT_NOTICE",
    "KINDS",
    "KIND_BY_EVENT",
    "KIND_BY_HOLD",
    "SHARED_MAIL",
    "TO_SHOPS",
    "WITH_ANSWER_LINKS",
    "Contact",
    "Facts",
    "Kind",
    "LineFacts",
    "LineState",
    "Notice",
    "NoticeState",
    "NoticeTiming",
    "RenderedMail",
    "choose_contents",
    "decide",
    "line_rows",
    "notice_id_of",
    "one_line",
    "reference_of",
    "render_mail",
]
