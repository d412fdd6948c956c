"""Creates the topics and migrates every service's schema before the services start.

As a process, `python -m deploy.local.schemas`, it reads `{"kafka_url": .., "owner_urls": {service: url}}` from stdin.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.local.child import last_words
from deploy.local.errors import StackError
from deploy.local.settings import ROOT


async def prepare(kafka_url: str, owner_urls: Mapping[str, str]) -> None:
    """Do the work of `python -m libs.kit.topics create` and each `python -m services.<name> migrate`, concurrently."""
    # Imported lazily: the supervisor only spawns this module, and stays small.
    from libs.kit.migrations import migrate  # noqa: PLC0415  # only the process that is started for it needs it
    from libs.kit.topics import create_topics  # noqa: PLC0415  # only the process that is started for it needs it
    from replenish_contracts.topics import OWN_TOPICS  # noqa: PLC0415  # only the process that is started for it needs it

    await create_topics(kafka_url, OWN_TOPICS)
    for service, url in owner_urls.items():
        for name in await migrate(url, service):
            print(f"{service}: {name}")


def prepare_apart(kafka_url: str, owner_urls: Mapping[str, str], log: Path) -> None:
    """Run `prepare` in a separate process; raises StackError with the end of its log."""
    asked = json.dumps({"kafka_url": kafka_url, "owner_urls": dict(owner_urls)})
    with log.open("wb") as output:
        done = subprocess.run(
            [sys.executable, "-m", "deploy.local.schemas"],
            cwd=ROOT,
            input=asked.encode(),  # not as arguments, which every user of the machine can read
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode != 0:
        raise StackError(f"topics and migrations failed: {last_words(log)} (full log: {log})")


if __name__ == "__main__":
    asyncio.run(prepare(**json.load(sys.stdin)))
