"""Every command block of the README and docs is run by a test, and blocks that need a cluster are run with stand-ins."""

import json
import re
import subprocess
from itertools import pairwise

import pytest
import yaml

from deploy.local.settings import ROOT
from deploy.reference.contracts import PUBLISHED
from tests.support.documentation import SHELLS, Block, blocks_of, commands_of, pages, run_blocks
from tests.support.references import find_definition

QUICKSTART = "tests/e2e/test_documentation.py::test_quickstart_ends_with_a_delivered_order"
PORTAL = "tests/e2e/test_documentation.py::test_commands_of_the_portal_page_are_accepted"
OPERATIONS = "tests/contract/test_documentation.py::TestOperations"

#: Pages whose blocks are run in order by one test.
PAGES_RUN_BY = {"docs/quickstart.md": QUICKSTART, "services/portal/README.md": PORTAL}
#: Other blocks: the test that runs the commands, and why the block is not run as it stands.
BLOCKS_RUN_BY = {
    "README.md: make demo": (
        "tests/e2e/test_demo.py::TestDemo",
        "`make demo` takes minutes, so fewer households and days are run; `make test` is the run that contains this test",
    ),
    "docs/contributing.md: make setup": (
        "tests/contract/test_documentation.py::TestCommandBlocks::test_every_make_target_exists",
        "setup would download packages, and the other commands are the runs that contain this test",
    ),
    "docs/bench.md: make bench": (
        "tests/integration/test_bench_smoke.py::TestSmoke",
        "the full measurement takes 8 minutes, so the test runs `--smoke`",
    ),
    "docs/providers/README.md: .venv/bin/python -m deploy.samples.provider --kafka $KAFKA --provider acme --name Acme": (
        QUICKSTART,
        "the provider runs until it is stopped; the quick start starts the same command in the background",
    ),
    "docs/operations.md: kafka-acls.sh --bootstrap-server $BROKER --command-config admin.properties --add": (
        f"{OPERATIONS}::test_acl_commands_grant_what_the_published_file_lists",
        "the brokers of the tests have no users, so kafka-acls.sh is replaced by a script that records its arguments",
    ),
    "docs/operations.md: docker compose up --build --detach": (
        f"{OPERATIONS}::test_compose_commands_name_services_and_ports_of_the_file",
        "not every machine has Docker, so docker and curl are replaced by scripts that check their arguments",
    ),
}


def described_by(block: Block, names: dict[str, object]) -> str | None:
    """Return the entry whose text the block's name starts with."""
    return next((name for name in names if block.name.startswith(name)), None)


COMMANDS = [block for page in pages() for block in blocks_of(page) if block.language in SHELLS]


class TestCommandBlocks:
    @pytest.mark.parametrize("block", COMMANDS, ids=lambda block: block.name)
    def test_every_block_is_run_by_a_test(self, block):
        covered = block.page in PAGES_RUN_BY or described_by(block, BLOCKS_RUN_BY)

        assert covered, f"no test runs this block of {block.page}; add one, or name it in BLOCKS_RUN_BY:\n{block.text}"

    @pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
    def test_every_block_names_its_language(self, page):
        unnamed = [block.text for block in blocks_of(page) if not block.language]

        assert unnamed == [], "a block without a language escapes the checks of this file"

    def test_every_named_test_exists_and_every_entry_has_a_block(self):
        for test in (*PAGES_RUN_BY.values(), *(test for test, _ in BLOCKS_RUN_BY.values())):
            find_definition(test)
        assert {block.page for block in COMMANDS} >= PAGES_RUN_BY.keys()
        assert {described_by(block, BLOCKS_RUN_BY) for block in COMMANDS} >= BLOCKS_RUN_BY.keys()

    def test_every_make_target_exists(self):
        targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        named = {target for page in pages() for target in re.findall(r"`?\bmake ([a-z0-9-]+)`", page.read_text())}
        named |= {
            target for block in COMMANDS for target in re.findall(r"^make ([a-z0-9-]+)", block.text, re.MULTILINE)
        }

        assert named
        assert named <= targets
        for target in named:
            dry = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False)
            assert dry.returncode == 0, dry.stderr


