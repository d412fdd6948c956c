"""The cache folder of the local stack, and a file lock for it."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


def cache_folder() -> Path:
    """Return the folder for downloaded files: $REPLENISH_CACHE, else ~/.cache/replenish."""
    chosen = os.environ.get("REPLENISH_CACHE")
    folder = Path(chosen) if chosen else Path.home() / ".cache" / "replenish"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Hold an exclusive file lock; other processes wait. The kernel releases it when this process dies."""
    with lock.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
