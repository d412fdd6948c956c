"""A single-node Apache Kafka as a child process."""

import asyncio
import base64
import json
import os
import signal
import subprocess
import uuid
from pathlib import Path

from deploy.local import jars
from deploy.local.broker import unready
from deploy.local.child import Launch, last_words, spawn
from deploy.local.errors import StackError
from deploy.local.java import find_java
from deploy.local.ports import free_port
from deploy.local.server import ServerProcess
from deploy.local.waiting import until

READY_WITHIN_SECONDS = 60
#: Attempts on new ports if another process took the chosen port in the meantime.
START_TRIES = 3

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
num.network.threads=2
num.io.threads=2
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
log.cleaner.dedupe.buffer.size=2097152
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
"""
# The last two: after a crash the broker can register again only when its old session has expired.
#: There is no replica to survive a power cut: flush records older than a second.
DURABLE = "log.flush.scheduler.interval.ms=1000\nlog.flush.interval.ms=1000\n"


class Kafka(ServerProcess):
    """One broker in `folder`; its data and ports survive stop, kill and start."""

    name = "kafka"
    title = "Kafka"
    stop_signal = signal.SIGTERM
    stop_patience_s = 20

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        durable: bool = False,
        heap: str = "384m",
        throughput: bool = False,
    ) -> None:
        """Does not start anything. `throughput` lets the JVM optimise fully, at the price of a slower warm-up."""
        super().__init__()
        self.folder = Path(folder).resolve()
        self.log = self.folder / "kafka.log"
        self._asked_port = port
        self._durable = durable
        self._heap = heap
        self._throughput = throughput

    @property
    def url(self) -> str:
        return f"127.0.0.1:{self._ports()['port']}"

    async def start(self) -> None:
        """Return once a topic was created and a record produced."""
        async with self._turn:
            if self._child is not None and self._child.poll() is None:
                return
            for last in (False,) * (START_TRIES - 1) + (True,):
                await self._launch()
                try:
                    await until(self._is_ready, "Kafka is ready", within_s=READY_WITHIN_SECONDS)
                except StackError:
                    taken = self._child is not None and self._child.poll() is not None
                    await self._end(signal.SIGTERM)
                    if last or not taken or not self._take_new_ports():
                        raise
                else:
                    return

    async def _is_ready(self) -> bool:
        child = self._running()
        if child.poll() is not None:
            raise StackError(f"Kafka exited with {child.returncode}: {last_words(self.log)}")
        return await unready(self.url) is None

    async def _launch(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        java, classpath = find_java(), await asyncio.to_thread(jars.classpath)
        settings = self.folder / "server.properties"
        text = PROPERTIES.format(data=self.folder / "data", **self._ports())
        settings.write_text(text + (DURABLE if self._durable else ""))
        if not (self.folder / "data" / "meta.properties").exists():
            await asyncio.to_thread(self._format, java.path, classpath, settings)
        quick = [] if self._throughput else ["-XX:TieredStopAtLevel=1"]
        command = [java.path, "-Xms64m", f"-Xmx{self._heap}", "-XX:+UseSerialGC", *quick]
        command += ["-Djava.net.preferIPv4Stack=true", *java.flags]
        command += ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
        command += ["-cp", classpath, "kafka.Kafka", str(settings)]
        self._child = spawn(Launch(command, self.log, cwd=self.folder))

    def _format(self, java: str, classpath: str, settings: Path) -> None:
        command = [java, "-Xmx128m", "-XX:TieredStopAtLevel=1"]
        command += ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", classpath]
        command += ["kafka.tools.StorageTool", "format", "--standalone", "--ignore-formatted"]
        command += ["-t", _cluster_id(), "-c", str(settings)]
        said = subprocess.run(command, capture_output=True, text=True, check=False)
        if said.returncode != 0:
            words = " | ".join((said.stdout + said.stderr).strip().splitlines()[-3:])
            raise StackError(f"cannot format Kafka's storage: {words}")

    def _ports(self) -> dict[str, int]:
        """Return the ports chosen for this folder at its first start."""
        stored = self.folder / "ports.json"
        if not stored.exists():
            self._store_ports(self._asked_port or free_port())
        ports: dict[str, int] = json.loads(stored.read_text())
        return ports

    def _store_ports(self, port: int) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = self.folder / f"ports.{os.getpid()}"
        fresh.write_text(json.dumps({"port": port, "controller_port": free_port()}))
        fresh.replace(self.folder / "ports.json")

    def _take_new_ports(self) -> bool:
        """Choose new ports after a start that failed on a taken port; never replaces a requested port."""
        if self._asked_port is not None or "Address already in use" not in self.log.read_text():
            return False
        self._store_ports(free_port())
        return True


def _cluster_id() -> str:
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):  # the tool would parse it as an option
            return text
