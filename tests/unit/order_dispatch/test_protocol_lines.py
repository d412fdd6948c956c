"""What each protocol says about the lines of an order: one set of questions, and the proof of each LineSupport.

A protocol's wire translates a report about the order into the provider's own messages, and these into updates. What a
protocol claims is exercised here, and what it denies has no place in its messages.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import pytest
from pydantic import ValidationError

from libs.kit import RejectedError
from replenish_contracts.events import OrderUpdated, ShipTo, UpdateLine, UpdateStatus
from replenish_contracts.wire import as_event, decoder
from services.order_dispatch.answers.answering import STATUSES, Step
from services.order_dispatch.answers.api import CustomerAnswerBody
from services.order_dispatch.answers.shops import AnswerBody
from services.order_dispatch.domain import (
    Cancellation,
    LineState,
    Order,
    Outcome,
    ProviderRequest,
    Responder,
    State,
    decide_update,
    submit,
    submit_to_person,
)
from services.order_dispatch.orders.decisions import request_events
from services.order_dispatch.providers import acp, webhook
from services.order_dispatch.providers.acp.messages import Session
from services.order_dispatch.providers.acp.translation import obstacle, read_session
from services.order_dispatch.providers.parsing import parse
from services.order_dispatch.providers.protocol import EventTransport, LineSupport, answer_as_update
from services.order_dispatch.providers.registry import PROTOCOLS, get_protocol, max_lines
from tests.support import orders as a
from tests.support.recording import RecordingClient

HOME = ShipTo(name="Ann", line1="Elm 1", postal_code="89073", city="Ulm", country="DE")
CANCELLATION = Cancellation("customer", "enough", a.NOON)
ACME = replace(a.ACME, allows_substitutes=True)
ORDERED, SHIPPED, DELIVERED = LineState.ORDERED, LineState.SHIPPED, LineState.DELIVERED
CANCELLED, REFUSED, SUBSTITUTED = LineState.CANCELLED, LineState.REFUSED, LineState.SUBSTITUTED
#: The lines of a.basket(): 2 packs of 20 pods for 998, 1 pack of 100 filters for 350.
PODS, FILTERS = "1", "2"


class NotExpressibleError(Exception):
    """The protocol's messages have no place for it."""


@dataclass(frozen=True)
class Said:
    """What the provider reports about a line, in packs."""

    line_id: str
    status: str
    packs: int | None = None
    remaining: int | None = None
    price: int | None = None
    substitute: str | None = None


def our_lines(order: Order, said: Sequence[Said], price="price"):
    """Return lines as our own messages have them, in base steps."""
    for line in said:
        size = order.find_line(line.line_id).pack_size
        counts = {"quantity": line.packs, "remaining": line.remaining}
        values: dict[str, object] = {name: packs * size for name, packs in counts.items() if packs is not None}
        values |= {"product_id": line.substitute, price: line.price}
        named = {name: value for name, value in values.items() if value is not None}
        yield {"line_id": line.line_id, "status": line.status, **named}


class KafkaWire:
    def updates(self, order, status, said=(), shipment_id=None):
        data = {"provider_id": "acme", "update_id": "u", "order_id": "o1", "status": status, "currency": "USD"}
        data |= {"occurred_at": a.NOON.isoformat(), "lines": list(our_lines(order, said))}
        data |= {"shipment_id": shipment_id} if shipment_id else {}
        event = {"specversion": "1.0", "id": "e", "source": "/acme", "type": "OrderUpdated", "data": data}
        value = json.dumps(event | {"time": a.NOON.isoformat()}).encode()
        return [as_event(decoder("provider-updates-acme")(value))]


class WebhookWire:
    def updates(self, order, status, said=(), shipment_id=None):
        data = {"order_id": "o1", "status": status, "lines": list(our_lines(order, said, price="amount"))}
        body = json.dumps({"type": "order.updated", "data": data | {"shipment_id": shipment_id}}).encode()
        return [answer_as_update(webhook.parse_callback(body, order).answer, order, "u", a.NOON)]


