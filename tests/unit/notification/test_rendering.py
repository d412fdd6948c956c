"""What people read."""

from datetime import timedelta
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as some

from libs.kit import RejectedError
from replenish_contracts.events import Fault
from services.notification.channels.email import MailHeaders, build_mail
from services.notification.domain import KIND_BY_HOLD, Facts, Kind, render_mail
from services.notification.domain.rendering import LANGUAGES, one_line
from tests.support import notification_events as a

STAMP = MailHeaders("n1", "Replenish <replenish@home.example>", a.NOON)
SENT = {"expected_at": "2026-03-04T23:30:00Z", "quantity": 30, "reason": "sold out", "by": "customer"}


def written(kind=Kind.ORDER_PLACED, facts=None, details=None, **contact):
    return render_mail(a.notice(kind, details=details or {}), facts or a.facts(), a.contact(**contact), a.PAGE)


def mailed(letter, **contact):
    return build_mail(letter, a.contact(**contact), STAMP)


class TestCompose:
    def test_says_what_how_much_from_whom_why_when_and_how_to_cancel(self):
        letter = written(details=SENT)

        assert letter.subject == "Ordered: Coffee pods"
        assert letter.lines == (
            "Hello Ann Lee,",
            "We have ordered Coffee pods (40 pieces) from Acme.",
            "Price: 9.98 EUR",
            "Reason: you have 12 pieces left; at 2 a day, this will last until about Saturday 7 March.",
            "Expected delivery: Wednesday 4 March",
            "You can cancel the order until it is shipped: https://home.example/",
            "Your Replenish team",
        )

    def test_speaks_the_customers_language_and_time_zone(self):
        letter = written(details=SENT, locale="de_AT", time_zone="Europe/Vienna")

        assert letter.subject == "Bestellt: Coffee pods"
        assert "Preis: 9,98 EUR" in letter.lines
        assert "Voraussichtliche Lieferung: Donnerstag, 5. März" in letter.lines

    @pytest.mark.parametrize(
        ("at", "time_zone"),
        [("9999-12-31T23:59:59Z", "Asia/Tokyo"), ("0001-01-01T00:00:00Z", "America/New_York")],
    )
    def test_leaves_out_a_date_that_is_none(self, at, time_zone):
        letter = written(details=SENT | {"expected_at": at}, time_zone=time_zone)

        assert "The delivery date is not known yet." in letter.lines

    def test_speaks_english_to_everybody_else(self):
        assert written(locale="xx", time_zone="Mars/Base").language == "en"

    def test_leaves_out_what_is_not_known(self):
        letter = written(facts=Facts(), name="")

        assert letter.lines == (
            "Hello,",
            "We have ordered pods.",
            "Reason: your supply is running low.",
            "The delivery date is not known yet.",
            "You can cancel the order until it is shipped: https://home.example/",
            "Your Replenish team",
        )

    def test_names_the_need_where_the_level_is_not_known(self):
        letter = written(facts=a.facts(level=None, needed_by=a.NOON + timedelta(days=2)))

        assert "Reason: your supply will last until about Tuesday 3 March." in letter.lines

    def test_tells_why_nothing_can_be_ordered(self):
        letter = written(Kind.CANNOT_ORDER, details={"reason": "no_offer"})

        assert "We are currently unable to order Coffee pods: the provider you chose does not sell it." in letter.lines

    def test_says_who_cancelled(self):
        letter = written(Kind.ORDER_CANCELLED, details={"by": "customer", "reason": "moving"})

        assert letter.lines[1] == "Your order for Coffee pods was cancelled at your request. Reason: moving."

    def test_promises_no_day_when_another_provider_may_be_asked_at_once(self):
        refused = written(Kind.ORDER_REFUSED, details={"reason": "sold out"})
        failed = written(Kind.ORDER_FAILED, details={"reason": "acme never got the order", "fault": "provider"})

        what_next = (
            "If another provider you accept can deliver, we will order there right away. Otherwise we will try again "
            "in one day, then at longer intervals. Your orders: https://home.example/"
        )
        assert refused.lines[1:-1] == ("Acme has declined your order for Coffee pods. Reason: sold out.", what_next)
        assert failed.lines[1:-1] == (
            "Your order for Coffee pods could not be completed. Reason: acme never got the order.",
            what_next,
        )

    def test_sends_who_could_not_pay_to_the_payment_method_and_not_to_another_provider(self):
        declined = {"reason": "the payment failed: card declined", "fault": "payment"}

        letter = written(Kind.ORDER_FAILED, details=declined)

        assert letter.lines[1:-1] == (
            "Your order for Coffee pods could not be completed. Reason: the payment failed: card declined.",
            "Please check your payment method. Another provider would not solve this problem.",
            "We will try again in one day, then at longer intervals. Your orders: https://home.example/",
        )
        assert written(Kind.ORDER_FAILED, details=declined, locale="de").lines[1:-1] == (
            "Ihre Bestellung von Coffee pods konnte nicht ausgeführt werden. Grund: the payment failed: card declined.",
            "Bitte prüfen Sie Ihre Zahlungsart. Ein anderer Anbieter würde das Problem nicht lösen.",
            f"Wir versuchen es in einem Tag erneut, danach in größeren Abständen. Ihre Bestellungen: {a.PAGE}",
        )

    @pytest.mark.parametrize("known", [{}, {"fault": "provider"}], ids=["untold", "defaulted"])
    def test_reads_the_fault_of_an_order_from_before_it_was_told(self, known):
        declined = written(Kind.ORDER_FAILED, details={"reason": "the payment failed: card declined"} | known)
        suspected = written(Kind.ORDER_FAILED, details={"reason": "order o-7 of this pool is taken for fraud"} | known)

        assert "payment method" in declined.lines[2]
        assert suspected.lines[1] == "Your order for Coffee pods could not be completed."

    @pytest.mark.parametrize("language", LANGUAGES)
    @pytest.mark.parametrize(
        ("kind", "details"),
        [
            (Kind.ORDER_FAILED, {"reason": "order o-7 of this pool is taken for fraud", "fault": "fraud"}),
            (Kind.ORDER_CANCELLED, {"reason": "fraud: o-7, a stolen card", "by": "fraud"}),
        ],
    )
    def test_accuses_nobody_and_promises_nothing_while_an_order_is_on_hold(self, kind, details, language):
        text = "\n".join(written(kind, details=details, locale=language).lines[1:-1]).lower()

        assert not any(word in text for word in ("fraud", "betrug", "o-7", "stolen", "day", "tag", "provider"))

    def test_says_that_an_order_is_on_hold_and_whom_to_ask(self):
        failed = written(Kind.ORDER_FAILED, details={"reason": "x", "fault": "fraud"})
        cancelled = written(Kind.ORDER_CANCELLED, details={"reason": "x", "by": "fraud"})

        on_hold = (
            "Further orders of this product are on hold until we have reviewed the matter.",
            "If you have any questions, please reply to this email. Your orders: https://home.example/",
        )
        assert failed.lines[1:-1] == ("Your order for Coffee pods could not be completed.", *on_hold)
        assert cancelled.lines[1:-1] == (
            "We have cancelled your order for Coffee pods. It will not be delivered.",
            *on_hold,
        )

    def test_takes_no_providers_words_for_a_fault(self):
        refused = written(Kind.ORDER_REFUSED, details={"reason": "taken for fraud", "fault": "fraud"})

        assert refused.lines[1] == "Acme has declined your order for Coffee pods. Reason: taken for fraud."

    @pytest.mark.parametrize(
        ("steps", "unit", "scale", "words"),
        [
            (1, "C62", 0, "1 Stück"),
            (25, "C62", 1, "2,5 Stück"),
            (900, "GRM", 0, "900 g"),
            (2500, "GRM", 0, "2,5 kg"),
            (1_250_000, "MLT", 3, "1,25 l"),
            (75, "P1", 0, "75 %"),
        ],
    )
    def test_writes_quantities_as_people_do(self, steps, unit, scale, words):
        letter = written(facts=a.facts(quantity=steps, unit=unit, scale=scale), locale="de")

        assert f"({words})" in letter.lines[1]

    @pytest.mark.parametrize("language", LANGUAGES)
    @pytest.mark.parametrize("kind", Kind)
    def test_has_words_for_everything_in_every_language(self, kind, language):
        reasons = [reason for reason, held in KIND_BY_HOLD.items() if held is kind] or ["sold out"]
        for reason in reasons:
            letter = written(kind, details=SENT | {"reason": reason}, locale=language)

            text = "\n".join((letter.subject, *letter.lines))
            assert len(letter.lines) >= 3
            assert not any(name for _, name, _, _ in Formatter().parse(text) if name)
            assert "_" not in text, f"{reason} has no words in {language}"

    @pytest.mark.parametrize("language", LANGUAGES)
    @pytest.mark.parametrize("fault", Fault)
    @pytest.mark.parametrize(("kind", "said"), [(Kind.ORDER_FAILED, "fault"), (Kind.ORDER_CANCELLED, "by")])
    def test_has_words_for_every_fault_in_every_language(self, kind, said, fault, language):
        for known in ({"reason": "x"}, {}):
            letter = written(kind, details=known | {said: fault}, locale=language)

            text = "\n".join((letter.subject, *letter.lines))
            assert len(letter.lines) >= 4
            assert not any(name for _, name, _, _ in Formatter().parse(text) if name)

    def test_languages_know_the_same_kinds_faults_actors_and_holds(self):
        for language in LANGUAGES.values():
            assert set(language.texts) == set(Kind)
            assert set(language.faults) == set(LANGUAGES["en"].faults)
            assert set(language.actors) == set(LANGUAGES["en"].actors)
            assert set(language.holds) == {reason for reason, kind in KIND_BY_HOLD.items() if kind is Kind.CANNOT_ORDER}


