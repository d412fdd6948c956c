"""Headers of mails from external text: one address, one header, readable by every mail program."""

import re
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import SMTP, compat32
from email.utils import getaddresses

import pytest
from hypothesis import given
from hypothesis import strategies as some

from libs.addresses import Mailbox, parse_mail_address
from services.notification.channels.headers import Mail, encode_mailbox, encode_text

#: Names with the characters that end a name, begin an address, a header, a comment or an encoded word.
NAMES = [
    "Ann Lee",
    "O'Neil-Smith",
    "Lee, Ann",
    'Ann "The Bean" Lee',
    "Ann \\ Lee\\",
    'trailing backslash \\"',
    "ann@example.com",
    "<eve@example.com>",
    'Ann" <eve@example.com>, "x',
    "Ann (work)",
    "Ann; Eve:",
    "a, b <x@y>, " * 9,
    "Very long name, with a comma <x@y.example> " + "and more " * 8,
    "x" * 120,
    "é" * 120,
    "Zoë Müller",
    "山田 太郎",
    "😀 Ann 😀" * 12,
    "👩\u200d👩\u200d👧 Family",
    "=?utf-8?q?eve=40example.com?=",
    "=?utf-8?b?PGV2ZUBleGFtcGxlLmNvbT4=?= <eve@example.com>",
    "\u202eeve\u202c\u200f",
    "שלום, עולם",
    "Ann\r\nBcc: eve@example.com",
    "Ann\n\n<html>",
    "Ann\x0b\x0c\x1c\u2028\u2029\u0085Lee",
    "Ann\ud800Lee",
    "Ann\x00Lee",
    "  ",
    "",
    ",",
    '"',
    "\\",
    "=?",
    "?=",
    ".",
    "Dr. Ann B. Lee",
]
ADDRESSES = ["ann@example.com", "a" * 64 + "@" + ".".join(["x" * 60] * 2) + ".example", "max@faß.de", "o'neil+x@ex.org"]


def written(name, value):
    """Return the mail's lines with this header, and the header as two parsers of the standard library read it."""
    mail = Mail()
    mail[name] = value
    mail.set_content("Hello")
    content = mail.as_bytes()
    head = content.split(b"\r\n\r\n")[0]
    return head.split(b"\r\n"), message_from_bytes(content, policy=SMTP), message_from_bytes(content, policy=compat32)


def one_line(name):
    """Return a name as it is shown: on one line, without control characters."""
    controls = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
    return " ".join(controls.sub(" ", name).split())


def check_mailbox(name, address, header="To"):
    parsed_address = parse_mail_address(address)
    lines, modern, classic = written(header, encode_mailbox(header, Mailbox(name, parsed_address)))

    assert all(line.isascii() for line in lines)
    folds = [line for line in lines if line.startswith((header.encode(), b" "))]
    assert len(folds) + 3 == len(lines)  # MIME-Version, Content-Type and Content-Transfer-Encoding
    assert all(len(line) <= 78 or parsed_address.ascii.encode() in line for line in folds)
    raw = classic[header]
    ((_, only),) = getaddresses([re.sub(r"=\?utf-8\?b\?[^?]*\?=", "name", raw)])
    assert only == parsed_address.ascii
    assert [one.addr_spec for one in modern[header].addresses] == [parsed_address.ascii]
    assert " ".join(shown_name(raw).split()) == one_line(name)


def shown_name(raw):
    """Return the display name that a mail program shows: the encoded words, or the quoted string without its quotes."""
    phrase = raw.rpartition("<")[0].strip()
    if phrase.startswith('"'):
        return re.sub(r"\\(.)", r"\1", phrase[1:-1])
    return str(make_header(decode_header(phrase)))


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("name", NAMES)
def test_name_never_adds_an_address(name, address):
    check_mailbox(name, address)


@given(some.text(max_size=150), some.sampled_from(ADDRESSES), some.sampled_from(["To", "From", "Reply-To"]))
def test_any_name_is_one_header_with_one_address(name, address, header):
    check_mailbox(name, address, header)


@given(some.lists(some.sampled_from([*'",<>@;:\\()[]=?_ é\r\n', "=?", "?=", "x@y", "word"]), max_size=60))
def test_any_mixture_of_special_characters_is_one_address(parts):
    check_mailbox("".join(parts), "ann@example.com")


@pytest.mark.parametrize("title", [*NAMES, "Re: 50 % off", "100% Größe", " leading", "Ordered: " + "Coffee " * 30])
def test_subject_is_one_header(title):
    check_subject(title)


@given(some.text(max_size=200))
def test_any_subject_is_one_header(title):
    check_subject(title)


def check_subject(title):
    lines, modern, classic = written("Subject", encode_text("Subject", title))

    assert all(line.isascii() and len(line) <= 78 for line in lines)
    assert {line.split(b":")[0] for line in lines if not line.startswith(b" ")} == {
        *(b"Subject", b"MIME-Version", b"Content-Type", b"Content-Transfer-Encoding")
    }
    raw = classic["Subject"]
    assert " ".join(str(make_header(decode_header(raw))).split()) == one_line(title)
    assert " ".join(str(modern["Subject"]).split()) == one_line(title)


def test_short_names_stay_readable():
    ann = parse_mail_address("ann@example.com")

    assert encode_mailbox("To", Mailbox("Ann Lee", ann)) == "Ann Lee <ann@example.com>"
    assert encode_mailbox("To", Mailbox("Lee, Ann", ann)) == '"Lee, Ann" <ann@example.com>'
    assert encode_mailbox("To", Mailbox('A "B" \\', ann)) == '"A \\"B\\" \\\\" <ann@example.com>'
    assert encode_mailbox("To", Mailbox("Zoë", ann)) == "=?utf-8?b?Wm/Dqw==?= <ann@example.com>"
    assert encode_mailbox("To", Mailbox("", ann)) == "ann@example.com"


def test_encoded_words_do_not_split_characters():
    words = re.findall(r"=\?utf-8\?b\?([^?]*)\?=", encode_text("Subject", "a" + "😀" * 40))

    assert len(words) > 3
    for word in words:
        assert decode_header(f"=?utf-8?b?{word}?=")[0][0].decode()
