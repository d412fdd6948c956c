"""How links look in JSON, and what is accepted of them."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from replenish_contracts.catalogue import NO_NUL
from services.order_dispatch.domain.links import Link, LinkClient

Short = Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]
Url = Annotated[str, Field(min_length=1, max_length=2000, pattern=NO_NUL)]


class Body(BaseModel):
    """What somebody sends; a field nobody knows is a mistake worth telling."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LinkBody(Body):
    """What is to be linked."""

    provider_id: Short
    device_id: Short


class ClientBody(Body):
    """How we are known to a provider, as it told us when we registered there."""

    authorize_url: Url
    token_url: Url
    api_url: Url
    #: Where tokens are revoked (RFC 7009), for providers whose API does not do it itself.
    revoke_url: Url | None = None
    client_id: Annotated[str, Field(min_length=1, max_length=500, pattern=NO_NUL)]
    client_secret: SecretStr
    scope: Short
    #: What only the protocol understands, such as DRS's device_model, country and topic_arns.
    options: dict[str, Any] = Field(default_factory=dict)


def show_client(client: LinkClient) -> dict[str, Any]:
    """Return a client as its reader sees it, without the secret."""
    return {
        "provider_id": client.provider_id,
        "authorize_url": client.authorize_url,
        "token_url": client.token_url,
        "api_url": client.api_url,
        "revoke_url": client.revoke_url,
        "client_id": client.client_id,
        "scope": client.scope,
        "options": dict(client.options),
    }


def show_link(link: Link) -> dict[str, str]:
    return {
        "link_id": link.link_id,
        "customer_id": link.customer_id,
        "provider_id": link.provider_id,
        "device_id": link.device_id,
        "state": link.state,
    }
