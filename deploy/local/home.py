"""The folder of one stack: data, logs, secrets, and the state file."""

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
    return Path(os.environ.get("REPLENISH_HOME") or DEFAULT).resolve()


class Home:
    """Paths, secrets and the state file below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.logs = self.folder / "logs"
        self.secrets = self.folder / "secrets"
        #: Requested instance counts, read by the running supervisor.
        self.scale_wish = self.folder / "scale.json"
        self._state = self.folder / "state.json"
        self._lock = self.folder / "lock"

    def create(self) -> None:
        """Create the folders; the secrets folder is accessible to the owner only."""
        self.logs.mkdir(parents=True, exist_ok=True)
        self.secrets.mkdir(mode=0o700, exist_ok=True)

    @contextlib.contextmanager
    def owned(self) -> Iterator[None]:
        """Hold this folder's lock: one stack at a time. The kernel releases it when this process dies."""
        self.create()
        with self._lock.open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise StackError(f"a stack is already running in {self.folder}") from None
            yield

    def is_owned(self) -> bool:
        if not self._lock.exists():
            return False
        with self._lock.open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return True
        return False

    def read_state(self) -> dict[str, Any]:
        """Return the state of the running or last stack, empty if there was none."""
        try:
            state: dict[str, Any] = json.loads(self._state.read_text())
        except FileNotFoundError:
            return {}
        return state

    def write_state(self, state: dict[str, Any]) -> None:
        """Replace the state file atomically."""
        fresh = self._state.with_suffix(".new")
        fresh.write_text(json.dumps(state, indent=1))
        fresh.replace(self._state)

    def secret(self, owner: str, name: str) -> str:
        """Return a secret, generated on first use."""
        place = self.secrets / owner / name
        if not place.exists():
            self.write_secret(owner, name, secrets.token_urlsafe(32))
        return place.read_text()

    def find_secret(self, owner: str, name: str) -> str | None:
        """Return a secret, None if it does not exist."""
        place = self.secrets / owner / name
        return place.read_text() if place.exists() else None

    def write_secret(self, owner: str, name: str, value: str) -> Path:
        """Atomically write a file that only its owner can read."""
        place = self.secrets / owner / name
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = place.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
            handle.write(value)
        return fresh.replace(place)
