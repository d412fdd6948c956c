"""Mail addresses: what is accepted, in which form, and what a refusal says."""

# ruff: noqa: RUF001  # letters that look alike are the subject

import pytest
from aiosmtplib.email import parse_address
from hypothesis import given
from hypothesis import strategies as some
from pydantic import BaseModel, ValidationError

from libs.addresses import Email, InvalidAddressError, parse_mail_address, parse_mailbox

ATEXT = "abcXYZ019!#$%&'*+-/=?^_`{|}~"


class Form(BaseModel):
    email: Email


@pytest.mark.parametrize(
    ("typed", "ascii_form", "readable"),
    [
        ("ana@example.org", "ana@example.org", "ana@example.org"),
        ("Ana@Example.ORG", "Ana@example.org", "Ana@example.org"),
        ("max@faß.de", "max@xn--fa-hia.de", "max@faß.de"),
        ("max@fass.de", "max@fass.de", "max@fass.de"),
        ("max@xn--fa-hia.de", "max@xn--fa-hia.de", "max@faß.de"),
        ("max@XN--FA-HIA.de", "max@xn--fa-hia.de", "max@faß.de"),
        ("max@straße.faß.de", "max@xn--strae-oqa.xn--fa-hia.de", "max@straße.faß.de"),
        ("ann@exämple.org", "ann@xn--exmple-cua.org", "ann@exämple.org"),
        ("ann@MÜNCHEN.de", "ann@xn--mnchen-3ya.de", "ann@münchen.de"),
        ("ann@mu\u0308nchen.de", "ann@xn--mnchen-3ya.de", "ann@münchen.de"),
        ("a@οδος.gr", "a@xn--pxavbm.gr", "a@οδος.gr"),
        ("a@οδοσ.gr", "a@xn--pxavbq.gr", "a@οδοσ.gr"),
        ("a@نام\u200cهای.com", "a@xn--mgba3gch31fz60k.com", "a@نام\u200cهای.com"),
        ("a@क्\u200dष.com", "a@xn--11b2ezcw70k.com", "a@क्\u200dष.com"),
        ("a@пример.рф", "a@xn--e1afmkfd.xn--p1ai", "a@пример.рф"),
        ("a@日本語.jp", "a@xn--wgv71a119e.jp", "a@日本語.jp"),
        ("a@פרוייקט.com", "a@xn--9dbgca6cvad.com", "a@פרוייקט.com"),
        ("a+tag@example.org", "a+tag@example.org", "a+tag@example.org"),
        ("o'neil@example.org", "o'neil@example.org", "o'neil@example.org"),
        ("replenish@localhost", "replenish@localhost", "replenish@localhost"),
        (" ana@example.org ", "ana@example.org", "ana@example.org"),
        ("a" * 64 + "@example.org", "a" * 64 + "@example.org", "a" * 64 + "@example.org"),
        ("a@" + "x" * 63 + ".org", "a@" + "x" * 63 + ".org", "a@" + "x" * 63 + ".org"),
    ],
)
def test_address_has_ascii_and_readable_form(typed, ascii_form, readable):
    address = parse_mail_address(typed)

    assert (address.ascii, address.readable) == (ascii_form, readable)
    assert parse_mail_address(readable) == parse_mail_address(ascii_form) == address


