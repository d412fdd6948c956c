"""`python -m deploy.reference.contracts write|check`: files derived from events and texts of mails."""

import importlib
import json
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from deploy.local.names import SERVICES
from deploy.reference import messages, metrics
from deploy.reference.agreements import read_agreements
from deploy.reference.http_api import Document, api_of
from deploy.reference.http_changes import changes_that_break_clients
from libs.kit.service import Service
from replenish_contracts.access import acls
from replenish_contracts.asyncapi import ConsumedEvents, asyncapi
from replenish_contracts.catalogue import CATALOGUE
from replenish_contracts.golden import example_of, read_example
from replenish_contracts.schemas import changes_that_break, schema_of
from replenish_contracts.tables import empty_section, event_table, fill_sections, flow_diagram
from replenish_contracts.wire import MalformedError, UnknownTypeError

ROOT = Path(__file__).resolve().parents[2]
PUBLISHED = ROOT / "libs" / "replenish_contracts" / "published"
PAGE = ROOT / "docs" / "reference" / "events.md"
SECTIONS = ("events", "flow", "metrics")
MEND = "run `make contracts` and review the difference"
AGREE = "only additions are allowed; list an agreed removal in docs/reference/removed.md"


def services() -> tuple[dict[str, Service], list[str]]:
    """Return the importable services by name, and the names of the missing ones."""
    found, missing = {}, []
    for name in SERVICES:
        module = f"services.{name}.service"
        try:
            found[name] = importlib.import_module(module).SERVICE
        except ModuleNotFoundError as error:
            if error.name is None or not module.startswith(error.name):
                raise
            missing.append(name)
    return found, missing


@cache
def apis() -> dict[str, Document]:
    """Return the API of each service by name."""
    return {name: api_of(service) for name, service in services()[0].items()}


def consumes(of: dict[str, Service]) -> ConsumedEvents:
    """Return the events that each service consumes, singly or in batches."""
    return {name: service.consumed for name, service in of.items()}


def derived(heard: ConsumedEvents) -> dict[Path, str]:
    """Return the expected content of each generated file."""
    return {
        **{PUBLISHED / "schemas" / f"{name}.json": _json(schema_of(event)) for name, event in CATALOGUE.items()},
        PUBLISHED / "asyncapi.json": _json(asyncapi(_version(), heard)),
        PUBLISHED / "acls.json": _json(acls(heard)),
        **{PUBLISHED / "http" / f"{name}.json": _json(api) for name, api in apis().items()},
        ROOT / "docs" / "reference" / "messages.md": messages.page(),
    }


def page(heard: ConsumedEvents, text: str) -> str:
    """Return `text` with its generated tables and diagram brought up to date."""
    return fill_sections(
        text, {"events": event_table(heard), "flow": flow_diagram(heard), "metrics": metrics.table(services()[0])}
    )


def faults(heard: ConsumedEvents) -> list[str]:
    """Return one line for each difference between the event classes and the files."""
    return [*drift(heard), *broken_promises(), *drift_of_page(heard)]


def drift(heard: ConsumedEvents) -> Iterator[str]:
    """Yield a line for each published file that is out of date or belongs to no event."""
    wanted = derived(heard)
    for path, text in wanted.items():
        if not path.exists() or path.read_text() != text:
            yield f"{_short(path)} is out of date; {MEND}"
    for path in sorted(PUBLISHED.rglob("*.json")):
        if PUBLISHED / "golden" not in path.parents and path not in wanted:
            yield f"{_short(path)} belongs to no event"


def drift_of_page(heard: ConsumedEvents) -> Iterator[str]:
    """Yield a line for each outdated or missing generated section of the README, if there is a README."""
    if not PAGE.exists():
        return
    text = PAGE.read_text()
    try:
        if page(heard, text) != text:
            yield f"{_short(PAGE)} is out of date; {MEND}"
    except KeyError as error:
        yield f"{_short(PAGE)} has no section contracts:{error.args[0]}; {MEND}"


