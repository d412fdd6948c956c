"""Renders a notice as an email in the customer's language and time zone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from string import Formatter

from replenish_contracts.events import Fault
from services.notification.domain.contact import Contact
from services.notification.domain.english import ENGLISH
from services.notification.domain.formatting import one_line, show_date, show_money, show_quantity, show_rate
from services.notification.domain.german import GERMAN
from services.notification.domain.kinds import TO_SHOPS, WITH_ANSWER_LINKS, Kind
from services.notification.domain.language import ENDED, Language, Line, Text
from services.notification.domain.listing import Listing
from services.notification.domain.notices import Facts, Notice, fault_of

LANGUAGES = {"en": ENGLISH, "de": GERMAN}


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """A rendered mail, independent of the channel."""

    subject: str
    #: Paragraphs; the lines after the first of a paragraph are the items of a list and start with `- `.
    lines: tuple[str, ...]
    language: str
    #: URLs that become links in HTML: the page and the answer links. All other text is escaped.
    links: tuple[str, ...]


def render_mail(
    notice: Notice,
    facts: Facts,
    contact: Contact,
    page: str,
    links: Mapping[str, str] | None = None,
    *,
    others: Sequence[Notice] = (),
) -> RenderedMail:
    """Render the mail; a line is omitted if a fact it needs is unknown.

    `links` maps placeholder names to URLs; `others` are notices that share the mail.
    """
    code = contact.locale.replace("_", "-").split("-")[0].lower()
    code = code if code in LANGUAGES else "en"
    language = LANGUAGES[code]
    listing = Listing(notice, others, facts, language)
    values = _placeholders(notice, facts, language, contact) | {"page": page} | dict(links or {})
    values |= {name: value for name, value in listing.values().items() if value is not None}
    if notice.kind is Kind.MONEY_RETURNED:
        values |= _refund((notice, *others), language)
    text = _text_for(notice, listing)
    body: list[str] = []
    for wordings in text.lines:
        if wordings is ENDED:
            body += _ended_paragraphs(listing, values)
        elif (line := _first_complete(wordings, values)) is not None:
            body.append(line)
    greeting = language.greeting.format(name=one_line(contact.name) or language.nameless).replace(" ,", ",")
    urls = (page, *(links or {}).values(), *(line.cart_url for line in facts.lines if line.cart_url))
    subject = text.subject.format_map(values)
    if notice.is_test:
        subject, body = language.test_subject.format(subject=subject), [_test_note(notice, language), *body]
    return RenderedMail(subject, (greeting, *body, language.closing), code, urls)


def _test_note(notice: Notice, language: Language) -> str:
    if notice.kind in TO_SHOPS:
        return language.test_order_for_shop
    return language.test_order_to_place if notice.kind in WITH_ANSWER_LINKS else language.test_order


def _text_for(notice: Notice, listing: Listing) -> Text:
    language = listing.language
    if notice.ends_lines:
        return language.parts[notice.kind]
    cause = (notice.kind, fault_of(notice))
    if listing.is_several and notice.kind in language.several:
        return language.several_faults.get(cause, language.several[notice.kind])
    return language.faults.get(cause, language.texts[notice.kind])


def _ended_paragraphs(listing: Listing, values: Mapping[str, str]) -> Iterator[str]:
    for notice, gone in listing.ended():
        known = {name: value for name, value in values.items() if name not in ("why", "by")}
        known |= _reasons(notice, listing.language) | {"gone": gone}
        if fault_of(notice) is not Fault.PROVIDER:
            known.pop("why", None)  # reasons of payment and fraud are internal
        if (line := _first_complete(listing.language.ended[notice.kind], known)) is not None:
            yield line


def _first_complete(wordings: Line, values: Mapping[str, str]) -> str | None:
    for wording in wordings:
        if all(name in values for _, name, _, _ in Formatter().parse(wording) if name):
            return wording.format_map(values)
    return None


def _placeholders(notice: Notice, facts: Facts, language: Language, contact: Contact) -> dict[str, str]:
    """Return the formatted value of every placeholder; unknown facts have no entry."""
    details = notice.details
    zone = contact.time_zone
    first = min(
        (line for line in facts.lines if line.run_out_at is not None),
        key=lambda line: (line.run_out_at, line.line_id),
        default=None,
    )
    run_out_at = first.run_out_at if first is not None and len(facts.lines) > 1 else facts.run_out_at

    def amount(steps: int | None) -> str | None:
        return show_quantity(steps, facts.unit, facts.scale, language)

    values = {
        "product": one_line(facts.title or notice.product_id) or language.untitled,
        "provider": one_line(facts.provider or "") or None,
        "quantity": amount(facts.quantity),
        "sent": amount(details.get("quantity")),
        "received_quantity": amount(details.get("received")),
        "ordered_quantity": amount(details.get("ordered")),
        "price": show_money(facts.price, facts.currency, language),
        "level": amount(None if facts.level is None else max(facts.level, 0)),
        "rate": show_rate(facts.rate_per_day, facts.unit, facts.scale, language),
        "run_out": show_date(run_out_at, language, zone),
        "first": None if first is None else one_line(first.title or first.product_id) or None,
        "packs": None if details.get("packs") is None else str(details["packs"]),
        "answer_by": show_date(_parse_time(details.get("answer_by")), language, zone),
        "needed_by": show_date(facts.needed_by, language, zone),
        "expected": show_date(_expected(notice, facts), language, zone),
    }
    return {name: value for name, value in values.items() if value is not None} | _reasons(notice, language)


def _reasons(notice: Notice, language: Language) -> dict[str, str]:
    """Return who ended the order or its lines, and why, if known."""
    by = notice.details.get("by", "")
    reason = one_line(notice.details.get("reason") or "").rstrip(".")
    # The phrases for these actors contain the reason.
    why = None if by in {"deregistration", "pause", "unlink"} else language.holds.get(reason, reason) or None
    return {"by": language.actors.get(by, language.actors["operator"])} | ({"why": why} if why else {})


def _refund(notices: Sequence[Notice], language: Language) -> dict[str, str]:
    amounts = [notice.details.get("amount") for notice in notices]
    known = [amount for amount in amounts if amount]
    total = show_money(sum(known), notices[0].details.get("currency"), language) if known else None
    return {} if total is None else {"refund": total}


def _expected(notice: Notice, facts: Facts) -> datetime | date | None:
    """Return when the goods are expected; the date if the provider named no time."""
    day = notice.details.get("expected_date")
    return date.fromisoformat(day) if day else _parse_time(notice.details.get("expected_at")) or facts.expected_at


def _parse_time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
