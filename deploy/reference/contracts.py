"""`python -m deploy.reference.contracts write|check`: everything derived from the event classes."""

import importlib
import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy.local.names import SERVICES
from deploy.reference import metrics
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


def consumes(of: dict[str, Service]) -> ConsumedEvents:
    """Return the events that each service consumes, singly or in batches."""
    return {name: service.consumed for name, service in of.items()}


def derived(heard: ConsumedEvents) -> dict[Path, str]:
    """Return the expected content of each published file."""
    return {
        **{PUBLISHED / "schemas" / f"{name}.json": _json(schema_of(event)) for name, event in CATALOGUE.items()},
        PUBLISHED / "asyncapi.json": _json(asyncapi(_version(), heard)),
        PUBLISHED / "acls.json": _json(acls(heard)),
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
        if path.parent.name != "golden" and path not in wanted:
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
    """Yield a line for each incompatible change to a published event; `make contracts` cannot repair these."""
    for path in sorted((PUBLISHED / "schemas").glob("*.json")):
        event = CATALOGUE.get(path.stem)
        if event is None:
            yield f"{path.stem} was published but is no longer in the catalogue"
            continue
        for change in changes_that_break(json.loads(path.read_text()), schema_of(event)):
            yield f"{path.stem}{change}: an event may only gain optional fields; make a class {path.stem}V2"
    for name, event in CATALOGUE.items():
        path = PUBLISHED / "golden" / f"{name}.json"
        if not path.exists():
            yield f"{_short(path)} is missing; {MEND}"
            continue
        try:
            read_example(event, path.read_bytes())
        except (MalformedError, UnknownTypeError) as error:
            yield f"{_short(path)} can no longer be parsed: {error}"


def write(heard: ConsumedEvents) -> list[str]:
    """Write changed files and return their names; golden examples are written once and never overwritten."""
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
    return [_short(path) for path in changed]


def check() -> int:
    """Print every difference; return 1 if there are any."""
    found, missing = services()
    problems = [f"services.{name}.service is missing" for name in missing] or faults(consumes(found))
    print("\n".join(problems) or f"{len(CATALOGUE)} events and all files derived from them agree")
    return 1 if problems else 0


def make() -> int:
    """Write the derived files; return 1 without writing if an event changed incompatibly."""
    if broken := [fault for fault in broken_promises() if MEND not in fault]:
        print("\n".join(broken))
        print("If the event was never published, delete its files in libs/replenish_contracts/published first.")
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
