"""Plausible bugs as patches of the services; the judge must detect each."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import asyncpg
from aiokafka import AIOKafkaConsumer

from deploy.demo import reporting
from libs.kit import checkpoints, outbox
from replenish_contracts.events import OrderDelivered
from replenish_contracts.units import Conversion
from services.consumption.domain import apply
from services.consumption.domain.gaps import Gap
from services.consumption.service import SERVICE as CONSUMPTION
from services.gateway.domain import validation
from services.inventory.domain import Goods, Journey, LineChange, LineKey
from services.inventory.handlers import consignments
from services.inventory.handlers import orders as inventory_orders
from services.notification.channels import email
from services.order_dispatch.domain import delivery
from services.order_dispatch.payments import sandbox
from services.order_dispatch.providers import kafka, registry
from services.reorder_decision.domain import transitions
from services.reorder_decision.domain.pool import Situation
from services.reorder_decision.handlers import slots


@dataclass(frozen=True)
class Bug:
    """One mistake: its patch, the judge's kind of anomaly, and words in it."""

    make: Callable[..., Awaitable[None] | None]
    kind: str
    words: str
    #: A service that is started only after some days, so that it must read earlier records.
    late: str = ""
    #: Days after which the judge names the bug, and two more; the default is long enough for two restocks.
    days: int = 16


class Once:
    """True on the n-th call, else False: a transient failure."""

    def __init__(self, n: int = 1) -> None:
        self.left = n

    def __call__(self) -> bool:
        self.left -= 1
        return self.left == 0


async def own_connection(connection, world):
    """Open another connection of the same service, which commits on its own."""
    schema = await connection.fetchval("SELECT current_schema()")
    return schema, await asyncpg.connect(world.database[schema].url, server_settings={"search_path": schema})


def checkpoint_in_separate_transaction(patch, world):
    real, fails = checkpoints.save_checkpoints, Once(3)

    async def save_checkpoints(connection, known, moved):
        schema, own = await own_connection(connection, world)
        try:
            any_deferred = await real(own, known, moved)
        finally:
            await own.close()
        if schema == "consumption" and any(place[0] == "usage" for place in moved) and fails():
            raise ConnectionError("the batch's transaction ends here, and is tried again")
        return any_deferred

    patch.setattr(checkpoints, "lock_checkpoints", checkpoints.find_checkpoints)
    patch.setattr(checkpoints, "save_checkpoints", save_checkpoints)


def outbox_outside_the_transaction(patch, world):
    real, fails = outbox.write_events, Once()

    async def write_events(connection, writer, entries):
        if writer.service != "reorder-decision" or not entries:
            return await real(connection, writer, entries)
        _, own = await own_connection(connection, world)
        async with own.transaction():
            await real(own, writer, entries)
        await own.close()
        if any(type(one.event).__name__ == "ReorderApproved" for one in entries) and fails():
            raise asyncpg.SerializationError("the transaction is rolled back, and tried again")
        return None

    patch.setattr(outbox, "write_events", write_events)


def relay_that_skips(patch, _world):
    """Marks skipped events as published: the gap is never filled."""
    real = outbox.list_unsent

    async def list_unsent(connection, limit):
        rows = await real(connection, limit)
        skipped = [row for row in rows if (row.topic, row.sequence) == ("orders", 3)]
        await outbox.set_published(connection, {(row.topic, row.partition): row.sequence for row in skipped})
        return [row for row in rows if row not in skipped]

    patch.setattr(outbox, "list_unsent", list_unsent)


def sequence_is_not_checked(patch, world):
    relay_that_skips(patch, world)

    def in_sequence(run, last):
        return list(run), run[-1].sequence if run else last

    patch.setattr(checkpoints, "_in_sequence", in_sequence)


def offsets_start_at_the_latest(patch, _world):
    """Only for the late service: the others would rightly detect a truncated log."""
    real = AIOKafkaConsumer.beginning_offsets

    async def beginning_offsets(consumer, places):
        late = consumer._group_id == "inventory"
        return await (consumer.end_offsets(places) if late else real(consumer, places))

    patch.setattr(AIOKafkaConsumer, "beginning_offsets", beginning_offsets)


def reports_have_no_identity(patch, _world):
    def find_gap(slot, boot_no, seq):
        return Gap(boot_no, "", seq, seq, slot.level)

    def receive_late(slot, _gap, _seq, report):
        return apply.receive_next(slot, report)

    patch.setattr(apply, "find_gap", find_gap)
    patch.setattr(apply, "receive_late", receive_late)
    patch.setattr(reporting, "DOUBLED", 1.0)


def device_clock_orders_reports(patch, world):
    """Reports older by the device's clock than the newest one are dropped as duplicates."""
    real, newest = CONSUMPTION.consumes_in_batches["usage"], {}

    async def on_usage(records, store, _prepared):
        taken = []
        for record in records:
            place = record.data.device_id, record.data.slot
            if record.data.occurred_at >= newest.get(place, record.data.occurred_at):
                newest[place] = record.data.occurred_at
                taken.append(record)
        return await real(taken, store)

    patch.setitem(CONSUMPTION.consumes_in_batches, "usage", on_usage)
    patch.setattr(reporting, "REBOOTED", 0.3)
    for sender in world.year.world.senders.values():
        sender._clock = timedelta(days=2000)  # until it reboots and synchronizes its clock
    patch.setattr(validation, "_check_time", lambda *_: None)