class AcpWire:
    """The merchant's order is always complete, so lines that are not named stay as they are."""

    def updates(self, order, status, said=(), shipment_id=None):
        names = {"accepted": "confirmed", "delivered": "completed", "cancelled": "canceled"}
        known = {line.line_id: line for line in said}
        lines = [self._line(line, known.get(line.line_id)) for line in order.lines] if said else []
        parcels = [
            {"status": "delivered", "line_items": [{"id": line.line_id, "quantity": line.packs or 1}]}
            for line in said
            if line.status == "delivered"
        ]
        snapshot = {"status": "processing" if said else names.get(status, status)}
        snapshot |= {"line_items": lines, "fulfillments": parcels}
        totals = {line.line_id: line.price for line in said}
        items = [
            {
                "id": line.line_id,
                "item": {"id": line.product_id},
                "totals": [{"type": "total", "amount": totals[line.line_id]}] if totals.get(line.line_id) else [],
            }
            for line in order.lines
        ]
        plain = {"id": "cs_1", "status": "completed", "currency": "usd", "line_items": items, "order": snapshot}
        answer = read_session(parse(Session, json.dumps(plain).encode()), order)
        return [answer_as_update(answer, order, "u", a.NOON)]

    def _line(self, line, said):
        status = said.status if said else "accepted"
        left = status in ("shipped", "delivered")
        packs = line.packs if said is None or said.packs is None else said.packs
        rest = 0 if said is None or said.remaining is None else said.remaining
        current = packs + rest if left else line.packs
        return {
            "id": line.line_id,
            "product_id": said.substitute if said and said.substitute else line.product_id,
            "quantity": {
                "ordered": line.packs,
                "current": 0 if status == "cancelled" else current,
                "fulfilled": packs if left else 0,
            },
        }


class HostedWire:
    """A shop answers with one step at a time; quantities are in the line's unit."""

    def updates(self, order, status, said=(), shipment_id=None):
        steps = {found: step for step, found in STATUSES.items() if step not in (Step.ORDERED, Step.ARRIVED)}
        groups = {line.status: [one for one in said if one.status == line.status] for line in said} or {status: []}
        return [self._update(steps[UpdateStatus(found)], order, lines, shipment_id) for found, lines in groups.items()]

    def _update(self, step, order, said, shipment_id):
        lines = [{name: value for name, value in line.items() if name != "status"} for line in our_lines(order, said)]
        try:
            body = AnswerBody.model_validate_json(json.dumps({"lines": lines, "shipment_id": shipment_id}))
        except ValidationError as error:
            raise NotExpressibleError(str(error)) from error
        about = tuple(UpdateLine(**line.model_dump()) for line in body.lines)
        return a.update(STATUSES[step], update_id=step, lines=about, shipment_id=body.shipment_id)


class AssistedWire:
    """The customer answers for the whole order."""

    def updates(self, order, status, said=(), shipment_id=None):
        steps = {"accepted": "ordered", "delivered": "arrived"}
        body = {"answer": steps.get(status, status)}
        try:
            answer = CustomerAnswerBody.model_validate(body | ({"lines": list(our_lines(order, said))} if said else {}))
        except ValidationError as error:
            raise NotExpressibleError(str(error)) from error
        return [a.update(STATUSES[Step(answer.answer)])]


WIRES = {
    "kafka": KafkaWire(),
    "webhook": WebhookWire(),
    "acp": AcpWire(),
    "hosted": HostedWire(),
    "assisted": AssistedWire(),
}
CLAIMS = [field.name for field in fields(LineSupport) if field.name != "max_lines"]


def submitted(name, order=None):
    """Return an order of two lines that was submitted by the protocol."""
    order, responder = order or a.basket(), get_protocol(name).responder
    if responder is None:
        return submit(order, a.TIMEOUTS, a.NOON).order
    return submit_to_person(order, responder, a.TIMEOUTS, a.NOON).order


def report(name, order, status, *said, shipment_id=None):
    """Return the order after the updates of a report, and the events that they caused."""
    events = ()
    for update in WIRES[name].updates(order, status, said, shipment_id):
        assert isinstance(update, OrderUpdated)
        decided = decide_update(order, update, ACME, a.TIMEOUTS, a.NOON)
        assert decided.outcome is not Outcome.REFUSED, decided.reason
        if decided.decision is not None:
            order, events = decided.decision.order, (*events, *decided.decision.events)
    return order, events


def placed(name):
    return report(name, submitted(name), "accepted")[0]


