"""The command blocks of the documentation, and a shell that runs them as a reader would."""

import asyncio
import os
import re
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from deploy.local.settings import ROOT

#: Languages of blocks that a reader types into a shell.
SHELLS = ("sh", "bash", "shell", "console")
LIMIT_SECONDS = 400
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

#: The recipes of the Makefile without the installation, which would download packages into the running test's .venv.
MAKE = """
make() {
    command make --dry-run --no-print-directory "$@" | grep -v '^deploy/setup.sh' >"$SANDBOX/recipe"
    bash -euo pipefail "$SANDBOX/recipe"
}
"""


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: str
    language: str
    text: str

    @property
    def name(self) -> str:
        """Page and first command, which identify the block."""
        return f"{self.page}: {re.split('  |;', self.text.splitlines()[0])[0]}"


def pages() -> list[Path]:
    """Return the README, the pages in docs, and the page of the service that people call first."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "services" / "portal" / "README.md"]


def blocks_of(page: Path) -> list[Block]:
    name = str(page.relative_to(ROOT))
    return [Block(name, language, text) for language, text in _FENCE.findall(page.read_text())]


def commands_of(page: str) -> list[Block]:
    return [block for block in blocks_of(ROOT / page) if block.language in SHELLS]


async def run_blocks(blocks: list[Block], sandbox: Path, prelude: str = "", **env: str) -> tuple[int, str]:
    """Run the blocks in order in one shell from the repository's root; return its exit status and what it printed.

    The shell stops at the first command that fails, and after `LIMIT_SECONDS`. Background jobs end with it.
    """
    script = "\n".join(["set -euo pipefail", prelude, *(block.text for block in blocks)])
    with (sandbox / "printed").open("wb") as printed:
        shell = await asyncio.create_subprocess_exec(
            *("bash", "-c", script),
            cwd=ROOT,
            env={**os.environ, "SANDBOX": str(sandbox), **env},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=printed,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        with suppress(TimeoutError):
            await asyncio.wait_for(shell.wait(), LIMIT_SECONDS)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGTERM)
        status = await shell.wait()
    return status, (sandbox / "printed").read_text()