def a_kilogram_is_a_hundred_grams(patch, _world):
    real = validation.parse_steps

    def parse_steps(amount, unit, *slot):
        steps, exact = real(amount, unit, *slot)
        return Conversion(steps // 10 if unit == "kg" else steps, exact)

    patch.setattr(validation, "parse_steps", parse_steps)


def trigger_crosses_every_time(patch, world):
    """The crossing is not stored, so each later report below the threshold crosses again."""
    real = CONSUMPTION.consumes_in_batches["usage"]

    async def on_usage(records, store, prepared):
        said = await real(records, store, prepared)
        await store.connection.execute("UPDATE slot SET armed = true")
        return said

    patch.setitem(CONSUMPTION.consumes_in_batches, "usage", on_usage)


async def every_crossing_orders(patch, world):
    """Epochs are not compared, open orders are ignored, and the unique index is dropped."""
    trigger_crosses_every_time(patch, world)

    def crossed(pool, heard, _epoch, when):
        pool = replace(pool, situation=Situation.ARMED, epoch=pool.epoch + bool(pool.order), order=None)
        return transitions.threshold_crossed(pool, heard, pool.epoch, when)

    patch.setattr(slots, "threshold_crossed", crossed)
    owner = await asyncpg.connect(world.database["order_dispatch"].owner_url)
    await owner.execute("DROP INDEX one_open_line_per_pool")
    await owner.close()


def order_is_requested_twice(patch, _world):
    def submit(order, ship_to, at):
        return kafka.submit(order, ship_to, at) * 2

    doubled = replace(kafka.PROTOCOL, transport=replace(kafka.PROTOCOL.transport, submit=submit))
    patch.setattr(registry, "PROTOCOLS", {**registry.PROTOCOLS, "kafka": doubled})


def mail_is_sent_again_to_slow_server(patch, _world):
    real, fails = email.send, Once()

    async def send(mail, settings):
        await real(mail, settings)
        if fails():
            raise email.RetryLaterError("no answer in time")

    patch.setattr(email, "send", send)


async def line_is_credited_twice(patch, world):
    """A delivery credits all that is in transit of its order, and a credit is identified by its event, not by its line."""
    real, origin = consignments.on_order_delivered, consignments._origin

    async def on_order_delivered(event, changes, transit, store):
        own = {change.line for change in changes}
        others = [
            LineChange(LineKey(event.order_id, line_id), goods.product_id, sent.shipped, sent, sent)
            for line_id, (goods, sent) in transit.of_order(event.order_id).items()
            if sent.journey is Journey.IN_TRANSIT and LineKey(event.order_id, line_id) not in own
        ]
        events = await real(event, [*changes, *others], transit, store)
        for change in others:
            goods = Goods(event.customer_id, change.product_id)
            transit.save(change.line, goods, replace(change.after, journey=Journey.ORDERED))
        return events

    def origin_of_event(name, line, event):
        made = origin(name, line, event)
        return replace(made, name=f"{made.name} {event.occurred_at}")

    patch.setattr(consignments, "_origin", origin_of_event)
    patch.setitem(inventory_orders.CUSTOMER_HANDLERS, OrderDelivered, on_order_delivered)
    owner = await asyncpg.connect(world.database["inventory"].owner_url)
    await owner.execute("DROP INDEX inventory.ledger_transaction_credits_once")
    await owner.close()


def line_is_captured_twice(patch, _world):
    """What left with a parcel is added to a total that contains it already."""
    real = delivery.capture_shipments

    def capture_shipments(decision):
        made = real(decision)
        if made.capture is None:
            return made
        newly_due = made.order.captured - decision.order.captured
        return replace(made, capture=replace(made.capture, due=made.capture.due + newly_due))

    patch.setattr(delivery, "capture_shipments", capture_shipments)


def capture_is_retried_with_new_key(patch, _world):
    """The first answer of the payment service is lost; the retry is another operation there."""
    real, fails = sandbox.Sandbox.capture, Once()

    async def capture(self, request):
        answer = await real(self, request)
        return await real(self, replace(request, idempotency_key=f"{request.idempotency_key}/2")) if fails() else answer

    patch.setattr(sandbox.Sandbox, "capture", capture)


BUGS = {
    "checkpoint in separate transaction": Bug(checkpoint_in_separate_transaction, "lost", "its reports sum to", days=8),
    "outbox outside the transaction": Bug(outbox_outside_the_transaction, "doubled", "approved before", days=8),
    "relay that skips": Bug(relay_that_skips, "lost", "missing before sequence", days=8),
    "sequence is not checked": Bug(sequence_is_not_checked, "lost", "missing before sequence", days=8),
    "offsets start at the latest": Bug(offsets_start_at_the_latest, "lost", "never credited", late="inventory"),
    "reports have no identity": Bug(reports_have_no_identity, "doubled", "its reports sum to", days=8),
    "device clock orders reports": Bug(device_clock_orders_reports, "lost", "its reports sum to", days=12),
    "a kilogram is a hundred grams": Bug(a_kilogram_is_a_hundred_grams, "differs", "steps written", days=8),
    "trigger crosses every time": Bug(trigger_crosses_every_time, "doubled", "crossed before", days=12),
    "every crossing orders": Bug(every_crossing_orders, "doubled", "has the open order", days=10),
    "order is requested twice": Bug(order_is_requested_twice, "doubled", "was requested before", days=8),
    "line is credited twice": Bug(line_is_credited_twice, "doubled", "arrived before", days=12),
    "line is captured twice": Bug(line_is_captured_twice, "unbalanced", "captured, the goods that left cost", days=8),
    "capture is retried with new key": Bug(
        capture_is_retried_with_new_key, "doubled", "the payment service has", days=8
    ),
    "mail is sent again to slow server": Bug(
        mail_is_sent_again_to_slow_server, "doubled", "was mailed before", days=10
    ),
}
