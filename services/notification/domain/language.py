"""The texts and formats that a language defines."""

from typing import NamedTuple

from replenish_contracts.events import Fault
from services.notification.domain.kinds import Kind

#: Wordings of one line; the first whose placeholders are all known is used, otherwise the line is omitted.
Line = tuple[str, ...]


class Text(NamedTuple):
    """Subject and lines of one kind of notice."""

    subject: str
    lines: tuple[Line, ...]


class Language(NamedTuple):
    """A language's texts and its formats of names, numbers and dates."""

    texts: dict[Kind, Text]
    #: Texts that replace those of `texts` if the provider is not at fault.
    faults: dict[tuple[Kind, Fault], Text]
    greeting: str
    closing: str
    #: Used if the name of the customer or of the product is unknown.
    nameless: str
    untitled: str
    #: Phrases by `OrderCancelled.by`, and by the hold reasons that cause CANNOT_ORDER.
    actors: dict[str, str]
    holds: dict[str, str]
    decimal: str
    date: str
    one_piece: str
    pieces: str
    weekdays: tuple[str, ...]
    months: tuple[str, ...]
