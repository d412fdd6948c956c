"""A payment service that moves no money: authorize, capture, void and refund over HTTP, with the faults of real ones.

Every POST needs an Idempotency-Key: the same key with the same body gets the first response again
(`Idempotent-Replayed: true`), with another body 422, while the first is being processed 409. Every decision is
on disk before the response is sent. The process may be killed at any moment and started again.
"""

import argparse
import json
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from deploy.samples.sandbox_bank import Bank, Json


class PaymentHandler(BaseHTTPRequestHandler):
    """HTTP handler."""

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
                self._send(404, {"error": "not found"})

    def do_GET(self) -> None:
        match self.path.strip("/").split("/"):
            case ["v1", "operations", key]:
                self._send(*self.bank.find(key))
            case _:
                self._send(404, {"error": "not found"})

    def _ask(self, step: str, reference: str, body: Json) -> None:
        key = self.headers.get("Idempotency-Key")
        if not key:
            return self._send(400, {"error": "an Idempotency-Key is required"})
        status, answer, fault = self.bank.process(step, reference, key, body)
        if fault in ("cut", "lost"):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif fault == "broken":
            self._send(500, {"error": "internal error"})
        elif fault == "garbage":
            self._write(200, b"<html>welcome</html>", {})
        else:
            self._send(status, answer, {"Idempotent-Replayed": "true"} if fault == "replayed" else {})
        return None

    def _send(self, status: int, answer: Json, headers: dict[str, str] | None = None) -> None:
        self._write(status, json.dumps(answer).encode(), headers or {})

    def _write(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body)), "Content-Type": "application/json"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """No access log: the payment log has every request."""


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8460, help="0 chooses a free port and prints it")
    parser.add_argument("--log", required=True, type=Path, help="log file (JSON lines)")
    parser.add_argument("--slow-seconds", type=float, default=5, help="delay of `tok_slow`")
    parser.add_argument("--cut-every", type=int, default=0, metavar="N", help="process every N-th, then disconnect")
    parser.add_argument("--lost-every", type=int, default=0, metavar="N", help="disconnect without processing")
    parser.add_argument("--busy-every", type=int, default=0, metavar="N", help="respond 429 without processing")
    parser.add_argument("--broken-every", type=int, default=0, metavar="N", help="process, respond 500")
    parser.add_argument("--garbage-every", type=int, default=0, metavar="N", help="process, respond with a web page")
    return parser


if __name__ == "__main__":
    options = arguments().parse_args()
    PaymentHandler.bank = Bank(options)
    server = ThreadingHTTPServer(("127.0.0.1", options.port), PaymentHandler)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()