class TestReferences:
    """`path::name` in a page names a definition, and a path names a file or folder."""

    @pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
    def test_every_definition_that_a_page_names_exists(self, page):
        for reference in re.findall(r"`([\w/.-]+\.py::[\w:]+)`", page.read_text()):
            find_definition(reference)

    @pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
    def test_every_path_of_the_repository_that_a_page_names_exists(self, page):
        named = re.findall(r"`((?:services|libs|deploy|tests|docs)/[\w/.-]+)`", page.read_text())

        assert [path for path in named if "NNNN" not in path and not (ROOT / path).exists()] == []

    @pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
    def test_every_test_file_that_a_page_names_exists(self, page):
        existing = {path.name for path in (ROOT / "tests").rglob("test_*.py")}

        assert set(re.findall(r"`(?:[\w/]+/)?(test_\w+\.py)`", page.read_text())) <= existing

    @pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
    def test_every_link_to_a_file_leads_somewhere(self, page):
        links = re.findall(r"\]\(((?!https?:)[^)#]+)", page.read_text())

        assert [link for link in links if not (page.parent / link).exists()] == []

    def test_contributing_maps_the_tasks_that_people_ask_for(self):
        text = (ROOT / "docs" / "contributing.md").read_text()

        assert len(set(re.findall(r"`[\w/.-]+\.py::[\w:]+`", text))) > 30
        for task in ("late report", "order is retried", "cannot be decoded", "provider protocol", "an event", "a page"):
            assert task in text
        for task in ("a mail", "a migration", "a setting", "a metric", "a seeded bug", "a decision page"):
            assert f"| {task} |" in text


def stand_in(folder, name, script):
    """Put a script in place of a program that this machine may lack."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/usr/bin/env bash\nset -euo pipefail\n{script}\n")
    path.chmod(0o755)


class TestOperations:
    async def test_acl_commands_grant_what_the_published_file_lists(self, tmp_path):
        stand_in(tmp_path / "bin", "kafka-acls.sh", 'printf "%s\\n" "$*" >>"$SANDBOX/calls"')
        (block,) = [one for one in commands_of("docs/operations.md") if "kafka-acls.sh" in one.text]

        status, printed = await run_blocks([block], tmp_path, 'PATH="$SANDBOX/bin:$PATH"', BROKER="broker.example:9093")

        assert status == 0, printed
        granted = {rule for call in (tmp_path / "calls").read_text().splitlines() for rule in rules_of(call)}
        published = json.loads((PUBLISHED / "acls.json").read_text())["provider"]["User:provider-{provider_id}"]
        assert granted == {
            (rule["resource_type"], rule["name"].replace("{provider_id}", "acme"), rule["operation"])
            for rule in published
        }

    async def test_compose_commands_name_services_and_ports_of_the_file(self, tmp_path):
        compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
        stand_in(tmp_path / "bin", "docker", 'printf "%s\\n" "$*" >>"$SANDBOX/calls"; echo "127.0.0.1:32768"')
        stand_in(tmp_path / "bin", "curl", 'printf "%s\\n" "$*" >>"$SANDBOX/fetched"; echo \'{"access_token": "t"}\'')
        (block,) = [one for one in commands_of("docs/operations.md") if "docker compose" in one.text]
        shown = Block("", "sh", 'echo "$PORTAL $GATEWAY $KAFKA $ORDER_DISPATCH $TOKEN"')

        status, printed = await run_blocks([block, shown], tmp_path, 'PATH="$SANDBOX/bin:$PATH"')

        assert status == 0, printed
        addresses = printed.splitlines()[-1].split()
        assert addresses[3:] == ["http://127.0.0.1:32768", "t"]
        assert "/v1/tokens" in (tmp_path / "fetched").read_text()
        for service, address in zip(("portal", "gateway", "kafka"), addresses[:3], strict=True):
            (published,) = compose["services"][service]["ports"]
            assert re.search(rf":-{address.rpartition(':')[2]}}}:\d+$", published)
        calls = [call.split() for call in (tmp_path / "calls").read_text().splitlines()]
        for call in calls:
            if call[1] == "port":
                assert [port.rpartition(":")[2] for port in compose["services"][call[2]]["ports"]] == [call[3]]
            if call[1] == "exec":
                assert call[3] in compose["services"]
        assert {call[1] for call in calls} == {"up", "port", "exec"}


def rules_of(call):
    """Return the (resource type, name, operation) that a call of kafka-acls.sh adds; --consumer implies three."""
    words = call.split()
    options = dict(pairwise(words))
    operations = [value for word, value in pairwise(words) if word == "--operation"]
    if "--consumer" in words:
        yield ("Group", options["--group"], "Read")
        operations = ["Describe", "Read"]
    for operation in operations:
        yield ("Topic", options["--topic"], operation)
