"""Orders of several lines: what updates, people and time do to each line, and the order's state that follows."""

import pytest

from replenish_contracts.events import Evidence
from services.order_dispatch.domain import (
    LINE_TRANSITIONS,
    STATES_BY_SUMMARY,
    Cancellation,
    Decision,
    LineNotCancellableError,
    LinesSummary,
    LineState,
    NoSuchLineError,
    NotDeliveredError,
    OrderLine,
    Outcome,
    ProviderRequest,
    State,
    TooLateError,
    cancel,
    check_due_order,
    decide_update,
    flag_fraud,
    modify,
    order_state,
    record_count,
    return_goods,
    summarize,
)
from services.order_dispatch.domain.lines import IllegalLineTransitionError
from tests.support import orders as a

CANCELLATION = Cancellation("customer", "enough", a.NOON)
ORDERED, SHIPPED, DELIVERED = LineState.ORDERED, LineState.SHIPPED, LineState.DELIVERED
SHORT, CANCELLED, REFUSED, RETURNED = LineState.SHORT, LineState.CANCELLED, LineState.REFUSED, LineState.RETURNED


def names(decision):
    return [type(event).__name__ for event in decision.events]


def decide(order, update, at=a.NOON):
    return decide_update(order, update, a.ACME, a.TIMEOUTS, at)


def update(status, *lines, **changes):
    """Return an update about these lines, each a line id or an UpdateLine."""
    about = tuple(a.about(line) if isinstance(line, str) else line for line in lines)
    return a.update(status, lines=about, **changes)


def quantities(event):
    return {line.line_id: line.quantity for line in event.lines}


class TestSummary:
    @pytest.mark.parametrize(
        ("states", "summary"),
        [
            ((ORDERED, ORDERED), LinesSummary.WAITING),
            ((ORDERED, REFUSED), LinesSummary.WAITING),
            ((ORDERED, SHIPPED), LinesSummary.MOVING),
            ((ORDERED, DELIVERED), LinesSummary.MOVING),
            ((SHIPPED, RETURNED), LinesSummary.MOVING),
            ((DELIVERED, CANCELLED), LinesSummary.ARRIVED),
            ((SHORT, RETURNED), LinesSummary.ARRIVED),
            ((LineState.SUBSTITUTED, REFUSED), LinesSummary.ARRIVED),
            ((RETURNED, CANCELLED), LinesSummary.RETURNED),
            ((CANCELLED, REFUSED), LinesSummary.WITHOUT_GOODS),
        ],
    )
    def test_summarize(self, states, summary):
        order = a.basket()
        lines = [a.with_line(order, "1", state=state).lines[0] for state in states]

        assert summarize(lines) is summary

    def test_order_state_keeps_a_possible_state(self):
        assert order_state(State.UNKNOWN, a.basket().lines) is State.UNKNOWN

    def test_order_state_is_refused_only_if_every_line_was(self):
        refused = [
            a.with_line(a.basket(), line.line_id, state=REFUSED).find_line(line.line_id) for line in a.basket().lines
        ]
        mixed = [a.with_line(a.basket(), "1", state=CANCELLED).lines[0], refused[1]]

        assert order_state(State.PLACING, refused) is State.REFUSED
        assert order_state(State.PLACING, mixed) is State.CANCELLED

    def test_every_state_belongs_to_one_summary(self):
        assert sorted(state for states in STATES_BY_SUMMARY.values() for state in states) == sorted(State)

    def test_transition_outside_the_table_raises(self):
        with pytest.raises(IllegalLineTransitionError, match="from ordered to returned"):
            a.basket().lines[0].move_to(RETURNED)
        assert all(to_state is not ORDERED for _, to_state in LINE_TRANSITIONS)


