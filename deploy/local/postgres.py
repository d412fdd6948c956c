"""A Postgres server as a child process."""

import asyncio
import os
import secrets
import shutil
import signal
import time
from pathlib import Path

import asyncpg

from deploy.local.child import Launch, last_words, spawn
from deploy.local.errors import StackError
from deploy.local.pgprograms import Programs, find_programs, open_folder, reachable
from deploy.local.ports import free_port
from deploy.local.server import ServerProcess
from deploy.local.waiting import POLL_SECONDS, until

READY_WITHIN_SECONDS = 60
ADMIN = "replenish_admin"

#: Settings of the local server.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a socket path is limited to 107 bytes, and our folders may be longer
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "4GB",  # a checkpoint under load halves the throughput
    "checkpoint_timeout": "15min",
    "idle_in_transaction_session_timeout": "60s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
    "jit": "off",  # compilation costs more than our short statements take
}
#: Only for tests: data is lost if the machine fails.
CARELESS = {"fsync": "off", "full_page_writes": "off"}


class Postgres(ServerProcess):
    """One server with its data in `folder`; data, port and password survive stop and start."""

    name = "postgres"
    title = "Postgres"
    stop_signal = signal.SIGINT
    stop_patience_s = 30

    def __init__(self, folder: Path, *, port: int | None = None, fsync: bool = True) -> None:
        super().__init__()
        self.folder = Path(folder).resolve()
        self.log = self.folder / "postgres.log"
        self._asked_port = port
        self._fsync = fsync

    @property
    def port(self) -> int:
        """The port chosen for this folder at its first start."""
        return int(self._remembered("port", str(self._asked_port or free_port())))

    @property
    def admin_url(self) -> str:
        """URL of the superuser, for the stack only."""
        password = self._remembered("admin_password", secrets.token_urlsafe(24))
        return f"postgresql://{ADMIN}:{password}@127.0.0.1:{self.port}/postgres"

    @property
    def home(self) -> Path:
        """Data folder: `folder`, unless this process is root and Postgres's account cannot enter it."""
        account = find_programs().account
        if reachable(self.folder, account):
            return self.folder
        return open_folder(account) / self._remembered("place", f"data-{secrets.token_hex(8)}")

    async def start(self) -> None:
        """Return once the server accepts a query."""
        async with self._turn:
            await self._start()

    async def _start(self) -> None:
        if self._child is not None and self._child.poll() is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        programs = find_programs()
        data = self.home / "data"
        if not (data / "PG_VERSION").exists():
            await asyncio.to_thread(self._initialise, programs, data)
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while not await self._launched(programs, data):
            # After a crash the children of the old server may need a moment to exit.
            words = last_words(self.log)
            in_the_way = "shared memory block" in words or "lock file" in words
            if not in_the_way or time.monotonic() > deadline:
                raise StackError(f"Postgres did not start: {words}")
            await asyncio.sleep(10 * POLL_SECONDS)

    def remove(self) -> None:
        """Delete the data; the server must be stopped."""
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    async def _launched(self, programs: Programs, data: Path) -> bool:
        """Start the server; return False if it exits before it is ready."""
        settings = SETTINGS | ({} if self._fsync else CARELESS)
        settings |= {"port": str(self.port), "wal_compression": self._remembered("wal_compression", "off")}
        command = [str(programs.folder / "postgres"), "-D", str(data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        account = programs.account
        owner = (account.uid, account.gid) if account else None
        env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
        launch = Launch(command, self.log, env, Path("/"), owner, stop_signal=signal.SIGINT)
        self._child = child = spawn(launch)

        async def settled() -> bool:
            return child.poll() is not None or await answers(self.admin_url)

        await until(settled, "Postgres is ready", within_s=READY_WITHIN_SECONDS)
        if child.poll() is None:
            return True
        self._child = None
        return False

    def _initialise(self, programs: Programs, data: Path) -> None:
        shutil.rmtree(data, ignore_errors=True)  # left by an interrupted attempt
        data.mkdir(parents=True)
        password = self.home / "initdb.password"
        password.write_text(self._remembered("admin_password", secrets.token_urlsafe(24)))
        password.chmod(0o600)
        if programs.account is not None:
            os.chown(data, programs.account.uid, programs.account.gid)
            os.chown(password, programs.account.uid, programs.account.gid)
        command: list[str | Path] = ["-D", data, "-U", ADMIN, "--pwfile", password, "-A", "scram-sha-256"]
        command += ["-E", "UTF8", "--locale=C", "-T", "english"]
        if programs.major >= 17:  # noqa: PLR2004 - the built-in locale provider came with 17
            command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        said = programs.run("initdb", *command, *([] if self._fsync else ["--no-sync"]))
        password.unlink()
        if said.returncode != 0:
            shutil.rmtree(data, ignore_errors=True)
            words = " | ".join((said.stdout + said.stderr).strip().splitlines()[-3:])
            raise StackError(f"initdb failed: {words}")
        lz4 = programs.run("postgres", "-D", data, "-c", "wal_compression=lz4", "-C", "wal_compression")
        self._remembered("wal_compression", "lz4" if lz4.returncode == 0 else "off")

    def _remembered(self, name: str, value: str) -> str:
        """Return the value stored in the folder under `name`; the first call stores `value`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        place = self.folder / name
        if not place.exists():
            place.touch(mode=0o600)
            place.write_text(value)
        return place.read_text()


async def answers(url: str) -> bool:
    """Whether the server accepts a connection with this URL."""
    try:
        connection = await asyncpg.connect(url, timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return False
    await connection.close()
    return True
