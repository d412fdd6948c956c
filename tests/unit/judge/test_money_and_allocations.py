"""check_money, check_allocations and check_order_tables find money, stock and states that do not follow from the lines."""

import pytest

from tests.judge.order_tables import states_allowed
from tests.unit.judge.two_lines import FEE, FILTERS, PODS, PRICE, TwoLines, in_two_parcels, one_cancelled
from tests.unit.judge.verdicts import anomalies, kinds, record, verdict_of


class TestCaptures:
    def test_second_authorization_is_doubled(self):
        scenario = in_two_parcels()
        scenario.payment("PaymentAuthorized", PRICE)

        assert "order o1 was authorized before" in anomalies(scenario)

    def test_authorization_of_another_amount_differs(self):
        scenario = in_two_parcels()
        record(scenario, "orders", "PaymentAuthorized").event["data"]["amount"] = PRICE - 1

        assert f"{PRICE - 1} authorized, its price is {PRICE}" in anomalies(scenario)

    def test_line_that_ends_before_authorization_may_lower_it(self):
        scenario = TwoLines()
        scenario.approved()
        scenario.lines_fact("OrderDrafted", PODS, FILTERS, packs=2, price=PRICE, fee=FEE, currency="EUR")
        scenario.lines_fact("OrderLinesCancelled", FILTERS, complete=False, by="customer", reason="we have enough")
        authorized = scenario.payment("PaymentAuthorized", PRICE - 301)
        assert "authorized" not in anomalies(scenario)

        authorized.event["data"]["amount"] = PRICE - 300

        assert f"{PRICE - 300} authorized" in anomalies(scenario)

    def test_line_captured_twice_while_other_was_cancelled(self):
        scenario = one_cancelled()
        scenario.payment("PaymentCaptured", 301)

        assert "order o1: 801 captured, the goods that left cost 500" in anomalies(scenario)

    def test_capture_before_goods_leave(self):
        scenario = in_two_parcels()
        first, second = [one for one in scenario.inputs.topics["orders"] if one.type == "PaymentCaptured"]
        first.event["data"]["amount"], second.event["data"]["amount"] = 501, 999

        assert "order o1: 501 captured, the goods that left cost 500" in anomalies(scenario)

    def test_capture_without_authorization_is_phantom(self):
        scenario = in_two_parcels()
        scenario.drop(record(scenario, "orders", "PaymentAuthorized"))

        assert "PaymentCaptured without PaymentAuthorized" in anomalies(scenario)

    def test_goods_that_were_not_captured_are_lost(self):
        scenario = one_cancelled()
        scenario.drop(record(scenario, "orders", "PaymentCaptured"))

        assert "order o1: 0 captured, the goods that left cost 500" in anomalies(scenario)

    def test_lower_price_of_provider_allows_lower_capture(self):
        scenario = one_cancelled()
        record(scenario, "orders", "PaymentCaptured").event["data"]["amount"] = 490
        record(scenario, "orders", "PaymentVoided").event["data"]["amount"] = 1010
        assert "lost" in kinds(scenario)

        record(scenario, "provider-updates-acme", "OrderUpdated").event["data"]["price"] = PRICE - 10

        assert verdict_of(scenario).green, anomalies(scenario)

    def test_refund_beyond_captures_is_unbalanced(self):
        scenario = one_cancelled()
        scenario.payment("PaymentRefunded", 501, refunded=501)

        assert not verdict_of(scenario).books_balanced

    def test_refund_counted_once_in_total_is_doubled(self):
        scenario = one_cancelled()
        for _ in range(2):
            scenario.payment("PaymentRefunded", 100, refunded=100)

        assert "200 refunded in all, the event has 100" in anomalies(scenario)

    def test_price_that_differs_from_lines_and_fee(self):
        scenario = in_two_parcels()
        drafted = record(scenario, "orders", "OrderDrafted").event["data"]
        drafted["fee"] = 198

        assert f"price {PRICE}, its lines and the fee cost {PRICE - 1}" in anomalies(scenario)


class TestPaymentTables:
    def test_line_captured_twice_in_table_is_doubled(self):
        scenario = in_two_parcels()
        scenario.inputs.tables["order_dispatch.order_line"][1]["captured"] = 602

        assert "line 2 of order o1: 602 captured, what left of it costs 301" in anomalies(scenario)

    def test_payment_captured_beyond_its_lines_is_doubled(self):
        scenario = in_two_parcels()
        scenario.inputs.tables["order_dispatch.order_line"][0]["captured"] = 900

        assert f"{PRICE} captured, {PRICE - 100} is due" in anomalies(scenario)

    @pytest.mark.parametrize("column", ["authorized", "captured", "refunded"])
    def test_payment_that_differs_from_events(self, column):
        scenario = in_two_parcels()
        scenario.inputs.tables["order_dispatch.payment"][0][column] += 1

        assert not verdict_of(scenario).books_balanced

    def test_transaction_that_does_not_sum_to_zero(self):
        scenario = in_two_parcels()
        scenario.inputs.tables["order_dispatch.money_entry"][0]["amount"] += 1

        assert "its entries sum to 1" in anomalies(scenario)

    def test_capture_at_payment_service_without_event_is_doubled(self):
        scenario = in_two_parcels()
        scenario.inputs.payments.append({"op": "captured", "payment_id": "p1", "amount": 301})

        assert f"PaymentCaptured sums to {PRICE}, the payment service has {PRICE + 301}" in anomalies(scenario)

    def test_capture_without_payment_service_is_phantom(self):
        scenario = in_two_parcels()
        scenario.inputs.payments.pop()

        assert kinds(scenario) == {"phantom"}


