"""The services' names and the order in which they start."""

#: A group starts together once the groups before it are ready. The portal first: the others fetch
#: its signing keys. The gateway last: what comes in then has somebody to work on it.
START_GROUPS = (
    ("portal",),
    ("consumption", "inventory", "reorder_decision", "order_dispatch", "notification"),
    ("gateway",),
)
SERVICES = tuple(service for group in START_GROUPS for service in group)


def for_people(service: str) -> str:
    """Return the name as people see it: hyphens everywhere outside Python."""
    return service.replace("_", "-")


def for_python(name: str) -> str:
    """Return the name as modules, schemas and settings have it."""
    return name.replace("-", "_")
