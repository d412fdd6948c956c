"""Property test: the captures of an order's shipments sum to what is due at the end, as the payment service takes it."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as some

from services.order_dispatch.payments.domain import mark_unknown, request_capture, request_refund
from tests.support import payments as pay

#: What happens after a part was requested: nothing, so that the next request waits, or an answer; and a refund.
SHIPMENT = some.tuples(
    some.integers(0, 400), some.sampled_from(["wait", "confirm", "decline", "lose"]), some.integers(0, 300)
)


@settings(max_examples=400)
@given(
    shipments=some.lists(SHIPMENT, max_size=6),
    last=some.integers(0, 400),
    rules=some.sampled_from(pay.RULES),
    new=some.sampled_from([pay.NEW, pay.NEW_SEVERAL]),
    repeats=some.booleans(),
)
def test_parts_sum_to_due_total(shipments, last, rules, new, repeats):
    payment, decisions, due_total, refunds = pay.authorized(replace(new, rules=rules)), [], 0, 0

    def apply(decision):
        nonlocal payment
        decisions.append(decision)
        payment = decision.payment
        assert 0 <= payment.refunded <= payment.captured <= payment.authorized

    for due, then, refund in shipments:
        due_total = min(1000, due_total + due)
        for _ in range(1 + repeats):
            apply(request_capture(payment, due_total, pay.NOON, final=False))
        if payment.step and then == "lose":
            apply(mark_unknown(payment, pay.NOON))
        if payment.step and then == "decline":
            apply(pay.decline(payment))
        elif payment.step and then != "wait":
            apply(pay.confirm(payment))
        refundable = min(refund, payment.captured - payment.refund_requested)
        if refundable > 0:
            refunds += refundable
            apply(request_refund(payment, refundable, pay.NOON))
    due_total = min(1000, due_total + last)
    for _ in range(1 + repeats):
        apply(request_capture(payment, due_total, pay.NOON))
    while payment.step:
        apply(pay.confirm(payment))
    due_total -= due_total % rules.step

    assert (payment.captured, payment.held) == (due_total, 0)
    assert payment.released == 1000 - due_total
    declined = [then for _, then, _ in shipments if then == "decline"]
    assert payment.refunded == min(payment.captured, refunds + -refunds % rules.step) or declined
    captures = [event for decision in decisions for event in decision.events if hasattr(event, "more_follows")]
    assert sum(event.amount for event in captures) == due_total
    assert all(event.amount % rules.step == 0 for event in captures)
    assert all(event.amount >= rules.minimum for event in captures[:-1])
    books = pay.balances(*decisions)
    net = due_total - payment.refunded
    assert {account: amount for account, amount in books.items() if account.startswith(("cash", "provider"))} == (
        {"cash:sandbox": net, "provider:acme": -net} if net else {}
    )
    assert (books.get("held:sandbox", 0), books.get("customer:ann", 0)) == (-1000, 1000)  # of the authorization
