"""Texts of mails and their MIME messages."""

from dataclasses import replace
from datetime import timedelta
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import ValidationError

from libs.kit import RejectedError
from replenish_contracts.events import Fault
from services.notification.channels.email import MailHeaders, build_mail
from services.notification.domain import KIND_BY_HOLD, Facts, Kind, one_line, render_mail
from services.notification.domain.rendering import LANGUAGES
from services.notification.settings import Settings
from tests.support import notification_events as a

STAMP = MailHeaders("n1", "Replenish <replenish@home.example>", a.NOON)
SENT = {"expected_at": "2026-03-04T23:30:00Z", "quantity": 30, "reason": "sold out", "by": "customer"}


def written(kind=Kind.ORDER_PLACED, facts=None, details=None, **contact):
    return render_mail(a.notice(kind, details=details or {}), facts or a.facts(), a.contact(**contact), a.PAGE)


def mailed(letter, **contact):
    return build_mail(letter, a.contact(**contact), STAMP)


TEST_NOTES = {
    "en": "This is a test order: nothing is charged and nothing is delivered.",
    "de": "Dies ist eine Testbestellung: Es wird nichts berechnet und nichts geliefert.",
}


class TestTestOrders:
    @pytest.mark.parametrize("locale", LANGUAGES)
    @pytest.mark.parametrize("kind", Kind)
    def test_every_mail_says_so_in_subject_and_first_paragraph(self, kind, locale):
        links = dict.fromkeys(
            ("acknowledge", "ship", "refuse", "ordered", "not_yet", "no", "arrived"), "https://x.example"
        )
        notice = a.notice(kind, details=SENT | {"test": True})

        letter = render_mail(notice, a.facts(), a.contact(locale=locale), a.PAGE, links)

        plain = render_mail(replace(notice, details=SENT), a.facts(), a.contact(locale=locale), a.PAGE, links)
        assert letter.subject == f"[Test] {plain.subject}"
        assert letter.lines[1].startswith(TEST_NOTES[locale].partition(":")[0])
        assert (letter.lines[0], *letter.lines[2:]) == plain.lines

    @pytest.mark.parametrize("locale", LANGUAGES)
    def test_mail_about_an_order_says_that_nothing_is_charged_or_delivered(self, locale):
        assert written(details=SENT | {"test": True}, locale=locale).lines[1] == TEST_NOTES[locale]

    @pytest.mark.parametrize(
        ("kind", "note"),
        [
            (Kind.SHOP_ASKED, "This is a test order: please answer it as usual, but do not charge or ship anything."),
            (
                Kind.CART_PREPARED,
                "This is a test order: please answer as usual, but do not order or cancel anything at the shop.",
            ),
        ],
        ids=["shop", "customer who orders at the shop"],
    )
    def test_mail_that_asks_for_an_answer_says_what_not_to_do(self, kind, note):
        assert written(kind, details={"test": True}).lines[1] == note

    def test_order_of_several_lines_says_so(self):
        letter = written(facts=a.basket(), details={"test": True, "lines": {"1": 40, "2": 100}})

        assert letter.subject == "[Test] Ordered: 2 things from Acme, 23.40 EUR"
        assert letter.lines[1] == TEST_NOTES["en"]


