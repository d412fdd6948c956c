"""Where links lead: to a provider's own addresses, judged when they are entered and again when they are called."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from libs.kit import Kit
from libs.kit.http.problems import ProblemError
from services.order_dispatch import outward
from services.order_dispatch.domain.links import LinkClient
from services.order_dispatch.providers import Line


class _Place(NamedTuple):
    """One address of a provider."""

    provider_id: str
    url: str
    account: Mapping[str, Any]


def check_address(url: str, field: str, kit: Kit) -> None:
    """Raise ProblemError 422 for an address that is not called."""
    networks = kit.settings.allowed_private_networks  # type: ignore[attr-defined]  # order_dispatch's own settings
    try:
        outward.Guard(networks).check_url(url)
    except outward.ForbiddenAddressError as forbidden:
        error = {"field": field, "problem": str(forbidden)}
        raise ProblemError(422, "invalid", "The address cannot be called", errors=[error]) from forbidden


def line_to(kit: Kit, client: LinkClient, url: str | None = None) -> Line:
    """Return a line to a provider's API, or to another address of it, that carries no secret."""
    return outward.bare_line(_Place(client.provider_id, url or client.api_url, client.options), kit)
