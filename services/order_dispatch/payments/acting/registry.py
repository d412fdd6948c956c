"""Payment services by name: a module of payments/ is one, its name is the name."""

import importlib
import pkgutil
from pathlib import Path
from typing import cast

from libs.kit import Kit
from services.order_dispatch.payments.domain import PaymentService

_HOME = Path(__file__).parents[1]
_PACKAGE = __name__.rsplit(".", 2)[0]


def services() -> frozenset[str]:
    """Return the names of all payment services there are files for."""
    return frozenset(module.name for module in pkgutil.iter_modules([str(_HOME)]) if not module.ispkg)


def service(name: str, kit: Kit) -> PaymentService:
    """Return a payment service by name; names from outside never import anything else. Raises LookupError."""
    if name not in services():
        raise LookupError(f"there is no payment service {name}; known: {', '.join(sorted(services()))}")
    return cast("PaymentService", importlib.import_module(f"{_PACKAGE}.{name}").open_service(kit))
