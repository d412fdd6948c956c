"""A provider's secrets as stored: one encrypted JSON object of names and values."""

import json
from collections.abc import Mapping

from services.order_dispatch.sealing import open_sealed, read_keys, seal
from services.order_dispatch.settings import Settings


def seal_secrets(provider_id: str, secrets: Mapping[str, str], settings: Settings) -> bytes:
    return seal(read_keys(settings.sealing_key), json.dumps(dict(secrets)), _about(provider_id))


def open_secrets(provider_id: str, sealed: bytes | None, settings: Settings) -> Mapping[str, str]:
    if sealed is None:
        return {}
    opened: dict[str, str] = json.loads(open_sealed(read_keys(settings.sealing_key), sealed, _about(provider_id)))
    return opened


def _about(provider_id: str) -> str:
    return f"secrets of provider {provider_id}"