class TestUpdateWithoutLines:
    @pytest.mark.parametrize("status", ["accepted", "shipped", "delivered", "refused", "cancelled"])
    def test_update_counts_for_all_lines_once(self, status):
        decision = a.apply(a.basket(State.PLACING), a.update(status))
        again = decide(decision.order, a.update(status, update_id="u2"))

        assert len(set(a.states(decision.order))) == 1
        assert {len(event.lines) for event in decision.events} == {2}
        assert again.decision is None or again.decision.events == ()

    def test_update_counts_for_the_lines_that_are_open(self):
        partly = a.apply(a.basket(State.PLACED), update("cancelled", "2", reason="gone")).order

        decision = a.apply(partly, a.update("shipped"))

        assert a.states(decision.order) == [SHIPPED, CANCELLED]
        assert quantities(decision.events[0]) == {"1": 40}

    @pytest.mark.parametrize(("value", "name"), [({"quantity": 5}, "quantity"), ({"product_id": "pods"}, "product_id")])
    def test_update_with_value_of_one_line_is_refused(self, value, name):
        decided = decide(a.basket(State.PLACED), a.update("shipped", **value))

        assert decided.outcome is Outcome.REFUSED
        assert decided.reason == f"the update has a {name} without a line; the order has 2 lines"


class TestUpdateOfLines:
    def test_unknown_line_is_left_out_with_a_note(self):
        decided = decide(a.basket(State.PLACED), update("shipped", "1", "7"))

        assert a.states(decided.decision.order) == [SHIPPED, ORDERED]
        assert [(note.field, note.value, note.reason) for note in decided.notes] == [
            ("lines.1", "7", "the order has the lines 1, 2")
        ]
        assert decided.asks

    @pytest.mark.parametrize("status", ["shipped", "delivered", "refused", "cancelled"])
    def test_goods_and_ends_need_a_line_of_the_order(self, status):
        decided = decide(a.basket(State.PLACED), update(status, "7"))

        assert (decided.outcome, decided.decision, decided.asks) == (Outcome.REFUSED, None, True)
        assert decided.reason == "there is no line 7; the order has the lines 1, 2"

    def test_acceptance_of_an_unknown_line_counts_for_the_order(self):
        decided = decide(a.basket(State.PLACING), update("accepted", "7"))

        assert (decided.outcome, decided.decision.order.state, decided.asks) == (Outcome.APPLIED, State.PLACED, True)

    def test_update_that_names_a_line_twice_is_refused(self):
        assert decide(a.basket(State.PLACED), update("shipped", "1", "1")).reason == "the update names a line twice"

    @pytest.mark.parametrize("status", ["resolving", "not_found"])
    def test_update_about_existence_covers_the_whole_order(self, status):
        some = decide(a.basket(State.UNKNOWN), update(status, "1"))
        every = decide(a.basket(State.UNKNOWN), update(status, "1", "2"))

        assert (some.outcome, every.outcome) == (Outcome.REFUSED, Outcome.APPLIED)

    def test_unknown_order_is_unknown_as_a_whole(self):
        unknown = check_due_order(a.basket(State.PLACING), a.TIMEOUTS, a.NOON + a.days(1))

        assert (unknown.order.state, a.states(unknown.order)) == (State.UNKNOWN, [ORDERED, ORDERED])
        failed = a.apply(unknown.order, a.update("not_found"))
        assert (failed.order.state, a.states(failed.order)) == (State.FAILED, [CANCELLED, CANCELLED])
        assert quantities(failed.events[0]) == {"1": 40, "2": 100}

    def test_update_accepts_one_line_and_refuses_the_other(self):
        mixed = update("accepted", "1", a.about("2", status="refused", reason="sold out"))

        decision = a.apply(a.basket(State.PLACING), mixed)

        assert names(decision) == ["OrderLinesRefused", "OrderPlaced"]
        refused, placed = decision.events
        assert (quantities(refused), refused.reason, refused.complete) == ({"2": 100}, "sold out", False)
        assert [line.line_id for line in placed.lines] == ["1"]
        assert (decision.order.state, a.states(decision.order)) == (State.PLACED, [ORDERED, REFUSED])

    def test_order_whose_lines_were_refused_one_by_one_is_refused(self):
        first = a.apply(a.basket(State.PLACING), update("refused", "1"))
        second = a.apply(first.order, update("refused", "2", update_id="u2"))

        assert (first.order.state, names(first)) == (State.PLACING, ["OrderLinesRefused"])
        assert (second.order.state, names(second)) == (State.REFUSED, ["OrderRefused"])
        assert [line.line_id for line in second.events[0].lines] == ["2"]

    def test_refused_line_of_an_accepted_order_is_cancelled(self):
        decision = a.apply(a.basket(State.PLACED), update("refused", "1", reason="sold out"))

        assert a.states(decision.order) == [CANCELLED, ORDERED]
        assert [(event.by, event.complete) for event in decision.events] == [("provider", False)]

    def test_last_line_refused_after_a_cancelled_one_cancels_the_order(self):
        first = a.apply(a.basket(State.PLACING), update("cancelled", "1")).order

        decision = a.apply(first, update("refused", "2"))

        assert (decision.order.state, names(decision)) == (State.CANCELLED, ["OrderLinesRefused"])
        assert decision.events[0].complete

    def test_what_does_not_fit_one_line_is_not_applied_to_it(self):
        shipped = a.apply(a.basket(State.PLACED), update("shipped", "1")).order

        decided = decide(shipped, update("cancelled", "1", "2"))

        assert (decided.outcome, decided.reason) == (Outcome.APPLIED, "line 1 is already shipped")
        assert a.states(decided.decision.order) == [SHIPPED, CANCELLED]

    def test_implausible_quantity_names_the_line(self):
        decided = decide(a.basket(State.PLACED), update("shipped", "1", a.about("2", quantity=100_000)))

        assert decided.reason == "implausible quantity for line 2: 100 ordered, 100000 reported"
        assert a.states(decided.decision.order) == [SHIPPED, ORDERED]

    def test_substitute_of_a_line_is_refused_and_the_line_cancelled(self):
        decided = decide(a.basket(State.PLACING), update("accepted", "1", a.about("2", product_id="paper")))

        order = decided.decision.order
        assert (decided.outcome, decided.reason) == (Outcome.APPLIED, "acme may not send paper instead of filters")
        assert decided.decision.requests == (ProviderRequest.CANCEL,)
        assert (order.cancellation, [line.line_id for line in order.lines_to_cancel]) == (None, ["2"])
        assert order.cancel_reason == decided.reason

    def test_dates_are_kept_per_line(self):
        soon, late = a.NOON + a.days(1), a.NOON + a.days(9)
        order = a.apply(a.basket(State.PLACED), update("accepted", "1", expected_at=soon, update_id="u2")).order
        order = a.apply(order, update("accepted", "2", expected_at=late, update_id="u3")).order

        assert [line.expected_at for line in order.lines] == [soon, late]
        assert (order.expected_at, order.check_at) == (late, soon)


