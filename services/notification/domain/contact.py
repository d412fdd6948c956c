"""Recipients of mails."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Contact:
    """The recipient; fetched from the portal for one mail and never stored."""

    email: str
    name: str = ""
    locale: str = "en"
    time_zone: str = "UTC"
