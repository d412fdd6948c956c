"""`replenish demo`: a year of real households in minutes, with kills, and the books at the end."""

import asyncio
import contextlib
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deploy.local.demo.books import Books
from deploy.local.demo.run import Demo, Options
from deploy.local.demo.view import View, choose_view
from deploy.local.settings import ROOT

DEFAULT_OUT = ROOT / "out"


def register(app: typer.Typer) -> None:
    app.command()(demo)


def demo(
    households: Annotated[int, typer.Option(min=1, help="How many households live along.")] = 30,
    days: Annotated[int, typer.Option(min=1, max=365, help="How many days they live.")] = 365,
    seed: Annotated[int, typer.Option(help="Chooses households and all that chance decides.")] = 1,
    kill: Annotated[bool, typer.Option("--kill/--no-kill", help="kill -9 every service once on the way.")] = True,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything up and say where to look.")] = False,
    out: Annotated[Path, typer.Option(help="Folder for demo.json and the evidence.", show_default="out")] = DEFAULT_OUT,
) -> None:
    """Restock real households for a year through all services, kill each of them, and close the books."""
    view = choose_view()
    options = Options(households, days, seed, kill, Path(tempfile.mkdtemp(prefix="replenish-demo-")), out.resolve())
    if not asyncio.run(_run(options, view, keep=keep)):
        raise typer.Exit(1)


async def _run(options: Options, view: View, *, keep: bool) -> bool:
    """Live, show the books, and leave nothing behind, whatever ends it."""
    running = Demo(options, view)
    current = asyncio.current_task()
    if current is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, current.cancel)
    console = Console(highlight=False)
    try:
        books = await _lived(running, view, console)
        books.write(running.options.out / "demo.json")
        books.show(console)
        console.print(f"all of it: {running.options.out / 'demo.json'}; the evidence: {running.evidence}")
        if keep:
            with contextlib.suppress(asyncio.CancelledError):  # Ctrl-C is how it ends
                await _stay(running, console)
    finally:
        await running.close()
        if running.stack.backends.postgres is not None:
            running.stack.backends.postgres.remove()
        shutil.rmtree(running.options.home, ignore_errors=True)
    return books.ok


async def _lived(running: Demo, view: View, console: Console) -> Books:
    """Live the year; where that fails, keep the logs."""
    try:
        with view:
            return await running.live()
    except BaseException:
        shutil.copytree(running.stack.home.logs, running.evidence / "logs", dirs_exist_ok=True)
        console.print(f"[red]it ended early; the logs are in {running.evidence / 'logs'}[/]")
        raise


async def _stay(running: Demo, console: Console) -> None:
    """Say where to look and let the demo's time go on until somebody ends it."""
    home = running.options.home
    household = running.households[0]
    link = await running.company.sign_in_link(running.customer_ids[household.number])
    console.print(f"\nthe page of {household.name}: {link}")
    for service, url in running.stack.urls.items():
        console.print(f"  {service.replace('_', '-'):18} {url}")
    console.print(f"processes and lag: replenish status --home {home}")
    console.print(f"an operator's token: replenish token --home {home}")
    console.print(f"the mails: {running.town.mails}")
    console.print("everything stays up, its clock goes on; Ctrl-C ends it")
    await running.town.tick_on()
