"""What a language needs to write every notice."""

from typing import NamedTuple

from libs.contracts.events import Fault
from services.notification.domain.kinds import Kind

#: One line of a letter: the first of its wordings whose facts are all known is used, else none.
Line = tuple[str, ...]


class Text(NamedTuple):
    """Subject and lines of one kind of notice."""

    subject: str
    lines: tuple[Line, ...]


class Language(NamedTuple):
    """A language's texts, and how it writes names, numbers and dates."""

    texts: dict[Kind, Text]
    #: What is said instead of an order whose end is not its provider's fault.
    faults: dict[tuple[Kind, Fault], Text]
    greeting: str
    closing: str
    #: For a customer or a product whose name is not known.
    nameless: str
    untitled: str
    #: Who cancelled, and why nothing can be ordered.
    actors: dict[str, str]
    holds: dict[str, str]
    decimal: str
    date: str
    one_piece: str
    pieces: str
    weekdays: tuple[str, ...]
    months: tuple[str, ...]
