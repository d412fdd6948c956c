"""HTTP calls to other services for a page, with the customer's token or the portal's own."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import uuid4

from libs.kit import Kit
from libs.kit.http.problems import ProblemError
from services.portal.api.cookies import settings_of
from services.portal.api.security import security_of
from services.portal.domain import claims
from services.portal.domain.board import SlotView

LOG = logging.getLogger(__name__)
#: Concurrent requests to consumption for one page.
MAX_CONCURRENT = 8
COMMAND_SECONDS = 12.0  # above the time-out of the gateway for its broker
OK, CREATED, CLIENT_ERRORS, CONFLICT, UNPROCESSABLE, SERVER_ERRORS = 200, 201, 400, 409, 422, 500

Levels = dict[tuple[str, str], SlotView]


class UnavailableError(Exception):
    """A service did not answer."""


class CommandRejectedError(Exception):
    """A command was rejected or failed; the message is shown to the customer."""


async def fetch_levels(kit: Kit, device_ids: Sequence[str]) -> Levels:
    """Return current levels; slots of devices whose request failed are omitted."""
    limit = asyncio.Semaphore(MAX_CONCURRENT)

    async def fetch(device_id: str) -> Levels:
        async with limit:
            return await _fetch_device(kit, device_id)

    levels: Levels = {}
    for found in await asyncio.gather(*(fetch(device_id) for device_id in device_ids)):
        levels |= found
    return levels


async def _fetch_device(kit: Kit, device_id: str) -> Levels:
    url = f"{kit.settings.consumption_url}/v1/devices/{quote(device_id, safe='')}/slots"
    try:
        status, answer = await call(kit, claims.service("portal"), "GET", url)
        return {(device_id, slot["slot"]): _parse_level(slot) for slot in answer["slots"]} if status == OK else {}
    except (UnavailableError, KeyError, TypeError, ValueError) as error:
        LOG.info("live levels not available", extra={"device_id": device_id, "reason": repr(error)})
        return {}


def _parse_level(slot: dict[str, Any]) -> SlotView:
    rate = slot["rate_per_day"]
    return SlotView(
        level=int(slot["level_steps"]),
        rate_per_day=None if rate is None else float(rate) * 10 ** int(slot["scale"]),
        run_out_at=_parse_time(slot["run_out_at"]),
        occurred_at=_parse_time(slot["last_report_at"]),
        anomaly=ANOMALIES.get(slot["state"]),
    )


#: Slot states that ask the customer to check the level.
ANOMALIES = {
    "quarantined": "The reports of this device contradict each other.",
    "overdrawn": "The device reported more use than the slot contained.",
}


def _parse_time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


class Reasons(NamedTuple):
    """The receipt of a decision and its sentences."""

    receipt_id: str | None
    sentences: list[str]


async def fetch_reasons(kit: Kit, customer_id: str, order_id: str) -> list[Reasons]:
    """Return the receipts of an order's lines, the latest first; empty without them or without an answer."""
    url = f"{kit.settings.reorder_decision_url}/v1/orders/{quote(order_id, safe='')}/receipt"
    try:
        status, answer = await call(kit, claims.customer(customer_id), "GET", url)
        latest = [answer, *answer.get("other_lines", [])] if status == OK else []
        receipts = [*latest, *(earlier for one in latest for earlier in one.get("earlier", []))]
        return [Reasons(one.get("receipt_id"), [str(sentence) for sentence in one["words"]]) for one in receipts]
    except (UnavailableError, AttributeError, KeyError, TypeError) as error:
        LOG.info("receipt not available", extra={"order_id": order_id, "reason": repr(error)})
        return []


async def report(kit: Kit, customer_id: str, what: dict[str, Any]) -> None:
    """Send a usage report to the gateway; raises CommandRejectedError."""
    await _command(kit, customer_id, "POST", f"{kit.settings.gateway_url}/v1/usage", what)


async def cancel_order(kit: Kit, customer_id: str, order_id: str, line_id: str = "") -> None:
    """Cancel the line, or the whole order without one."""
    body: dict[str, Any] = {"reason": "cancelled on the page"}
    if line_id:
        body["line_ids"] = [line_id]
    await _command(kit, customer_id, "POST", _order_url(kit, order_id, "cancel"), body)


async def report_received(kit: Kit, customer_id: str, order_id: str, quantity: dict[str, str]) -> None:
    await _command(kit, customer_id, "POST", _order_url(kit, order_id, "received"), quantity)


async def return_goods(kit: Kit, customer_id: str, order_id: str, quantity: dict[str, str]) -> None:
    body = quantity | {"reason": "returned on the page"}
    await _command(kit, customer_id, "POST", _order_url(kit, order_id, "return"), body)


def _order_url(kit: Kit, order_id: str, command: str) -> str:
    return f"{kit.settings.order_dispatch_url}/v1/orders/{quote(order_id, safe='')}/{command}"


