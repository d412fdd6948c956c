"""A payment service that moves no money: holds, captures, voids and refunds over HTTP, with the faults of real ones.

Every POST needs an Idempotency-Key: the same key with the same body gets the first answer again
(`Idempotent-Replayed: true`), with another body 422, while the first is under way 409. What was decided is in
the book, on the disk, before anybody hears of it. It may be killed at any moment and started again.
"""

import argparse
import json
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from deploy.samples.sandbox_bank import Bank, Said


class Door(BaseHTTPRequestHandler):
    """HTTP in and out."""

    protocol_version = "HTTP/1.1"
    bank: Bank

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        match self.path.strip("/").split("/"):
            case ["v1", "payments"]:
                self._ask("authorize", "", body)
            case ["v1", "payments", reference, "capture" | "void" | "refund" as step]:
                self._ask(step, reference, body)
            case _:
                self._send(404, {"error": "there is no such place"})

    def do_GET(self) -> None:
        match self.path.strip("/").split("/"):
            case ["v1", "operations", key]:
                self._send(*self.bank.find(key))
            case _:
                self._send(404, {"error": "there is no such place"})

    def _ask(self, step: str, reference: str, body: Said) -> None:
        key = self.headers.get("Idempotency-Key")
        if not key:
            return self._send(400, {"error": "an Idempotency-Key is needed"})
        status, answer, fault = self.bank.ask(step, reference, key, body)
        if fault in ("cut", "lost"):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif fault == "broken":
            self._send(500, {"error": "something broke"})
        elif fault == "garbage":
            self._write(200, b"<html>welcome</html>", {})
        else:
            self._send(status, answer, {"Idempotent-Replayed": "true"} if fault == "replayed" else {})
        return None

    def _send(self, status: int, answer: Said, headers: dict[str, str] | None = None) -> None:
        self._write(status, json.dumps(answer).encode(), headers or {})

    def _write(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body)), "Content-Type": "application/json"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep quiet: the book says everything."""


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8460, help="0 takes a free one; it is printed")
    parser.add_argument("--log", required=True, type=Path, help="JSON lines: the book")
    parser.add_argument("--slow-seconds", type=float, default=5, help="how long `tok_slow` takes")
    parser.add_argument("--cut-every", type=int, default=0, metavar="N", help="do the N-th request and hang up")
    parser.add_argument("--lost-every", type=int, default=0, metavar="N", help="hang up without doing it")
    parser.add_argument("--busy-every", type=int, default=0, metavar="N", help="answer 429 without doing it")
    parser.add_argument("--broken-every", type=int, default=0, metavar="N", help="do it and answer 500")
    parser.add_argument("--garbage-every", type=int, default=0, metavar="N", help="do it and answer a web page")
    return parser


if __name__ == "__main__":
    options = arguments().parse_args()
    Door.bank = Bank(options)
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Door)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()
