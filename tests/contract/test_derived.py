"""Files derived from the events: one command writes them, another one finds differences."""

import json
import shutil

import pytest

from deploy.reference import contracts
from replenish_contracts.access import acls
from replenish_contracts.catalogue import CATALOGUE
from replenish_contracts.tables import event_table, fill_sections, flow_diagram

HEARS = {
    "gateway": frozenset({"DeviceRegistered"}),
    "consumption": frozenset({"SlotUsed", "SlotMeasured", "SlotRefilled", "TriggerSet"}),
    "order_dispatch": frozenset({"ReorderApproved", "OrderUpdated"}),
}


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Let the commands work in a folder that contains only a README."""
    shutil.copy(contracts.ROOT / "pyproject.toml", tmp_path)
    page = tmp_path / "docs" / "reference" / "events.md"
    page.parent.mkdir(parents=True)
    page.write_text("# replenish\n\n<!-- contracts:events:begin -->\n<!-- contracts:events:end -->\nend\n")
    monkeypatch.setattr(contracts, "ROOT", tmp_path)
    monkeypatch.setattr(contracts, "PUBLISHED", tmp_path / "libs" / "replenish_contracts" / "published")
    monkeypatch.setattr(contracts, "PAGE", page)
    return tmp_path


class TestThisTree:
    def test_agrees_with_its_events(self):
        found, missing = contracts.services()

        assert missing == []
        assert contracts.faults(contracts.consumes(found)) == []


class TestWrite:
    def test_leaves_nothing_to_check_or_to_write(self, root):
        assert contracts.faults(HEARS)

        contracts.write(HEARS)

        assert contracts.faults(HEARS) == []
        assert contracts.write(HEARS) == []

    def test_adds_markers_that_a_page_lacks_and_keeps_the_rest(self, root):
        contracts.write(HEARS)

        page = (root / "docs/reference/events.md").read_text()
        assert page.startswith("# replenish\n\n<!-- contracts:events:begin -->\n| event | published by |")
        assert "<!-- contracts:events:end -->\nend\n" in page
        assert "<!-- contracts:flow:begin -->\n```mermaid\nflowchart LR\n" in page
        assert "<!-- contracts:metrics:begin -->\n| metric | kind | meaning |\n| --- | --- | --- |\n| `kit_" in page
        assert "| `gateway_reports_accepted_total` | counter | Reports acknowledged by the broker and" in page
        assert "| `reorder_decision_held_pools` | gauge | Pools for which nothing is ordered, by reason |" in page

    def test_does_without_a_page(self, root):
        (root / "docs/reference/events.md").unlink()

        contracts.write(HEARS)

        assert contracts.faults(HEARS) == []

    def test_never_edits_a_golden_example(self, root):
        contracts.write(HEARS)
        golden = contracts.PUBLISHED / "golden" / "SlotUsed.json"
        golden.write_text(golden.read_text().replace("machine-2", "machine-9"))

        contracts.write(HEARS)

        assert "machine-9" in golden.read_text()
        assert contracts.faults(HEARS) == []


class TestCheck:
    @pytest.fixture(autouse=True)
    def written(self, root):
        contracts.write(HEARS)

    @pytest.mark.parametrize("name", ["schemas/SlotUsed.json", "asyncapi.json", "acls.json"])
    def test_finds_an_edited_or_lost_file(self, name):
        path = contracts.PUBLISHED / name
        path.write_text(path.read_text() + " ")
        edited = contracts.faults(HEARS)
        path.unlink()

        assert (
            edited
            == contracts.faults(HEARS)
            == [f"libs/replenish_contracts/published/{name} is out of date; {contracts.MEND}"]
        )

    def test_finds_a_page_that_differs(self, root):
        page = root / "docs/reference/events.md"
        page.write_text(page.read_text().replace("| SlotUsed |", "| SlotUsedUp |"))

        assert contracts.faults(HEARS) == [f"docs/reference/events.md is out of date; {contracts.MEND}"]

    def test_finds_a_page_without_its_section(self, root):
        (root / "docs/reference/events.md").write_text("# replenish\n")

        assert contracts.faults(HEARS) == [
            f"docs/reference/events.md has no section contracts:events; {contracts.MEND}"
        ]

    def test_finds_that_somebody_hears_more(self):
        told = contracts.faults(HEARS | {"gateway": frozenset({"DeviceRegistered", "CustomerErased"})})

        # acls.json names topics only, and the gateway read accounts before.
        assert [fault.split()[0] for fault in told] == [
            "libs/replenish_contracts/published/asyncapi.json",
            "docs/reference/events.md",
        ]

    def test_finds_an_event_that_is_gone(self):
        shutil.copy(
            contracts.PUBLISHED / "schemas" / "SlotUsed.json", contracts.PUBLISHED / "schemas" / "SlotEaten.json"
        )

        assert contracts.faults(HEARS) == [
            "libs/replenish_contracts/published/schemas/SlotEaten.json belongs to no event",
            "SlotEaten was published but is no longer in the catalogue",
        ]

    def test_finds_a_promise_that_is_broken(self, capsys):
        path = contracts.PUBLISHED / "schemas" / "SlotUsed.json"
        schema = json.loads(path.read_text())
        schema["$defs"]["SlotUsed"]["properties"]["colour"] = {"type": "string"}
        path.write_text(json.dumps(schema))

        told = list(contracts.broken_promises())

        what, _, remedy = told[0].partition(": ")
        assert what == "SlotUsed/$defs/SlotUsed/properties/colour is gone"
        assert remedy == "an event may only gain optional fields; make a class SlotUsedV2"
        assert contracts.make() == 1
        assert "colour" in path.read_text()
        assert "delete its files" in capsys.readouterr().out

    def test_finds_an_example_that_is_lost_or_can_no_longer_be_read(self):
        path = contracts.PUBLISHED / "golden" / "SlotUsed.json"
        path.write_text(path.read_text().replace("100", "-100"))
        unread = contracts.faults(HEARS)
        path.unlink()

        assert "golden/SlotUsed.json can no longer be parsed: data.quantity: Input should be greater" in unread[0]
        assert contracts.faults(HEARS) == [
            f"libs/replenish_contracts/published/golden/SlotUsed.json is missing; {contracts.MEND}"
        ]


class TestStory:
    def test_table_says_who_hears(self):
        rows = {row.split("|")[1].strip(): row for row in event_table(HEARS).splitlines()[2:]}

        assert list(rows) == list(CATALOGUE)
        assert rows["SlotUsed"] == (
            "| SlotUsed | gateway | usage (device_id) | consumption | "
            "A device used this much out of one of its slots since its last report. |"
        )
        assert "| a provider | provider-updates-&lt;provider&gt; (order_id) | order-dispatch |" in rows["OrderUpdated"]
        assert (
            "| order-dispatch | provider-orders-&lt;provider&gt; (order_id) | the provider |" in rows["OrderRequested"]
        )

    def test_flow_draws_each_arrow_once(self):
        lines = flow_diagram(HEARS).splitlines()

        assert "    gateway[gateway] --> topic_usage" in lines
        assert "    topic_usage --> consumption[consumption]" in lines
        assert "    topic_provider_orders --> outside[a provider]" in lines
        assert len(lines) == len(set(lines))

    def test_fills_only_its_own_section(self):
        page = "a\n<!-- contracts:x:begin -->\nold\n<!-- contracts:x:end -->\nb\n"

        assert fill_sections(page, {"x": "new \\1"}) == page.replace("old", "new \\1")
        with pytest.raises(KeyError):
            fill_sections(page, {"y": "new"})


class TestAcls:
    def test_allow_what_the_catalogue_says_and_no_more(self):
        def told(rules):
            return {(rule["resource_type"], rule["pattern_type"], rule["name"], rule["operation"]) for rule in rules}

        rules = acls(HEARS)

        assert told(rules["services"]["User:replenish-consumption"]) == {
            ("Group", "LITERAL", "consumption", "Read"),
            *(("Topic", "LITERAL", topic, does) for topic in ("usage", "reorders") for does in ("Describe", "Read")),
            *(("Topic", "LITERAL", "slots", does) for does in ("Describe", "Read", "Write")),
        }
        dispatch = told(rules["services"]["User:replenish-order-dispatch"])
        assert ("Topic", "PREFIXED", "provider-orders-", "Write") in dispatch
        assert ("Topic", "PREFIXED", "provider-updates-", "Create") in dispatch
        assert ("Topic", "PREFIXED", "provider-updates-", "Write") not in dispatch
        assert told(rules["provider"]["User:provider-{provider_id}"]) == {
            ("Group", "LITERAL", "provider-{provider_id}", "Read"),
            *(("Topic", "LITERAL", "provider-orders-{provider_id}", does) for does in ("Describe", "Read")),
            *(("Topic", "LITERAL", "provider-updates-{provider_id}", does) for does in ("Describe", "Write")),
        }
        assert told(rules["device_maker"]["User:maker-{maker_id}"]) == {
            ("Topic", "LITERAL", "usage", "Describe"),
            ("Topic", "LITERAL", "usage", "Write"),
        }
