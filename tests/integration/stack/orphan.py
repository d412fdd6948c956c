"""A supervisor process for tests that kill it: `orphan.py FOLDER` starts two toys and prints their pids."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from deploy.local.supervisor import Supervisor
from tests.integration.stack.toys import toy


async def main(folder):
    supervisor = Supervisor(say=lambda _: None)
    await supervisor.start([toy(folder, "one"), toy(folder, "two")])
    print(*(seat.pid for seat in supervisor.seats), flush=True)
    await asyncio.Event().wait()


asyncio.run(main(Path(sys.argv[1])))