class TestMailOf:
    def test_has_an_id_made_of_the_notice(self):
        mail = mailed(written())

        assert mail["Message-ID"] == "<n1@replenish>"
        assert mail["Date"] == "Sun, 01 Mar 2026 12:00:00 +0000"
        assert mail["Content-Language"] == "en"

    def test_says_the_same_in_text_and_html(self):
        letter = written()
        mail = mailed(letter)

        assert mail.get_body(("plain",)).get_content().split("\n\n")[1] == letter.lines[1]
        assert f"<p>{letter.lines[1]}</p>" in mail.get_body(("html",)).get_content()

    def test_makes_no_markup_and_no_link_of_foreign_words(self):
        html = mailed(written(facts=a.facts(title='<script> http://evil.example "'))).get_body(("html",)).get_content()

        assert "<script>" not in html
        assert html.count("<a href=") == 1
        assert '<a href="https://home.example/">' in html

    @pytest.mark.parametrize(
        "address", ["", "ann", "a b@c", "ann@example.com\r\nBcc: eve@example.com", "ä@example.com"]
    )
    def test_refuses_what_is_no_address(self, address):
        with pytest.raises(RejectedError, match="address"):
            mailed(written(), email=address)

    def test_writes_a_domain_as_mail_servers_know_it(self):
        (address,) = mailed(written(), email="ann@exämple.org")["To"].addresses

        assert address.addr_spec == "ann@xn--exmple-cua.org"

    @given(some.text(), some.text(), some.text())
    def test_no_word_can_add_a_header_or_a_recipient(self, name, title, reason):
        letter = written(Kind.ORDER_REFUSED, facts=a.facts(title=title), details={"reason": reason}, name=name)

        mail = mailed(letter, name=name)

        head = mail.as_bytes().split(b"\r\n\r\n")[0].replace(b"\r\n ", b" ").split(b"\r\n")
        assert {line.split(b":")[0] for line in head} == {
            *(b"Message-ID", b"Date", b"From", b"To", b"Subject", b"Auto-Submitted"),
            *(b"MIME-Version", b"Content-Type", b"Content-Language"),
        }
        assert [address.addr_spec for address in mail["To"].addresses] == ["ann@example.com"]


class TestOneLine:
    @given(some.text())
    def test_is_one_short_printable_line(self, text):
        line = one_line(text)

        assert len(line) <= 120
        assert line.isprintable()
        assert line == line.strip()
