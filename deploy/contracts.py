"""Writes everything that follows from the events, or tells how the files differ: `python -m deploy.contracts`."""

import importlib
import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy import metrics
from deploy.local.names import SERVICES
from libs.contracts.access import acls
from libs.contracts.asyncapi import Hears, asyncapi
from libs.contracts.catalogue import CATALOGUE
from libs.contracts.golden import example_of, read_example
from libs.contracts.schemas import changes_that_break, schema_of
from libs.contracts.story import empty, filled, flow, table
from libs.contracts.wire import Malformed, UnknownType
from libs.kit.service import Service

ROOT = Path(__file__).parent.parent
PUBLISHED = ROOT / "libs" / "contracts" / "published"
PAGE = ROOT / "README.md"
SECTIONS = ("events", "flow", "metrics")
MEND = "run `make contracts` and look at the difference"


def services() -> tuple[dict[str, Service], list[str]]:
    """Return the services by name, and the names of those that are not there."""
    found, missing = {}, []
    for name in SERVICES:
        module = f"services.{name}.service"
        try:
            found[name] = importlib.import_module(module).SERVICE
        except ModuleNotFoundError as absent:
            if absent.name is None or not module.startswith(absent.name):
                raise
            missing.append(name)
    return found, missing


def hears(of: dict[str, Service]) -> Hears:
    """Return which events each service hears, one by one or in batches of a topic."""
    return {name: service.heard for name, service in of.items()}


def derived(heard: Hears) -> dict[Path, str]:
    """Return what each published file should say."""
    return {
        **{PUBLISHED / "schemas" / f"{name}.json": _json(schema_of(event)) for name, event in CATALOGUE.items()},
        PUBLISHED / "asyncapi.json": _json(asyncapi(_version(), heard)),
        PUBLISHED / "acls.json": _json(acls(heard)),
    }


def page(heard: Hears, text: str) -> str:
    """Return the page with its tables and the diagram as they should be."""
    return filled(text, {"events": table(heard), "flow": flow(heard), "metrics": metrics.table(services()[0])})


def faults(heard: Hears) -> list[str]:
    """Return, one by one, what differs between the events and the files."""
    return [*drift(heard), *broken_promises(), *drift_of_page(heard)]


def drift(heard: Hears) -> Iterator[str]:
    """Say which published files are not what the events say."""
    wanted = derived(heard)
    for path, text in wanted.items():
        if not path.exists() or path.read_text() != text:
            yield f"{_short(path)} is not what the events say; {MEND}"
    for path in sorted(PUBLISHED.rglob("*.json")):
        if path.parent.name != "golden" and path not in wanted:
            yield f"{_short(path)} belongs to no event"


def drift_of_page(heard: Hears) -> Iterator[str]:
    """Say how the README's table and diagram differ, where there is a README."""
    if not PAGE.exists():
        return
    text = PAGE.read_text()
    try:
        if page(heard, text) != text:
            yield f"{_short(PAGE)} does not show the events as they are; {MEND}"
    except KeyError as section:
        yield f"{_short(PAGE)} has no section contracts:{section.args[0]}; {MEND}"


def broken_promises() -> Iterator[str]:
    """Say which messages of yesterday cannot be read today; no command mends that."""
    for path in sorted((PUBLISHED / "schemas").glob("*.json")):
        event = CATALOGUE.get(path.stem)
        if event is None:
            yield f"{path.stem} was published and is gone from the catalogue"
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
        except (Malformed, UnknownType) as refusal:
            yield f"{_short(path)} can no longer be read: {refusal}"


def write(heard: Hears) -> list[str]:
    """Write what differs and return the files' names; golden examples are written once and never again."""
    texts = derived(heard)
    for name, event in CATALOGUE.items():
        path = PUBLISHED / "golden" / f"{name}.json"
        if not path.exists():
            texts[path] = example_of(event).decode()
    if PAGE.exists():
        text = PAGE.read_text()
        for section in SECTIONS:
            text += "" if f"<!-- contracts:{section}:begin -->" in text else "\n" + empty(section)
        texts[PAGE] = page(heard, text)
    changed = [path for path, text in texts.items() if not path.exists() or path.read_text() != text]
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(texts[path])
    return [_short(path) for path in changed]


def check() -> int:
    """Print every difference and return 1 if there is one."""
    found, missing = services()
    told = [f"services.{name}.service is not there" for name in missing] or faults(hears(found))
    print("\n".join(told) or f"{len(CATALOGUE)} events and everything derived from them agree")
    return 1 if told else 0


def make() -> int:
    """Write what follows from the events; return 1 if that would break a promise."""
    if broken := [fault for fault in broken_promises() if MEND not in fault]:
        print("\n".join(broken))
        print("If this was never published to anybody, delete the event's files in libs/contracts/published first.")
        return 1
    found, missing = services()
    print("\n".join(f"wrote {name}" for name in write(hears(found))) or "nothing to write")
    if missing:
        print(f"not there, and so not told about: {', '.join(missing)}")
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
        sys.exit("usage: python -m deploy.contracts write|check")
    sys.exit(commands[sys.argv[1]]())
