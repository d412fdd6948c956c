"""Orders and their lines, derived from events in any order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.portal.domain.order_events import is_end, read_order
from tests.unit.portal import events_of_orders as events
from tests.unit.portal.builders import DAY, NOW
from tests.unit.portal.events_of_orders import beans, pods

BEFORE_SHIPMENT = (events.approved(), events.drafted(), events.placed())


def states_of(*known):
    """Return the order's state and those of pods and beans."""
    order = read_order(known)
    return order.state, *(line.state for line in order.lines)


class TestStates:
    @pytest.mark.parametrize(
        ("known", "expected"),
        [
            ((), "due"),
            ((events.drafted(),), "drafted"),
            ((events.drafted(), events.cart_prepared()), "yours"),
            ((events.drafted(), events.unknown()), "unknown"),
            ((events.drafted(), events.unknown(), events.placed()), "placed"),
        ],
    )
    def test_are_those_of_the_order_until_something_is_shipped(self, known, expected):
        assert states_of(events.approved(), *known) == (expected, "ordered", "ordered")

    @pytest.mark.parametrize(
        ("known", "expected"),
        [
            ([events.shipped(pods(40))], ("shipped", "shipped", "ordered")),
            ([events.shipped(pods(), beans())], ("shipped", "shipped", "shipped")),
            ([events.shipped(pods()), events.delivered(pods())], ("shipped", "delivered", "ordered")),
            ([events.delivered(pods(), beans())], ("delivered", "delivered", "delivered")),
            ([events.delivered(pods(90), beans())], ("delivered", "short", "delivered")),
            ([events.delivered(pods(substitute="decaf"), beans())], ("delivered", "substituted", "delivered")),
            ([events.delivered(pods(90, substitute="decaf"), beans())], ("delivered", "short", "delivered")),
            ([events.delivered(pods(), beans()), events.claim_raised(pods(), 80)], ("delivered", "short", "delivered")),
            ([events.delivered(pods(0), beans(0), test=True)], ("delivered", "delivered", "delivered")),
            ([events.lines_refused(beans()), events.delivered(pods())], ("delivered", "delivered", "refused")),
            ([events.lines_cancelled(beans())], ("placed", "ordered", "cancelled")),
            ([events.lines_cancelled(beans()), events.shipped(pods())], ("shipped", "shipped", "cancelled")),
            ([events.lines_cancelled(beans()), events.lines_refused(pods())], ("cancelled", "refused", "cancelled")),
            ([events.lines_refused(beans()), events.lines_refused(pods())], ("refused", "refused", "refused")),
            ([events.delivered(pods(), beans()), events.returned(beans())], ("delivered", "delivered", "returned")),
            ([events.delivered(pods()), events.returned(pods())], ("shipped", "returned", "ordered")),
            (
                [events.delivered(pods(), beans()), events.returned(pods()), events.returned(beans())],
                ("returned", "returned", "returned"),
            ),
        ],
    )
    def test_of_lines_lead_to_that_of_the_order(self, known, expected):
        assert states_of(*BEFORE_SHIPMENT, *known) == expected

    @pytest.mark.parametrize(
        ("end", "expected"),
        [(events.refused(), "refused"), (events.cancelled(), "cancelled"), (events.failed(), "failed")],
    )
    def test_end_of_the_order_closes_its_open_lines(self, end, expected):
        assert states_of(*BEFORE_SHIPMENT, events.lines_refused(beans()), end) == (expected, expected, "refused")


class TestQuantities:
    def test_parcels_of_a_line_are_summed_once_each(self):
        first, second = events.shipped(pods(40), shipment_id="a"), events.shipped(pods(60), beans(), shipment_id="b")
        corrected = events.shipped(pods(99), shipment_id="a", hours=12)

        order = read_order([*BEFORE_SHIPMENT, first, first, second, corrected])

        assert [(line.quantity, line.shipped) for line in order.lines] == [(100, 100), (1000, 1000)]

    def test_parcels_without_id_are_told_apart_by_time(self):
        parcels = events.shipped(pods(40)), events.shipped(pods(60), hours=12)

        assert read_order([*BEFORE_SHIPMENT, *parcels]).lines[0].shipped == 100

    def test_first_delivery_of_a_line_counts(self):
        later = events.delivered(pods(5), beans(), hours=50)

        order = read_order([*BEFORE_SHIPMENT, later, events.delivered(pods(90))])

        assert [line.delivered for line in order.lines] == [90, 1000]

    def test_count_of_the_customer_takes_precedence(self):
        order = read_order([*BEFORE_SHIPMENT, events.delivered(pods(), beans()), events.claim_raised(pods(), 70)])

        assert [(line.delivered, line.is_claimed) for line in order.lines] == [(70, True), (1000, False)]

    def test_modified_terms_replace_drafted_ones(self):
        changed = events.modified(events.terms({"packs": 3, "quantity": 150}), price=2990)

        order = read_order([changed, events.drafted(hours=5)])

        assert [(line.packs, line.quantity) for line in order.lines] == [(3, 150), (1, 1000)]
        assert (order.price, order.fee) == (2990, 290)


