"""A provider's secrets as stored: one encrypted JSON object of names and values."""

import json
from collections.abc import Mapping
from typing import Any

from services.order_dispatch.sealing import open_sealed, read_keys, seal


def seal_secrets(provider_id: str, secrets: Mapping[str, str], knobs: Any) -> bytes:
    return seal(read_keys(knobs.sealing_key), json.dumps(dict(secrets)), _about(provider_id))


def open_secrets(provider_id: str, sealed: bytes | None, knobs: Any) -> Mapping[str, str]:
    if sealed is None:
        return {}
    opened: dict[str, str] = json.loads(open_sealed(read_keys(knobs.sealing_key), sealed, _about(provider_id)))
    return opened


def _about(provider_id: str) -> str:
    return f"secrets of provider {provider_id}"