class TestPartShipment:
    def test_line_leaves_while_another_waits(self):
        decision = a.apply(a.basket(State.PLACED), update("shipped", "1", tracking="T1"))

        (event,) = decision.events
        assert (quantities(event), event.complete, event.tracking) == ({"1": 40}, False, "T1")
        assert (decision.order.state, a.states(decision.order)) == (State.SHIPPED, [SHIPPED, ORDERED])

    def test_parcel_holds_a_part_and_the_rest_follows(self):
        first = a.apply(a.basket(State.PLACED), update("shipped", a.about("1", quantity=15), "2", shipment_id="A"))
        second = a.apply(first.order, update("shipped", a.about("1", quantity=25), shipment_id="B", update_id="u2"))

        assert (quantities(first.events[0]), first.events[0].complete) == ({"1": 15, "2": 100}, False)
        assert (quantities(second.events[0]), second.events[0].complete) == ({"1": 25}, True)
        assert second.order.find_line("1").shipped_quantity == 40

    def test_parcel_counts_once(self):
        first = a.apply(a.basket(State.PLACED), update("shipped", a.about("1", quantity=15), shipment_id="A")).order

        again = decide(first, update("shipped", a.about("1", quantity=15), shipment_id="A", update_id="u2"))

        assert (again.outcome, again.decision.events) == (Outcome.APPLIED, ())
        assert again.decision.order.lines == first.lines

    def test_lines_of_a_parcel_may_be_reported_one_by_one(self):
        first = a.apply(a.basket(State.PLACED), update("shipped", "1", shipment_id="A", tracking="T")).order

        second = a.apply(first, update("shipped", "1", "2", shipment_id="A", update_id="u2"))

        assert [quantities(event) for event in second.events] == [{"2": 100}]
        assert [(parcel.quantities, parcel.tracking) for parcel in second.order.shipments] == [
            ((("1", 40), ("2", 100)), "T")
        ]

    def test_parcel_without_lines_holds_all_that_is_to_leave(self):
        first = a.apply(a.basket(State.PLACED), update("shipped", a.about("1", quantity=15), shipment_id="A")).order

        decision = a.apply(first, a.update("shipped", shipment_id="B", update_id="u2"))

        assert (quantities(decision.events[0]), decision.events[0].complete) == ({"1": 25, "2": 100}, True)

    def test_quantity_without_parcel_is_the_total_that_left(self):
        first = a.apply(a.basket(State.PLACED), update("shipped", a.about("1", quantity=15, remaining=25))).order
        second = a.apply(first, update("shipped", a.about("1", quantity=40), update_id="u2"))

        assert first.lines[0].remaining_quantity == 25
        assert quantities(second.events[0]) == {"1": 25}
        assert second.events[0].shipment_id == "unnamed-2"
        assert second.order.lines[0].shipped_quantity == 40

    def test_quantity_without_parcel_and_rest_leaves_the_line_short(self):
        left = a.apply(a.basket(State.PLACED), update("shipped", a.about("1", quantity=15), "2")).order

        delivered = a.apply(left, a.update("delivered"))

        assert (left.has_all_left, a.states(delivered.order)) == (True, [SHORT, DELIVERED])
        assert [(event.ordered, event.received) for event in delivered.events if hasattr(event, "ordered")] == [
            (40, 15)
        ]

    def test_parcel_delivers_a_line_when_its_last_one_arrives(self):
        order = a.apply(
            a.basket(State.PLACED), update("shipped", a.about("1", quantity=15), "2", shipment_id="A")
        ).order
        order = a.apply(order, update("shipped", a.about("1", quantity=25), shipment_id="B", update_id="u2")).order

        first = a.apply(order, a.update("delivered", shipment_id="A", update_id="u3"))
        again = decide(first.order, a.update("delivered", shipment_id="A", update_id="u4"))
        last = a.apply(first.order, a.update("delivered", shipment_id="B", update_id="u5"))

        assert [(quantities(event), event.complete) for event in first.events] == [({"2": 100}, False)]
        assert a.states(first.order) == [SHIPPED, DELIVERED]
        assert again.outcome is Outcome.NOT_APPLIED
        assert [(quantities(event), event.complete) for event in last.events] == [({"1": 40}, True)]
        assert last.order.state is State.DELIVERED

    @pytest.mark.parametrize("arrival", ["A", "B"])
    def test_parcels_may_arrive_before_they_are_reported_as_shipped(self, arrival):
        order = a.apply(a.basket(State.PLACED), update("delivered", a.about("1", quantity=15), shipment_id=arrival))

        late = decide(order.order, update("shipped", a.about("1", quantity=15), shipment_id=arrival, update_id="u2"))

        assert names(order) == ["OrderShipped"]
        assert late.decision.events == ()
        assert order.order.lines[0].remaining_quantity == 25

    def test_provider_that_will_not_send_the_rest_leaves_the_line_short(self):
        order = a.apply(
            a.basket(State.PLACED), update("shipped", a.about("1", quantity=15), "2", shipment_id="A")
        ).order
        order = a.apply(order, a.update("delivered", shipment_id="A", update_id="u2")).order

        decision = a.apply(order, update("cancelled", "1", update_id="u3"))

        assert names(decision) == ["OrderDelivered", "ClaimRaised"]
        assert (decision.order.state, a.states(decision.order)) == (State.DELIVERED, [SHORT, DELIVERED])

    def test_lines_are_credited_once_each(self):
        order, credited = a.basket(State.PLACED), {}
        for number, lines in enumerate([("1",), ("1", "2"), ("2",), ()]):
            decided = decide(order, update("delivered", *lines, update_id=f"u{number}"))
            if decided.decision is None:
                continue
            order = decided.decision.order
            for event in decided.decision.events:
                if type(event).__name__ == "OrderDelivered":
                    for line in event.lines:
                        credited[line.line_id] = credited.get(line.line_id, 0) + 1

        assert credited == {"1": 1, "2": 1}


