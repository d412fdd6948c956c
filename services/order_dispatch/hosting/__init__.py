"""People who are asked about orders: what they can answer, by which links, and what it does."""

from services.order_dispatch.hosting.answering import Detail, find_kept, take_answer
from services.order_dispatch.hosting.links import BrokenLink, ExpiredLink, Link, read, sign
from services.order_dispatch.hosting.steps import OF_SHOPS, NotTaken, SaidOtherwise, Step, is_there, keeper_of, why_not

__all__ = [
    "OF_SHOPS",
    "BrokenLink",
    "Detail",
    "ExpiredLink",
    "Link",
    "NotTaken",
    "SaidOtherwise",
    "Step",
    "find_kept",
    "is_there",
    "keeper_of",
    "read",
    "sign",
    "take_answer",
    "why_not",
]
