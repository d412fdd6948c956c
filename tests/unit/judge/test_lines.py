"""check_lines, check_updates and check_goods find lines and parcels that are counted never, twice or wrongly."""

import pytest

from tests.unit.judge.scenario import ORDER, PLACE, POOL, registered, restocked
from tests.unit.judge.two_lines import FILTERS, PODS, TwoLines, in_two_parcels, line, one_cancelled
from tests.unit.judge.verdicts import anomalies, kinds, record, verdict_of


class TestConsistent:
    @pytest.mark.parametrize("build", [in_two_parcels, one_cancelled])
    def test_order_of_two_lines_is_green(self, build):
        verdict = verdict_of(build())

        assert verdict.green, verdict.anomalies
        assert verdict.figures["orders_of_several_lines"] == 1

    def test_part_of_line_in_each_parcel_is_green(self):
        scenario = TwoLines()
        scenario.placed()
        scenario.ships(PODS, "a", complete=False, quantity=20)
        scenario.update_lines(
            "shipped", {"line_id": "1"}, {"line_id": "2", "quantity": 30, "remaining": 0}, shipment_id="b"
        )
        scenario.lines_fact("OrderShipped", line(PODS, 40), line(FILTERS, 30), shipment_id="b", complete=True)
        scenario.payment("PaymentCaptured", 1000 + 301 * 3 // 4 + 199)
        scenario.arrives(PODS, complete=False)
        scenario.arrives(FILTERS, complete=True, quantity=30)
        scenario.lines_fact("ClaimRaised", line(FILTERS, 10), ordered=40, received=30)

        verdict = verdict_of(scenario)

        assert verdict.green, verdict.anomalies
        assert verdict.figures["lines_in_several_parcels"] == 1
        assert verdict.figures["lines_short"] == 1

    def test_split_order_is_green(self):
        scenario = TwoLines()
        scenario.approved()
        scenario.lines_fact("OrderDrafted", PODS, packs=2)
        scenario.lines_fact("OrderDrafted", FILTERS, packs=1, order_id="o1-part")
        scenario.lines_fact("OrderFailed", PODS, reason="no provider")
        scenario.lines_fact("OrderFailed", FILTERS, reason="no provider", order_id="o1-part")

        assert verdict_of(scenario).green, anomalies(scenario)


class TestCheckLines:
    def test_second_delivery_of_line_is_doubled(self):
        scenario = in_two_parcels()
        scenario.lines_fact("OrderDelivered", PODS, complete=True)

        assert verdict_of(scenario).doubled == 1
        assert "line 1 of order o1 was delivered before" in anomalies(scenario)

    def test_second_event_of_shipment_is_doubled(self):
        scenario = in_two_parcels()
        scenario.lines_fact("OrderShipped", line(PODS, 60), shipment_id="b", complete=True)

        assert "shipment b was published before" in anomalies(scenario)

    def test_line_that_leaves_again_without_shipment_id_is_doubled(self):
        scenario = TwoLines()
        scenario.placed()
        scenario.lines_fact("OrderShipped", PODS, FILTERS, complete=True)
        scenario.lines_fact("OrderShipped", PODS, complete=True)

        assert "all of line 1 of order o1 had left before" in anomalies(scenario)

    def test_delivery_without_shipment_is_forbidden(self):
        scenario = TwoLines()
        scenario.placed()
        scenario.ships(FILTERS, "a", complete=False)
        scenario.lines_fact("OrderDelivered", PODS, complete=False)

        assert "line 1 of order o1 was delivered but never shipped" in anomalies(scenario)

    @pytest.mark.parametrize(
        ("kind", "word"),
        [("OrderShipped", "shipped"), ("OrderDelivered", "delivered"), ("OrderReturned", "returned")],
    )
    def test_cancelled_line_does_not_move(self, kind, word):
        scenario = one_cancelled()
        scenario.lines_fact(kind, PODS)

        assert "forbidden" in kinds(scenario)
        assert f"line 1 of order o1 was {word}" in anomalies(scenario)

    def test_line_that_left_is_not_cancelled(self):
        scenario = in_two_parcels()
        scenario.lines_fact("OrderLinesCancelled", PODS, complete=True, by="provider", reason="too late")

        assert "line 1 of order o1 was cancelled after it was delivered" in anomalies(scenario)

    def test_second_end_of_line_is_doubled(self):
        scenario = one_cancelled()
        scenario.lines_fact("OrderLinesCancelled", PODS, complete=True, by="provider", reason="too late")

        assert "line 1 of order o1 was cancelled before" in anomalies(scenario)

    def test_order_that_ends_with_open_line_is_forbidden(self):
        scenario = TwoLines()
        scenario.placed()
        scenario.lines_fact("OrderCancelled", PODS, by="customer", reason="we have enough")

        assert "line 2 of order o1 is ordered after OrderCancelled" in anomalies(scenario)

    def test_order_with_goods_does_not_end_without_goods(self):
        scenario = TwoLines()
        scenario.placed()
        scenario.ships(FILTERS, "a", complete=False)
        scenario.lines_fact("OrderCancelled", PODS, by="customer", reason="we have enough")

        assert "OrderCancelled, although line 2 of order o1 had left" in anomalies(scenario)

    def test_event_about_unknown_line_is_phantom(self):
        scenario = in_two_parcels()
        scenario.lines_fact("OrderShipped", line(PODS, line_id="3"), complete=True)

        assert "line 3 of order o1 was never drafted" in anomalies(scenario)

    def test_short_line_without_claim_is_lost(self):
        scenario = TwoLines()
        scenario.placed()
        scenario.ships(PODS, "a", complete=False, quantity=50)
        scenario.arrives(PODS, complete=False, quantity=50)

        assert "line 1 of order o1 arrived short, but no ClaimRaised followed" in anomalies(scenario)

    def test_claim_of_more_than_missing_differs(self):
        scenario = in_two_parcels()
        scenario.lines_fact("ClaimRaised", line(PODS, 10), ordered=70, received=60)

        assert "claim of 60 of 70, 60 of 60 were delivered" in anomalies(scenario)

    def test_second_claim_of_line_is_doubled(self):
        scenario = in_two_parcels()
        for _ in range(2):
            scenario.lines_fact("ClaimRaised", line(PODS, 10), ordered=60, received=50)

        assert "line 1 of order o1 was claimed before" in anomalies(scenario)

    def test_second_return_of_line_is_doubled(self):
        scenario = in_two_parcels()
        for _ in range(2):
            scenario.lines_fact("OrderReturned", line(PODS, 20))

        assert "line 1 of order o1 was returned before" in anomalies(scenario)

    def test_return_of_more_than_received_differs(self):
        scenario = in_two_parcels()
        scenario.lines_fact("OrderReturned", line(PODS, 61))

        assert "61 returned, 60 received" in anomalies(scenario)

    @pytest.mark.parametrize(("kind", "place"), [("OrderShipped", 0), ("OrderDelivered", 0), ("OrderDelivered", -1)])
    def test_wrong_complete_differs(self, kind, place):
        scenario = in_two_parcels()
        wrong = [one for one in scenario.inputs.topics["orders"] if one.type == kind][place]
        wrong.event["data"]["complete"] = not wrong.event["data"]["complete"]

        assert f"{kind} with complete={wrong.data['complete']}" in anomalies(scenario)


class TestPools:
    def test_second_open_line_of_pool(self):
        scenario = TwoLines()
        scenario.placed()
        scenario.lines_fact("OrderDrafted", line(PODS, epoch=3), packs=2, order_id="o2")

        assert "ann/pods has the open line 1 of order o1 and got line 1 of order o2" in anomalies(scenario)

    def test_second_line_of_epoch(self):
        scenario = in_two_parcels()
        scenario.lines_fact("OrderDrafted", PODS, packs=2, order_id="o2")

        assert "epoch 1 of ann/pods was ordered before, as line 1 of order o1" in anomalies(scenario)

    def test_second_approval_of_pool_with_open_line(self):
        scenario = TwoLines()
        scenario.placed()
        scenario.approved(order_id="o2", lines=(line(FILTERS, epoch=3),))

        assert "ann/filters has the open order o1 and got o2" in anomalies(scenario)

    def test_next_approval_after_end_of_line_while_order_goes_on(self):
        scenario = TwoLines()
        scenario.placed()
        scenario.update_lines("cancelled", {"line_id": "1"})
        scenario.lines_fact("OrderLinesCancelled", PODS, complete=False, by="customer", reason="we have enough")
        scenario.approved(order_id="o2", lines=(line(PODS, epoch=3),))

        assert "has the open order" not in anomalies(scenario)

    def test_crossing_is_decided_by_second_line_of_approval(self):
        scenario = registered()
        trigger = POOL | PLACE | {"pool_id": "ann/filters", "product_id": "filters", "epoch": 2}
        scenario.add_event("reorders", "TriggerSet", trigger)
        scenario.add_event("slots", "ThresholdCrossed", trigger)
        assert verdict_of(scenario).lost == 1

        approval = ORDER | PLACE | {"epoch": 1, "packs": 2, "pack_size": 30, "quantity": 60, "lines": [PODS, FILTERS]}
        scenario.add_event("reorders", "ReorderApproved", approval)

        assert "no decision followed" not in anomalies(scenario)

    def test_approved_line_that_is_not_drafted_is_lost(self):
        scenario = TwoLines()
        scenario.approved()
        scenario.lines_fact("OrderDrafted", PODS, packs=2)
        scenario.lines_fact("OrderFailed", PODS, reason="no provider")

        assert "line 2 of order o1 was approved but never drafted" in anomalies(scenario)

    def test_line_missing_in_request_is_lost(self):
        scenario = in_two_parcels()
        record(scenario, "provider-orders-acme", "OrderRequested").event["data"]["lines"] = [PODS]

        assert "line 2 of order o1 is missing in the request" in anomalies(scenario)

    def test_line_requested_with_another_quantity_differs(self):
        scenario = in_two_parcels()
        request = record(scenario, "provider-orders-acme", "OrderRequested")
        request.event["data"]["lines"] = [PODS, line(FILTERS, 41)]

        assert "line 2 of order o1: 41 requested, not the drafted quantity" in anomalies(scenario)


class TestCheckUpdates:
    def test_lost_part_shipment(self):
        scenario = TwoLines()
        scenario.placed()
        scenario.ships(FILTERS, "a", complete=False)
        scenario.update_lines("shipped", {"line_id": "1", "quantity": 60}, shipment_id="b")

        assert "line 1 of order o1: the provider reported shipped, but no OrderShipped followed" in anomalies(scenario)

    def test_lost_second_parcel_of_line(self):
        scenario = TwoLines()
        scenario.placed()
        scenario.ships(PODS, "a", complete=False, quantity=20)
        scenario.update_lines("shipped", {"line_id": "1", "quantity": 40}, shipment_id="b")

        assert "line 1 of order o1: the provider reported shipped, but no OrderShipped followed" in anomalies(scenario)

    def test_repeated_report_of_parcel_counts_once(self):
        scenario = in_two_parcels()
        for _ in range(2):
            scenario.update_lines("shipped", {"line_id": "1", "quantity": 60}, shipment_id="b")

        assert verdict_of(scenario).green, anomalies(scenario)

    def test_parcel_that_was_not_reported_is_phantom(self):
        scenario = in_two_parcels()
        record(scenario, "orders", "OrderShipped").event["data"]["shipment_id"] = "c"

        assert "line 2 of order o1: shipment c was never reported" in anomalies(scenario)

    def test_parcel_with_another_quantity_differs(self):
        scenario = in_two_parcels()
        record(scenario, "orders", "OrderShipped").event["data"]["lines"][0]["quantity"] = 39

        assert "line 2 of order o1: 39 left in shipment a, 40 reported" in anomalies(scenario)

    def test_delivered_quantity_that_did_not_leave_differs(self):
        scenario = in_two_parcels()
        for topic, kind in (("orders", "OrderDelivered"), ("stock", "StockArrived")):
            data = record(scenario, topic, kind).event["data"]
            (data["lines"][0] if "lines" in data else data)["quantity"] = 41

        assert "line 2 of order o1: 41 delivered, 40 left" in anomalies(scenario)

    def test_delivery_reported_without_event_is_lost(self):
        scenario = TwoLines()
        scenario.placed()
        scenario.ships(FILTERS, "a", complete=False)
        scenario.update_lines("delivered", {"line_id": "2"}, shipment_id="a")

        assert "line 2 of order o1: the provider reported delivered" in anomalies(scenario)

    def test_delivery_of_one_of_two_parcels_needs_no_event(self):
        scenario = TwoLines()
        scenario.placed()
        scenario.ships(PODS, "a", complete=False, quantity=20)
        scenario.ships(PODS, "b", complete=False, quantity=40)
        scenario.update_lines("delivered", {"line_id": "1"}, shipment_id="a")
        assert "the provider reported delivered" not in anomalies(scenario)

        scenario.update_lines("delivered", {"line_id": "1"}, shipment_id="b")

        assert "line 1 of order o1: the provider reported delivered" in anomalies(scenario)

    def test_cancelled_line_that_is_still_open_is_lost(self):
        scenario = TwoLines()
        scenario.placed()
        scenario.update_lines("cancelled", {"line_id": "1"})

        assert "line 1 of order o1: the provider reported cancelled" in anomalies(scenario)

    def test_parcel_in_log_that_was_not_published(self):
        scenario = in_two_parcels()
        scenario.provider("shipped", update={"shipment_id": "c", "lines": [{"line_id": "1"}]})

        assert "logged `shipped` for order o1, but did not publish it" in anomalies(scenario)

    def test_accepted_line_with_another_quantity_differs(self):
        scenario = in_two_parcels()
        scenario.inputs.providers[0]["update"]["lines"] = [{"line_id": "2", "quantity": 41}]

        assert "line 2 of order o1: accepted 41, not the requested quantity" in anomalies(scenario)


class TestCredits:
    def test_line_credited_twice_is_doubled(self):
        scenario = in_two_parcels()
        credit = [one for one in scenario.inputs.topics["stock"] if one.type == "StockArrived"][-1]
        scenario.add_event("stock", "StockArrived", credit.data | {"shelf": 120})

        verdict = verdict_of(scenario)

        assert verdict.doubled == 1
        assert "line 1 of order o1 arrived before" in anomalies(scenario)

    def test_line_without_credit_is_lost(self):
        scenario = in_two_parcels()
        scenario.drop(record(scenario, "stock", "StockArrived"))

        assert "line 2 of order o1 was delivered but never credited" in anomalies(scenario)

    def test_line_credited_as_another_product_differs(self):
        scenario = in_two_parcels()
        record(scenario, "stock", "StockArrived").event["data"]["product_id"] = "pods"

        assert "line 2 of order o1: filters delivered, pods credited" in anomalies(scenario)

    def test_each_line_fills_its_slot(self):
        scenario = registered(loading="direct")
        slots = scenario.inputs.topics["accounts"][0].data["slots"]
        slots.append(slots[0] | {"slot": "2", "product_id": "filters"})
        scenario.lines_fact = TwoLines.lines_fact.__get__(scenario)
        scenario.lines_fact("OrderDelivered", line(PODS, 30), line(FILTERS, 20))
        for place, product_id, quantity in (("1", "pods", 30), ("2", "filters", 20)):
            filled = {"device_id": "brewer", "slot": place, "product_id": product_id, "quantity": quantity}
            scenario.add_event("slots", "SlotFilled", filled | {"cause": "arrival", "order_id": "o1"})
            scenario.row("consumption.slot", device_id="brewer", slot=place, level=50 + quantity, used_total=0)
        assert not [one for one in verdict_of(scenario).anomalies if one.where.startswith("slot ")]

        scenario.inputs.tables["consumption.slot"][1]["level"] = 80
        scenario.drop(scenario.inputs.topics["slots"][1])

        assert "level is 80, its reports give [70]" in anomalies(scenario)
        assert "line 2 of order o1 was delivered but filled no slot" in anomalies(scenario)


class TestNotices:
    def test_notice_of_each_parcel_in_one_mail(self):
        scenario = in_two_parcels()
        for notice in ("n1", "n2"):
            told = {"customer_id": "ann", "notice_id": notice, "kind": "order_shipped", "channel": "email"}
            scenario.add_event("notices", "CustomerNotified", told | {"order_id": "o1"})
            row = {"notice_id": notice, "kind": "order_shipped", "order_id": "o1", "state": "sent"}
            scenario.row("notification.notice", sent_with="n1", **row)
        scenario.row("notification.notice", kind="order_placed", order_id="o1", notice_id="n0", state="off")
        scenario.mail("n1")
        assert verdict_of(scenario).green, anomalies(scenario)

        told = {"customer_id": "ann", "notice_id": "n3", "kind": "order_shipped", "order_id": "o1"}
        scenario.add_event("notices", "CustomerNotified", told)

        assert "was notified before" in anomalies(scenario)


def test_events_without_lines_are_about_line_1():
    scenario = restocked()
    scenario.add_event("stock", "StockArrived", record(scenario, "stock", "StockArrived").data | {"line_id": "1"})

    assert "line 1 of order o1 arrived before" in anomalies(scenario)
