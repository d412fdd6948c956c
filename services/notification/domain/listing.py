"""The lines of an order as a mail lists and sums them up."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.notification.domain.formatting import one_line, show_money, show_quantity
from services.notification.domain.kinds import TO_SHOPS, Kind
from services.notification.domain.language import Language
from services.notification.domain.lines import LineFacts, lines_in, lines_to_come, lines_to_ship
from services.notification.domain.notices import Facts, Notice

#: Lines that a mail lists; of a longer order it gives the number of the others. Most orders have fewer lines, and a
#: longer list would push total and links off the screen.
MAX_LISTED = 20
#: A line with the quantity that the mail is about.
Listed = Sequence[tuple[LineFacts, int | None]]
#: Reminders, which list what is open of the order.
_WITHOUT_TOTAL = frozenset({Kind.SHOP_REMINDED, Kind.CART_REMINDED})
#: Mails about what is missing or to be cancelled, and refunds, whose amount is not the price of the lines.
_WITHOUT_PRICES = frozenset({Kind.CLAIM_RAISED, Kind.MONEY_RETURNED, Kind.SHOP_ASKED_TO_CANCEL, Kind.CART_CANCEL_ASKED})
#: Mails about the lines of their event, not about what else the order contains.
_ABOUT_SOME = frozenset(
    {
        *(Kind.ORDER_SHIPPED, Kind.ORDER_DELIVERED, Kind.CLAIM_RAISED),
        *(Kind.SHOP_ASKED_TO_CANCEL, Kind.CART_CANCEL_ASKED),
    }
)


@dataclass(frozen=True, slots=True)
class Listing:
    """The lines that a mail is about; `others` are the notices that share the mail."""

    notice: Notice
    others: Sequence[Notice]
    facts: Facts
    language: Language

    @property
    def is_several(self) -> bool:
        """The order has several lines; of claims, the mail is about several."""
        if self.notice.kind is Kind.CLAIM_RAISED:
            return len(self._listed()) > 1
        return len(self.facts.lines) > 1

    def values(self) -> dict[str, str | None]:
        """Return the values of the placeholders about lines.

        For an order of one line these are only `rest`, `more` and `fee`.
        """
        rest = self._rest()
        values = {
            "rest": self._items(rest) if rest else None,
            "more": "" if not rest and not self._is_complete() and not self.facts.lines else None,
        }
        if not self.is_several and not self.notice.ends_lines:
            return values | {"fee": self._fee()}
        listed = self._listed()
        is_part = self._is_part(listed)
        return (
            values
            | self._summaries(listed, is_part=is_part)
            | {
                "lines": self._items(listed, with_price=self.notice.kind not in _WITHOUT_PRICES),
                "part": None if self._is_complete() else "",
                "last": "" if self._is_complete() and self._has_moved_before(listed) else None,
                "linked": "" if any(line.cart_url for line in self.facts.lines) else None,
            }
            | self._money(listed, is_part=is_part)
        )

    def ended(self) -> Iterable[tuple[Notice, str]]:
        """Yield each notice about lines that ended without goods, and their list."""
        for notice in (self.notice, *self.others):
            if notice.ends_lines:
                yield notice, self._items(lines_in(self.facts.lines, notice.quantities))

    def _listed(self) -> Listed:
        """Return the lines of the notice and of others of its kind, with the sum of their quantities."""
        quantities: dict[str, int] = {}
        for notice in (self.notice, *self.others):
            if notice.kind is self.notice.kind or (notice.ends_lines and self.notice.ends_lines):
                for line_id, quantity in notice.quantities.items():
                    quantities[line_id] = quantities.get(line_id, 0) + quantity
        return lines_in(self.facts.lines, quantities)

    def _is_complete(self) -> bool:
        alike = [notice for notice in (self.notice, *self.others) if notice.kind is self.notice.kind]
        return any(notice.details.get("complete", True) for notice in alike)

    def _rest(self) -> Listed:
        kind = self.notice.kind
        if kind in (Kind.SHOP_ASKED_TO_CANCEL, Kind.CART_CANCEL_ASKED):
            rest = lines_to_ship(self.facts.lines)
            return [(line, steps) for line, steps in rest if line.line_id not in self.notice.quantities]
        if self._is_complete() or "complete" not in self.notice.details:
            return []
        if kind is Kind.ORDER_SHIPPED:
            return lines_to_ship(self.facts.lines)
        return lines_to_come(self.facts.lines)

    def _is_part(self, listed: Listed) -> bool:
        """The mail is about less than the whole order."""
        is_whole = len(listed) == len(self.facts.lines) and all(steps == line.quantity for line, steps in listed)
        return not is_whole or not self._is_complete()

    def _has_moved_before(self, listed: Listed) -> bool:
        """Something else of the order left the provider, or more of these lines."""
        quantities = {line.line_id: quantity or 0 for line, quantity in listed}
        return any(
            (line.shipped or 0) > quantities[line.line_id] if line.line_id in quantities else line.has_moved
            for line in self.facts.lines
        )

    def _summaries(self, listed: Listed, *, is_part: bool) -> dict[str, str | None]:
        language, number, total = self.language, len(listed), len(self.facts.lines)
        provider = one_line(self.facts.provider or "") if self.notice.kind not in TO_SHOPS else ""
        things = language.one_thing if number == 1 else language.things.format(number=number)
        order = language.order.format(things=things, provider=provider) if provider else things
        about_some = is_part and number < total and (self.notice.kind in _ABOUT_SOME or self.notice.ends_lines)
        only = self._name(listed[0][0]) if number == 1 else None
        if only:
            summary = only
        elif about_some:
            wording = language.some_things_of_order if provider else language.some_things
            summary = wording.format(number=number, total=total, provider=provider)
        else:
            has_price = self.notice.kind is not Kind.CLAIM_RAISED and not (is_part and self.notice.kind in _ABOUT_SOME)
            price = self._total(listed) if has_price else None
            summary = f"{order}, {price}" if price else order
        return {
            "things": things,
            "of_things": language.of_one_thing if number == 1 else language.of_things.format(number=number),
            "order": only or order,
            "summary": summary,
        }

    def _money(self, listed: Listed, *, is_part: bool) -> dict[str, str | None]:
        if self.notice.kind in _WITHOUT_TOTAL | _WITHOUT_PRICES or (is_part and self.notice.kind in _ABOUT_SOME):
            return {}
        return {"fee": self._fee(), "total": self._total(listed)}

    def _fee(self) -> str | None:
        return show_money(self.facts.fee, self.facts.currency, self.language) if self.facts.fee else None

    def _total(self, listed: Listed) -> str | None:
        """Return the price of these lines and the fee; None if it is unknown."""
        facts = self.facts
        if len(listed) == len(facts.lines) and facts.price is not None:
            return show_money(facts.price, facts.currency, self.language)
        prices = [line.price for line, _ in listed]
        known = [price for price in prices if price is not None]
        if not known or len(known) < len(prices):
            return None
        return show_money(sum(known) + (facts.fee or 0), facts.currency, self.language)

    def _items(self, listed: Listed, *, with_price: bool = False) -> str:
        items = [self._item(line, quantity, with_price=with_price) for line, quantity in listed[:MAX_LISTED]]
        more = len(listed) - len(items)
        if more:
            language = self.language
            items.append(language.and_one_more if more == 1 else language.and_more.format(number=more))
        return "".join(f"\n- {item}" for item in items)

    def _item(self, line: LineFacts, quantity: int | None, *, with_price: bool) -> str:
        facts = [self._amount(line, quantity)]
        if with_price and quantity == line.quantity:
            facts.append(show_money(line.price, self.facts.currency, self.language))
        item = self._name(line)
        if known := ", ".join(fact for fact in facts if fact):
            item = f"{item}: {known}"
        return f"{item}: {line.cart_url}" if line.cart_url else item

    def _amount(self, line: LineFacts, quantity: int | None) -> str | None:
        """Return packs × pack size for a whole line, otherwise, and of single pieces, the quantity."""
        language = self.language
        amount = show_quantity(quantity, line.unit, line.scale, language)
        if self.notice.kind is Kind.CLAIM_RAISED:
            return self._received(line) or amount
        size = show_quantity(line.pack_size, line.unit, line.scale, language)
        is_whole = quantity == line.quantity and not line.substitute
        if not is_whole or line.packs is None or size in (None, language.one_piece):
            return amount
        return f"{line.packs} × {size}"

    def _received(self, line: LineFacts) -> str | None:
        """Return the received and the ordered quantity of the line's claim."""
        for notice in (self.notice, *self.others):
            if line.line_id in notice.quantities:
                amounts = {
                    name: show_quantity(notice.details.get(name), line.unit, line.scale, self.language)
                    for name in ("received", "ordered")
                }
                return self.language.received.format(**amounts) if all(amounts.values()) else None
        return None

    def _name(self, line: LineFacts) -> str:
        name = one_line(line.title or line.product_id) or self.language.untitled
        if line.substitute:
            substitute = one_line(line.substitute)
            return self.language.substitute.format(substitute=substitute, product=name)
        return name