class TestDueLines:
    def test_shipped_line_arrives_on_its_date_while_the_other_is_asked_for(self):
        soon, late = a.NOON + a.days(1), a.NOON + a.days(2)
        order = a.apply(a.basket(State.PLACED), update("shipped", "1", expected_at=soon)).order
        order = a.apply(order, update("accepted", "2", expected_at=late, update_id="u2")).order

        arrived = check_due_order(order, a.TIMEOUTS, soon)
        asked = check_due_order(arrived.order, a.TIMEOUTS, late)

        assert (names(arrived), a.states(arrived.order)) == (["OrderDelivered"], [DELIVERED, ORDERED])
        assert (arrived.order.state, arrived.order.check_at, arrived.requests) == (State.SHIPPED, late, ())
        assert arrived.order.lines[0].evidence is Evidence.ESTIMATED
        assert (asked.requests, asked.order.check_at > late) == ((ProviderRequest.STATUS,), True)

    def test_order_is_estimated_if_one_line_is(self):
        order = a.apply(a.basket(State.PLACED), update("shipped", "1", "2")).order
        order = a.apply(order, update("delivered", "1", update_id="u2")).order

        delivered = check_due_order(order, a.TIMEOUTS, order.check_at).order

        assert delivered.evidence is Evidence.ESTIMATED


