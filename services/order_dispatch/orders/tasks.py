"""Work for orders outside transactions: fetching the delivery address, calling the provider."""

from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from pydantic import ValidationError

from libs.http_client.exchange import UnknownOutcomeError
from libs.kit import Kit, RejectedError, RetryLaterError, Task, TaskResult
from libs.kit.errors import TRANSIENT
from libs.kit.records import storable
from replenish_contracts.catalogue import Event
from replenish_contracts.events import Fault, ShipTo, UpdateNote, UpdateStatus
from services.order_dispatch.domain.cancellation import cancel, fail, withdraw
from services.order_dispatch.domain.lines import Cancellation
from services.order_dispatch.domain.links import Block
from services.order_dispatch.domain.order import Decision, Order, ProviderRequest
from services.order_dispatch.domain.placing import end_unsubmitted, is_ready, reason_not_to_submit, record_reply
from services.order_dispatch.domain.provider import Provider
from services.order_dispatch.domain.states import CLOSED, State
from services.order_dispatch.domain.timeouts import mark_unknown
from services.order_dispatch.linking.client import open_linked_client
from services.order_dispatch.orders.decisions import advance_order, apply_decision, apply_update
from services.order_dispatch.orders.store import OrderStore
from services.order_dispatch.providers.client import open_provider_client
from services.order_dispatch.providers.parsing import UnreadableResponseError
from services.order_dispatch.providers.protocol import Answer, HttpTransport, ProviderClient, answer_as_update
from services.order_dispatch.providers.registry import get_protocol
from services.order_dispatch.settings import settings_of

LONGEST_REASON = 500

# Task fetch_address: before a step that may need the address.


async def perform_fetch_address(task: Task, kit: Kit) -> dict[str, Any]:
    """Fetch the customer's address if the next step needs it; read-only, hence safe to repeat."""
    if not task.payload.get("address", True):
        return {}
    return {"ship_to": await fetch_address(task.payload["customer_id"], kit)}


async def fetch_address(customer_id: str, kit: Kit) -> ShipTo:
    """Return the customer's delivery address from the portal; raises RejectedError if the customer no longer exists."""
    import httpx  # noqa: PLC0415  # 5 MB that a service without orders does not need

    url = f"{kit.settings.portal_url}/v1/customers/{quote(customer_id, safe='')}/ship-to"
    try:
        response = await kit.http.get(url, headers={"Authorization": f"Bearer {await kit.service_token()}"})
    except httpx.HTTPError as error:
        raise RetryLaterError(f"the portal cannot be reached: {type(error).__name__}") from error
    if response.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        raise RejectedError("the customer no longer exists")
    if response.status_code != HTTPStatus.OK:
        raise RetryLaterError(f"the portal returned {response.status_code}")
    try:
        return ShipTo.model_validate_json(response.content)
    except ValidationError as error:
        raise RetryLaterError("the portal's response is not an address") from error


async def on_address_fetched(task: Task, outcome: TaskResult, store: OrderStore) -> list[Event]:
    """Advance the order unless it was cancelled meanwhile; a missing address fails it."""
    order = await store.lock_order(task.payload["order_id"])
    if order is None or not is_ready(order):
        return []
    if outcome.result is None:
        reason = outcome.refused or "no delivery address"
        return await apply_decision(fail(order, reason, store.now, Fault.ADDRESS), store)
    address = outcome.result.get("ship_to")
    ship_to = None if address is None else ShipTo.model_validate(address)
    return await advance_order(order, await store.find_provider(order.provider_id), store, ship_to)


# Task provider_call: one request to a provider's server.


