"""The service framework: one Postgres transaction per Kafka batch, with outbox, tasks and periodic jobs."""

from libs.kit.failures import NotYet, Refuse, Retry
from libs.kit.kit import Kit
from libs.kit.measures import Measure
from libs.kit.records import Record
from libs.kit.run import main
from libs.kit.service import Effect, Intent, Outcome, Service, Tick
from libs.kit.settings import Settings
from libs.kit.store import Store

__all__ = [
    "Effect",
    "Intent",
    "Kit",
    "Measure",
    "NotYet",
    "Outcome",
    "Record",
    "Refuse",
    "Retry",
    "Service",
    "Settings",
    "Store",
    "Tick",
    "main",
]
