"""Builds mails and sends them over SMTP (RFC 5321)."""

import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from html import escape
from typing import Any

from libs.addresses import InvalidAddressError, Mailbox, parse_mail_address, parse_mailbox
from libs.kit import RejectedError, RetryLaterError
from services.notification.channels.headers import Mail, encode_mailbox, encode_text
from services.notification.domain import Contact, RenderedMail, one_line
from services.notification.settings import Settings

NAME = "email"
#: Replies from 500 on are permanent failures (RFC 5321, section 4.2.1).
FIRST_PERMANENT = 500


@dataclass(frozen=True, slots=True)
class MailHeaders:
    """Message-ID (the same in every attempt), sender and date."""

    notice_id: str
    sender: str
    at: datetime


def build_mail(rendered: RenderedMail, contact: Contact, headers: MailHeaders) -> Mail:
    """Return the mail in plain text and HTML; raises RejectedError if the address is invalid."""
    mail = Mail()
    sender, recipient = parse_mailbox(headers.sender), _recipient(contact)
    mail.sender, mail.recipient = sender.address.ascii, recipient.address.ascii
    mail["Message-ID"] = f"<{headers.notice_id}@replenish>"
    mail["Date"] = format_datetime(headers.at)
    mail["From"] = encode_mailbox("From", sender)
    mail["To"] = encode_mailbox("To", recipient)
    mail["Subject"] = encode_text("Subject", rendered.subject)
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content("\n\n".join(rendered.lines) + "\n")
    mail.add_alternative(_html(rendered), subtype="html")
    mail["Content-Language"] = rendered.language
    return mail


def _recipient(contact: Contact) -> Mailbox:
    """Return the recipient; the error texts are stored, so they contain no address."""
    try:
        return Mailbox(one_line(contact.name), parse_mail_address(contact.email))
    except InvalidAddressError as error:
        raise RejectedError("the mail address is not valid") from error


def _html(rendered: RenderedMail) -> str:
    """Return the mail as HTML; only `rendered.links` become links, URLs in external text stay text."""
    urls = sorted(map(escape, rendered.links), key=len, reverse=True)  # one may be a prefix of another
    pattern = re.compile("|".join(map(re.escape, urls)))
    lines = "".join(_paragraph(pattern.sub(_link, escape(line))) for line in rendered.lines)
    return f'<!doctype html><html lang="{rendered.language}"><body style="font-family:sans-serif">{lines}</body></html>'


def _paragraph(escaped: str) -> str:
    """Return a paragraph of a mail, whose further lines are items of a list."""
    text, *items = escaped.split("\n")
    listed = "".join(f"<li>{item.removeprefix('- ')}</li>" for item in items)
    return f"<p>{text}</p>" + (f"<ul>{listed}</ul>" if listed else "")


def _link(match: re.Match[str]) -> str:
    return f'<a href="{match[0]}">{match[0]}</a>'


async def send(mail: Mail, settings: Settings) -> None:
    """Return once the server accepted the mail; raises RejectedError on a permanent failure, else RetryLaterError.

    The error texts are stored, so they contain no address.
    """
    import aiosmtplib  # noqa: PLC0415  # loaded with the first mail

    class Server(aiosmtplib.SMTP):
        async def data(self, message: str | bytes, /, **_: Any) -> aiosmtplib.SMTPResponse:
            """Send the mail with a longer timeout: a retry after an early timeout would duplicate it."""
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
            await server.sendmail(mail.sender, [mail.recipient], mail.as_bytes())
    except aiosmtplib.SMTPRecipientsRefused as error:
        raise _error_of(max(one.code for one in error.recipients)) from error
    except (aiosmtplib.SMTPRecipientRefused, aiosmtplib.SMTPDataError) as error:
        raise _error_of(error.code) from error
    except (aiosmtplib.SMTPException, OSError) as error:  # includes login and sender errors, which operators can fix
        raise RetryLaterError(f"sending the mail failed: {type(error).__name__}") from error


def _error_of(code: int) -> Exception:
    if code >= FIRST_PERMANENT:
        return RejectedError(f"the mail server rejected the mail permanently ({code})")
    return RetryLaterError(f"the mail server rejected the mail temporarily ({code})")
