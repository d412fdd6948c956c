"""check_sequences and check_progress find holes, repeated numbers and records that were not consumed."""

from tests.unit.judge.scenario import registered, restocked
from tests.unit.judge.verdicts import anomalies, kinds, verdict_of


class TestCheckSequences:
    def test_hole_counts_missing_records_as_lost(self):
        scenario = registered()
        scenario.add_event("offers", "OfferChanged", {})
        scenario.add_event("offers", "OfferChanged", {}, sequence="4")

        verdict = verdict_of(scenario)

        assert (verdict.lost, verdict.anomalies[0].where) == (2, "offers/0")

    def test_missing_tail_is_found_by_counter(self):
        scenario = restocked()
        scenario.inputs.tables["consumption.counter"][0] |= {"sequence": 4, "published": 4}

        assert verdict_of(scenario).lost == 2

    def test_unpublished_outbox_is_unfinished(self):
        scenario = restocked()
        scenario.inputs.tables["consumption.counter"][0] |= {"sequence": 4, "published": 2}

        assert kinds(scenario) == {"unfinished"}

    def test_two_events_with_one_sequence_are_forbidden(self):
        scenario = registered()
        first = scenario.add_event("offers", "OfferChanged", {"price": 1})
        scenario.repeat(first._replace(value=first.value.replace("1", "2")))

        assert "two different events" in anomalies(scenario)

    def test_one_event_with_two_sequences_is_doubled(self):
        scenario = registered()
        scenario.add_event("offers", "OfferChanged", {}, id="same")
        scenario.add_event("offers", "OfferChanged", {}, id="same")

        assert verdict_of(scenario).doubled == 1


class TestCheckProgress:
    def test_unconsumed_records_are_unfinished_with_place(self):
        scenario = restocked()
        scenario.inputs.tables["consumption.checkpoint"][0] |= {
            "next_offset": 1,
            "last_offset": 0,
            "last_id": "usage-1",
        }

        verdict = verdict_of(scenario)

        assert [(one.kind, one.stopped_at) for one in verdict.anomalies] == [("unfinished", "before consumption")]

    def test_checkpoint_beyond_log_end_is_forbidden(self):
        scenario = restocked()
        scenario.inputs.tables["consumption.checkpoint"][0]["next_offset"] = 99

        assert kinds(scenario) == {"forbidden"}

    def test_checkpoint_of_another_log(self):
        scenario = restocked()
        scenario.inputs.tables["consumption.checkpoint"][0]["last_id"] = "of another log"

        assert "has record of another log" in anomalies(scenario)

    def test_due_task_not_done_is_unfinished(self):
        scenario = restocked()
        scenario.row("notification.task", id="n2", state="due", due_at="2026-01-01T00:00:00+00:00")

        assert kinds(scenario) == {"unfinished"}
