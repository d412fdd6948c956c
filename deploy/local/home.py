"""The folder that holds everything one stack keeps: data, logs, secrets, and what runs where."""

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy.local.errors import StackError

DEFAULT = ".replenish"


def default_home() -> Path:
    """Return $REPLENISH_HOME, else .replenish in the current folder."""
    return Path(os.environ.get("REPLENISH_HOME") or DEFAULT).resolve()


class Home:
    """Paths, secrets and the state file under one folder."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; it is created when something is written."""
        self.folder = folder.resolve()
        self.logs = self.folder / "logs"
        self.secrets = self.folder / "secrets"
        #: How many instances somebody wants of a stack that runs.
        self.scale_wish = self.folder / "scale.json"
        self._state = self.folder / "state.json"
        self._lock = self.folder / "lock"

    def create(self) -> None:
        """Make the folders; only we may look into the one with secrets."""
        self.logs.mkdir(parents=True, exist_ok=True)
        self.secrets.mkdir(mode=0o700, exist_ok=True)

    @contextlib.contextmanager
    def owned(self) -> Iterator[None]:
        """Be the one stack that runs here; the kernel frees the place when we die."""
        self.create()
        with self._lock.open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise StackError(f"a stack already runs in {self.folder}") from None
            yield

    def is_owned(self) -> bool:
        """Whether a stack runs here now."""
        if not self._lock.exists():
            return False
        with self._lock.open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return True
        return False

    def read_state(self) -> dict[str, Any]:
        """Return what the running (or last) stack wrote; empty if there was none."""
        try:
            state: dict[str, Any] = json.loads(self._state.read_text())
        except FileNotFoundError:
            return {}
        return state

    def write_state(self, state: dict[str, Any]) -> None:
        """Replace the state file in one step: readers see the old or the new."""
        fresh = self._state.with_suffix(".new")
        fresh.write_text(json.dumps(state, indent=1))
        fresh.replace(self._state)

    def secret(self, owner: str, name: str) -> str:
        """Return a secret by name, made up when it is first asked for."""
        place = self.secrets / owner / name
        if not place.exists():
            self.write_secret(owner, name, secrets.token_urlsafe(32))
        return place.read_text()

    def find_secret(self, owner: str, name: str) -> str | None:
        """Return a secret that somebody laid here, None where there is none."""
        place = self.secrets / owner / name
        return place.read_text() if place.exists() else None

    def write_secret(self, owner: str, name: str, value: str) -> Path:
        """Write a file that only we can read, in one step."""
        place = self.secrets / owner / name
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = place.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
            handle.write(value)
        return fresh.replace(place)