def broken_promises() -> Iterator[str]:
    """Yield a line for each incompatible change of a published event or API that was not agreed.

    `make contracts` does not write while there is one, except for missing examples.
    """
    agreements = read_agreements(ROOT)
    for change, remedy in (*_changes_of_events(), *_changes_of_apis()):
        if not agreements.allow(change):
            yield f"{change}: {remedy}"
    for name, event in CATALOGUE.items():
        path = PUBLISHED / "golden" / f"{name}.json"
        if not path.exists():
            yield f"{_short(path)} is missing; {MEND}"
            continue
        for example in (path, *sorted(path.parent.glob(f"*/{name}.json"))):
            try:
                read_example(event, example.read_bytes())
            except (MalformedError, UnknownTypeError) as error:
                yield f"{_short(example)} can no longer be parsed: {error}"


def _changes_of_events() -> Iterator[tuple[str, str]]:
    for path in sorted((PUBLISHED / "schemas").glob("*.json")):
        event, name = CATALOGUE.get(path.stem), path.stem
        if event is None:
            yield f"{name} was published but is no longer in the catalogue", AGREE
            continue
        for change in changes_that_break(json.loads(path.read_text()), schema_of(event)):
            yield f"{name}{change}", f"an event may only gain optional fields; make a class {name}V2"


def _changes_of_apis() -> Iterator[tuple[str, str]]:
    for path in sorted((PUBLISHED / "http").glob("*.json")):
        if path.stem not in apis():
            yield f"the API of {path.stem} is gone", AGREE
            continue
        for change in changes_that_break_clients(path.stem, json.loads(path.read_text()), apis()[path.stem]):
            yield change, AGREE


def write(heard: ConsumedEvents) -> list[str]:
    """Write changed files and return their names; delete those of removed events.

    Golden examples are written once and never overwritten; folders in `golden` have examples of earlier versions, which
    are read as well.
    """
    texts = derived(heard)
    for name, event in CATALOGUE.items():
        path = PUBLISHED / "golden" / f"{name}.json"
        if not path.exists():
            texts[path] = example_of(event).decode()
    if PAGE.exists():
        text = PAGE.read_text()
        for section in SECTIONS:
            text += "" if f"<!-- contracts:{section}:begin -->" in text else "\n" + empty_section(section)
        texts[PAGE] = page(heard, text)
    changed = [path for path, text in texts.items() if not path.exists() or path.read_text() != text]
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(texts[path])
    for path in [path for path in (PUBLISHED / "schemas").glob("*.json") if path.stem not in CATALOGUE]:
        path.unlink()
        for example in (PUBLISHED / "golden").rglob(path.name):
            example.unlink()
    return [_short(path) for path in changed]


def check() -> int:
    """Print every difference; return 1 if there are any."""
    found, missing = services()
    problems = [f"services.{name}.service is missing" for name in missing] or faults(consumes(found))
    print("\n".join(problems) or f"{len(CATALOGUE)} events and all files derived from them agree")
    return 1 if problems else 0


def make() -> int:
    """Write the derived files; return 1 without writing if an event or API changed incompatibly."""
    if broken := [fault for fault in broken_promises() if MEND not in fault]:
        print("\n".join(broken))
        print("If it was never published, delete its files in libs/replenish_contracts/published first.")
        return 1
    found, missing = services()
    print("\n".join(f"wrote {name}" for name in write(consumes(found))) or "nothing to write")
    if missing:
        print(f"missing services, not included: {', '.join(missing)}")
    return 0


def _version() -> str:
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT))


if __name__ == "__main__":
    commands = {"write": make, "check": check}
    if len(sys.argv) != len(["module", "command"]) or sys.argv[1] not in commands:
        sys.exit("usage: python -m deploy.reference.contracts write|check")
    sys.exit(commands[sys.argv[1]]())
