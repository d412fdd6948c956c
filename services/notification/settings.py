"""What can be tuned about telling people, and why it is as it is."""

from pydantic import Field, SecretStr

from libs.kit import Settings as KitSettings


class Settings(KitSettings):
    """Knobs of notification."""

    smtp_host: str = "127.0.0.1"
    smtp_port: int = Field(default=25, ge=1, le=65535)
    #: `off`, `starttls`, or `implicit` (usually port 465).
    smtp_tls: str = Field(default="off", pattern="^(off|starttls|implicit)$")
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    #: Each step before and after the mail is handed over.
    smtp_timeout_seconds: float = Field(default=10, gt=0)
    #: How long a server may look at a mail before it answers; who gives up sooner sends it twice (RFC 5321, 4.5.3.2).
    smtp_taking_seconds: float = Field(default=600, gt=0, le=600)
    #: Letters about orders on hold ask for answers to this address.
    mail_from: str = "Replenish <replenish@localhost>"
    #: Where people see their page; the portal's own address where nothing else is said.
    public_url: str | None = None
    #: A hold that ends by itself within this time is nobody's trouble.
    hold_grace_hours: float = Field(default=1, ge=0)
    #: The same trouble with the same product is not told again sooner.
    hold_quiet_days: float = Field(default=7, ge=0)

    @property
    def page_url(self) -> str:
        """Return the address of the customer's page."""
        return (self.public_url or self.portal_url).rstrip("/") + "/"
