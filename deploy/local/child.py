"""Starts and stops child processes that cannot outlive this process, even after SIGKILL."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import StackError
from deploy.local.waiting import until

PR_SET_PDEATHSIG = 1
#: Bytes of a log's end to quote in error messages.
LAST_LINES = 3
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


@dataclass(frozen=True)
class Launch:
    """How to start a child: command, log file, account and stop signal."""

    command: Sequence[str]
    log: Path
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    #: uid and gid of the child; None keeps those of this process.
    owner: tuple[int, int] | None = None
    #: Sent by the kernel when this process dies, and by `end`.
    stop_signal: signal.Signals = signal.SIGTERM


def spawn(launch: Launch) -> subprocess.Popen[bytes]:
    """Start a child in its own session; the kernel signals it when this process dies (Linux only).

    Call it from the main thread: the kernel watches the *thread* that forked.
    """
    if threading.current_thread() is not threading.main_thread():
        raise StackError("child processes can only be started from the main thread")
    uid, gid = launch.owner or (None, None)
    launch.log.parent.mkdir(parents=True, exist_ok=True)
    with launch.log.open("ab") as log:
        return subprocess.Popen(
            launch.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=launch.cwd,
            env=launch.env,
            user=uid,
            group=gid,
            extra_groups=None if uid is None else (),
            start_new_session=True,
            preexec_fn=_die_with(os.getpid(), launch.stop_signal),  # noqa: PLW1509 - only prctl
        )


def _die_with(parent: int, stop_signal: signal.Signals) -> Callable[[], None] | None:
    if _prctl is None:
        return None
    prctl = _prctl

    def leash() -> None:
        prctl(PR_SET_PDEATHSIG, int(stop_signal))
        if os.getppid() != parent:  # the parent died between fork and prctl
            os._exit(1)

    return leash


async def end(child: subprocess.Popen[bytes], stop_signal: signal.Signals, *, patience_s: float) -> int:
    """Send the stop signal, then SIGKILL after `patience_s`; return the exit status."""
    if child.poll() is None:
        child.send_signal(stop_signal)
        try:
            await exited(child, within_s=patience_s)
        except StackError:
            child.kill()
            await exited(child, within_s=patience_s)
    return child.returncode


async def exited(child: subprocess.Popen[bytes], *, within_s: float) -> int:
    await until(lambda: child.poll() is not None, f"process {child.pid} ends", within_s=within_s)
    return child.returncode


def last_words(log: Path) -> str:
    """Return the end of a log as one line, for an error message."""
    if not log.exists():
        return "(no output)"
    kept = log.read_text(errors="replace").strip().splitlines()[-LAST_LINES:]
    return " | ".join(line.strip() for line in kept) or "(no output)"
