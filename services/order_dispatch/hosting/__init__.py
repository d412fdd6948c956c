"""People who are asked about orders: what they can answer, by which links, and what it does."""

from services.order_dispatch.hosting.answering import Detail, find_kept, take_answer
from services.order_dispatch.hosting.links import ExpiredLinkError, InvalidLinkError, Link, read, sign
from services.order_dispatch.hosting.steps import (
    OF_SHOPS,
    ConflictingAnswerError,
    Step,
    StepRefusedError,
    is_there,
    keeper_of,
    why_not,
)

__all__ = [
    "OF_SHOPS",
    "ConflictingAnswerError",
    "Detail",
    "ExpiredLinkError",
    "InvalidLinkError",
    "Link",
    "Step",
    "StepRefusedError",
    "find_kept",
    "is_there",
    "keeper_of",
    "read",
    "sign",
    "take_answer",
    "why_not",
]
