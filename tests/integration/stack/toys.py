"""Builds toy services for the supervisor's tests."""

import sys
from pathlib import Path

from deploy.local.child import Launch
from deploy.local.worker import Worker


def toy(folder, name, **options):
    """A worker that is ready once its newest process has said so."""
    command = [sys.executable, str(Path(__file__).with_name("toy.py")), str(folder), name]
    worker = Worker(
        name, Launch(command, folder / f"{name}.log"), is_ready=lambda: says_so(folder, name, worker), **options
    )
    return worker


async def says_so(folder, name, worker):
    return str(worker.pid) in pids(folder / f"{name}.ready")


def starts(folder, name):
    """The pids of all its processes so far, also of those that were never ready."""
    return pids(folder / f"{name}.starts")


def pids(place):
    """The pids that were noted there."""
    return place.read_text().split() if place.exists() else []


def alive(pid):
    """Whether the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
