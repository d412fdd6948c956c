"""Builds toy services for the supervisor's tests."""

import sys
from pathlib import Path

from deploy.local.child import Launch
from deploy.local.worker import Worker


def toy(folder, name, **options):
    """Return a worker that is ready once its newest process has recorded it."""
    command = [sys.executable, str(Path(__file__).with_name("toy.py")), str(folder), name]
    worker = Worker(
        name, Launch(command, folder / f"{name}.log"), is_ready=lambda: says_so(folder, name, worker), **options
    )
    return worker


async def says_so(folder, name, worker):
    return str(worker.pid) in pids(folder / f"{name}.ready")


def starts(folder, name):
    """Return the pids of all its processes, including those that were never ready."""
    return pids(folder / f"{name}.starts")


def pids(place):
    """Return the recorded pids."""
    return place.read_text().split() if place.exists() else []


def alive(pid):
    """Return whether the process runs; a zombie does not count."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