class TestCompose:
    def test_order_mail_has_product_quantity_provider_reason_and_cancel_link(self):
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

    def test_mail_uses_customer_language_and_time_zone(self):
        letter = written(details=SENT, locale="de_AT", time_zone="Europe/Vienna")

        assert letter.subject == "Bestellt: Coffee pods"
        assert "Preis: 9,98 EUR" in letter.lines
        assert "Voraussichtliche Lieferung: Donnerstag, 5. März" in letter.lines

    @pytest.mark.parametrize(
        ("at", "time_zone"),
        [("9999-12-31T23:59:59Z", "Asia/Tokyo"), ("0001-01-01T00:00:00Z", "America/New_York")],
    )
    def test_missing_date_is_omitted(self, at, time_zone):
        letter = written(details=SENT | {"expected_at": at}, time_zone=time_zone)

        assert "The delivery date is not known yet." in letter.lines

    def test_other_languages_get_english(self):
        assert written(locale="xx", time_zone="Mars/Base").language == "en"

    def test_unknown_values_are_omitted(self):
        letter = written(facts=Facts(), name="")

        assert letter.lines == (
            "Hello,",
            "We have ordered pods.",
            "Reason: your supply is running low.",
            "The delivery date is not known yet.",
            "You can cancel the order until it is shipped: https://home.example/",
            "Your Replenish team",
        )

    def test_need_is_named_without_level(self):
        letter = written(facts=a.facts(level=None, needed_by=a.NOON + timedelta(days=2)))

        assert "Reason: your supply will last until about Tuesday 3 March." in letter.lines

    def test_reason_of_hold_is_named(self):
        letter = written(Kind.CANNOT_ORDER, details={"reason": "no_offer"})

        assert "We are currently unable to order Coffee pods: the provider you chose does not sell it." in letter.lines

    def test_canceller_is_named(self):
        letter = written(Kind.ORDER_CANCELLED, details={"by": "customer", "reason": "moving"})

        assert letter.lines[1] == "Your order for Coffee pods was cancelled at your request. Reason: moving."

    def test_no_date_if_other_provider_may_be_next(self):
        refused = written(Kind.ORDER_REFUSED, details={"reason": "sold out"})
        failed = written(Kind.ORDER_FAILED, details={"reason": "acme never got the order", "fault": "provider"})

        what_next = (
            "If one of your alternative providers can deliver, we will order there right away. Otherwise we will try again "
            "in one day, then at longer intervals. Your orders: https://home.example/"
        )
        assert refused.lines[1:-1] == ("Acme has declined your order for Coffee pods. Reason: sold out.", what_next)
        assert failed.lines[1:-1] == (
            "Your order for Coffee pods could not be completed. Reason: acme never got the order.",
            what_next,
        )

    def test_payment_fault_links_to_payment_method(self):
        declined = {"reason": "the payment failed: card declined", "fault": "payment"}

        letter = written(Kind.ORDER_FAILED, details=declined)

        assert letter.lines[1:-1] == (
            "Your order for Coffee pods could not be completed because the payment failed.",
            "Please check your payment method. Ordering from another provider would not solve this problem.",
            "We will try again in one day, then at longer intervals. Your orders: https://home.example/",
        )
        assert written(Kind.ORDER_FAILED, details=declined, locale="de").lines[1:-1] == (
            "Ihre Bestellung von Coffee pods konnte nicht ausgeführt werden, weil die Zahlung fehlgeschlagen ist.",
            "Bitte prüfen Sie Ihre Zahlungsart. Eine Bestellung bei einem anderen Anbieter würde das Problem nicht lösen.",
            f"Wir versuchen es in einem Tag erneut, danach in größeren Abständen. Ihre Bestellungen: {a.PAGE}",
        )

    @pytest.mark.parametrize(
        ("kind", "details"),
        [
            (Kind.ORDER_FAILED, {"fault": "billing"}),
            (Kind.ORDER_CANCELLED, {"by": "billing"}),
        ],
        ids=["failed", "cancelled"],
    )
    def test_payment_that_we_could_not_process_is_not_blamed_on_customer(self, kind, details):
        known = details | {"reason": "the payment could not be processed: 0.30 EUR is less than stripe charges"}

        english, german = (written(kind, details=known, locale=locale).lines for locale in ("en", "de"))

        assert "because we could not process the payment." in english[1]
        assert english[2] == (
            "This has nothing to do with your payment method, and you do not need to do anything. "
            "You have not been charged."
        )
        assert "weil wir die Zahlung nicht abwickeln konnten." in german[1]
        assert german[2].startswith("Das liegt nicht an Ihrer Zahlungsart, und Sie müssen nichts tun.")
        assert not any("check your payment" in line or "stripe" in line for line in english)
        assert not any("prüfen Sie" in line or "stripe" in line for line in german)

    @pytest.mark.parametrize("known", [{}, {"fault": "provider"}], ids=["untold", "defaulted"])
    def test_fault_of_old_event_is_derived(self, known):
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
    def test_fraud_hold_accuses_and_promises_nothing(self, kind, details, language):
        text = "\n".join(written(kind, details=details, locale=language).lines[1:-1]).lower()

        assert not any(word in text for word in ("fraud", "betrug", "o-7", "stolen", "day", "tag", "provider"))

    def test_fraud_hold_names_contact(self):
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

    def test_provider_text_is_no_fault(self):
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
    def test_quantities_are_formatted(self, steps, unit, scale, words):
        letter = written(facts=a.facts(quantity=steps, unit=unit, scale=scale), locale="de")

        assert f"({words})" in letter.lines[1]

    @pytest.mark.parametrize("language", LANGUAGES)
    @pytest.mark.parametrize("kind", Kind)
    def test_every_text_exists_in_every_language(self, kind, language):
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
    def test_every_fault_exists_in_every_language(self, kind, said, fault, language):
        for known in ({"reason": "x"}, {}):
            letter = written(kind, details=known | {said: fault}, locale=language)

            text = "\n".join((letter.subject, *letter.lines))
            assert len(letter.lines) >= 4
            assert not any(name for _, name, _, _ in Formatter().parse(text) if name)

    def test_languages_have_same_keys(self):
        for language in LANGUAGES.values():
            assert set(language.texts) == set(Kind)
            assert set(language.faults) == set(LANGUAGES["en"].faults)
            assert set(language.actors) == set(LANGUAGES["en"].actors)
            assert set(language.holds) == {reason for reason, kind in KIND_BY_HOLD.items() if kind is Kind.CANNOT_ORDER}


