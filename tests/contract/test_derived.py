"""Files derived from the events: `write` creates them, `check` finds differences."""

import json
import shutil

import pytest

from deploy.reference import contracts
from replenish_contracts.access import acls
from replenish_contracts.catalogue import CATALOGUE
from replenish_contracts.tables import event_table, fill_sections, flow_diagram

CONSUMES = {
    "gateway": frozenset({"DeviceRegistered"}),
    "consumption": frozenset({"SlotUsed", "SlotMeasured", "SlotRefilled", "TriggerSet"}),
    "order_dispatch": frozenset({"ReorderApproved", "OrderUpdated"}),
}


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Make the commands work in a folder with one page."""
    shutil.copy(contracts.ROOT / "pyproject.toml", tmp_path)
    page = tmp_path / "docs" / "reference" / "events.md"
    page.parent.mkdir(parents=True)
    page.write_text("# replenish\n\n<!-- contracts:events:begin -->\n<!-- contracts:events:end -->\nend\n")
    monkeypatch.setattr(contracts, "ROOT", tmp_path)
    monkeypatch.setattr(contracts, "PUBLISHED", tmp_path / "libs" / "replenish_contracts" / "published")
    monkeypatch.setattr(contracts, "PAGE", page)
    return tmp_path


class TestThisTree:
    def test_derived_files_match_events(self):
        found, missing = contracts.services()

        assert missing == []
        assert contracts.faults(contracts.consumes(found)) == []


class TestWrite:
    def test_write_is_idempotent(self, root):
        assert contracts.faults(CONSUMES)

        contracts.write(CONSUMES)

        assert contracts.faults(CONSUMES) == []
        assert contracts.write(CONSUMES) == []

    def test_write_adds_missing_markers(self, root):
        contracts.write(CONSUMES)

        page = (root / "docs/reference/events.md").read_text()
        assert page.startswith("# replenish\n\n<!-- contracts:events:begin -->\n| event | published by |")
        assert "<!-- contracts:events:end -->\nend\n" in page
        assert "<!-- contracts:flow:begin -->\n```mermaid\nflowchart LR\n" in page
        assert "<!-- contracts:metrics:begin -->\n| metric | kind | meaning |\n| --- | --- | --- |\n| `kit_" in page
        assert "| `gateway_reports_accepted_total` | counter | Reports acknowledged by the broker and" in page
        assert "| `reorder_decision_held_pools` | gauge | Pools for which nothing is ordered, by reason |" in page

    def test_write_without_page(self, root):
        (root / "docs/reference/events.md").unlink()

        contracts.write(CONSUMES)

        assert contracts.faults(CONSUMES) == []

    def test_write_keeps_golden_examples(self, root):
        contracts.write(CONSUMES)
        golden = contracts.PUBLISHED / "golden" / "SlotUsed.json"
        golden.write_text(golden.read_text().replace("machine-2", "machine-9"))

        contracts.write(CONSUMES)

        assert "machine-9" in golden.read_text()
        assert contracts.faults(CONSUMES) == []


class TestCheck:
    @pytest.fixture(autouse=True)
    def written(self, root):
        contracts.write(CONSUMES)

    @pytest.mark.parametrize("name", ["schemas/SlotUsed.json", "asyncapi.json", "acls.json"])
    def test_check_finds_edited_or_missing_file(self, name):
        path = contracts.PUBLISHED / name
        path.write_text(path.read_text() + " ")
        edited = contracts.faults(CONSUMES)
        path.unlink()

        assert (
            edited
            == contracts.faults(CONSUMES)
            == [f"libs/replenish_contracts/published/{name} is out of date; {contracts.MEND}"]
        )

    def test_check_finds_outdated_page(self, root):
        page = root / "docs/reference/events.md"
        page.write_text(page.read_text().replace("| SlotUsed |", "| SlotUsedUp |"))

        assert contracts.faults(CONSUMES) == [f"docs/reference/events.md is out of date; {contracts.MEND}"]

    def test_check_finds_missing_section(self, root):
        (root / "docs/reference/events.md").write_text("# replenish\n")

        assert contracts.faults(CONSUMES) == [
            f"docs/reference/events.md has no section contracts:events; {contracts.MEND}"
        ]

    def test_check_finds_new_consumer(self):
        told = contracts.faults(CONSUMES | {"gateway": frozenset({"DeviceRegistered", "CustomerErased"})})

        # acls.json has topics only, and the gateway already reads accounts.
        assert [fault.split()[0] for fault in told] == [
            "libs/replenish_contracts/published/asyncapi.json",
            "docs/reference/events.md",
        ]

    def test_check_finds_removed_event(self):
        shutil.copy(
            contracts.PUBLISHED / "schemas" / "SlotUsed.json", contracts.PUBLISHED / "schemas" / "SlotEaten.json"
        )

        assert contracts.faults(CONSUMES) == [
            "libs/replenish_contracts/published/schemas/SlotEaten.json belongs to no event",
            f"SlotEaten was published but is no longer in the catalogue: {contracts.AGREE}",
        ]

    def test_check_finds_breaking_change(self, capsys):
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

    def test_check_finds_missing_or_unreadable_example(self):
        path = contracts.PUBLISHED / "golden" / "SlotUsed.json"
        path.write_text(path.read_text().replace("100", "-100"))
        unread = contracts.faults(CONSUMES)
        path.unlink()

        assert "golden/SlotUsed.json can no longer be parsed: data.quantity: Input should be greater" in unread[0]
        assert contracts.faults(CONSUMES) == [
            f"libs/replenish_contracts/published/golden/SlotUsed.json is missing; {contracts.MEND}"
        ]


class TestStory:
    def test_table_lists_consumers(self):
        rows = {row.split("|")[1].strip(): row for row in event_table(CONSUMES).splitlines()[2:]}

        assert list(rows) == list(CATALOGUE)
        assert rows["SlotUsed"] == (
            "| SlotUsed | gateway | usage (device_id) | consumption | "
            "A device used this much out of one of its slots since its last report. |"
        )
        assert "| a provider | provider-updates-&lt;provider&gt; (order_id) | order-dispatch |" in rows["OrderUpdated"]
        assert (
            "| order-dispatch | provider-orders-&lt;provider&gt; (order_id) | the provider |" in rows["OrderRequested"]
        )

    def test_flow_has_each_arrow_once(self):
        lines = flow_diagram(CONSUMES).splitlines()

        assert "    gateway[gateway] --> topic_usage" in lines
        assert "    topic_usage --> consumption[consumption]" in lines
        assert "    topic_provider_orders --> outside[a provider]" in lines
        assert len(lines) == len(set(lines))

    def test_filled_replaces_only_its_section(self):
        page = "a\n<!-- contracts:x:begin -->\nold\n<!-- contracts:x:end -->\nb\n"

        assert fill_sections(page, {"x": "new \\1"}) == page.replace("old", "new \\1")
        with pytest.raises(KeyError):
            fill_sections(page, {"y": "new"})


class TestAcls:
    def test_acls_equal_catalogue(self):
        def told(rules):
            return {(rule["resource_type"], rule["pattern_type"], rule["name"], rule["operation"]) for rule in rules}

        rules = acls(CONSUMES)

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
