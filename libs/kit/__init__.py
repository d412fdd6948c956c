"""The service framework: one Postgres transaction per Kafka batch, with outbox, tasks and periodic jobs."""

from libs.kit.errors import NotReadyError, RejectedError, RetryLaterError
from libs.kit.kit import Kit
from libs.kit.metrics import Measure
from libs.kit.records import Record
from libs.kit.run import main
from libs.kit.service import PeriodicJob, Service, Task, TaskKind, TaskResult
from libs.kit.settings import Settings
from libs.kit.store import Store

__all__ = [
    "Kit",
    "Measure",
    "NotReadyError",
    "PeriodicJob",
    "Record",
    "RejectedError",
    "RetryLaterError",
    "Service",
    "Settings",
    "Store",
    "Task",
    "TaskKind",
    "TaskResult",
    "main",
]
