"""Receipts: deterministic JSON that can be replayed, and an explanation in sentences."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from replenish_contracts.units import SYMBOLS, BaseUnit, format_quantity
from services.reorder_decision.domain.accounts import AT_PROVIDER, find_block, find_block_of_all, products_at
from services.reorder_decision.domain.policy_decision import Figures, Inputs, Outcome, PolicyDecision, Why
from services.reorder_decision.domain.pool import Offer, Reason, Slot, Subscription
from services.reorder_decision.domain.scorecard import score_of
from services.reorder_decision.domain.sourcing import choose_offer, provider_of

T = TypeVar("T")

ORDERING = (Outcome.ORDER, Outcome.PROPOSE)
TEST_ORDER = "It is a test order: nothing is charged and nothing is delivered."

#: Explanations for customers.
MEANINGS = {
    Reason.NO_SUBSCRIPTION: "there is no subscription to this product",
    Reason.PAUSED: "the subscription is paused",
    Reason.NO_SLOTS: "no device holds this product any more",
    Reason.UNITS_DIFFER: "the slots of this product use different units, so their levels cannot be added up",
    Reason.NO_OFFER: "the provider does not offer this product",
    Reason.OFFER_UNAVAILABLE: "the provider cannot deliver this product at present",
    Reason.PROVIDER_INACTIVE: "the provider does not accept orders at present",
    Reason.PACK_SIZE_DIFFERS: "the provider sells a different pack size than the subscription contains",
    Reason.PACK_UNIT_DIFFERS: "the provider sells this product in a different unit than its slots use",
    Reason.PAUSED_AT_PROVIDER: "it is paused in the customer's account with the provider",
    Reason.LINK_ENDED: "the device is no longer linked to the customer's account with the provider",
    Reason.NOT_LINKED: "the device is not linked to the customer's account with the provider",
    Reason.AWAITING_APPROVAL: "the customer wants to approve each order",
    Reason.NOTIFY_ONLY: "the customer wants a reminder only",
    Reason.ENOUGH: "the supply is still sufficient",
    Reason.AWAY: "the customer is away, and the delivery would arrive or be needed only during that time",
    Reason.COLLECTING: "it waits to be ordered together with other products of the same provider",
    Reason.CANCELLED_ONCE: "the customer cancelled the last order",
    Reason.CANCELLED_AGAIN: "the customer cancelled twice; it is ordered again after the slot has been full",
    Reason.NOT_DELIVERED: "the last order was not delivered",
    Reason.DELIVERY_UNCLEAR: (
        "the provider did not report clearly how much it sent, so a level, a count or some days must pass first"
    ),
    Reason.DECLINED: "the customer declined it",
    Reason.WITHDRAWN: "it no longer applies",
}


def as_json(value: Inputs | PolicyDecision) -> str:
    """Return canonical JSON: equal values give equal bytes."""
    return msgspec.json.encode(value, order="deterministic").decode()


def from_json(text: str | bytes, form: type[T]) -> T:
    """Parse JSON; raises msgspec.ValidationError if it does not match the type."""
    return msgspec.json.decode(text, type=form)


def with_changes(inputs: Inputs, changes: dict[str, str]) -> Inputs:
    """Return the inputs with some values replaced: `level=20`, `shelf=3`, `subscription.days=5`.

    `level` and `rate_per_day` refer to the first slot; use `slots.1.level` for others.
    Raises ValueError if a name is not an input or a value does not fit its type.
    """
    tree = msgspec.json.decode(as_json(inputs))
    for name, value in changes.items():
        path = name if name not in {"level", "rate_per_day", "uncertainty"} else f"slots.0.{name}"
        path = f"subscription.{path}" if path in {"days", "at_level", "mode", "packs"} else path
        _set(tree, path.split("."), _parse(value), name)
    return msgspec.convert(tree, Inputs)


def explain(inputs: Inputs, decision: PolicyDecision) -> list[str]:
    offer = choose_offer(inputs.slots, inputs.subscription, inputs.offer, inputs.rivals, inputs.avoided)
    return [
        *_situation(inputs, decision.figures),
        _rule(inputs, decision.figures),
        *(_provider(inputs, offer) if decision.outcome in ORDERING else ()),
        *_account(inputs, offer),
        _conclusion(inputs, decision, offer),
        *([TEST_ORDER] if offer is not None and offer.test and decision.outcome in ORDERING else []),
    ]


def explain_obstacle(
    reason: Reason, slots: Sequence[Slot], subscription: Subscription | None, offer: Offer | None
) -> str:
    """Return why nothing is ordered; with the provider and the time if it is the customer's account there."""
    if reason not in AT_PROVIDER or subscription is None:
        return MEANINGS[reason]
    provider_id = provider_of(subscription, offer)
    block = find_block_of_all(slots, provider_id, offer)
    since = f" since {block.since:%Y-%m-%d %H:%M} UTC" if block and block.since else ""
    return {
        Reason.PAUSED_AT_PROVIDER: f"it is paused in the customer's account with {provider_id}{since}",
        Reason.LINK_ENDED: f"the device has not been linked to an account with {provider_id}{since}",
        Reason.NOT_LINKED: f"the device is not linked to an account with {provider_id}",
    }[reason]