class TestMailOf:
    def test_message_id_is_notice_id(self):
        mail = mailed(written())

        assert mail["Message-ID"] == "<n1@replenish>"
        assert mail["Date"] == "Sun, 01 Mar 2026 12:00:00 +0000"
        assert mail["Content-Language"] == "en"

    def test_text_and_html_have_same_content(self):
        letter = written()
        mail = mailed(letter)

        assert mail.get_body(("plain",)).get_content().split("\n\n")[1] == letter.lines[1]
        assert f"<p>{letter.lines[1]}</p>" in mail.get_body(("html",)).get_content()

    def test_external_text_is_escaped(self):
        html = mailed(written(facts=a.facts(title='<script> http://evil.example "'))).get_body(("html",)).get_content()

        assert "<script>" not in html
        assert html.count("<a href=") == 1
        assert '<a href="https://home.example/">' in html

    @pytest.mark.parametrize(
        "address", ["", "ann", "a b@c", "ann@example.com\r\nBcc: eve@example.com", "ä@example.com"]
    )
    def test_invalid_address_is_refused(self, address):
        with pytest.raises(RejectedError, match="address"):
            mailed(written(), email=address)

    def test_domain_is_encoded_as_idna(self):
        (address,) = mailed(written(), email="ann@exämple.org")["To"].addresses

        assert address.addr_spec == "ann@xn--exmple-cua.org"

    @given(some.text(), some.text(), some.text())
    def test_header_injection_is_impossible(self, name, title, reason):
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
    def test_one_line_is_short_and_printable(self, text):
        line = one_line(text)

        assert len(line) <= 120
        assert line.isprintable()
        assert line == line.strip()

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ("Kaffee\u00adbohnen", "Kaffeebohnen"),
            ("\u202eAnn\u202c\u200f Lee\ufeff", "Ann Lee"),
            ("a\u2066b\u2069c", "abc"),
            ("Ann\r\nBcc:\teve", "Ann Bcc: eve"),
            ("\u0645\u06cc\u200c\u062f\u0647", "\u0645\u06cc \u062f\u0647"),
            ("Ann\ud800Lee", "Ann Lee"),
        ],
    )
    def test_invisible_characters_are_left_out(self, text, line):
        assert one_line(text) == line


class TestSender:
    @pytest.mark.parametrize(
        ("mail_from", "header", "sender"),
        [
            ("Replenish <replenish@localhost>", "Replenish <replenish@localhost>", "replenish@localhost"),
            ("orders@faß.de", "orders@xn--fa-hia.de", "orders@xn--fa-hia.de"),
            ('"Müller, Shop" <a@example.org>', "=?utf-8?b?TcO8bGxlciwgU2hvcA==?= <a@example.org>", "a@example.org"),
        ],
    )
    def test_sender_is_encoded(self, mail_from, header, sender):
        mail = build_mail(written(), a.contact(), MailHeaders("n1", mail_from, a.NOON))

        assert dict(mail.raw_items())["From"] == header
        assert (mail.sender, mail.recipient) == (sender, "ann@example.com")

    @pytest.mark.parametrize(
        "mail_from", ["", "Replenish", "a@x.org, b@x.org", "A <jörg@x.org>", "A <a@x.org>\nBcc: b@x.org"]
    )
    def test_invalid_sender_ends_the_start(self, mail_from):
        with pytest.raises(ValidationError, match="the mail address"):
            Settings(mail_from=mail_from)


#: The end of 5 December in Kiritimati, where that of the western zones has not begun.
EARLY = {"expected_at": "2026-12-05T09:59:59.999999Z", "expected_date": "2026-12-05"}


class TestPromisedDates:
    @pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "America/Los_Angeles", "Asia/Kolkata"])
    @pytest.mark.parametrize(
        ("locale", "line"),
        [
            ("en", "Expected delivery: Saturday 5 December"),
            ("de", "Voraussichtliche Lieferung: Samstag, 5. Dezember"),
        ],
    )
    def test_mail_shows_the_promised_date_in_every_time_zone(self, zone, locale, line):
        assert line in written(details=SENT | EARLY, locale=locale, time_zone=zone).lines