class TestAllocations:
    def test_one_of_two_lines_allocated_is_unbalanced(self):
        scenario = in_two_parcels()
        allocated = record(scenario, "stock", "StockAllocated").event["data"]
        allocated["lines"] = allocated["lines"][:1]

        assert "order o1, 2: 0 allocated, 40 requested" in anomalies(scenario)

    def test_second_allocation_is_doubled(self):
        scenario = in_two_parcels()
        scenario.add_event("stock", "StockAllocated", record(scenario, "stock", "StockAllocated").data)

        assert "order o1 got StockAllocated before" in anomalies(scenario)

    def test_shortage_that_names_one_of_its_lines(self):
        scenario = TwoLines()
        lines = [{"line_id": name, "product_id": "pods", "quantity": 30} for name in "12"]
        scenario.fact("AllocationRequested", lines=lines)
        short = {"product_id": "pods", "requested": 60, "available": 40, "line_ids": ["1"]}
        scenario.add_event("stock", "StockShort", {"order_id": "o1", "owner_id": "acme", "shortages": [short]})

        assert "pods is short for lines ['1'], its lines are ['1', '2']" in anomalies(scenario)

    def test_cancelled_line_that_stays_allocated_is_lost(self):
        scenario = one_cancelled()
        scenario.drop(record(scenario, "stock", "StockReleased"))

        assert "line 1 of order o1 was cancelled, but 60 stay allocated" in anomalies(scenario)

    def test_release_of_more_than_allocated_is_unbalanced(self):
        scenario = one_cancelled()
        scenario.add_event("stock", "StockReleased", record(scenario, "stock", "StockReleased").data)

        assert "order o1, 1: 60 more released than allocated" in anomalies(scenario)

    def test_stock_of_shipped_line_is_not_released(self):
        scenario = in_two_parcels()
        released = {"owner_id": "acme", "order_id": "o1"}
        released["lines"] = [{"line_id": "1", "product_id": "pods", "quantity": 1}]
        scenario.add_event("stock", "StockReleased", released)

        assert "line 1 of order o1: 60 left, 1 of its stock were released" in anomalies(scenario)

    def test_open_allocation_of_ended_line_is_lost(self):
        scenario = in_two_parcels()
        scenario.inputs.tables["inventory.allocation"][0]["state"] = "open"

        assert "open, but line 1 of order o1 is delivered" in anomalies(scenario)

    def test_negative_allocation_is_unbalanced(self):
        scenario = in_two_parcels()
        scenario.inputs.tables["inventory.allocation"][0]["shipped"] = 61

        assert not verdict_of(scenario).books_balanced


class TestOrderTables:
    @pytest.mark.parametrize(
        ("lines", "states"),
        [
            (["ordered", "cancelled"], {"drafted", "reserving", "authorizing", "placing", "unknown", "placed"}),
            (["ordered", "shipped"], {"shipped"}),
            (["ordered", "delivered"], {"shipped"}),
            (["ordered", "returned"], {"shipped"}),
            (["shipped", "refused"], {"shipped"}),
            (["delivered", "cancelled"], {"delivered"}),
            (["short", "returned"], {"delivered"}),
            (["returned", "refused"], {"returned"}),
            (["refused", "refused"], {"refused"}),
            (["refused", "cancelled"], {"cancelled", "failed"}),
        ],
    )
    def test_state_of_order_follows_from_lines(self, lines, states):
        assert states_allowed(lines) == states

    def test_order_in_state_that_its_lines_do_not_allow(self):
        scenario = in_two_parcels()
        scenario.inputs.tables["order_dispatch.orders"][0]["state"] = "shipped"

        assert "is shipped, its lines are delivered, delivered, which means delivered" in anomalies(scenario)

    @pytest.mark.parametrize(("column", "value"), [("state", "short"), ("quantity", 61), ("shipped_quantity", 59)])
    def test_line_that_differs_from_events(self, column, value):
        scenario = in_two_parcels()
        scenario.inputs.tables["order_dispatch.order_line"][0][column] = value

        assert f"{column} is {value}, the events give" in anomalies(scenario)

    def test_line_that_is_not_stored_is_lost(self):
        scenario = in_two_parcels()
        scenario.inputs.tables["order_dispatch.order_line"].pop()

        assert "line 2 of order o1 is not stored" in anomalies(scenario)

    def test_parcel_stored_twice_differs(self):
        scenario = in_two_parcels()
        extra = scenario.inputs.tables["order_dispatch.shipment_line"][0] | {"shipment_id": "c"}
        scenario.row("order_dispatch.shipment_line", **extra)

        assert "the events give {'a': 40}" in anomalies(scenario)