class TestCancelLines:
    def test_cancel_line_of_drafted_order_at_once(self):
        decision = cancel(a.basket(), CANCELLATION, ["2"])

        assert (a.states(decision.order), decision.order.state) == ([ORDERED, CANCELLED], State.DRAFTED)
        assert names(decision) == ["OrderLinesCancelled"]
        assert (quantities(decision.events[0]), decision.events[0].by) == ({"2": 100}, "customer")

    def test_cancel_line_before_authorization_lowers_the_price(self):
        assert cancel(a.basket(fee=200), CANCELLATION, ["2"]).order.price == 998 + 200
        assert cancel(a.basket(fee=200), CANCELLATION).order.price == 998 + 350 + 200

    def test_cancel_last_line_cancels_the_order(self):
        first = cancel(a.basket(), CANCELLATION, ["2"]).order

        decision = cancel(first, CANCELLATION, ["1"])

        assert (decision.order.state, names(decision)) == (State.CANCELLED, ["OrderCancelled"])
        assert cancel(decision.order, CANCELLATION, ["1"]) == Decision(decision.order)

    def test_cancel_line_of_submitted_order_sends_one_request(self):
        decision = cancel(a.basket(State.PLACED), CANCELLATION, ["2"])

        assert (decision.requests, decision.events) == ((ProviderRequest.CANCEL,), ())
        assert [line.line_id for line in decision.order.lines_to_cancel] == ["2"]
        assert cancel(decision.order, CANCELLATION, ["2"]) == Decision(decision.order)
        confirmed = a.apply(decision.order, update("cancelled", "2"))
        assert [(event.by, event.reason) for event in confirmed.events] == [("customer", "enough")]
        assert confirmed.order.lines_to_cancel == ()

    def test_cancel_every_line_cancels_the_order(self):
        decision = cancel(a.basket(State.PLACED), CANCELLATION, ["1", "2"])

        assert (decision.order.cancellation, decision.order.lines_to_cancel) == (CANCELLATION, ())

    def test_cancel_order_of_which_a_line_left_cancels_the_others(self):
        order = a.apply(a.basket(State.PLACED), update("shipped", "1")).order

        decision = cancel(order, CANCELLATION)

        assert [line.line_id for line in decision.order.lines_to_cancel] == ["2"]
        with pytest.raises(TooLateError) as raised:
            cancel(order, CANCELLATION, ["1"])
        assert (raised.value.state, str(raised.value)) == (SHIPPED, "line 1 is already shipped")

    def test_cancel_line_is_impossible_if_the_protocol_has_none(self):
        with pytest.raises(LineNotCancellableError, match="acme cannot cancel single lines"):
            cancel(a.basket(State.PLACED), CANCELLATION, ["2"], cancels_lines=False)
        assert cancel(a.basket(State.PLACED), CANCELLATION, cancels_lines=False).requests

    def test_cancel_unknown_line_names_the_lines(self):
        with pytest.raises(NoSuchLineError, match="there is no line 3; the order has the lines 1, 2"):
            cancel(a.basket(), CANCELLATION, ["3"])