@pytest.mark.parametrize(
    ("typed", "code", "problem"),
    [
        ("", "mail_address", "has no @ between two parts"),
        ("ana", "mail_address", "has no @ between two parts"),
        ("ana@", "mail_address", "has no @ between two parts"),
        ("@example.org", "mail_address", "has no @ between two parts"),
        ("Ana <ana@example.org>", "mail_address", "contains angle brackets"),
        ("ana@example.org>", "mail_address", "contains angle brackets"),
        ("a..b@example.org", "mail_local_part", "two in a row"),
        (".ab@example.org", "mail_local_part", "dot at the start"),
        ("ab.@example.org", "mail_local_part", "dot at the start or end"),
        ("jörg@example.org", "mail_local_part", "U+00F6 (latin small letter o with diaeresis)"),
        ("аna@example.org", "mail_local_part", "U+0430 (cyrillic small letter a)"),
        ("ana\u200d@example.org", "mail_local_part", "U+200D (zero width joiner)"),
        ("ana\u200f@example.org", "mail_local_part", "U+200F (right-to-left mark)"),
        ('"a b"@example.org', "mail_local_part", "quoted local part"),
        ("a b@example.org", "mail_local_part", "a space"),
        ("ana(work)@example.org", "mail_local_part", "the character ("),
        ("mailto:ana@example.org", "mail_local_part", "the character :"),
        ("ana@work@example.org", "mail_local_part", "the character @"),
        ("ana\r\n@example.org", "mail_local_part", "U+000D"),
        ("a,b@example.org", "mail_local_part", "the character ,"),
        ("a" * 65 + "@example.org", "mail_address_too_long", "64 characters"),
        ("a@" + "x" * 64 + ".org", "mail_address_too_long", "63 characters"),
        ("a@" + "ü" * 60 + ".org", "mail_address_too_long", "63 characters in ASCII"),
        ("a" * 64 + "@" + ".".join(["x" * 60] * 4), "mail_address_too_long", "254 characters"),
        ("a@" + "x." * 200 + "org", "mail_address_too_long", "too long"),
        ("ana@[192.0.2.1]", "mail_domain", "IP address"),
        ("ana@[IPv6:2001:db8::1]", "mail_domain", "IP address"),
        ("ana@192.0.2.1", "mail_domain", "IP address"),
        ("ana@example", "mail_domain", "without a dot"),
        ("ana@example.org.", "mail_domain", "dot at the start or end"),
        ("ana@.example.org", "mail_domain", "dot at the start"),
        ("ana@example..org", "mail_domain", "two in a row"),
        ("ana@my_shop.org", "mail_domain", "the character _"),
        ("ana@exa mple.org", "mail_domain", "a space"),
        ("ana@example.org(home)", "mail_domain", "the character ("),
        ("ana@example.org\n", "mail_domain", "U+000A"),
        ("ana@-shop.org", "mail_domain", "hyphen"),
        ("ana@shop-.org", "mail_domain", "hyphen"),
        ("ana@ab--cd.org", "mail_domain", "hyphen"),
        ("ana@xn--.org", "mail_domain", "xn--"),
        ("ana@xn--example.org", "mail_domain", "xn--example"),
        ("ana@xn--zzzzzzz99999.org", "mail_domain", "xn--zzzzzzz99999"),
        ("ana@xn--fa-hia-.de", "mail_domain", "xn--fa-hia-"),
        ("ana@ex\u200dample.org", "mail_domain", "U+200D (zero width joiner)"),
        ("ana@ex\u200cample.org", "mail_domain", "U+200C (zero width non-joiner)"),
        ("ana@ex\u00adample.org", "mail_domain", "U+00AD (soft hyphen)"),
        ("ana@ex\u200bample.org", "mail_domain", "U+200B (zero width space)"),
        ("ana@\u200fexample.org", "mail_domain", "U+200F (right-to-left mark)"),
        ("ana@ｅｘample.org", "mail_domain", "U+FF45 (fullwidth latin small letter e)"),
        ("ana@example。org", "mail_domain", "U+3002 (ideographic full stop)"),
        ("ana@example．org", "mail_domain", "U+FF0E (fullwidth full stop)"),
        ("ana@example｡org", "mail_domain", "U+FF61 (halfwidth ideographic full stop)"),
        ("ana@straẞe.de", "mail_domain", "U+1E9E (latin capital letter sharp s)"),
        ("ana@ΟΔΟΣ.gr", "mail_domain", "U+03A3 (greek capital letter sigma)"),
        ("ana@İstanbul.com", "mail_domain", "U+0130"),
        ("ana@ban\u212a.de", "mail_domain", "U+212A (kelvin sign)"),
        ("ana@аpple.com", "mail_domain", "mixes Cyrillic and Latin"),
        ("ana@xn--pple-43d.com", "mail_domain", "mixes Cyrillic and Latin"),
        ("ana@i❤.ws", "mail_domain", "U+2764 (heavy black heart)"),
        ("ana@\u0301a.org", "mail_domain", "is not allowed there"),
        ("ana@אa.com", "mail_domain", "is not allowed there"),
    ],
)
def test_refusal_names_code_and_problem(typed, code, problem):
    with pytest.raises(InvalidAddressError) as refused:
        parse_mail_address(typed)

    assert refused.value.code == code
    assert problem in refused.value.problem
    assert refused.value.remedy


def test_addresses_are_compared_by_mailbox():
    assert parse_mail_address("max@faß.de") == parse_mail_address("max@XN--FA-HIA.de")
    assert parse_mail_address("max@faß.de") != parse_mail_address("max@fass.de")
    assert parse_mail_address("Max@fass.de") != parse_mail_address("max@fass.de")
    assert parse_mail_address("max+a@fass.de") != parse_mail_address("max@fass.de")


def test_field_stores_readable_form_and_reports_code():
    assert Form(email="max@XN--fa-hia.DE").email == "max@faß.de"

    with pytest.raises(ValidationError) as refused:
        Form(email="a..b@example.org")

    (error,) = refused.value.errors()
    assert (error["type"], error["loc"]) == ("mail_local_part", ("email",))
    assert error["msg"] == f"{error['ctx']['problem']}; {error['ctx']['remedy']}"


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("replenish@localhost", "", "replenish@localhost"),
        ("Replenish <replenish@localhost>", "Replenish", "replenish@localhost"),
        ('"Shop, \\"Ann\\"" <a@faß.de>', 'Shop, "Ann"', "a@xn--fa-hia.de"),
        ("Café Zoë <a@example.org>", "Café Zoë", "a@example.org"),
    ],
)
def test_mailbox_has_name_and_address(text, name, address):
    mailbox = parse_mailbox(text)

    assert (mailbox.name, mailbox.address.ascii) == (name, address)


@pytest.mark.parametrize("text", ["a@example.org, b@example.org", "A <a@example.org>, B <b@example.org>", "A <>", "A"])
def test_mailbox_is_exactly_one_address(text):
    with pytest.raises(InvalidAddressError):
        parse_mailbox(text)


@given(some.text(ATEXT, min_size=1, max_size=64))
def test_every_local_part_reaches_the_smtp_client_unchanged(local):
    address = parse_mail_address(f"{local}@example.org").ascii

    assert parse_address(address) == address


@given(some.text(max_size=60), some.text(max_size=60))
def test_accepted_address_is_stable(local, domain):
    try:
        address = parse_mail_address(f"{local}@{domain}")
    except InvalidAddressError:
        return

    assert address.ascii.isascii()
    assert parse_mail_address(address.ascii) == parse_mail_address(address.readable) == address
    assert parse_mail_address(address.readable).readable == address.readable
