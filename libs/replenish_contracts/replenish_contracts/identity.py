"""Identity of events of other publishers."""

import hashlib
from uuid import UUID

#: UUID namespace of the identities below. With another one, a repeated event would count twice.
_NAMESPACE = UUID("0f4b7d0e-6a0c-4a55-9f0d-2f4c0a7d5b61")


def event_identity(source: str, event_id: str) -> str:
    """Return a UUID for the pair that identifies a CloudEvent; neither part may contain U+0000."""
    name = f"{source}\0{event_id}".encode()
    return str(UUID(bytes=hashlib.sha1(_NAMESPACE.bytes + name, usedforsecurity=False).digest()[:16], version=5))
