"""The texts and formats that a language defines."""

from typing import NamedTuple

from replenish_contracts.events import Fault
from services.notification.domain.kinds import Kind

#: Wordings of one line; the first whose placeholders are all known is used, otherwise the line is omitted. The value of
#: a list starts with a line break, and a flag such as `{part}` is known, and empty, only where it holds.
Line = tuple[str, ...]
#: Stands for the paragraphs about lines that were refused or cancelled at the same moment.
ENDED: Line = ()


class Text(NamedTuple):
    """Subject and lines of one kind of notice."""

    subject: str
    lines: tuple[Line, ...]


class Language(NamedTuple):
    """A language's texts and its formats of names, numbers and dates."""

    texts: dict[Kind, Text]
    #: Texts for orders of several lines.
    several: dict[Kind, Text]
    #: Texts about some lines of an order that ended without goods, and the paragraph that lists them.
    parts: dict[Kind, Text]
    ended: dict[Kind, Line]
    #: Texts that replace those of `texts` if the provider is not at fault, and those of `several`.
    faults: dict[tuple[Kind, Fault], Text]
    several_faults: dict[tuple[Kind, Fault], Text]
    #: Subject and first paragraph of mails about test orders: to customers, to shops, and to customers who order at the
    #: shop themselves.
    test_subject: str
    test_order: str
    test_order_for_shop: str
    test_order_to_place: str
    greeting: str
    closing: str
    #: Used if the name of the customer or of the product is unknown.
    nameless: str
    untitled: str
    #: Phrases by `OrderCancelled.by`, and by the hold reasons that cause CANNOT_ORDER.
    actors: dict[str, str]
    holds: dict[str, str]
    #: Number of the order's lines; `of_things` follows a preposition.
    one_thing: str
    things: str
    of_one_thing: str
    of_things: str
    #: An order in a few words, and some of its lines.
    order: str
    some_things: str
    some_things_of_order: str
    #: Parts of an item of a list, and the end of a long list.
    substitute: str
    received: str
    and_one_more: str
    and_more: str
    decimal: str
    #: Percent sign with the space before it, if any.
    percent: str
    date: str
    one_piece: str
    pieces: str
    weekdays: tuple[str, ...]
    months: tuple[str, ...]
