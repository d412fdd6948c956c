"""A toy service: `toy.py FOLDER NAME` records in files that it is ready and in which order it stopped."""

import os
import signal
import sys
from pathlib import Path

folder, name = Path(sys.argv[1]), sys.argv[2]


def stop(*_):
    with (folder / "stopped").open("a") as order:
        order.write(f"{name}\n")
    sys.exit(0)


signal.signal(signal.SIGTERM, stop)
starts = folder / f"{name}.starts"
with starts.open("a") as started:
    started.write(f"{os.getpid()}\n")
if (folder / f"{name}.broken").exists():
    sys.exit("broken on purpose")
with (folder / f"{name}.ready").open("a") as ready:
    ready.write(f"{os.getpid()}\n")
while True:
    signal.pause()
