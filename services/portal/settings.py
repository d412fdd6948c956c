"""Settings of the portal."""

from pathlib import Path

from pydantic import SecretStr

from libs.kit import Settings as KitSettings


class Settings(KitSettings):
    #: Exchanged for operator tokens; if empty, no operator tokens are issued.
    operator_key: SecretStr = SecretStr("")
    #: JSON object from service name to its key, or to a list of keys during rotation.
    service_keys_file: Path | None = None
    #: Ed25519 key in PEM, created if missing; `<stem>.*.pem` in the same folder are also published, for rotation.
    #: If unset, the process uses a temporary key.
    signing_key_file: Path | None = None
    #: URL at which browsers reach the portal; with https, cookies are Secure.
    public_url: str = "http://127.0.0.1:8000"

    token_seconds: int = 3600
    sign_in_link_minutes: int = 15
    session_days: int = 14
    devices_per_customer: int = 200  # above a large household; operators may exceed it
    wrong_keys_per_minute: int = 10  # per client address and name; correct keys are not counted

    live_poll_ms: int = 500  # latency with which an open page notices writes of other replicas
    live_levels_seconds: float = 3.0  # levels change without an event; polling interval while a page is open
    live_heartbeat_seconds: float = 15.0  # below the idle timeout of common proxies
    live_pages_most: int = 2000  # each holds a connection
    live_pages_per_customer: int = 20
    neighbour_seconds: float = 3.0  # timeout for reads from other services; the page is then shown without that data
