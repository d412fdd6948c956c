"""SMTP server for the demo and the tests that stores each mail as a JSON line.

`python -m deploy.local.mailbox --port P --log FILE`
"""

import argparse
import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.local.settings import HOST

TAKEN = "250 taken"
#: Called with sender, recipients and content; an SMTP reply other than TAKEN refuses the mail.
Judge = Callable[[Envelope], str]


class Mailbox:
    """Writes every accepted mail to disk before acknowledging it."""

    def __init__(self, log: Path, judge: Judge = lambda _: TAKEN) -> None:
        self._log = log.open("a", encoding="utf-8")
        self._judge = judge

    # Name required by aiosmtpd.
    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name
        answer = self._judge(envelope)
        if answer == TAKEN:
            self._log.write(json.dumps(_line(envelope), ensure_ascii=False) + "\n")
            self._log.flush()
            os.fsync(self._log.fileno())
        return answer

    def close(self) -> None:
        self._log.close()


def _line(envelope: Envelope) -> dict[str, Any]:
    content = envelope.content if isinstance(envelope.content, bytes) else b""
    mail = message_from_bytes(content, policy=default)
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    return {
        "message_id": str(mail["Message-ID"]),
        "to": envelope.rcpt_tos,
        "from": envelope.mail_from,
        "header_to": str(mail["To"]),
        "subject": str(mail["Subject"]),
        "date": str(mail["Date"]),
        "language": str(mail["Content-Language"]),
        "text": plain.get_content() if plain else "",
        "html": html.get_content() if html else "",
        "caught_at": time.time(),
    }


@asynccontextmanager
async def catching(log: Path, *, port: int = 0, judge: Judge | None = None) -> AsyncIterator[int]:
    """Accept mail while the block runs; yields the port."""
    mailbox = Mailbox(log, judge) if judge else Mailbox(log)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(mailbox, hostname="mailbox", loop=loop), HOST, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
        mailbox.close()


async def _serve(port: int, log: Path) -> None:
    asked_to_stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, asked_to_stop.set)
    async with catching(log, port=port) as taken:
        print(f"catching mail on 127.0.0.1:{taken} into {log}", flush=True)
        await asked_to_stop.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", type=Path, required=True)
    chosen = parser.parse_args()
    asyncio.run(_serve(chosen.port, chosen.log))
