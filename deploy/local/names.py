"""The names of the services and the order in which they start."""

#: A group starts together once the groups before it are ready. The portal first: the others fetch
#: its signing keys. The gateway last: its events need running consumers.
START_GROUPS = (
    ("portal",),
    ("consumption", "inventory", "reorder_decision", "order_dispatch", "notification"),
    ("gateway",),
)
SERVICES = tuple(service for group in START_GROUPS for service in group)


def for_people(service: str) -> str:
    """Return the name with hyphens, as shown everywhere outside Python."""
    return service.replace("_", "-")


def for_python(name: str) -> str:
    """Return the name with underscores, as in modules, schemas and settings."""
    return name.replace("-", "_")
