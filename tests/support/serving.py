"""HTTP servers of tests, in the test's own process."""

import asyncio
import socket
from contextlib import asynccontextmanager, suppress

import uvicorn


@asynccontextmanager
async def served(app, listener=None):
    """Serve an ASGI application on the listener, or on a free port; yield its URL."""
    listener = listener or socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    server.install_signal_handlers = lambda: None
    task = asyncio.create_task(server._serve([listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await task