def _situation(inputs: Inputs, figures: Figures) -> list[str]:
    levels = f"in the slot {_amount(inputs, figures.levels)}"
    if len(inputs.slots) != 1:
        levels = f"in {len(inputs.slots)} slots together {_amount(inputs, figures.levels)}"
    there = (
        f"There were {levels}, on the shelf {_amount(inputs, figures.shelf)} and on order "
        f"{_amount(inputs, figures.on_order)}: {_amount(inputs, figures.position)} in all."
    )
    if figures.lasts_days is None:
        return [there, "The daily use is not known yet."]
    used = f"{_rate(inputs, figures.rate_per_day)} are used per day, so it lasts {_number(figures.lasts_days)} days."
    return [there, used]


def _rule(inputs: Inputs, figures: Figures) -> str:
    if inputs.subscription is None:
        return "Without a subscription, no rule applies."
    by_days = (
        f"{_number(figures.days)} days x {_rate(inputs, figures.rate_per_day)} = {_rate(inputs, figures.for_days)}"
    )
    least = f", and never less than {_amount(inputs, figures.at_level)}" if figures.at_level else ""
    relation = "which is not more" if figures.low else "which is more"
    return (
        f"The rule asks for {by_days}{least}; {_amount(inputs, figures.position)} {'<=' if figures.low else '>'} "
        f"{_rate(inputs, figures.threshold)}, {relation}."
    )


def _provider(inputs: Inputs, offer: Offer | None) -> Iterator[str]:
    if offer is None:
        return
    if inputs.subscription and provider_of(inputs.subscription, offer) != inputs.subscription.provider_id:
        failed = " and ".join(inputs.avoided)
        yield f"The order from {failed} was not delivered, so {offer.provider_id} is used instead."
    if lead := offer.lead:
        how = f"learned from {lead.observations} deliveries" if lead.learned else "stated by the provider"
        stated = f"; the provider states {_number(lead.stated)}" if lead.learned and lead.stated is not None else ""
        yield f"Delivery takes {_number(lead.days)} days ({how}{stated})."
    if record := offer.record:
        orders = record.delivered + record.broken
        yield f"The provider delivered {record.delivered} of {orders} orders; its score is {score_of(record)} of 100."


def _account(inputs: Inputs, offer: Offer | None) -> Iterator[str]:
    """Yield what the customer chose at a linked provider, and which slots are paused there while others are not."""
    if inputs.subscription is None:
        return
    provider_id = provider_of(inputs.subscription, offer)
    for (device_id, slot), items in products_at(inputs.slots, provider_id).items():
        yield f"The customer chose {', '.join(items)} for {device_id}/{slot} at {provider_id}."
    if len(inputs.slots) > 1 and find_block_of_all(inputs.slots, provider_id, offer) is None:
        for slot_ in inputs.slots:
            if block := find_block(slot_, provider_id, offer):
                why = explain_obstacle(block.reason, [slot_], inputs.subscription, offer)
                yield f"Nothing is ordered for {slot_.device_id}/{slot_.slot}: {why}."


def _conclusion(inputs: Inputs, decision: PolicyDecision, offer: Offer | None) -> str:
    packs = f"{decision.packs} x {_amount(inputs, decision.pack_size)} from {decision.provider_id}"
    if decision.outcome is Outcome.ORDER:
        approval = f" after {inputs.by} approved" if inputs.why is Why.APPROVED else ""
        if inputs.why is Why.COLLECTED:
            return f"So {packs} were ordered after waiting for other products: {inputs.by}."
        return f"So {packs} were ordered{approval}."
    if decision.outcome is Outcome.PROPOSE:
        return f"So {packs} were proposed: {MEANINGS[decision.reason]}."
    if decision.outcome is Outcome.DECLINE:
        return f"The proposed order was dropped: {MEANINGS[decision.reason]} ({inputs.by})."
    until = f"at {decision.reconsider_at:%Y-%m-%d %H:%M} UTC" if decision.reconsider_at else f"upon {decision.wake_up}"
    why = explain_obstacle(decision.reason, inputs.slots, inputs.subscription, offer)
    return f"Nothing was ordered: {why}. It will be reconsidered {until}."


def _unit(inputs: Inputs) -> tuple[str, int]:
    if not inputs.slots:
        return "", 0
    slot = inputs.slots[0]
    symbol = SYMBOLS[BaseUnit(slot.unit)]
    return f" {symbol}" if symbol else "", slot.scale


def _amount(inputs: Inputs, steps: int) -> str:
    symbol, scale = _unit(inputs)
    return format_quantity(steps, scale) + symbol


def _rate(inputs: Inputs, steps: float) -> str:
    symbol, scale = _unit(inputs)
    return _number(steps / 10**scale) + symbol


def _number(value: float) -> str:
    """Format with at most four decimals and no trailing zeros."""
    return f"{value:.4f}".rstrip("0").rstrip(".")


def _parse(value: str) -> Any:
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError:
        return value


def _set(tree: Any, path: list[str], value: Any, name: str) -> None:
    for step in path[:-1]:
        tree = _step(tree, step, name)
    _step(tree, path[-1], name)
    tree[int(path[-1]) if isinstance(tree, list) else path[-1]] = value


def _step(tree: Any, step: str, name: str) -> Any:
    try:
        return tree[int(step)] if isinstance(tree, list) else tree[step]
    except (KeyError, IndexError, ValueError, TypeError):
        raise ValueError(f"{name} is not an input of this receipt") from None