async def report_order(kit: Kit, customer_id: str, order_id: str, answer: str) -> None:
    await _command(kit, customer_id, "POST", _order_url(kit, order_id, "answer"), {"answer": answer})


async def fetch_cart(kit: Kit, customer_id: str, order_id: str, line_id: str = "") -> str | None:
    """Return the https URL of the shop's filled cart, for one line of an order with several.

    None if there is none or order_dispatch does not answer.
    """
    try:
        status, answer = await call(kit, claims.customer(customer_id), "GET", _order_url(kit, order_id, "cart"))
    except UnavailableError:
        return None
    about = answer if status == OK and isinstance(answer, dict) else {}
    if line_id:
        about = next((line for line in about.get("lines", []) if line.get("line_id") == line_id), {})
    cart = about.get("cart_url")
    return cart if isinstance(cart, str) and cart.startswith("https://") else None


async def answer_proposal(kit: Kit, customer_id: str, order_id: str, answer: str) -> None:
    url = f"{kit.settings.reorder_decision_url}/v1/reorders/{quote(order_id, safe='')}/{answer}"
    await _command(kit, customer_id, "POST", url, None)


async def set_subscription(kit: Kit, customer_id: str, subscription_id: str, status: str) -> None:
    url = f"{kit.settings.reorder_decision_url}/v1/subscriptions/{quote(subscription_id, safe='')}"
    await _command(kit, customer_id, "PATCH", url, {"status": status})


async def set_holiday(kit: Kit, customer_id: str, leaves: datetime, returns: datetime) -> None:
    """Hold orders that would be delivered only while the customer is away."""
    body = {"from": leaves.isoformat(), "until": returns.isoformat()}
    await _command(kit, customer_id, "PUT", _holiday_url(kit, customer_id), body)


async def end_holiday(kit: Kit, customer_id: str) -> None:
    await _command(kit, customer_id, "DELETE", _holiday_url(kit, customer_id), None)


def _holiday_url(kit: Kit, customer_id: str) -> str:
    return f"{kit.settings.reorder_decision_url}/v1/customers/{quote(customer_id, safe='')}/holiday"


async def _command(kit: Kit, customer_id: str, method: str, url: str, body: dict[str, Any] | None) -> None:
    try:
        key = str(uuid4()) if method == "POST" else None
        status, answer = await call(kit, claims.customer(customer_id), method, url, body, key)
    except UnavailableError as error:
        LOG.warning("command not delivered", extra={"url": url, "reason": str(error)})
        raise CommandRejectedError("We can't do this right now. Please try again in a few minutes.") from None
    if status >= SERVER_ERRORS:
        raise CommandRejectedError("Something went wrong on our side. Please try again in a few minutes.")
    if status >= CLIENT_ERRORS:
        raise CommandRejectedError(message_of(answer))


async def call(
    kit: Kit,
    bearer: claims.Bearer,
    method: str,
    url: str,
    body: dict[str, Any] | None = None,
    idempotency_key: str | None = None,
) -> tuple[int, Any]:
    """Send a request with a token for `bearer` and return status and JSON.

    Raises UnavailableError if the service does not answer, and 422 if the body has no JSON form.
    """
    import httpx  # noqa: PLC0415  # 5 MB, not needed before the first page is opened

    headers = {"Authorization": f"Bearer {security_of(kit).token(bearer)['access_token']}"}
    if idempotency_key:
        headers["Idempotency-Key"] = idempotency_key
    # Reads time out early because a page waits for them; commands wait for their result.
    seconds = settings_of(kit).neighbour_seconds if method == "GET" else COMMAND_SECONDS
    try:
        request = kit.http.build_request(method, url, json=body, headers=headers, timeout=seconds)
    except ValueError:
        detail = "It contains a value that JSON cannot represent, such as NaN or an incomplete character."
        raise ProblemError(
            422,
            "invalid",
            "The request is not valid",
            detail=detail,
            field="body",
            problem="the body has a value that JSON cannot represent, such as NaN or an incomplete character",
            remedy="send finite numbers and complete characters",
        ) from None
    try:
        answer = await kit.http.send(request)
        return answer.status_code, answer.json() if answer.content else None
    except httpx.HTTPError as error:
        raise UnavailableError(repr(error)) from None
    except ValueError:
        return answer.status_code, None


def message_of(problem: Any) -> str:
    """Return the most specific text of a problem document."""
    if not isinstance(problem, dict):
        return "This is not possible."
    first = (problem.get("refused") or problem.get("errors") or [{}])[0]
    general = problem.get("detail") or problem.get("title")
    # What is wrong with an entry is said by its error; remedies are for users of the API.
    is_about_entry = "refused" in problem or problem.get("status") == UNPROCESSABLE
    return str((first.get("problem") if is_about_entry else general) or general or "This is not possible.")
