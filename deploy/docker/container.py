"""Entry points of the image inside a container: `prepare`, `run MODULE [ARG...]`, `healthy`."""

import asyncio
import os
import socket
import sys
from pathlib import Path

from deploy.local import schemas, settings
from deploy.local.broker import unready
from deploy.local.health import is_ready
from deploy.local.home import Home
from deploy.local.names import SERVICES
from deploy.local.postgres import answers
from deploy.local.roles import isolate_server, prepare_database
from deploy.local.waiting import until

DATABASE = "replenish"
#: Mount point of the volume with the secrets while `prepare` runs.
STATE = Path("/state")
BACKENDS_WITHIN_SECONDS = 120


async def prepare() -> None:
    """Create or update database, roles, secrets, topics and schemas; idempotent."""
    admin_url, kafka_url = os.environ["DATABASE_URL"], os.environ["KAFKA_URL"]

    async def broker_ready() -> bool:
        return await unready(kafka_url) is None

    await until(lambda: answers(admin_url), "Postgres accepts connections", within_s=BACKENDS_WITHIN_SECONDS)
    await until(broker_ready, "Kafka accepts a record", within_s=BACKENDS_WITHIN_SECONDS)
    await isolate_server(admin_url)
    home = Home(STATE)
    home.create()
    prepared = await prepare_database(admin_url, DATABASE, SERVICES, passwords=settings.read_passwords(home))
    settings.write_secrets(home, prepared)
    await schemas.prepare(kafka_url, {service: prepared[service].owner_url for service in SERVICES})


def run(module: str, *arguments: str) -> None:
    """Replace this process with the service; each replica derives its instance number from the container's hostname."""
    if not os.environ.get("INSTANCE"):
        name = socket.gethostname()
        os.environ["INSTANCE"] = str(int(name[:7], 16) if _is_hexadecimal(name[:7]) else 0)
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606 - signals must reach it


def _is_hexadecimal(text: str) -> bool:
    return bool(text) and all(letter in "0123456789abcdef" for letter in text)


def main(command: str, *arguments: str) -> None:
    if command == "prepare":
        asyncio.run(prepare())
    elif command == "run":
        run(*arguments)
    elif command == "healthy":
        sys.exit(not asyncio.run(is_ready(f"http://127.0.0.1:{os.environ['HTTP_PORT']}")))
    else:
        sys.exit("usage: python -m deploy.docker.container prepare | run MODULE [ARGUMENT...] | healthy")


if __name__ == "__main__":
    main(*sys.argv[1:])
