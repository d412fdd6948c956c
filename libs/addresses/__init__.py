"""Rules for addresses that people enter: mail addresses, countries, postal codes and regions."""

from libs.addresses.countries import parse_country
from libs.addresses.errors import InvalidAddressError
from libs.addresses.fields import Country, Email
from libs.addresses.mail import MailAddress, Mailbox, parse_mail_address, parse_mailbox
from libs.addresses.postal import parse_postal_code, parse_region

__all__ = [
    "Country",
    "Email",
    "InvalidAddressError",
    "MailAddress",
    "Mailbox",
    "parse_country",
    "parse_mail_address",
    "parse_mailbox",
    "parse_postal_code",
    "parse_region",
]
