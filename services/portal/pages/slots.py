"""View model of a slot: level, time left, open orders and available actions."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.portal.domain import formatting
from services.portal.domain.board import CustomerView, SlotView, Subscription, Wait
from services.portal.domain.orders import COMING, Order
from services.portal.pages.lines import TIMES, quantity_to_arrive
from services.portal.pages.places import Place, provider_name, title_of

LOW_DAYS = 3.0
SOON_DAYS = 7.0  # days of supply at which the default rule reorders
#: Parts of the capacity used instead of days while the rate is unknown.
LOW_PART = 0.15
SOON_PART = 0.3
#: Holds that the customer's account with a shop causes.
ACCOUNT_REASONS = frozenset({"paused_at_provider", "link_ended", "not_linked"})


@dataclass(frozen=True)
class Plan:
    """The subscription of a slot's product, for display."""

    subscription_id: str
    text: str
    mode: str
    paused: bool


@dataclass(frozen=True)
class SlotCard:
    """A slot with all values formatted for display."""

    device_id: str
    slot: str
    title: str
    where: str
    amount: str
    capacity: str
    percent: int
    tone: str
    lasts: str
    run_out: str
    days_left: float | None
    used: str
    seen: str
    anomaly: str
    shelf: str
    coming: str
    #: What a linked shop reports about the slot: a pause, or the products chosen there.
    at_shop: str
    plan: Plan | None
    wait: str
    approve_order_id: str | None
    #: The order to approve is a test order.
    approves_test: bool
    level_number: str
    units: tuple[str, ...]


def slot_card(place: Place, view: CustomerView, now: datetime, zone: ZoneInfo) -> SlotCard:
    device, spec = place
    latest = view.slots.get((device.device_id, spec.slot)) or SlotView(spec.level, None, None, None)
    level = max(latest.level, 0)
    days = None if latest.run_out_at is None else max((latest.run_out_at - now) / timedelta(days=1), 0.0)
    wait = view.waits.get(spec.product_id)
    name = f" · {spec.name}" if spec.name else ""
    return SlotCard(
        device_id=device.device_id,
        slot=spec.slot,
        title=title_of(spec.product_id, view, [place]),
        where=f"{device.model or 'Device'}{name or f' · slot {spec.slot}'}",
        amount=formatting.amount(level, spec.unit, spec.scale),
        capacity=formatting.amount(spec.capacity, spec.unit, spec.scale),
        percent=min(100, round(100 * level / spec.capacity)),
        tone=_tone(level, spec.capacity, days),
        lasts=formatting.lasting(level, latest.run_out_at, now),
        run_out=formatting.run_out(latest.run_out_at, now, zone) if latest.run_out_at else "",
        days_left=days,
        used=formatting.rate(latest.rate_per_day, spec.unit, spec.scale) if latest.rate_per_day is not None else "",
        seen=formatting.ago(latest.occurred_at, now) if latest.occurred_at else "",
        anomaly=formatting.reason(latest.anomaly) if latest.anomaly else "",
        shelf=_shelf(place, view),
        coming=_coming(place, view, now, zone),
        plan=_plan(place, view),
        at_shop=_at_shop(place, view, wait, now, zone),
        wait=_wait_text(wait, view, now, zone) if wait else "",
        approves_test=wait is not None and wait.test,
        approve_order_id=wait.order_id if wait and wait.wake_up == "approval" else None,
        level_number=formatting.number(level, spec.scale),
        units=formatting.UNIT_CHOICES[spec.unit],
    )


def _tone(level: int, capacity: int, days: float | None) -> str:
    if level <= 0:
        return "empty"
    part = level / capacity
    if days is None:
        days = LOW_DAYS if part <= LOW_PART else SOON_DAYS if part <= SOON_PART else SOON_DAYS + 1
    return "low" if days <= LOW_DAYS else "soon" if days <= SOON_DAYS else "good"


def _shelf(place: Place, view: CustomerView) -> str:
    steps = view.shelves.get(place.spec.product_id, 0)
    return f"{formatting.amount(steps, place.spec.unit, place.spec.scale)} more on the shelf" if steps else ""


def _coming(place: Place, view: CustomerView, now: datetime, zone: ZoneInfo) -> str:
    """Describe the open lines of all orders for the slot's product."""
    spec = place.spec
    coming = [
        (order, quantity)
        for order in view.orders
        if order.state in COMING and not order.is_test  # a test order brings nothing
        for line in order.lines
        if line.product_id == spec.product_id and (quantity := quantity_to_arrive(line, order)) != 0
    ]
    if not coming:
        return ""
    quantities = [quantity for _, quantity in coming if quantity is not None]
    total = formatting.amount(sum(quantities), spec.unit, spec.scale) if len(quantities) == len(coming) else "more"
    first_order = min((order for order, _ in coming if order.expected_at), key=_expected_at, default=None)
    expected = first_order and (first_order.expected_date or first_order.expected_at)
    when = formatting.day(expected, now, zone) if expected else ""
    orders = len({order.order_id for order, _ in coming})
    if orders == 1:
        return f"{total} ordered{f', expected {when}' if when else ''}"
    return f"{total} in {orders} orders{f', the first expected {when}' if when else ''}"


def _expected_at(order: Order) -> datetime:
    return order.expected_at or order.began_at


def _wait_text(wait: Wait, view: CustomerView, now: datetime, zone: ZoneInfo) -> str:
    if wait.reason not in ACCOUNT_REASONS or wait.provider_id is None:
        return formatting.reason(wait.reason)
    since = formatting.day(wait.since, now, zone) if wait.since else ""
    return formatting.account_reason(wait.reason, provider_name(wait.provider_id, view), since)


def _at_shop(place: Place, view: CustomerView, wait: Wait | None, now: datetime, zone: ZoneInfo) -> str:
    """Describe the slot at the shop of its subscription, or at another linked one; a pause not twice."""
    linked = view.linked.get((place.device.device_id, place.spec.slot), ())
    chosen = [sub.provider_id for sub in view.subscriptions if sub.product_id == place.spec.product_id]
    found = next((one for one in linked if one.provider_id in chosen), next(iter(linked), None))
    if found is None:
        return ""
    shop = provider_name(found.provider_id, view)
    if not found.subscribed:
        is_said = wait is not None and wait.reason in ACCOUNT_REASONS
        return "" if is_said else f"Paused at {shop} since {formatting.day(found.changed_at, now, zone)}"
    if not found.items:
        return ""
    names = [
        reference
        if quantity is None
        else f"{reference} ({formatting.amount(quantity, place.spec.unit, place.spec.scale)})"
        for reference, quantity in found.items
    ]
    return f"Chosen at {shop}: {', '.join(names)}"


def _plan(place: Place, view: CustomerView) -> Plan | None:
    chosen = [sub for sub in view.subscriptions if sub.product_id == place.spec.product_id]
    if not chosen:
        return None
    sub = chosen[0]
    return Plan(sub.subscription_id, _plan_text(sub, place, view), sub.mode, sub.status == "paused")


def _plan_text(sub: Subscription, place: Place, view: CustomerView) -> str:
    size = formatting.amount(sub.pack_size, place.spec.unit, place.spec.scale)
    offer = view.offers.get((sub.provider_id, sub.product_id))
    price = f" for {formatting.money(offer.price * sub.packs, offer.currency)}" if offer else ""
    return f"{sub.packs} {TIMES} {size} from {provider_name(sub.provider_id, view)}{price}"
