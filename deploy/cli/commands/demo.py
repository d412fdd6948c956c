"""`replenish demo`: a year of real households in minutes, with killed services and a final report."""

import asyncio
import contextlib
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deploy.demo.result import DemoResult
from deploy.demo.run import Demo, Options
from deploy.demo.view import View, choose_view
from deploy.local.settings import ROOT

DEFAULT_OUT = ROOT / "out"


def register(app: typer.Typer) -> None:
    app.command()(demo)


def demo(
    households: Annotated[int, typer.Option(min=1, help="Number of households.")] = 30,
    days: Annotated[int, typer.Option(min=1, max=365, help="Number of days.")] = 365,
    seed: Annotated[int, typer.Option(help="Random seed for households and devices.")] = 1,
    kill: Annotated[bool, typer.Option("--kill/--no-kill", help="Kill every service once with SIGKILL.")] = True,
    keep: Annotated[bool, typer.Option("--keep", help="Keep everything running and print the addresses.")] = False,
    out: Annotated[
        Path, typer.Option(help="Folder for demo.json and the event log.", show_default="out")
    ] = DEFAULT_OUT,
) -> None:
    """Restock real households for a year, kill each service once, and verify the result."""
    view = choose_view()
    options = Options(households, days, seed, kill, Path(tempfile.mkdtemp(prefix="replenish-demo-")), out.resolve())
    if not asyncio.run(_run(options, view, keep=keep)):
        raise typer.Exit(1)


async def _run(options: Options, view: View, *, keep: bool) -> bool:
    """Run the demo, show the report, and always clean up."""
    running = Demo(options, view)
    current = asyncio.current_task()
    if current is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, current.cancel)
    console = Console(highlight=False)
    try:
        result = await _run_year(running, view, console)
        if not result.ok:
            _keep_logs(running)
        result.write(running.options.out / "demo.json")
        result.show(console)
        console.print(f"full report: {running.options.out / 'demo.json'}; event log: {running.evidence}")
        if keep:
            with contextlib.suppress(asyncio.CancelledError):  # by Ctrl-C
                await _wait_for_interrupt(running, console)
    finally:
        await running.close()
        if running.stack.backends.postgres is not None:
            running.stack.backends.postgres.remove()
        shutil.rmtree(running.options.home, ignore_errors=True)
    return result.ok


async def _run_year(running: Demo, view: View, console: Console) -> DemoResult:
    """Run the year; on failure keep the logs."""
    try:
        with view:
            return await running.run()
    except BaseException:
        _keep_logs(running)
        console.print(f"[red]the demo failed; the logs are in {running.evidence / 'logs'}[/]")
        raise


def _keep_logs(running: Demo) -> None:
    shutil.copytree(running.stack.home.logs, running.evidence / "logs", dirs_exist_ok=True)


async def _wait_for_interrupt(running: Demo, console: Console) -> None:
    """Print the addresses and keep the demo's clock running until interrupted."""
    home = running.options.home
    household = running.households[0]
    link = await running.company.sign_in_link(running.customer_ids[household.number])
    console.print(f"\nportal page of {household.name}: {link}")
    for service, url in running.stack.urls.items():
        console.print(f"  {service.replace('_', '-'):18} {url}")
    console.print(f"processes and lag: replenish status --home {home}")
    console.print(f"operator token: replenish token --home {home}")
    console.print(f"mails: {running.environment.mails}")
    console.print("everything keeps running; press Ctrl-C to stop")
    await running.environment.run_clock()
