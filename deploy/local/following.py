"""Shows several logs as one, each line prefixed with its process's name in its own colour."""

import asyncio
from pathlib import Path

from rich.console import Console
from rich.text import Text

from deploy.local.home import Home

LOOK_EVERY_SECONDS = 0.2
COLOURS = ("cyan", "green", "yellow", "magenta", "blue", "bright_cyan", "bright_green", "bright_magenta")
NAME_WIDTH = 20
#: Logs that belong to no process of the running stack.
NOT_RUNNING = ("supervisor", "schemas")


class Follower:
    """Follows the logs of a stack."""

    def __init__(self, home: Home, *, only: str = "") -> None:
        """`only` is a prefix of the process names to show."""
        self._folders = (home.logs, home.folder / "kafka", home.folder / "postgres")
        self._only = only
        self._console = Console(highlight=False, soft_wrap=True)
        self._places = {log: log.stat().st_size for log in self.logs()}
        self._colours: dict[str, str] = {}

    async def follow(self) -> None:
        """Print new lines until cancelled."""
        while True:
            for log in self.logs():
                self._show_new(log)
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    def show_last(self, lines: int) -> None:
        """Print the last lines of each log."""
        for log in self.logs():
            for line in log.read_text(errors="replace").splitlines()[-lines:]:
                self._show(log.stem, line)

    def logs(self) -> list[Path]:
        found = [log for folder in self._folders for log in sorted(folder.glob(f"{self._only}*.log"))]
        return [log for log in found if not log.stem.endswith(".old") and log.stem not in NOT_RUNNING]

    def _show_new(self, log: Path) -> None:
        place = self._places.get(log, 0)
        size = log.stat().st_size
        if size < place:  # the log was rotated
            place = 0
        if size == place:
            return
        with log.open("rb") as handle:
            handle.seek(place)
            fresh = handle.read()
        whole = fresh[: fresh.rfind(b"\n") + 1]
        self._places[log] = place + len(whole)
        for line in whole.decode(errors="replace").splitlines():
            self._show(log.stem, line)

    def _show(self, name: str, line: str) -> None:
        colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
        self._console.print(Text(f"{name:<{NAME_WIDTH}} ", style=colour) + Text(line))
