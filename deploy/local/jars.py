"""Fetches Kafka's jars named in the lock; a file is believed by its sha256 and nothing else."""

import contextlib
import hashlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from deploy.local.errors import StackError
from deploy.local.folders import cache_folder, only_one

LOCK = Path(__file__).parents[1] / "kafka" / "jars.lock"
TRIES = 3
TIMEOUT_SECONDS = 30


#: jgo's protocol: called with name and size, yields what is told each chunk's length.
Download = Callable[[str, int], contextlib.AbstractContextManager[Callable[[int], None]]]


@dataclass(frozen=True)
class Jar:
    """One line of the lock."""

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
    """Return the jars in the lock's order, which is the class path's order."""
    jars = []
    for line in lock.read_text().splitlines():
        coordinates, sha256 = line.split()
        group, artifact, version = coordinates.split(":")
        jars.append(Jar(group, artifact, version, sha256))
    return jars


def classpath(*, lock: Path = LOCK) -> str:
    """Return Kafka's class path, fetching what is missing; safe when two processes call it."""
    jars, repository = read_lock(lock), cache_folder() / "jars"
    if not all(jar.is_in(repository) for jar in jars):
        with only_one(cache_folder() / "jars.lock"):
            _fetch([jar for jar in jars if not jar.is_in(repository)], repository)
    return ":".join(str(jar.place(repository)) for jar in jars)


def _fetch(missing: list[Jar], repository: Path) -> None:
    if not missing:
        return
    with _progress(len(missing)) as (say, download):
        for number, jar in enumerate(missing, 1):
            say(number, jar)
            _fetch_one(jar, repository, download)


def _fetch_one(jar: Jar, repository: Path, download: Download) -> None:
    """Download one jar, again if its sum is wrong: jgo trusts whatever lies in its cache."""
    # Imported here: a stack whose jars are present needs neither jgo nor its 0.2 s.
    from jgo.constants import MAVEN_CENTRAL_URL  # noqa: PLC0415
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415

    context = MavenContext(
        repo_cache=repository,
        remote_repos={"central": MAVEN_CENTRAL_URL},
        resolver=PythonResolver(progress_callback=download),
        timeout=TIMEOUT_SECONDS,
    )
    trouble = "its sha256 differs from the lock"
    for _ in range(TRIES):
        jar.place(repository).unlink(missing_ok=True)
        try:
            context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
        except Exception as error:  # noqa: BLE001 - jgo raises a dozen kinds; the person needs one line
            trouble = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        if jar.is_in(repository):
            return
    raise StackError(f"cannot fetch {jar.group}:{jar.artifact}:{jar.version}: {trouble[:200]}")


@contextlib.contextmanager
def _progress(count: int) -> Iterator[tuple[Say, Download]]:
    """Show a bar on a terminal, every tenth file elsewhere."""
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    task = bar.add_task("Kafka", total=None)

    def say(number: int, jar: Jar) -> None:
        bar.update(task, description=f"Kafka {number}/{count} {jar.artifact}", completed=0)
        if bar.disable and number % 10 == 1:
            sys.stderr.write(f"fetching Kafka: file {number} of {count}\n")

    @contextlib.contextmanager
    def download(_name: str, total: int) -> Iterator[Callable[[int], None]]:
        bar.update(task, total=total, completed=0)
        yield lambda step: bar.advance(task, step)

    with bar:
        yield say, download


if __name__ == "__main__":
    try:
        classpath()
    except StackError as error:
        sys.exit(f"setup: {error}")
