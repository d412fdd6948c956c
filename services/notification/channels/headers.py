"""Mail headers from external text.

Encoded and folded here: CPython (seen in 3.11.7, 3.12.1 and 3.13.0) folds long display names into further addresses.
A name becomes a quoted string (RFC 5322, 3.2.4) or encoded words (RFC 2047), so that no character of it can end the
name, begin an address or begin another header. Lines are ASCII and at most 78 characters, unless an address is longer.
"""

import re
import unicodedata
from base64 import b64encode
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import EmailPolicy
from typing import Any

from libs.addresses import Mailbox

#: Longest line (RFC 5322, 2.1.1), and longest line with encoded words (RFC 2047, 2).
MAX_LINE, MAX_ENCODED_LINE = 78, 76
FOLD = "\r\n "
#: Names that need no quotes: atoms with single spaces between them (RFC 5322, 3.2.3).
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+( [A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*")


class EncodedHeader(str):
    """The value of a header as it is sent: ASCII, each further line begins with a space."""

    __slots__ = ()


class HeaderPolicy(EmailPolicy):
    """Writes an EncodedHeader unchanged; all else is 7-bit, so that every server accepts it."""

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        return (name, value) if isinstance(value, EncodedHeader) else super().header_store_parse(name, value)

    def fold(self, name: str, value: Any) -> str:
        if isinstance(value, EncodedHeader):
            return f"{name}: {value}{self.linesep}"
        folded: str = super().fold(name, value)
        return folded

    def fold_binary(self, name: str, value: Any) -> bytes:
        if isinstance(value, EncodedHeader):
            return self.fold(name, value).encode("ascii")
        return super().fold_binary(name, value)


class Mail(EmailMessage):
    """A message with the two addresses of its SMTP envelope, which are not read from its headers."""

    def __init__(self, policy: EmailPolicy | None = None) -> None:
        super().__init__(policy=policy or HeaderPolicy(linesep="\r\n", cte_type="7bit"))
        self.sender = self.recipient = ""


def encode_text(name: str, text: str) -> EncodedHeader:
    """Return the value of the unstructured header `name`, such as Subject."""
    text = _without_controls(text)
    used = len(name) + 2
    if text.isascii() and "=?" not in text and used + len(text) <= MAX_LINE:
        return EncodedHeader(text)
    return EncodedHeader(FOLD.join(_encoded_words(text, used)))


def encode_mailbox(name: str, mailbox: Mailbox) -> EncodedHeader:
    """Return the value of the address header `name`, such as To, which contains exactly this address."""
    shown, address = _without_controls(mailbox.name), mailbox.address.ascii
    if not shown:
        return EncodedHeader(address)
    used = len(name) + 2
    *lines, last = _phrase(shown, used)
    is_full = (1 if lines else used) + len(f"{last} <{address}>") > MAX_LINE
    return EncodedHeader(FOLD.join([*lines, last, f"<{address}>"] if is_full else [*lines, f"{last} <{address}>"]))


def _phrase(name: str, used: int) -> list[str]:
    """Return a display name in lines; `used` characters precede it in the first one."""
    if name.isascii() and "=?" not in name:
        quoted = name if _ATOMS.fullmatch(name) else '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
        if used + len(quoted) <= MAX_LINE:
            return [quoted]
    return list(_encoded_words(name, used))


def _encoded_words(text: str, used: int) -> Iterator[str]:
    """Yield one encoded word per line, in base64, without splitting a character."""
    word = b""
    for character in text:
        octets = character.encode()
        room = (MAX_ENCODED_LINE - used - len("=?utf-8?b??=")) // 4 * 3
        if len(word) + len(octets) > room:
            yield _encoded_word(word)
            word, used = b"", len(" ")
        word += octets
    yield _encoded_word(word)


def _encoded_word(octets: bytes) -> str:
    return f"=?utf-8?b?{b64encode(octets).decode()}?="


def _without_controls(text: str) -> str:
    """Return one line: control characters, line separators and lone surrogates are spaces."""
    spaced = (" " if unicodedata.category(one) in {"Cc", "Cs", "Zl", "Zp"} else one for one in text)
    return "".join(spaced).strip()
