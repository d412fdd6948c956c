"""The services' names, in the order in which they start."""

#: The portal first: the others fetch its signing keys.
SERVICES = (
    "portal",
    "gateway",
    "consumption",
    "inventory",
    "reorder_decision",
    "order_dispatch",
    "notification",
)
