"""Shows progress: a live display on a terminal, plain lines elsewhere."""

import sys
import time
from collections import deque
from collections.abc import Mapping
from datetime import date
from typing import Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

STORY_LINES = 14
FRAMES_PER_SECOND = 6
#: Without a terminal: days between summaries, and orders whose events are all printed.
PLAIN_EVERY_DAYS = 20
PLAIN_STORY_LINES = 24


class View(Protocol):
    """Output of the demo."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...
    def phase(self, text: str) -> None:
        """Show the current step of the setup."""
        ...

    def day(self, number: int, of: int, on: date, figures: Mapping[str, int]) -> None:
        """Show that a day is complete."""
        ...

    def show_event(self, text: str, *, loud: bool = False) -> None:
        """Show one event; loud lines are shown in every view."""
        ...


class PlainView:
    """Lines for logs and pipes."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._shown = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def phase(self, text: str) -> None:
        self._print(text)

    def day(self, number: int, of: int, on: date, figures: Mapping[str, int]) -> None:
        if number % PLAIN_EVERY_DAYS == 0 or number == of:
            counted = ", ".join(f"{count} {name}" for name, count in figures.items())
            self._print(f"day {number} of {of} ({on}): {counted}")

    def show_event(self, text: str, *, loud: bool = False) -> None:
        if loud or self._shown < PLAIN_STORY_LINES:
            self._shown += not loud
            self._print(f"  {text}")

    def _print(self, text: str) -> None:
        sys.stdout.write(f"{time.monotonic() - self._began:6.1f} s  {text}\n")
        sys.stdout.flush()


class LiveView:
    """A live display: progress, figures, and the latest events."""

    def __init__(self, console: Console) -> None:
        self._lines: deque[Text] = deque(maxlen=STORY_LINES)
        self._figures: dict[str, int] = {}
        self._progress = Progress(
            TextColumn("{task.description:24}"),
            BarColumn(None),
            TextColumn("{task.percentage:3.0f} %"),
            TimeRemainingColumn(),
        )
        self._task = self._progress.add_task("getting ready", total=None)
        self._live = Live(self._picture(), console=console, refresh_per_second=FRAMES_PER_SECOND)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.update(self._picture(), refresh=True)
        self._live.stop()

    def phase(self, text: str) -> None:
        self._progress.update(self._task, description=text[:24])
        self._lines.append(Text(text, "dim"))
        self._live.update(self._picture())

    def day(self, number: int, of: int, on: date, figures: Mapping[str, int]) -> None:
        self._progress.update(self._task, description=f"{on:%a %d %B %Y}", completed=number, total=of)
        self._figures = dict(figures)
        self._live.update(self._picture())

    def show_event(self, text: str, *, loud: bool = False) -> None:
        self._lines.append(Text(text, "bold red" if loud else "", no_wrap=True, overflow="ellipsis"))

    def _picture(self) -> Group:
        figures = Table.grid(padding=(0, 3))
        figures.add_row(*(Text.assemble((f"{count}", "bold"), f" {name}") for name, count in self._figures.items()))
        return Group(self._progress, figures, Panel(Group(*self._lines), title="events", height=STORY_LINES + 2))


def choose_view() -> View:
    """Return the live display on a terminal, plain lines otherwise."""
    console = Console()
    return LiveView(console) if console.is_terminal else PlainView()