async def request(name, order, kind):
    """Return the bodies of the protocol's messages for a request."""
    protocol = get_protocol(name)
    if isinstance(protocol.transport, EventTransport):
        ship_to = HOME if protocol.needs_address else None
        events = request_events((kind,), order, protocol, a.NOON, ship_to)
        return [json.loads(event.model_dump_json()) for event in events]
    client = RecordingClient({"order_id": "o1", "id": "cs_1", "status": "accepted", "currency": "usd"})
    await getattr(protocol.transport, kind.value)(order, *((HOME,) if kind is ProviderRequest.SUBMIT else ()), client)
    return client.bodies


def test_every_protocol_that_carries_several_lines_has_a_wire():
    assert WIRES.keys() == {name for name, protocol in PROTOCOLS.items() if protocol.lines.max_lines != 1}


@pytest.mark.parametrize("name", sorted(WIRES))
class TestOrderOfTwoLines:
    async def test_submit_has_both_lines(self, name):
        body = (await request(name, submitted(name), ProviderRequest.SUBMIT))[0]
        lines = body["line_items"] if name == "acp" else body["lines"]
        products = [line["item"]["id"] if name == "acp" else line["product_id"] for line in lines]

        assert [line["id" if name == "acp" else "line_id"] for line in lines] == [PODS, FILTERS]
        assert products == ["pods", "filters"]
        assert [line["quantity" if name == "acp" else "packs"] for line in lines] == [2, 1]

    def test_acceptance_places_both_lines_once(self, name):
        order, events = report(name, submitted(name), "accepted")

        assert order.state is State.PLACED
        assert [(type(event).__name__, len(event.lines)) for event in events] == [("OrderPlaced", 2)]
        assert report(name, order, "accepted")[1] == ()

    def test_delivery_without_lines_counts_for_all_once(self, name):
        order, events = report(name, placed(name), "delivered")

        assert a.states(order) == [DELIVERED, DELIVERED]
        assert [len(event.lines) for event in events if type(event).__name__ == "OrderDelivered"] == [2]
        assert report(name, order, "delivered")[1] == ()

    def test_account_can_limit_the_lines(self, name):
        assert max_lines(replace(a.ACME, protocol=name)) is None
        assert max_lines(replace(a.ACME, protocol=name, account={"max_lines": 1})) == 1
        check_account = get_protocol(name).check_account
        if check_account is not None:
            check_account({"max_lines": 1} | ({"email": "shop@example.org"} if name == "hosted" else {}))


class Proofs:
    """For each claim of LineSupport, a report or request that exercises it."""

    async def part_shipments(self, name):
        order, events = report(name, placed(name), "shipped", Said(FILTERS, "shipped", 1))
        assert a.states(order) == [ORDERED, SHIPPED]
        assert [[line.line_id for line in event.lines] for event in events] == [[FILTERS]]

        order, _ = report(name, order, "shipped", Said(PODS, "shipped", 1, 1), Said(FILTERS, "shipped", 1))
        assert (order.lines[0].shipped_quantity, order.lines[0].remaining_quantity) == (20, 20)

        order, _ = report(name, order, "shipped", Said(PODS, "shipped", 2, 0), Said(FILTERS, "shipped", 1))
        assert (order.lines[0].shipped_quantity, order.lines[0].remaining_quantity) == (40, 0)

    async def delivery_per_line(self, name):
        said = Said(PODS, "shipped", 2), Said(FILTERS, "delivered", 1)
        order, _ = report(name, placed(name), "shipped", *said)
        assert a.states(order) == [SHIPPED, DELIVERED]

        order, _ = report(name, order, "delivered", Said(PODS, "delivered", 2), Said(FILTERS, "delivered", 1))
        assert a.states(order) == [DELIVERED, DELIVERED]

    async def price_per_line(self, name):
        said = Said(PODS, "accepted", price=900), Said(FILTERS, "accepted", price=340)
        order, _ = report(name, submitted(name), "accepted", *said)
        assert [line.billed for line in order.lines] == [900, 340]

    async def refuse_line(self, name):
        order, events = report(name, submitted(name), "accepted", Said(FILTERS, "refused"))
        order, _ = report(name, order, "accepted", Said(PODS, "accepted"))
        assert a.states(order) == [ORDERED, REFUSED]
        assert "OrderLinesRefused" in [type(event).__name__ for event in events]

    async def cancel_line(self, name):
        order = a.with_line(placed(name), FILTERS, cancellation=CANCELLATION)
        (body,) = await request(name, order, ProviderRequest.CANCEL)
        assert body.get("line_ids") == [FILTERS] or [line["line_id"] for line in body["lines"]] == [FILTERS]

    async def substitute_per_line(self, name):
        said = Said(PODS, "shipped", 2), Said(FILTERS, "shipped", 1, substitute="paper-filters")
        order, _ = report(name, placed(name), "shipped", *said)
        assert [line.substitute for line in order.lines] == [None, "paper-filters"]