async def call_provider(task: Task, kit: Kit) -> dict[str, Any]:
    """Send the request unless the order no longer needs it; raises RetryLaterError only if nothing was sent."""
    try:
        async with kit.read() as store:
            order = await store.find_order(task.payload["order_id"])
            provider = order and await store.find_provider(order.provider_id)
            timeouts = store.timeouts
    except TRANSIENT as error:
        raise RetryLaterError(f"provider not called: {type(error).__name__}") from error
    if order is None or provider is None:
        raise RejectedError("unknown order or provider")
    request = ProviderRequest(task.payload["request"])
    if request is ProviderRequest.SUBMIT:
        unsent = reason_not_to_submit(order, timeouts, kit.clock.now())
        if unsent is None and get_protocol(provider.protocol).linking is not None:
            line = order.lines[0]
            if (block := await _find_block(order.provider_id, line.device_id, line.slot, kit)) is not None:
                return {"unsent": block.reason, "by": block.by}
        return {"unsent": unsent} if unsent else await _submit(task, order, provider, kit)
    if order.state is State.PLACING and order.sent_at is None:
        raise RetryLaterError("the order is still being submitted")
    # An order that is cancelled here is still cancelled at the provider; other closed states need no request.
    if order.state in CLOSED and (request is ProviderRequest.STATUS or order.state is not State.CANCELLED):
        return {}
    return await _cancel_or_request_status(task, order, provider, kit)


async def _find_block(provider_id: str, device_id: str, slot: str, kit: Kit) -> Block | None:
    try:
        async with kit.read() as store:
            found: Block | None = await store.find_block(provider_id, device_id, slot)
    except TRANSIENT as error:
        raise RetryLaterError(f"provider not called: {type(error).__name__}") from error
    return found


async def _submit(task: Task, order: Order, provider: Provider, kit: Kit) -> dict[str, Any]:
    try:
        needs_address = get_protocol(provider.protocol).needs_address
        ship_to = await fetch_address(order.customer_id, kit) if needs_address else None
        client = await open_client(order, provider, kit)
    except (RetryLaterError, RejectedError):
        raise
    except Exception as error:  # nothing was sent
        raise RetryLaterError(f"{provider.provider_id} was not called: {type(error).__name__} {error}"[:500]) from error
    try:
        answer = await _http_transport(provider).submit(order, ship_to, client)
        return _reply(answer, task, order, kit)
    except (RetryLaterError, RejectedError):
        raise
    except Exception as error:  # noqa: BLE001  # after a timeout or a malformed response the result is unknown
        return {"unknown": f"no clear result from {provider.provider_id}: {_describe(error)}"}


async def _cancel_or_request_status(task: Task, order: Order, provider: Provider, kit: Kit) -> dict[str, Any]:
    transport = _http_transport(provider)
    client = await open_client(order, provider, kit)
    if ProviderRequest(task.payload["request"]) is ProviderRequest.CANCEL:
        return _reply(await transport.cancel(order, client), task, order, kit)
    try:
        answer = await transport.status(order, client)
        if answer.status is UpdateStatus.NOT_FOUND and order.state is State.UNKNOWN and transport.idempotent:
            answer = await _submit_again(order, client, provider, kit) or answer
        return _reply(answer, task, order, kit)
    except RejectedError:
        raise
    except Exception as error:
        if task.attempt < settings_of(kit).status_attempts:
            raise
        # The next check of the order repeats the request.
        return _reply(_unread(error), task, order, kit) if isinstance(error, UnreadableResponseError) else {}


def _describe(error: Exception) -> str:
    """Return what went wrong; the text of an unexpected exception may have data of the customer, so its name only."""
    is_ours = isinstance(error, UnknownOutcomeError)
    return storable(str(error), LONGEST_REASON) if is_ours else type(error).__name__


def _unread(error: UnreadableResponseError) -> Answer:
    return Answer(UpdateStatus.UNCLEAR, notes=(UpdateNote.about("the response", None, _describe(error)),))


async def _submit_again(order: Order, client: ProviderClient, provider: Provider, kit: Kit) -> Answer | None:
    """Resubmit an order reported as not found, with the same idempotency key, so it cannot be duplicated."""
    if order.cancellation is not None:
        return None
    ship_to = await fetch_address(order.customer_id, kit) if get_protocol(provider.protocol).needs_address else None
    return await _http_transport(provider).submit(order, ship_to, client)


