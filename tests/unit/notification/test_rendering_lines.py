"""Mails about orders of several lines."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from replenish_contracts.events import Fault
from services.notification.channels.email import MailHeaders, build_mail
from services.notification.domain import Kind, LineState, render_mail
from services.notification.domain.rendering import LANGUAGES
from tests.support import notification_events as a

STAMP = MailHeaders("n1", "Replenish <replenish@home.example>", a.NOON)
BOTH = {"1": 40, "2": 100}
LINKS = {step: f"{a.PAGE}answer/{step}" for step in ("acknowledge", "ship", "refuse", "ordered", "not_yet", "no")}


def written(kind, details, facts=None, others=(), links=None, **contact):
    notice = a.notice(kind, details=details)
    return render_mail(notice, facts or a.basket(), a.contact(**contact), a.PAGE, links, others=others)


def ended(kind, lines, **details):
    return a.notice(kind, notice_id="ended", details={"lines": lines, "complete": False} | details)


def html_of(mail):
    return build_mail(mail, a.contact(), STAMP).get_body(("html",)).get_content()


class TestOrderPlaced:
    def test_mail_lists_lines_with_packs_price_fee_and_total(self):
        mail = written(Kind.ORDER_PLACED, {"lines": BOTH})

        assert mail.subject == "Ordered: 2 things from Acme, 23.40 EUR"
        assert mail.lines[1:5] == (
            "We have ordered 2 things from Acme:\n- Coffee pods: 2 × 20 pieces, 9.98 EUR\n- Paper filters: 1 × 100 pieces, 9.42 EUR",
            "Delivery fee: 4.00 EUR",
            "Total: 23.40 EUR",
            "Reason: your supplies are running low.",
        )

    def test_german_mail_lists_lines(self):
        mail = written(Kind.ORDER_PLACED, {"lines": BOTH}, locale="de")

        assert mail.subject == "Bestellt: 2 Artikel bei Acme, 23,40 EUR"
        assert mail.lines[1:4] == (
            "Wir haben 2 Artikel bei Acme bestellt:\n- Coffee pods: 2 × 20 Stück, 9,98 EUR\n- Paper filters: 1 × 100 Stück, 9,42 EUR",
            "Versandkosten: 4,00 EUR",
            "Gesamtbetrag: 23,40 EUR",
        )

    def test_reason_names_what_runs_out_first(self):
        later, first = a.NOON + timedelta(days=9), a.NOON + timedelta(days=6)
        facts = a.basket(a.line(run_out_at=later), a.filters(run_out_at=first))

        mail = written(Kind.ORDER_PLACED, {"lines": BOTH}, facts)

        assert (
            "Reason: your supplies are running low; your supply of Paper filters will last until about Saturday 7 March."
            in mail.lines
        )

    def test_unknown_price_gives_no_total(self):
        facts = a.basket(a.line(unit_price=None), a.filters(unit_price=None), price=None, fee=None)

        mail = written(Kind.ORDER_PLACED, {"lines": BOTH}, facts)

        assert mail.subject == "Ordered: 2 things from Acme"
        assert mail.lines[1].splitlines()[1] == "- Coffee pods: 2 × 20 pieces"
        assert not any("EUR" in line for line in mail.lines)

    def test_refused_line_is_listed_and_not_paid(self):
        facts = a.basket(a.line(), a.filters(state=LineState.REFUSED))

        mail = written(
            Kind.ORDER_PLACED,
            {"lines": {"1": 40}},
            facts,
            others=[ended(Kind.ORDER_REFUSED, {"2": 100}, reason="sold out")],
        )

        assert mail.subject == "Ordered: Coffee pods"
        assert mail.lines[1:5] == (
            "We have ordered 1 thing from Acme:\n- Coffee pods: 2 × 20 pieces, 9.98 EUR",
            "Delivery fee: 4.00 EUR",
            "Total: 13.98 EUR",
            "Acme will not deliver these items (reason: sold out):\n- Paper filters: 1 × 100 pieces",
        )

    def test_single_pieces_are_not_packs(self):
        facts = a.basket(a.line(packs=3, pack_size=1, quantity=3), a.filters())

        mail = written(Kind.ORDER_PLACED, {"lines": {"1": 3, "2": 100}}, facts)

        assert "- Coffee pods: 3 pieces, 14.97 EUR" in mail.lines[1]

    def test_order_of_one_line_reads_as_before(self):
        alone = written(Kind.ORDER_PLACED, {"lines": {"1": 40}}, a.facts(lines=(a.line(),)))
        before = written(Kind.ORDER_PLACED, {}, a.facts())

        assert (alone.subject, alone.lines) == (before.subject, before.lines)

    @pytest.mark.parametrize(
        ("locale", "price"),
        [
            ("en", "Price: 9.98 EUR, including a delivery fee of 2.00 EUR"),
            ("de", "Preis: 9,98 EUR, davon 2,00 EUR Versandkosten"),
        ],
    )
    def test_price_of_one_line_names_fee(self, locale, price):
        mail = written(Kind.ORDER_PLACED, {}, a.facts(fee=200, lines=(a.line(),)), locale=locale)

        assert price in mail.lines


class TestOrderShipped:
    def test_mail_lists_what_left_and_what_follows(self):
        facts = a.basket(a.line(state=LineState.SHIPPED, shipped=20), a.filters())

        mail = written(Kind.ORDER_SHIPPED, {"lines": {"1": 20}, "complete": False}, facts)

        assert mail.subject == "Shipped: Coffee pods"
        assert mail.lines[1:3] == (
            "Acme has shipped part of your order:\n- Coffee pods: 20 pieces",
            "Still to come:\n- Coffee pods: 20 pieces\n- Paper filters: 1 × 100 pieces",
        )

    def test_last_parcel_is_the_rest(self):
        facts = a.basket(a.line(state=LineState.DELIVERED, shipped=40), a.filters(state=LineState.SHIPPED, shipped=100))

        mail = written(Kind.ORDER_SHIPPED, {"lines": {"2": 100}, "complete": True}, facts)

        assert mail.lines[1] == ("Acme has shipped the rest of your order:\n- Paper filters: 1 × 100 pieces, 9.42 EUR")
        assert not any(line.startswith("Still to come") for line in mail.lines)

    def test_second_parcel_of_a_line_is_the_rest_and_without_total(self):
        facts = a.basket(a.line(state=LineState.SHIPPED, shipped=40), a.filters(state=LineState.SHIPPED, shipped=100))

        mail = written(Kind.ORDER_SHIPPED, {"lines": {"1": 20, "2": 100}, "complete": True}, facts)

        assert mail.subject == "Shipped: 2 things from Acme"
        assert mail.lines[1].startswith("Acme has shipped the rest of your order:\n- Coffee pods: 20 pieces\n")
        assert not any(line.startswith("Total") for line in mail.lines)

    def test_all_that_was_not_refused_is_the_order(self):
        facts = a.basket(a.line(state=LineState.SHIPPED, shipped=40), a.filters(state=LineState.REFUSED))

        mail = written(Kind.ORDER_SHIPPED, {"lines": {"1": 40}, "complete": True}, facts)

        assert mail.lines[1].startswith("Acme has shipped your order:\n")

    def test_parcels_of_one_moment_are_summed(self):
        facts = a.basket(a.line(state=LineState.SHIPPED, shipped=40), a.filters())
        second = a.notice(Kind.ORDER_SHIPPED, details={"lines": {"1": 20}, "complete": False})

        mail = written(Kind.ORDER_SHIPPED, {"lines": {"1": 20}, "complete": False}, facts, others=[second])

        assert mail.lines[1] == "Acme has shipped part of your order:\n- Coffee pods: 2 × 20 pieces, 9.98 EUR"

    def test_part_of_only_line_names_rest(self):
        facts = a.facts(lines=(a.line(state=LineState.SHIPPED, shipped=20),))

        mail = written(Kind.ORDER_SHIPPED, {"quantity": 20, "lines": {"1": 20}, "complete": False}, facts)

        assert mail.lines[1:3] == (
            "Acme has shipped Coffee pods (20 pieces).",
            "Still to come:\n- Coffee pods: 20 pieces",
        )

    def test_unknown_rest_is_announced(self):
        mail = written(Kind.ORDER_SHIPPED, {"quantity": 20, "complete": False}, a.facts())

        assert "The rest of your order will follow." in mail.lines

    def test_substitute_is_named(self):
        facts = a.basket(a.line(substitute="Decaf pods", state=LineState.SHIPPED, shipped=40), a.filters())

        mail = written(Kind.ORDER_SHIPPED, {"lines": {"1": 40}, "complete": False}, facts)

        assert "- Decaf pods (instead of Coffee pods): 40 pieces" in mail.lines[1]


class TestOrderDelivered:
    def test_mail_lists_what_arrived_and_what_is_to_come(self):
        facts = a.basket(a.line(state=LineState.DELIVERED), a.filters(state=LineState.SHIPPED, shipped=100))

        mail = written(Kind.ORDER_DELIVERED, {"lines": {"1": 40}, "complete": False}, facts, locale="de")

        assert mail.lines[1:3] == (
            "Ein Teil Ihrer Bestellung sollte bei Ihnen angekommen sein:\n- Coffee pods: 2 × 20 Stück, 9,98 EUR",
            "Noch ausstehend:\n- Paper filters: 1 × 100 Stück",
        )


class TestLinesThatEnded:
    def test_refused_lines_are_listed_with_reason_and_rest(self):
        facts = a.basket(a.line(state=LineState.SHIPPED), a.filters(state=LineState.REFUSED))

        mail = written(Kind.ORDER_REFUSED, {"lines": {"2": 100}, "complete": False, "reason": "sold out"}, facts)

        assert mail.subject == "Order partly declined: Paper filters"
        assert mail.lines[1:3] == (
            "Acme will not deliver these items (reason: sold out):\n- Paper filters: 1 × 100 pieces",
            "Still to come:\n- Coffee pods: 2 × 20 pieces",
        )

    def test_cancelled_lines_name_who_cancelled(self):
        facts = a.basket(a.line(), a.filters(state=LineState.CANCELLED))
        details = {"lines": {"2": 100}, "complete": False, "by": "customer", "reason": "moving"}

        mail = written(Kind.ORDER_CANCELLED, details, facts)

        assert mail.subject == "Order partly cancelled: Paper filters"
        assert mail.lines[1:3] == (
            "These items were cancelled at your request and will not be delivered (reason: moving):\n- Paper filters: 1 × 100 pieces",
            "Still to come:\n- Coffee pods: 2 × 20 pieces",
        )

    def test_nothing_is_to_come_after_last_open_line_ended(self):
        facts = a.basket(a.line(state=LineState.DELIVERED), a.filters(state=LineState.CANCELLED))

        mail = written(Kind.ORDER_CANCELLED, {"lines": {"2": 100}, "complete": True, "by": "customer"}, facts)

        assert not any("to come" in line or "will follow" in line for line in mail.lines)

    def test_refused_and_cancelled_lines_keep_their_reasons(self):
        facts = a.basket(
            a.line(),
            a.filters(state=LineState.REFUSED),
            a.line("3", title="Descaler", state=LineState.CANCELLED),
        )
        refused = {"lines": {"2": 100}, "complete": False, "reason": "sold out"}
        cancelled = ended(Kind.ORDER_CANCELLED, {"3": 40}, by="customer", reason="moving")

        mail = written(Kind.ORDER_REFUSED, refused, facts, others=[cancelled])

        assert mail.subject == "Order partly declined: 2 of 3 things from Acme"
        assert mail.lines[1].startswith("Acme will not deliver these items (reason: sold out):\n- Paper filters")
        assert mail.lines[2].startswith("These items were cancelled at your request")
        assert "(reason: moving):\n- Descaler" in mail.lines[2]

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_fraud_is_not_named(self, language):
        details = {"lines": {"2": 100}, "complete": False, "by": "fraud", "reason": "fraud: o-7, a stolen card"}

        text = "\n".join(written(Kind.ORDER_CANCELLED, details, locale=language).lines).lower()

        assert not any(word in text for word in ("fraud", "betrug", "o-7", "stolen"))


class TestWholeOrder:
    @pytest.mark.parametrize("kind", [Kind.ORDER_REFUSED, Kind.ORDER_FAILED, Kind.ORDER_CANCELLED, Kind.ORDER_UNKNOWN])
    def test_end_of_order_lists_lines_and_total(self, kind):
        mail = written(kind, {"lines": BOTH, "reason": "sold out", "by": "provider"})

        assert mail.subject.endswith(": 2 things from Acme, 23.40 EUR")
        assert "- Paper filters: 1 × 100 pieces, 9.42 EUR" in mail.lines[2]
        assert mail.lines[3:5] == ("Delivery fee: 4.00 EUR", "Total: 23.40 EUR")

    def test_claims_of_one_moment_are_listed(self):
        details = {"lines": {"1": 30}, "ordered": 40, "received": 30}
        other = a.notice(
            Kind.CLAIM_RAISED, details={"lines": {"2": 0}, "ordered": 100, "received": 0}, product_id="filters"
        )

        mail = written(Kind.CLAIM_RAISED, details, others=[other])

        assert mail.subject == "Incomplete delivery: 2 things from Acme"
        assert mail.lines[1] == (
            "The delivery from Acme was incomplete:\n- Coffee pods: 30 pieces instead of 40 pieces\n- Paper filters: 0 pieces instead of 100 pieces"
        )

    def test_claims_of_whole_lines_name_no_price(self):
        details = {"lines": {"1": 40}, "ordered": 40, "received": 0}
        other = a.notice(Kind.CLAIM_RAISED, details={"lines": {"2": 100}, "ordered": 100, "received": 0})

        mail = written(Kind.CLAIM_RAISED, details, others=[other])

        assert "EUR" not in mail.subject + mail.lines[1]

    def test_claim_of_one_line_names_it(self):
        mail = written(Kind.CLAIM_RAISED, {"lines": {"1": 30}, "ordered": 40, "received": 30})

        assert mail.subject == "Incomplete delivery: Coffee pods"
        assert mail.lines[1] == (
            "The delivery of Coffee pods from Acme was incomplete: you received 30 pieces instead of 40 pieces."
        )

    def test_refunds_of_one_moment_are_summed(self):
        other = a.notice(Kind.MONEY_RETURNED, details={"amount": 58, "currency": "EUR"})

        mail = written(Kind.MONEY_RETURNED, {"amount": 942, "currency": "EUR"}, others=[other])

        assert mail.subject == "Refund: 2 things from Acme"
        assert mail.lines[1] == "You will receive a refund of 10.00 EUR for your order from Acme."

    @pytest.mark.parametrize("language", LANGUAGES)
    @pytest.mark.parametrize("kind", LANGUAGES["en"].several)
    def test_every_text_about_several_lines_exists(self, kind, language):
        several = written(kind, {"lines": BOTH, "reason": "sold out"}, locale=language, links=LINKS)
        one = written(kind, {"lines": {"1": 40}, "reason": "sold out"}, a.facts(lines=(a.line(),)), locale=language)

        text = "\n".join(several.lines)
        assert "{" not in several.subject + text
        assert kind is Kind.CLAIM_RAISED or several.subject != one.subject
        assert [text.count(f"\n- {name}") for name in ("Coffee pods", "Paper filters")] == [1, 1]

    def test_languages_have_same_texts_about_lines(self):
        english = LANGUAGES["en"]
        for language in LANGUAGES.values():
            for field in ("several", "several_faults", "parts", "ended"):
                assert set(getattr(language, field)) == set(getattr(english, field))
            assert set(language.several_faults) == set(language.faults)

    @pytest.mark.parametrize("fault", [Fault.PAYMENT, Fault.BILLING, Fault.ADDRESS, Fault.FRAUD])
    def test_fault_lists_lines(self, fault):
        mail = written(Kind.ORDER_FAILED, {"lines": BOTH, "reason": "x", "fault": fault})

        assert any("- Coffee pods: 2 × 20 pieces" in line for line in mail.lines)
        assert not any("Reason" in line for line in mail.lines)


class TestRequests:
    def test_shop_mail_lists_lines_without_its_own_name(self):
        mail = written(Kind.SHOP_ASKED, {"lines": BOTH}, links=LINKS)

        assert mail.subject == "New order: 2 things, 23.40 EUR"
        assert mail.lines[1].startswith("A customer has ordered 2 things:\n- Coffee pods: 2 × 20 pieces, 9.98 EUR")

    def test_shop_is_reminded_of_open_lines(self):
        mail = written(Kind.SHOP_REMINDED, {"lines": {"2": 100}}, links=LINKS)

        assert mail.subject == "Reminder: order for Paper filters"
        assert mail.lines[1] == "This order is still open:\n- Paper filters: 1 × 100 pieces, 9.42 EUR"

    @pytest.mark.parametrize(
        ("locale", "text"),
        [
            ("en", "You have accepted it, but some of it has not been marked as shipped yet."),
            ("de", "Sie haben die Bestellung angenommen, aber noch nicht vollständig als versandt gemeldet."),
        ],
    )
    def test_shop_is_reminded_of_order_shipped_in_part(self, locale, text):
        facts = a.basket(a.line(state=LineState.SHIPPED, shipped=40), a.filters())

        mail = written(Kind.SHOP_REMINDED, {"lines": {"2": 100}}, facts, links=LINKS, locale=locale)

        assert mail.lines[2] == text

    def test_customer_answers_for_whole_cart(self):
        mail = written(Kind.CART_REMINDED, {"lines": BOTH}, links=LINKS)

        answers = [line.split(":")[0] for line in mail.lines[2:5]]
        assert answers == [
            "I have placed the order",
            "I have not placed the order yet",
            "I do not want to place this order",
        ]

    def test_shop_gets_lines_to_cancel_and_to_ship(self):
        mail = written(Kind.SHOP_ASKED_TO_CANCEL, {"lines": {"2": 100}, "reason": "moving"}, links=LINKS)

        assert mail.subject == "Please do not ship: Paper filters"
        assert mail.lines[1:3] == (
            "Please do not ship these items (reason: moving):\n- Paper filters: 1 × 100 pieces",
            "Please ship the rest of the order as planned:\n- Coffee pods: 2 × 20 pieces",
        )

    def test_cart_mail_links_each_product(self):
        facts = a.basket(a.line(cart_url="https://shop.example/pods?a=1&n=2"), a.filters())

        mail = written(Kind.CART_PREPARED, {"lines": BOTH}, facts, links=LINKS)

        assert "- Coffee pods: 2 × 20 pieces, 9.98 EUR: https://shop.example/pods?a=1&n=2\n" in mail.lines[1]
        assert "Each link opens the product in the shop." in mail.lines
        assert '<a href="https://shop.example/pods?a=1&amp;n=2">' in html_of(mail)

    def test_cart_mail_without_links_asks_to_search(self):
        mail = written(Kind.CART_PREPARED, {"lines": BOTH}, links=LINKS)

        assert "We could not prepare a cart; please look for the products in the shop." in mail.lines


class TestLongOrders:
    @pytest.mark.parametrize(
        ("lines", "listed", "end"),
        [
            (20, 20, "Product 20"),
            (21, 20, "and 1 more"),
            (200, 20, "and 180 more"),
        ],
    )
    def test_long_list_ends_with_number_of_others(self, lines, listed, end):
        facts = a.basket(*(a.line(f"line-{number}", title=f"Product {number}") for number in range(1, lines + 1)))

        mail = written(Kind.ORDER_PLACED, {"lines": {line.line_id: 40 for line in facts.lines}}, facts)

        items = mail.lines[1].splitlines()[1:]
        assert mail.subject.startswith(f"Ordered: {lines} things from Acme")
        assert sum(item.startswith("- Product") for item in items) == listed
        assert items[-1].startswith(f"- {end}")

    def test_german_list_ends_with_number_of_others(self):
        facts = [a.line(f"line-{number}") for number in range(22)]

        ends = [
            written(Kind.ORDER_PLACED, {}, a.basket(*facts[:count]), locale="de").lines[1].splitlines()[-1]
            for count in (21, 22)
        ]

        assert ends == ["- und 1 weiterer Artikel", "- und 2 weitere Artikel"]


class TestHtml:
    def test_list_has_items(self):
        html = html_of(written(Kind.ORDER_PLACED, {"lines": BOTH}))

        assert (
            "<p>We have ordered 2 things from Acme:</p><ul><li>Coffee pods: 2 × 20 pieces, 9.98 EUR</li><li>Paper filters: 1 × 100 pieces, 9.42 EUR</li></ul>"
            in html
        )

    @given(some.text(), some.text())
    def test_names_add_no_markup_and_no_item(self, title, substitute):
        facts = a.basket(a.line(title=title, substitute=substitute or None), a.filters(title=f"<ul><li>{title}\n- x"))

        mail = written(Kind.ORDER_PLACED, {"lines": BOTH}, facts)

        html = html_of(mail)
        assert len(mail.lines[1].splitlines()) == 3
        assert (html.count("<ul>"), html.count("<li>"), html.count("<a href=")) == (1, 2, 1)
