"""Storage of the portal: customers, devices, sessions, read models and signing keys."""

from services.portal.store.devices import DeviceStore
from services.portal.store.page import PageStore
from services.portal.store.people import PeopleStore
from services.portal.store.sessions import Session, SessionStore
from services.portal.store.shops import ShopSession, ShopStore
from services.portal.store.views import ViewStore


class Store(PeopleStore, DeviceStore, SessionStore, ShopStore, ViewStore, PageStore):
    """All statements of the portal."""


__all__ = ["Session", "ShopSession", "Store"]
