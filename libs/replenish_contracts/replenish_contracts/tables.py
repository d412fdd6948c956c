"""Markdown table and Mermaid diagram of all events, inserted between markers in a page."""

import re
from collections.abc import Mapping

from replenish_contracts.asyncapi import ConsumedEvents
from replenish_contracts.catalogue import CATALOGUE, OUTSIDE, Event
from replenish_contracts.topics import PLACE, TOPICS


def event_table(consumes: ConsumedEvents) -> str:
    head = ["| event | published by | topic (key) | consumed by | meaning |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([*head, *(_row(event, consumes) for event in CATALOGUE.values())])


def flow_diagram(consumes: ConsumedEvents) -> str:
    lines = ["```mermaid", "flowchart LR"]
    for topic in TOPICS.values():
        node = _node(topic.name)
        lines.append(f'    {node}[/"{_plain(topic.name)}"/]')
        lines += [f"    {_box(publisher)} --> {node}" for publisher in sorted(topic.publishers)]
        names = {event.__name__ for event in topic.events}
        lines += [f"    {node} --> {_box(service)}" for service, heard in sorted(consumes.items()) if heard & names]
        if topic.name.startswith("provider-orders"):
            lines.append(f"    {node} --> {_box(OUTSIDE)}")
    return "\n".join([*lines, "```"])


def fill_sections(page: str, sections: Mapping[str, str]) -> str:
    """Return the page with each section's text between its markers; raises KeyError for a section without markers."""
    for name, text in sections.items():
        marked = re.compile(rf"(<!-- contracts:{name}:begin -->\n).*?(<!-- contracts:{name}:end -->)", re.DOTALL)
        if not marked.search(page):
            raise KeyError(name)
        page = marked.sub(lambda found, text=text: f"{found[1]}{text}\n{found[2]}", page)  # type: ignore[misc]  # mypy cannot see the default
    return page


def empty_section(name: str) -> str:
    return f"<!-- contracts:{name}:begin -->\n<!-- contracts:{name}:end -->\n"


def _row(event: type[Event], consumes: ConsumedEvents) -> str:
    heard = ", ".join(_called(service) for service, names in sorted(consumes.items()) if event.__name__ in names)
    if event.topic.startswith("provider-orders"):
        heard = ", ".join(filter(None, [heard, "the provider"]))
    fact = " ".join((event.__doc__ or "").split()).replace("|", "\\|")
    return (
        f"| {event.__name__} | {_called(event.owner)} | {_plain(event.topic)} ({event.key_field}) | {heard} | {fact} |"
    )


def _called(service: str) -> str:
    return "a provider" if service == OUTSIDE else service.replace("_", "-")


def _plain(topic: str) -> str:
    return topic.replace(PLACE, "&lt;provider&gt;")


def _node(topic: str) -> str:
    return "topic_" + re.sub(r"\W+", "_", topic.replace(PLACE, "")).strip("_")


def _box(service: str) -> str:
    return f"{service}[{_called(service)}]"
