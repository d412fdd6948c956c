"""Creates the topics and brings every service's schema up to date before anything runs."""

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.local.child import last_words
from deploy.local.errors import StackError
from deploy.local.names import for_people
from deploy.local.settings import ROOT

#: Each is a Python that mostly imports; more than one per core only makes all of them late.
AT_ONCE = 2


async def prepare(logs: Path, topics: Mapping[str, str], migrations: Mapping[str, Mapping[str, str]]) -> None:
    """Run `libs.kit.topics create` and every service's `migrate` in the environments given."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def run(name: str, command: tuple[str, ...], environment: Mapping[str, str]) -> None:
        async with turns:
            await asyncio.to_thread(_run, logs / f"{name}.log", command, environment)

    runs = [run("topics", ("libs.kit.topics", "create"), topics)]
    for service, environment in migrations.items():
        runs.append(run(f"{for_people(service)}-migrate", (f"services.{service}", "migrate"), environment))
    outcomes = await asyncio.gather(*runs, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome


def _run(log: Path, command: tuple[str, ...], environment: Mapping[str, str]) -> None:
    with log.open("wb") as output:
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode != 0:
        raise StackError(f"`{' '.join(command)}` failed: {last_words(log)} (all of it: {log})")
