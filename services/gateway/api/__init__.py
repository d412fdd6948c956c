"""The gateway's doors."""

from services.gateway.api.door import close_door, open_door
from services.gateway.api.usage import router

__all__ = ["close_door", "open_door", "router"]
