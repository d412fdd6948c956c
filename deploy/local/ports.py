"""Chooses free TCP ports on the loopback interface."""

import asyncio
import random
import socket

# Below every system's ephemeral range, so that an outgoing connection cannot take the port of a
# server that is restarting.
LOWEST, HIGHEST = 12_000, 30_000
TRIES = 200


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a free port; random, so that stacks started at once rarely collide."""
    choose = random.SystemRandom()
    for _ in range(TRIES):
        port = choose.randint(LOWEST, HIGHEST)
        if is_free(port):
            return port
    raise OSError(f"no free port between {LOWEST} and {HIGHEST}")


async def accepts(host: str, port: int) -> bool:
    """Whether a TCP connection is accepted at this moment."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    await asyncio.wait([asyncio.ensure_future(writer.wait_closed())])
    return True