class TestTotal:
    def test_excludes_lines_that_ended_without_goods(self):
        order = read_order([*BEFORE_SHIPMENT, events.lines_cancelled(beans())])

        assert (order.price, order.total) == (2490, 1290)

    def test_of_a_cancelled_order_is_what_was_agreed(self):
        assert read_order([*BEFORE_SHIPMENT, events.cancelled()]).total == 2490

    def test_of_change_is_without_lines_that_ended_before(self):
        remaining = events.terms({"packs": 3, "quantity": 150})[:1]
        known = [events.drafted(), events.lines_cancelled(beans(), hours=1), events.modified(remaining, price=1790)]

        assert read_order(known).total == 1790

    def test_is_unknown_if_price_of_ended_line_is(self):
        unpriced = events.terms(beans={"unit_price": None})

        order = read_order([events.drafted(unpriced), events.placed(unpriced), events.lines_cancelled(beans())])

        assert order.total is None


class TestSplit:
    def test_lines_of_the_other_order_are_not_shown(self):
        pods_only = events.terms()[:1]

        assert len(read_order([events.approved()]).lines) == 2
        assert [line.line_id for line in read_order([events.drafted(pods_only), events.approved()]).lines] == ["1"]


class TestEventsWithoutLines:
    def test_describe_the_only_line(self):
        only = events.terms()[:1]
        known = [
            *(events.drafted(only, price=1000, fee=None), events.placed(only)),
            *(events.shipped(pods(90)), events.delivered(pods(90)), events.claim_raised(pods(), 90)),
        ]

        order = read_order(events.without_lines(event) for event in known)

        (line,) = order.lines
        assert (order.state, line.state, order.total) == ("delivered", "short", 1000)
        assert (line.product_id, line.packs, line.pack_size, line.quantity) == ("pods", 2, 50, 100)
        assert (line.shipped, line.delivered) == (90, 90)

    def test_of_the_decision_have_the_line_too(self):
        (line,) = read_order([events.approved(lines=())]).lines

        assert (line.line_id, line.pack_size, line.quantity, line.receipt_id) == ("1", 50, 100, "receipt-pods")

    def test_leave_unknown_what_they_lack(self):
        (line,) = read_order([events.without_lines(events.delivered(pods(90)))]).lines

        assert (line.state, line.quantity, line.delivered, line.unit) == ("delivered", None, 90, None)


class TestTimes:
    def test_are_those_of_first_and_last_change(self):
        arrived = events.delivered(pods(), beans(), hours=48)

        order = read_order([*BEFORE_SHIPMENT, arrived, events.claim_raised(pods(), 70, hours=72)])

        assert (order.began_at, order.changed_at) == (NOW, NOW + 2 * DAY)


LIVES = [
    [
        *(*BEFORE_SHIPMENT, events.unknown(), events.lines_cancelled(beans())),
        *(events.shipped(pods(40), shipment_id="a", tracking="A-1"), events.shipped(pods(60), tracking="A-2")),
        *(events.delivered(pods(), complete=True), events.claim_raised(pods(), 80), events.returned(pods(80))),
    ],
    [
        *(*BEFORE_SHIPMENT, events.modified(events.terms({"packs": 1, "quantity": 50}), price=1990)),
        *(events.shipped(beans(), shipment_id="b"), events.delivered(beans(substitute="decaf-beans"))),
        *(events.shipped(pods(50), complete=True), events.delivered(pods(50), complete=True)),
    ],
    [*BEFORE_SHIPMENT, events.cart_prepared(), events.lines_refused(pods()), events.cancelled()],
    [events.without_lines(event) for event in (*BEFORE_SHIPMENT, events.shipped(pods()), events.delivered(pods()))],
]


@given(life=st.sampled_from(LIVES), data=st.data())
def test_order_does_not_depend_on_the_order_or_repetition_of_events(life, data):
    doubled = life + data.draw(st.lists(st.sampled_from(life)))

    shuffled = data.draw(st.permutations(doubled))

    assert read_order(shuffled) == read_order(life)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (events.delivered(pods()), False),
        (events.delivered(pods(), complete=True), True),
        (events.lines_cancelled(pods()), False),
        (events.lines_refused(pods(), complete=True), True),
        (events.cancelled(), True),
        (events.shipped(pods(), complete=True), False),
        (events.approved(), False),
    ],
)
def test_is_end_only_if_no_line_stays_open(event, expected):
    assert is_end(event) is expected
