"""Tells people by mail, in a real SMTP conversation (RFC 5321)."""

import re
from dataclasses import dataclass
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from typing import Any

from libs.kit import Refuse, Retry
from services.notification.domain import Contact, Letter, one_line
from services.notification.settings import Settings

NAME = "email"
#: From here on a reply of the server is final (RFC 5321, section 4.2.1).
FINAL = 500


@dataclass(frozen=True, slots=True)
class Stamp:
    """What makes a mail this mail: its id, which never changes, who sends it, and when."""

    notice_id: str
    sender: str
    at: datetime


def mail_of(letter: Letter, contact: Contact, stamp: Stamp) -> EmailMessage:
    """Return the letter as a mail in plain text and HTML; raises Refuse where the address is none.

    The message refuses line breaks in its headers by itself; names and titles come here without.
    """
    mail = EmailMessage(policy=SMTP)
    mail["Message-ID"] = f"<{stamp.notice_id}@replenish>"
    mail["Date"] = format_datetime(stamp.at)
    mail["From"] = stamp.sender
    mail["To"] = _address(contact)
    mail["Subject"] = letter.subject
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content("\n\n".join(letter.lines) + "\n")
    mail.add_alternative(_html(letter), subtype="html")
    mail["Content-Language"] = letter.language
    return mail


def _address(contact: Contact) -> Address:
    """Return whom to write to; a domain in other letters is written as mail servers know it (RFC 5890)."""
    local, at, domain = contact.email.strip().rpartition("@")
    try:
        spec = local + at + (domain if domain.isascii() else domain.encode("idna").decode())
        return Address(one_line(contact.name), addr_spec=spec)
    except (HeaderParseError, ValueError, IndexError, AttributeError) as broken:  # the last: Python's own slip
        raise Refuse("the mail address is not valid") from broken


def _html(letter: Letter) -> str:
    """Return the letter as HTML; the only links in it are its own, whatever foreign words look like."""
    known = sorted(map(escape, letter.links), key=len, reverse=True)  # one may begin with another
    links = re.compile("|".join(map(re.escape, known)))
    lines = "".join(f"<p>{links.sub(_link, escape(line))}</p>" for line in letter.lines)
    return f'<!doctype html><html lang="{letter.language}"><body style="font-family:sans-serif">{lines}</body></html>'


def _link(found: re.Match[str]) -> str:
    return f'<a href="{found[0]}">{found[0]}</a>'


async def send(mail: EmailMessage, settings: Settings) -> None:
    """Return once the server has taken the mail; raises Refuse where it never will, else Retry.

    Reasons carry no address: they are kept.
    """
    import aiosmtplib  # noqa: PLC0415  # only a service that has mails needs it

    class Server(aiosmtplib.SMTP):
        async def data(self, message: str | bytes, /, **_: Any) -> aiosmtplib.SMTPResponse:
            """Hand the mail over, and wait for the answer longer than for any other: giving up sends it twice."""
            return await super().data(message, timeout=settings.smtp_taking_seconds)

    server = Server(
        hostname=settings.smtp_host,
        port=settings.smtp_port,
        username=settings.smtp_username,
        password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
        start_tls=settings.smtp_tls == "starttls",
        use_tls=settings.smtp_tls == "implicit",
        timeout=settings.smtp_timeout_seconds,
    )
    try:
        async with server:
            await server.send_message(mail)
    except aiosmtplib.SMTPRecipientsRefused as refused:
        raise _judged(max(one.code for one in refused.recipients)) from refused
    except (aiosmtplib.SMTPRecipientRefused, aiosmtplib.SMTPDataError) as refused:
        raise _judged(refused.code) from refused
    except (aiosmtplib.SMTPException, OSError) as trouble:  # logins and senders too: ours to put right
        raise Retry(f"the mail server did not take it: {type(trouble).__name__}") from trouble


def _judged(code: int) -> Exception:
    if code >= FINAL:
        return Refuse(f"the mail server refused it for good ({code})")
    return Retry(f"the mail server put it off ({code})")
