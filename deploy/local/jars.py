"""Downloads Kafka's jars as pinned in the lock file; every jar is verified by its sha256."""

import contextlib
import hashlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import rich.progress
from rich.console import Console

from deploy.local import maven
from deploy.local.errors import StackError
from deploy.local.folders import cache_folder, only_one
from deploy.local.maven import Progress

LOCK = Path(__file__).parents[1] / "kafka" / "jars.lock"
TRIES = 3


@dataclass(frozen=True)
class Jar:
    """One line of the lock file."""

    group: str
    artifact: str
    version: str
    sha256: str

    def place(self, repository: Path) -> Path:
        name = f"{self.artifact}-{self.version}.jar"
        return repository.joinpath(*self.group.split("."), self.artifact, self.version, name)

    def is_in(self, repository: Path) -> bool:
        try:
            content = self.place(repository).read_bytes()
        except FileNotFoundError:
            return False
        return hashlib.sha256(content).hexdigest() == self.sha256


Say = Callable[[int, Jar], None]


def read_lock(lock: Path = LOCK) -> list[Jar]:
    """Return the jars in class path order, which is the lock's order."""
    jars = []
    for line in lock.read_text().splitlines():
        coordinates, sha256 = line.split()
        group, artifact, version = coordinates.split(":")
        jars.append(Jar(group, artifact, version, sha256))
    return jars


def classpath(*, lock: Path = LOCK) -> str:
    """Return Kafka's class path after downloading missing jars; safe to call from two processes."""
    jars, repository = read_lock(lock), cache_folder() / "jars"
    if not all(jar.is_in(repository) for jar in jars):
        with only_one(cache_folder() / "jars.lock"):
            _fetch([jar for jar in jars if not jar.is_in(repository)], repository)
    return ":".join(str(jar.place(repository)) for jar in jars)


def _fetch(missing: list[Jar], repository: Path) -> None:
    if not missing:
        return
    with _progress(len(missing)) as (say, progress):
        for number, jar in enumerate(missing, 1):
            say(number, jar)
            _fetch_one(jar, repository, progress)


def _fetch_one(jar: Jar, repository: Path, progress: Progress) -> None:
    """Download one jar; retry on a wrong checksum, because the downloader does not verify its cache."""
    trouble = "its sha256 differs from the lock"
    for _ in range(TRIES):
        jar.place(repository).unlink(missing_ok=True)
        try:
            maven.download(jar.group, jar.artifact, jar.version, repository, progress)
        except StackError as error:
            trouble = str(error)
        if jar.is_in(repository):
            return
    raise StackError(f"cannot download {jar.group}:{jar.artifact}:{jar.version}: {trouble}")


@contextlib.contextmanager
def _progress(count: int) -> Iterator[tuple[Say, Progress]]:
    """Show a progress bar on a terminal, every tenth file elsewhere."""
    console = Console(stderr=True)
    bar = rich.progress.Progress(
        "{task.description}",
        rich.progress.BarColumn(),
        rich.progress.DownloadColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    task = bar.add_task("Kafka", total=None)

    def say(number: int, jar: Jar) -> None:
        bar.update(task, description=f"Kafka {number}/{count} {jar.artifact}", completed=0)
        if bar.disable and number % 10 == 1:
            sys.stderr.write(f"fetching Kafka: file {number} of {count}\n")

    @contextlib.contextmanager
    def progress(_name: str, total: int) -> Iterator[Callable[[int], None]]:
        bar.update(task, total=total, completed=0)
        yield lambda step: bar.advance(task, step)

    with bar:
        yield say, progress


if __name__ == "__main__":
    try:
        classpath()
    except StackError as error:
        sys.exit(f"setup: {error}")
