"""Mail addresses: one rule for every address that enters (decision 0022).

The domain is converted to ASCII by IDNA 2008 (RFC 5891) without the mappings of UTS 46, which deliver mail for
`faß.de` to `fass.de` and remove joiners. Only letter case and composed characters, which cannot name another domain,
are normalised.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from typing import NoReturn

from libs.addresses.errors import InvalidAddressError

#: Octets of an address in ASCII form (RFC 5321, 4.5.3.1.3, without the angle brackets), and of its local part.
MAX_ADDRESS, MAX_LOCAL = 254, 64
#: Octets of a label (RFC 1035, 2.3.4).
MAX_LABEL = 63
_TOO_LONG = f"has a domain part longer than {MAX_LABEL} characters"
EXAMPLE = "send an address such as ana@example.org"
#: The characters of an unquoted local part (`atext` of RFC 5322, 3.2.3) besides the dot.
_ATEXT = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]")
#: A label of ASCII letters, digits and hyphens (RFC 5890, 2.3.1), in lower case.
_LDH = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_A_LABEL = "xn--"
#: Characters that UTS 46 reads as a full stop.
_OTHER_DOTS = "\u3002\uff0e\uff61"
#: Scripts with letters that look like those of another one; registries do not mix them in a label.
_CONFUSABLE_SCRIPTS = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"})
#: Its capital stands for two letters, one within words and one at their end.
_SIGMA = "\u03c3"
_MAILBOX = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^<>"]*))\s*<([^<>]*)>\s*', re.DOTALL)


@dataclass(frozen=True, slots=True)
class MailAddress:
    """A mail address. Two are equal if they name the same mailbox: local part as written, domain in ASCII."""

    local: str
    #: In ASCII and lower case, for SMTP and headers.
    domain: str
    #: With Unicode instead of `xn--` labels, for people.
    readable_domain: str = field(compare=False)

    @property
    def ascii(self) -> str:
        return f"{self.local}@{self.domain}"

    @property
    def readable(self) -> str:
        return f"{self.local}@{self.readable_domain}"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mail address with a display name, which may be empty."""

    name: str
    address: MailAddress


def parse_mail_address(text: str) -> MailAddress:
    """Parse an address without a display name; spaces around it are ignored. Raises InvalidAddressError."""
    text = text.strip(" ")
    if "<" in text or ">" in text:
        _refuse("contains angle brackets", "send only the address, without a name")
    local, at, domain = text.rpartition("@")
    if not (local and at and domain):
        _refuse("has no @ between two parts", EXAMPLE)
    _check_local(local)
    labels = _split(domain)
    readable = [_readable_label(label) for label in labels]
    ascii_domain = ".".join(map(_ascii_label, readable))
    if len(local) + 1 + len(ascii_domain) > MAX_ADDRESS:
        _refuse(f"is longer than {MAX_ADDRESS} characters", "send a shorter address", "mail_address_too_long")
    return MailAddress(local, ascii_domain, ".".join(readable))


def parse_mailbox(text: str) -> Mailbox:
    """Parse `Name <address>`, `"Name" <address>` or a bare address. Raises InvalidAddressError."""
    match = _MAILBOX.fullmatch(text)
    if match is None:
        return Mailbox("", parse_mail_address(text))
    quoted, plain, address = match.groups()
    name = plain.strip() if quoted is None else re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
    return Mailbox(name, parse_mail_address(address))


def _check_local(local: str) -> None:
    code = "mail_local_part"
    if local.startswith('"'):
        _refuse("has a quoted local part", "send an address without quotation marks", code)
    for character in local:
        if not character.isascii():
            remedy = "before the @, only ASCII can be delivered; send your mailbox's ASCII address"
            _refuse(f"contains {_name(character)} before the @", remedy, code)
        if character != "." and not _ATEXT.fullmatch(character):
            _refuse(f"contains {_name(character)} before the @", EXAMPLE, code)
    if local.startswith(".") or local.endswith(".") or ".." in local:
        _refuse("has a dot at the start or end of its local part, or two in a row", EXAMPLE, code)
    if len(local) > MAX_LOCAL:
        _refuse(f"has more than {MAX_LOCAL} characters before the @", "send a shorter address", "mail_address_too_long")