class TestChangesOfLines:
    def test_modify_changes_one_line(self):
        decision = modify(a.basket(fee=200), 3, None, a.NOON, "2")

        assert [line.packs for line in decision.order.lines] == [2, 3]
        assert (decision.order.price, decision.events[0].fee) == (2 * 499 + 3 * 350 + 200, 200)
        assert [line.packs for line in decision.events[0].lines] == [2, 3]

    @pytest.mark.parametrize(
        "change", [lambda order: modify(order, 3, None, a.NOON), lambda order: record_count(order, 3, a.NOON)]
    )
    def test_line_must_be_named_if_there_are_several(self, change):
        with pytest.raises(NoSuchLineError, match="line_id is required; the order has the lines 1, 2"):
            change(a.basket())

    def test_count_of_one_line_claims_that_line_only(self):
        decision = record_count(a.basket(State.DELIVERED), 90, a.NOON, "2")

        assert a.states(decision.order) == [DELIVERED, SHORT]
        assert [(quantities(event), event.ordered, event.received) for event in decision.events] == [
            ({"2": 10}, 100, 90)
        ]

    def test_count_of_line_in_transit_delivers_it(self):
        decision = record_count(a.basket(State.SHIPPED), 40, a.NOON, "1")

        assert (names(decision), a.states(decision.order)) == (["OrderDelivered"], [DELIVERED, SHIPPED])
        assert not decision.events[0].complete

    def test_count_waits_for_the_rest_of_the_line(self):
        order = a.apply(a.basket(State.PLACED), update("shipped", a.about("1", quantity=15), shipment_id="A")).order

        with pytest.raises(NotDeliveredError, match="25 of it is still to be shipped"):
            record_count(order, 15, a.NOON, "1")

    def test_return_of_each_line_returns_the_order(self):
        first = return_goods(a.basket(State.DELIVERED), 40, CANCELLATION, "1")
        second = return_goods(first.order, 100, CANCELLATION, "2")

        assert (first.order.state, second.order.state) == (State.DELIVERED, State.RETURNED)
        assert [quantities(event) for event in (*first.events, *second.events)] == [{"1": 40}, {"2": 100}]
        with pytest.raises(NotDeliveredError, match="line 1 is returned"):
            return_goods(first.order, 1, CANCELLATION, "1")

    def test_return_of_one_line_while_the_other_is_on_its_way(self):
        order = a.apply(a.basket(State.SHIPPED), update("delivered", "1")).order

        decision = return_goods(order, 40, CANCELLATION, "1")
        end = a.apply(decision.order, update("delivered", "2"))

        assert (decision.order.state, end.order.state) == (State.SHIPPED, State.DELIVERED)

    def test_fraud_of_partly_shipped_order_requests_the_rest_back(self):
        order = a.apply(a.basket(State.PLACED), update("shipped", "1")).order

        decision = flag_fraud(order, "stolen card", a.NOON)

        assert (decision.requests, decision.order.cancellation.by) == ((ProviderRequest.CANCEL,), "fraud")


def test_line_has_terms_in_events():
    (drafted,) = a.basket_decision(fee=100).events

    assert [(line.packs, line.pack_size, line.unit_price, line.epoch, line.receipt_id) for line in drafted.lines] == [
        (2, 20, 499, 1, "r1"),
        (1, 100, 350, 1, "r2"),
    ]
    assert (drafted.product_id, drafted.pool_id, drafted.packs, drafted.quantity) == ("pods", "ann/pods", 2, 40)
    assert (drafted.price, drafted.fee) == (2 * 499 + 350 + 100, 100)
    assert isinstance(a.basket().lines[0], OrderLine)
