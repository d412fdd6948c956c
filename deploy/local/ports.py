"""Chooses free TCP ports on the loopback."""

import asyncio
import random
import socket

# Below every system's ephemeral range: nobody's outgoing connection takes the port of a server
# that is being restarted.
LOWEST, HIGHEST = 12_000, 30_000
TRIES = 200


def is_free(port: int) -> bool:
    """Whether nobody listens on the loopback port at this moment."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port nobody listens on; random, so that stacks starting at once rarely collide."""
    choose = random.SystemRandom()
    for _ in range(TRIES):
        port = choose.randint(LOWEST, HIGHEST)
        if is_free(port):
            return port
    raise OSError(f"no free port between {LOWEST} and {HIGHEST}")


async def accepts(host: str, port: int) -> bool:
    """Whether something accepts a TCP connection there now."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    await asyncio.wait([asyncio.ensure_future(writer.wait_closed())])
    return True