class Denials:
    """For each claim that a protocol denies, what happens instead."""

    async def acp_refuse_line(self):
        """A checkout with a problem is refused as a whole; a line that is dropped later is cancelled."""
        message = {"type": "error", "code": "out_of_stock", "content": "filters: sold out"}
        plain = {"id": "cs_1", "status": "not_ready_for_payment", "currency": "usd", "messages": [message]}
        assert obstacle(parse(Session, json.dumps(plain).encode()), a.basket()) == "filters: sold out"
        assert a.states(report("acp", placed("acp"), "accepted", Said(FILTERS, "cancelled"))[0]) == [ORDERED, CANCELLED]

    async def acp_cancel_line(self):
        client = RecordingClient({})
        with pytest.raises(RejectedError):
            await acp.cancel(a.with_line(a.basket(State.PLACED), PODS, cancellation=CANCELLATION), client)
        assert client.bodies == []

    async def acp_substitute_per_line(self):
        """An item of the order under another id is the merchant's id of the same product."""
        said = Said(PODS, "shipped", 2), Said(FILTERS, "shipped", 1, substitute="paper-filters")
        order, _ = report("acp", placed("acp"), "shipped", *said)
        assert [line.substitute for line in order.lines] == [None, None]

    async def hosted_price_per_line(self):
        with pytest.raises(NotExpressibleError, match="price"):
            report("hosted", submitted("hosted"), "accepted", Said(PODS, "accepted", price=900))

    async def hosted_substitute_per_line(self):
        with pytest.raises(NotExpressibleError, match="product_id"):
            report("hosted", placed("hosted"), "shipped", Said(PODS, "shipped", substitute="other"))

    async def assisted_part_shipments(self):
        self._is_about_the_order("accepted")

    async def assisted_delivery_per_line(self):
        self._is_about_the_order("delivered")

    async def assisted_price_per_line(self):
        self._is_about_the_order("accepted")

    async def assisted_refuse_line(self):
        self._is_about_the_order("accepted")

    async def assisted_substitute_per_line(self):
        self._is_about_the_order("delivered")

    def _is_about_the_order(self, status):
        with pytest.raises(NotExpressibleError, match="lines"):
            report("assisted", submitted("assisted"), status, Said(PODS, status))


@pytest.mark.parametrize("claim", CLAIMS)
@pytest.mark.parametrize("name", sorted(WIRES))
async def test_line_support_is_true(name, claim):
    if getattr(get_protocol(name).lines, claim):
        await getattr(Proofs(), claim)(name)
        assert not hasattr(Denials, f"{name}_{claim}")
    else:
        await getattr(Denials(), f"{name}_{claim}")()


@pytest.mark.parametrize("claim", CLAIMS)
async def test_proof_fails_for_a_protocol_that_denies_the_claim(claim):
    denying = [name for name in sorted(WIRES) if not getattr(get_protocol(name).lines, claim)]
    for name in denying:
        with pytest.raises((AssertionError, NotExpressibleError, RejectedError)):
            await getattr(Proofs(), claim)(name)


class TestOneLineProtocol:
    def test_drs_orders_have_one_line_without_anything_of_its_own(self):
        assert get_protocol("drs").lines == LineSupport(max_lines=1)
        assert max_lines(replace(a.ACME, protocol="drs")) == 1
        assert max_lines(replace(a.ACME, protocol="drs", account={"max_lines": 5})) == 1


def test_responders_are_those_of_the_wires():
    assert get_protocol("hosted").responder is Responder.SHOP
    assert get_protocol("assisted").responder is Responder.CUSTOMER
