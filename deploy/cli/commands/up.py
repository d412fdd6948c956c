"""`replenish up`: starts or scales the stack."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.options import HomeOption, home_of
from deploy.local.errors import StackError
from deploy.local.following import Follower
from deploy.local.home import Home
from deploy.local.names import SERVICES, for_people, for_python
from deploy.local.scaling import await_wish, follow_wishes, wish
from deploy.local.settings import ROOT
from deploy.local.stack import Stack

POLL_SECONDS = 0.1
ScaleOption = Annotated[list[str] | None, typer.Option("--scale", help="Instances, e.g. consumption=3. Repeatable.")]


def register(app: typer.Typer) -> None:
    app.command()(up)


def up(
    home: HomeOption = None,
    scale: ScaleOption = None,
    foreground: Annotated[bool, typer.Option("--foreground", help="Stay in the foreground; Ctrl-C stops.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="With --foreground: hide the services' logs.")] = False,
) -> None:
    """Start broker, database and all services; return when they are ready. A running stack is scaled."""
    place, counts = home_of(home), parse_scale(scale or [])
    if place.is_owned():
        typer.echo(f"already running in {place.folder}; see `replenish status`")
        _scale(place, counts)
    elif foreground:
        asyncio.run(_run_in_foreground(place, counts, show_logs=not quiet))
    else:
        _detach(place, scale or [])


def _scale(place: Home, counts: dict[str, int]) -> None:
    runs = place.read_state().get("scale", {})
    if changed := {service: count for service, count in counts.items() if runs.get(for_people(service)) != count}:
        wish(place, changed)
        await_wish(place, changed)
        typer.echo("scaled: " + ", ".join(f"{for_people(service)}={count}" for service, count in changed.items()))


def parse_scale(texts: list[str]) -> dict[str, int]:
    """Parse instance counts such as ["consumption=3"]."""
    counts = {}
    for text in texts:
        name, _, number = text.partition("=")
        service = for_python(name)
        if service not in SERVICES or not number.isdigit() or int(number) < 1:
            known = ", ".join(map(for_people, SERVICES))
            raise StackError(f"--scale {text}: expected SERVICE=NUMBER with one of {known}")
        counts[service] = int(number)
    return counts


async def _run_in_foreground(place: Home, counts: dict[str, int], *, show_logs: bool) -> None:
    stop_requested = asyncio.Event()
    for stop_signal in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(stop_signal, stop_requested.set)
    follower = asyncio.create_task(Follower(place).follow()) if show_logs else None
    await _run_until(Stack(place.folder, scale=counts, say=_print), stop_requested)
    if follower is not None:
        follower.cancel()


async def _run_until(stack: Stack, stop_requested: asyncio.Event) -> None:
    """Start the stack and keep it running until the event is set, also during the start."""
    starting = asyncio.create_task(stack.start())
    stopping = asyncio.create_task(stop_requested.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        await asyncio.wait({starting})
        return
    scaling = asyncio.create_task(follow_wishes(stack, _print))
    try:
        starting.result()
        await asyncio.wait({stopping, scaling}, return_when=asyncio.FIRST_COMPLETED)
        scaling.cancel()
        await asyncio.gather(scaling, return_exceptions=True)
        await stack.stop()
    finally:
        stopping.cancel()


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _detach(place: Home, scale: list[str]) -> None:
    """Start the supervisor in the background and copy its output until all services are ready."""
    place.create()
    log = place.logs / "supervisor.log"
    command = [sys.executable, "-m", "deploy.cli", "up", "--foreground", "--quiet", "--home", str(place.folder)]
    for text in scale:
        command += ["--scale", text]
    with log.open("wb") as output:
        supervisor = subprocess.Popen(
            command,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _copy_output_until_ready(place, supervisor, log)
    except KeyboardInterrupt:
        supervisor.terminate()
        supervisor.wait()
        raise StackError("stopped before it was ready") from None
    for name, url in place.read_state()["services"].items():
        typer.echo(f"  {name:18} {url}")
    typer.echo("ready; `replenish status` shows more, `replenish down` stops it")


def _copy_output_until_ready(place: Home, supervisor: subprocess.Popen[bytes], log: Path) -> None:
    with log.open() as output:
        while True:
            exited, condition = supervisor.poll() is not None, _condition(place, supervisor.pid)
            sys.stdout.write(output.read())
            sys.stdout.flush()
            if exited:
                raise StackError(f"the stack did not start; logs: {place.logs}")
            if condition == "ready":
                return
            time.sleep(POLL_SECONDS)


def _condition(place: Home, supervisor_pid: int) -> str:
    state = place.read_state()
    return str(state["condition"]) if state.get("supervisor_pid") == supervisor_pid else ""
