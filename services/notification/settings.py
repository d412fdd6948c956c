"""Settings of notification."""

from pydantic import Field, SecretStr, field_validator

from libs.addresses import parse_mailbox
from libs.kit import Settings as KitSettings


class Settings(KitSettings):
    """SMTP server, sender and delays of mails."""

    smtp_host: str = "127.0.0.1"
    smtp_port: int = Field(default=25, ge=1, le=65535)
    #: `off`, `starttls`, or `implicit` (usually port 465).
    smtp_tls: str = Field(default="off", pattern="^(off|starttls|implicit)$")
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    #: Timeout of each SMTP step except the reply to DATA.
    smtp_timeout_seconds: float = Field(default=10, gt=0)
    #: Timeout of the reply to DATA, 10 minutes by RFC 5321, 4.5.3.2; a shorter one causes duplicate mails.
    smtp_taking_seconds: float = Field(default=600, gt=0, le=600)
    #: Sender: `address`, `Name <address>` or `"Name" <address>`. Mails about orders on hold invite customers to reply
    #: to it.
    mail_from: str = "Replenish <replenish@localhost>"
    #: Public URL of the customer's page; defaults to `portal_url`.
    public_url: str | None = None
    #: Delay of mails about holds that may end on their own, such as a missing offer.
    hold_grace_hours: float = Field(default=1, ge=0)
    #: Minimum time between two such mails about one product.
    hold_quiet_days: float = Field(default=7, ge=0)
    #: Delay of mails about orders of several lines; events of one order within it share a mail. 10 seconds are enough,
    #: because the events of one decision are relayed within a second, and a customer notices no delay.
    mail_share_seconds: float = Field(default=10, ge=0)

    @field_validator("mail_from")
    @classmethod
    def _is_one_address(cls, mail_from: str) -> str:
        parse_mailbox(mail_from)
        return mail_from

    @property
    def page_url(self) -> str:
        return (self.public_url or self.portal_url).rstrip("/") + "/"
