"""CPU time and memory of processes, read from outside, and a description of the machine."""

import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import psutil


class Gauge(NamedTuple):
    """A process to measure; for Postgres, including its connection processes."""

    name: str
    pid: int

    def cpu_seconds(self) -> float:
        """Return user and system time, including ended children."""
        try:
            family = [psutil.Process(self.pid), *psutil.Process(self.pid).children()]
            ended = family[0].cpu_times()
        except psutil.NoSuchProcess:
            return 0.0
        return sum(map(_own_seconds, family)) + ended.children_user + ended.children_system

    def rss_mb(self) -> float:
        try:
            return float(psutil.Process(self.pid).memory_info().rss) / 1e6
        except psutil.NoSuchProcess:
            return 0.0


def _own_seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def cpu_seconds(gauges: Sequence[Gauge]) -> dict[str, float]:
    """Return CPU seconds by name, summed over instances."""
    used: dict[str, float] = {}
    for gauge in gauges:
        used[gauge.name] = used.get(gauge.name, 0.0) + gauge.cpu_seconds()
    return used


def spent_us(before: dict[str, float], after: dict[str, float], events: float) -> dict[str, float]:
    """Return the CPU microseconds per event of each name."""
    return {name: round(1e6 * (after[name] - used) / events, 2) for name, used in before.items()}


def machine() -> dict[str, Any]:
    """Describe the machine and its load before the run."""
    with Path("/proc/cpuinfo").open() as lines:
        cpu = next((line.split(":")[1].strip() for line in lines if "model name" in line), "unknown")
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": platform.platform(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def versions() -> dict[str, str]:
    """Return the versions of the measured software."""
    packages = ("faststream", "aiokafka", "asyncpg", "msgspec", "pydantic", "fastapi", "uvloop")
    return {"python": sys.version.split()[0]} | {name: version(name) for name in packages}
