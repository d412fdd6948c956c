"""All SQL of consumption."""

from services.consumption.store.days import FiledDays
from services.consumption.store.devices import Device, Devices
from services.consumption.store.followers import Followers
from services.consumption.store.hot import Hot, Taken, Uses
from services.consumption.store.reports import Known, Reports
from services.consumption.store.slots import Place, Slots


class Store(Hot, Slots, Devices, Followers, Reports, FiledDays):
    """One transaction over slots, their gaps and days, and the devices they belong to."""


__all__ = ["Device", "Known", "Place", "Store", "Taken", "Uses"]
