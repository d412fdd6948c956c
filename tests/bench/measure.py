"""Rates from progress, and what processes took; every figure is read from outside the process measured."""

import asyncio
import os
import platform
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import NamedTuple

import asyncpg
import psutil

#: The start (imports, group join) and the last, thinning batches are not the loop's speed.
FIRST_SHARE, LAST_SHARE = 0.1, 0.95


class Speed(NamedTuple):
    """Events per second between a tenth and 95 % of the work, and CPU microseconds per event."""

    per_second: float
    cpu_us: float
    rss_mb: float


async def speed(progress, total, children, limit_seconds):
    """Watch `progress()` reach `total`; raises TimeoutError with how far it came."""
    marks, most = [], 0.0
    deadline = time.monotonic() + limit_seconds
    while not marks or marks[-1][1] < total:
        marks.append((time.perf_counter(), await progress(), sum(map(cpu_seconds, children))))
        most = max(most, *(rss_mb(child) for child in children))
        if time.monotonic() > deadline:
            raise TimeoutError(f"{marks[-1][1]} of {total} after {limit_seconds} s")
        if any(child.poll() is not None for child in children):
            raise RuntimeError(f"a measured process ended at {marks[-1][1]} of {total}")
        await asyncio.sleep(0.05)
    first = next(mark for mark in marks if mark[1] >= FIRST_SHARE * total)
    last = next(mark for mark in marks if mark[1] >= LAST_SHARE * total)
    events = last[1] - first[1]
    return Speed(events / (last[0] - first[0]), 1e6 * (last[2] - first[2]) / events, most)


def sum_of(connection, sql):
    async def progress():
        return float(await connection.fetchval(sql) or 0)

    return progress


def cpu_seconds(child):
    try:
        times = psutil.Process(child.pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system


def rss_mb(child):
    try:
        return psutil.Process(child.pid).memory_info().rss / 1e6
    except psutil.NoSuchProcess:
        return 0.0


@contextmanager
def processes(*commands, log, environment=None):
    """Start commands, give their handles, and end exactly them."""
    with open(log, "ab") as sink:
        children = [
            subprocess.Popen(list(map(str, command)), stdout=sink, stderr=sink, env={**os.environ, **(env or {})})
            for command, env in zip(commands, environment or [{}] * len(commands), strict=True)
        ]
    try:
        yield children
    finally:
        for child in children:
            child.terminate()
        for child in children:
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def machine():
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if "model name" in line), "unknown")
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": platform.platform(),
        "load_before": os.getloadavg()[0],
    }


def versions(*packages):
    from importlib.metadata import version

    return {"python": sys.version.split()[0]} | {name: version(name) for name in packages}


async def connect(url):
    return await asyncpg.connect(url)