async def open_client(order: Order, provider: Provider, kit: Kit) -> ProviderClient:
    protocol = get_protocol(provider.protocol)
    if protocol.linking is not None:
        return await open_linked_client(kit, provider.provider_id, order.lines[0].device_id)
    transport = _http_transport(provider)
    if transport.open_client is not None:
        return await transport.open_client(order, provider, kit)
    return await open_provider_client(provider, kit)


def _http_transport(provider: Provider) -> HttpTransport:
    transport = get_protocol(provider.protocol).transport
    if not isinstance(transport, HttpTransport):
        raise TypeError(f"{provider.protocol} does not call its providers")
    return transport


def _reply(answer: Answer, task: Task, order: Order, kit: Kit) -> dict[str, Any]:
    return {"answer": answer, "update": answer_as_update(answer, order, f"call-{task.id}", kit.clock.now())}


async def reconcile_provider_call(task: Task, kit: Kit) -> dict[str, Any]:
    """Reconcile an interrupted call: status and cancel requests are repeated, a submission never is."""
    if ProviderRequest(task.payload["request"]) is ProviderRequest.SUBMIT:
        return {"unknown": "the call to the provider was interrupted"}
    return await call_provider(task, kit)


async def on_provider_called(task: Task, outcome: TaskResult, store: OrderStore) -> list[Event]:
    """Apply the reply; an order that was certainly not sent ends, one that may have been becomes `unknown`."""
    order = await store.lock_order(task.payload["order_id"])
    if order is None:
        return []
    result = outcome.result or {}
    if outcome.refused or "unsent" in result or "unknown" in result:
        request = ProviderRequest(task.payload["request"])
        if request is not ProviderRequest.SUBMIT or order.state is not State.PLACING:
            return []
        return await apply_decision(_without_reply(order, outcome, store), store)
    if "answer" not in result:
        return []
    if result["answer"].test not in {None, order.test}:
        order = replace(order, test=result["answer"].test)
        await store.save_test(order)
    events = await apply_decision(record_reply(order, result["answer"].reference, store.timeouts, store.now), store)
    if result["update"] is not None:
        events += (await apply_update(result["update"], store)).events
    return events


def _without_reply(order: Order, outcome: TaskResult, store: OrderStore) -> Decision:
    """Decide about a submission that was not sent, or whose result is unknown."""
    result = outcome.result or {}
    unsent = outcome.refused or result.get("unsent")
    if not unsent:
        return mark_unknown(order, result["unknown"], store.timeouts, store.now)
    if "by" in result and order.cancellation is None:
        return withdraw(order, Cancellation(result["by"], unsent, store.now))
    return end_unsubmitted(order, unsent, store.now)


# Task withdraw_blocked: after a slot was paused at a linked provider, or a link ended.


async def acknowledge_block(task: Task, kit: Kit) -> dict[str, Any]:  # noqa: ARG001  # the signature of a task
    """Do nothing: `complete` withdraws the orders in its transaction."""
    return {}


async def on_block_acknowledged(task: Task, outcome: TaskResult, store: OrderStore) -> list[Event]:  # noqa: ARG001  # the task only acknowledges
    """Cancel the orders of the device that the provider does not have and would not take now."""
    provider_id, device_id = task.payload["provider_id"], task.payload["device_id"]
    events: list[Event] = []
    for order in await store.lock_unsent_orders(task.payload["customer_id"], device_id):
        if order.provider_id != provider_id:
            continue
        lines = [line for line in order.open_lines if line.device_id == device_id]
        blocks = {line.line_id: await store.find_block(provider_id, device_id, line.slot) for line in lines}
        blocked = {line_id: block for line_id, block in blocks.items() if block is not None}
        for block in list(blocked.values())[:1]:
            # cancel() instead of withdraw(): a call to the provider may be in progress.
            cancellation = Cancellation(block.by, block.reason, store.now)
            events += await apply_decision(cancel(order, cancellation, list(blocked)), store)
    return events
