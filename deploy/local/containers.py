"""Broker and database in containers of the official images, for tests and trials; their data is not kept."""

import importlib.util
import secrets
import shutil
import subprocess
from collections.abc import Callable

from deploy.local.ports import free_port

KAFKA_IMAGE = "apache/kafka:4.3.1"
POSTGRES_IMAGE = "postgres:18"
PROBE_SECONDS = 10

Stops = list[Callable[[], None]]


def why_not() -> str:
    """Return the reason why Docker cannot be used, or an empty string."""
    docker = shutil.which("docker")
    if docker is None:
        return "the docker command is not installed"
    try:
        said = subprocess.run([docker, "info"], capture_output=True, timeout=PROBE_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "the Docker daemon does not respond"
    if said.returncode != 0:
        return "the Docker daemon is not running"
    if importlib.util.find_spec("testcontainers") is None:
        return "Docker is running, but testcontainers is not installed"
    return ""


def start_kafka(stops: Stops) -> str:
    """Start one broker, append its stop function to `stops`, return its bootstrap address."""
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - a test dependency

    port = free_port()
    broker = DockerContainer(KAFKA_IMAGE)
    for name, value in kafka_environment("127.0.0.1", port).items():
        broker.with_env(name, value)
    broker.with_bind_ports(port, port)
    stops.append(broker.stop)
    broker.start()
    return f"127.0.0.1:{port}"


def start_postgres(stops: Stops) -> str:
    """Start one server, append its stop function to `stops`, return the superuser's URL."""
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - a test dependency

    port, password = free_port(), secrets.token_urlsafe(24)
    server = DockerContainer(POSTGRES_IMAGE).with_bind_ports(5432, port)
    server.with_env("POSTGRES_PASSWORD", password).with_command("-c max_connections=200 -c max_wal_size=4GB")
    stops.append(server.stop)
    server.start()
    return f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"


def kafka_environment(host: str, port: int) -> dict[str, str]:
    """Return the image's settings for a single node that clients reach at host:port."""
    return {
        "CLUSTER_ID": "cmVwbGVuaXNoLXN0YWNrLQ",
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:29093",
        "KAFKA_LISTENERS": f"CONTROLLER://:29093,PLAINTEXT://:{port}",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{host}:{port}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "KAFKA_INTER_BROKER_LISTENER_NAME": "PLAINTEXT",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    }
