"""Knobs of the portal."""

from pathlib import Path

from pydantic import SecretStr

from libs.kit import Settings as KitSettings


class Settings(KitSettings):
    #: Whoever knows it is an operator; without it there are no operator tokens.
    operator_key: SecretStr = SecretStr("")
    #: JSON: each service's name and its key, or a list of keys while one is being changed.
    service_keys_file: Path | None = None
    #: Ed25519 in PEM, made if it is missing; `<stem>.*.pem` beside it are published too, for rotation.
    #: Without it the key lives as long as the process.
    signing_key_file: Path | None = None
    #: Where browsers reach the portal; https makes cookies Secure.
    public_url: str = "http://127.0.0.1:8000"

    token_seconds: int = 3600
    sign_in_link_minutes: int = 15
    session_days: int = 14
    devices_per_customer: int = 200  # more than a large household has; operators may register more
    wrong_keys_per_minute: int = 10  # per client address; right keys are never limited

    live_poll_ms: int = 500  # how soon an open page sees what another replica wrote
    live_levels_seconds: float = 3.0  # levels change without an event; open pages ask consumption this often
    live_heartbeat_seconds: float = 15.0  # below the idle timeout of common proxies
    live_pages_most: int = 2000  # each holds a connection and a queue
    live_pages_per_customer: int = 20
    neighbour_seconds: float = 3.0  # a page is shown without what a neighbour does not answer in time