def _split(domain: str) -> list[str]:
    for character in _OTHER_DOTS:
        if character in domain:
            _refuse(f"contains {_name(character)} in its domain", "write a full stop (U+002E)", "mail_domain")
    labels = domain.split(".")
    if "" in labels:
        remedy = "leave out the dot at the end" if domain.endswith(".") else EXAMPLE
        _refuse("has a dot at the start or end of its domain, or two in a row", remedy, "mail_domain")
    if len(domain) > MAX_ADDRESS:
        _refuse("has a domain that is too long", "send a shorter address", "mail_address_too_long")
    if labels[-1].isdecimal() or domain.startswith("["):
        _refuse("has an IP address instead of a domain", EXAMPLE, "mail_domain")
    if len(labels) == 1 and domain.lower() != "localhost":
        _refuse("has a domain without a dot", "send the full domain, such as example.org", "mail_domain")
    return labels


def _readable_label(label: str) -> str:
    """Return the label as a U-label or, if it is ASCII, in lower case."""
    if not label.isascii():
        return _check_scripts(_fold(label))
    label = label.lower()
    if not label.startswith(_A_LABEL):
        return label
    import idna  # noqa: PLC0415  # 1 MB of tables, only for internationalized domains

    try:
        readable = idna.ulabel(label)
    except (idna.IDNAError, ValueError):
        _refuse(f"has a domain with {label}, which is not valid", "write this part in its own script", "mail_domain")
    return _check_scripts(readable)


def _ascii_label(label: str) -> str:
    if label.isascii():
        wrong = next((one for one in label if not re.fullmatch("[a-z0-9-]", one)), None)
        if wrong is not None:
            remedy = "use letters, digits and hyphens"
            _refuse(f"contains {_name(wrong)} in its domain, which is not allowed there", remedy, "mail_domain")
        if not _LDH.fullmatch(label) or label[2:4] == "--":
            problem = f"has a hyphen in {label[:MAX_LABEL]} where none is allowed"
            remedy = "no part starts or ends with a hyphen, or has two as its third and fourth character"
            _refuse(problem, remedy, "mail_domain")
        if len(label) > MAX_LABEL:
            _refuse(_TOO_LONG, EXAMPLE, "mail_address_too_long")
        return label
    if len(_A_LABEL) + len(label.encode("punycode")) > MAX_LABEL:
        _refuse(f"{_TOO_LONG} in ASCII", EXAMPLE, "mail_address_too_long")
    import idna  # noqa: PLC0415  # 1 MB of tables, only for internationalized domains

    try:
        return idna.alabel(label).decode()
    except (idna.IDNAError, ValueError) as error:
        found = re.search(r"U\+([0-9A-F]{4,6})", str(error))
        problem = f"contains {_name(chr(int(found[1], 16)))}" if found else f"has {label}"
        remedy = "send the domain as it was registered (IDNA 2008)"
        _refuse(f"{problem} in its domain, which is not allowed there", remedy, "mail_domain")


def _fold(label: str) -> str:
    """Return the label in lower case and NFC; refuses letters whose lower case is ambiguous (ẞ, Σ, İ, K as a sign)."""
    folded = []
    for character in label:
        lower = character.lower()
        if lower != character and (lower.upper() != character or lower == _SIGMA):
            _refuse(f"contains {_name(character)} in its domain", "write the domain in lower case", "mail_domain")
        if unicodedata.normalize("NFC", lower) != lower:
            _refuse(f"contains {_name(character)} in its domain", "type the domain by hand", "mail_domain")
        folded.append(lower)
    return unicodedata.normalize("NFC", "".join(folded))


def _check_scripts(label: str) -> str:
    scripts = {unicodedata.name(one, "?").split()[0] for one in label if one.isalpha()} & _CONFUSABLE_SCRIPTS
    if len(scripts) > 1:
        listed = " and ".join(sorted(script.capitalize() for script in scripts))
        _refuse(f"mixes {listed} letters in {label}", "type the domain by hand, in one alphabet", "mail_domain")
    return label


def _name(character: str) -> str:
    """Return a character as an error names it: printable ASCII as such, others by code point and name."""
    if character.isascii() and character.isprintable():
        return "a space" if character == " " else f"the character {character}"
    name = unicodedata.name(character, "").lower()
    return f"U+{ord(character):04X}" + (f" ({name})" if name else "")


def _refuse(problem: str, remedy: str, code: str = "mail_address") -> NoReturn:
    raise InvalidAddressError(code, f"the mail address {problem}", remedy)
