"""All SQL of consumption."""

from services.consumption.store.anomalies import Anomalies
from services.consumption.store.days import FiledDays
from services.consumption.store.devices import Device, Devices
from services.consumption.store.followers import Followers
from services.consumption.store.hot import AppliedUses, HotPath, Uses
from services.consumption.store.reports import ReportIdentity, Reports
from services.consumption.store.slots import Place, Slots


class Store(HotPath, Slots, Devices, Followers, Reports, FiledDays, Anomalies):
    """One transaction over slots, gaps, days, devices and followers."""


__all__ = ["AppliedUses", "Device", "Place", "ReportIdentity", "Store", "Uses"]
