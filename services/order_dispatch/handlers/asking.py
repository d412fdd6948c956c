"""Calls provider APIs outside transactions; each response is processed like any other update."""

from typing import Any

from libs.kit import Kit, RejectedError, RetryLaterError, Task, TaskResult
from libs.kit.errors import TRANSIENT
from replenish_contracts.catalogue import Event
from replenish_contracts.events import ShipTo, UpdateStatus
from services.order_dispatch.acting import address_of, carry_out, hear_update, open_line
from services.order_dispatch.domain import (
    CLOSED,
    Ask,
    Order,
    Provider,
    State,
    got_through,
    leave_unsent,
    mark_unknown,
    why_not_sent,
)
from services.order_dispatch.providers import Answer, Line, answer_as_update, calling, needs_address, repeats
from services.order_dispatch.store import Store


async def ask_provider(task: Task, kit: Kit) -> dict[str, Any]:
    """Send the request unless it has become pointless; raises RetryLaterError only if nothing was sent."""
    try:
        async with kit.read() as store:
            order = await store.find_order(task.payload["order_id"])
            provider = order and await store.find_provider(order.provider_id)
            patience = store.patience
    except TRANSIENT as error:
        raise RetryLaterError(f"provider not called: {type(error).__name__}") from error
    if order is None or provider is None:
        raise RejectedError("unknown order or provider")
    ask = Ask(task.payload["ask"])
    if ask is Ask.DELIVER:
        unsent = why_not_sent(order, patience, kit.clock.now())
        return {"unsent": unsent} if unsent else await _deliver(task, order, provider, kit)
    if order.state is State.PLACING and order.sent_at is None:
        raise RetryLaterError("the order is still being submitted")
    # A cancelled order is still cancelled at the provider; other final states need no request.
    if order.state in CLOSED and (ask is Ask.STATUS or order.state is not State.CANCELLED):
        return {}
    return await _answer(task, order, provider, kit)


async def ask_again(task: Task, kit: Kit) -> dict[str, Any]:
    """Reconcile an interrupted call: status and cancel requests are repeated, a submission never is."""
    if Ask(task.payload["ask"]) is Ask.DELIVER:
        return {"unknown": "the call to the provider was cut off"}
    return await ask_provider(task, kit)


async def on_provider_asked(task: Task, outcome: TaskResult, store: Store) -> list[Event]:
    """Process the response: an order that was not sent ends, one that may have been becomes `unknown`."""
    order = await store.lock_order(task.payload["order_id"])
    if order is None:
        return []
    delivers = Ask(task.payload["ask"]) is Ask.DELIVER
    result = outcome.result or {}
    unsent = outcome.refused or result.get("unsent")
    if unsent:
        waits = delivers and order.state is State.PLACING
        return await carry_out(leave_unsent(order, unsent, store.now), store) if waits else []
    if "unknown" in result:
        waits = delivers and order.state is State.PLACING
        return (
            await carry_out(mark_unknown(order, result["unknown"], store.patience, store.now), store) if waits else []
        )
    if "answer" not in result:
        return []
    turn = got_through(order, result["answer"].reference, store.patience, store.now)
    events = await carry_out(turn, store)
    if result["update"] is not None:
        events += (await hear_update(result["update"], store)).said
    return events


async def _deliver(task: Task, order: Order, provider: Provider, kit: Kit) -> dict[str, Any]:
    ship_to, line = await _ready(order, provider, kit)
    try:
        answer = await calling(provider.protocol).deliver(order, ship_to, line)
        return _told(answer, task, order, kit)
    except (RetryLaterError, RejectedError):
        raise
    except Exception as error:  # noqa: BLE001  # after a time-out or a malformed response the result is unknown
        return {"unknown": f"{provider.provider_id} gave no clear answer: {type(error).__name__}"}


async def _ready(order: Order, provider: Provider, kit: Kit) -> tuple[ShipTo | None, Line]:
    """Prepare a call; all failures become Retry or Refuse, because nothing was sent."""
    try:
        ship_to = await address_of(order.customer_id, kit) if needs_address(provider.protocol) else None
        return ship_to, await open_line(order, provider, kit)
    except (RetryLaterError, RejectedError):
        raise
    except Exception as error:
        raise RetryLaterError(f"{provider.provider_id} was not called: {type(error).__name__} {error}"[:500]) from error


async def _answer(task: Task, order: Order, provider: Provider, kit: Kit) -> dict[str, Any]:
    protocol = calling(provider.protocol)
    line = await open_line(order, provider, kit)
    if Ask(task.payload["ask"]) is Ask.CANCEL:
        return _told(await protocol.cancel(order, line), task, order, kit)
    try:
        answer = await protocol.status(order, line)
        if answer.status is UpdateStatus.NOT_FOUND and order.state is State.UNKNOWN and repeats(provider.protocol):
            answer = await _once_more(order, line, provider, kit) or answer
        return _told(answer, task, order, kit)
    except RejectedError:
        raise
    except Exception:
        if task.attempt < kit.settings.status_attempts:  # type: ignore[attr-defined]  # a setting of this service
            raise
        return {}  # the next check of the order repeats the request


async def _once_more(order: Order, line: Line, provider: Provider, kit: Kit) -> Answer | None:
    """Resubmit an order reported as not found, with the same idempotency key, so it cannot be duplicated."""
    if order.cancellation is not None:
        return None
    ship_to = await address_of(order.customer_id, kit) if needs_address(provider.protocol) else None
    return await calling(provider.protocol).deliver(order, ship_to, line)


def _told(answer: Answer, task: Task, order: Order, kit: Kit) -> dict[str, Any]:
    return {"answer": answer, "update": answer_as_update(answer, order, f"ask-{task.id}", kit.clock.now())}
