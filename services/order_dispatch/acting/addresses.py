"""Where a customer's goods go: asked of the portal at the moment it is needed, and kept nowhere."""

from http import HTTPStatus
from urllib.parse import quote

from pydantic import ValidationError

from libs.kit import Kit, RejectedError, RetryLaterError
from replenish_contracts.events import ShipTo

#: The portal's ways to say that there is nobody to deliver to.
GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


async def address_of(customer_id: str, kit: Kit) -> ShipTo:
    """Return where a customer's goods go, from the portal; raises RejectedError where nobody is there any more."""
    import httpx  # noqa: PLC0415  # 5 MB that a service without orders does not need

    customer = quote(customer_id, safe="")
    url = f"{kit.settings.portal_url}/v1/customers/{customer}/ship-to"
    try:
        answer = await kit.http.get(url, headers={"Authorization": f"Bearer {await kit.service_token()}"})
    except httpx.HTTPError as error:
        raise RetryLaterError(f"the portal cannot be reached: {type(error).__name__}") from error
    if answer.status_code in GONE:
        raise RejectedError("the customer is gone")
    if answer.status_code != HTTPStatus.OK:
        raise RetryLaterError(f"the portal answered {answer.status_code}")
    try:
        return ShipTo.model_validate_json(answer.content)
    except ValidationError as error:
        raise RetryLaterError("the portal's answer is no address") from error
