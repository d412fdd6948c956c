"""Decisions and log of a payment service that moves no money; `sandbox_pay.py` is its HTTP server."""

import argparse
import hashlib
import json
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from deploy.samples.order_log import JsonLines

Json = dict[str, Any]

#: Refused tokens, by step.
REFUSALS = {
    "tok_declined": {"authorize": "the card was declined"},
    "tok_no_funds": {"authorize": "insufficient funds"},
    "tok_misconfigured": {"authorize": "the account does not charge in this currency"},
    "tok_confirm": {"authorize": "the bank requires the customer's confirmation"},
    "tok_unavailable": {"authorize": "the bank was not available"},
    "tok_capture_declined": {"capture": "the card was closed"},
    "tok_refund_declined": {"refund": "the account cannot be credited"},
}
#: Who can put a refusal right, as answered in `cause`; the bank for all other tokens.
CAUSES = {"tok_misconfigured": "ours", "tok_confirm": "customer", "tok_unavailable": "later"}
#: Refused tokens, by step, once something was captured.
LATER_REFUSALS = {"tok_later_capture_declined": {"capture": "the card was closed"}}
#: Failed look-ups of a `tok_dark` operation before it is found.
DARK_TIMES = 2
ENDED = {"voided", "expired"}


class PaymentLog:
    """All decisions so far, in a JSON lines file."""

    def __init__(self, path: Path) -> None:
        self.payments: dict[str, Json] = {}
        self.operations: dict[str, Json] = {}
        self._file = JsonLines(path, self._remember)

    def write(self, line: Json) -> None:
        self._file.append({"at": datetime.now(UTC).isoformat(), **line})

    def close(self) -> None:
        self._file.close()

    def _remember(self, line: Json) -> None:
        self.operations[line["key"]] = line
        if line["op"] != "declined":
            payment = self.payments.setdefault(
                line["reference"], {**line, "captured": 0, "refunded": 0, "state": "authorized"}
            )
            if line["op"] in ("captured", "refunded"):
                payment[line["op"]] += line["amount"]
            if line["op"] in ENDED or (line["op"] == "captured" and line.get("final", True)):
                payment["state"] = line["op"]


class Bank:
    """Processes one operation at a time, except that a slow one does not block others."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.log = options, PaymentLog(options.log)
        self._lock = threading.Lock()
        self._in_flight: set[str] = set()
        self._seen: set[str] = set()
        self._lookups: dict[str, int] = {}

    def process(self, step: str, reference: str, key: str, body: Json) -> tuple[int, Json, str]:
        """Return status, body, and the fault of this request: none, replayed, cut or lost."""
        digest = hashlib.sha256(json.dumps([step, reference, body], sort_keys=True).encode()).hexdigest()
        with self._lock:
            if key in self._in_flight:
                return 409, {"error": "the same request is being processed"}, ""
            if known := self.log.operations.get(key):
                if known["digest"] != digest:
                    return 422, {"error": "this key was used for another request"}, ""
                return known["status"], known["answer"], "replayed"
            if step != "authorize" and reference not in self.log.payments:
                return 404, {"error": "payment not found"}, ""
            fault = self._fault(step, reference, key, body)
            if fault in ("lost", "busy"):
                return 429, {"error": "too many requests"}, fault
            self._in_flight.add(key)
        try:
            if fault == "slow":
                time.sleep(self.options.slow_seconds)
            with self._lock:
                status, answer = self._decide(step, reference, key, body, digest)
        finally:
            self._in_flight.discard(key)
        return status, answer, fault

    def find(self, key: str) -> tuple[int, Json]:
        with self._lock:
            if key in self._in_flight:
                return 409, {"error": "the operation is being processed"}
            known = self.log.operations.get(key)
            if known is None:
                return 404, {"error": "operation not found"}
            self._lookups[key] = self._lookups.get(key, 0) + 1
            if known["token"] == "tok_dark" and self._lookups[key] <= DARK_TIMES:  # noqa: S105  # a test card, no secret
                return 503, {"error": "temporarily unavailable"}
            return known["status"], known["answer"]

    def _token(self, step: str, reference: str, body: Json) -> str:
        return str(body.get("token") if step == "authorize" else self.log.payments[reference]["token"])

    def _fault(self, step: str, reference: str, key: str, body: Json) -> str:
        """Return the fault of this request; each key meets its fault once."""
        if key in self._seen:
            return ""
        self._seen.add(key)
        token, number = self._token(step, reference, body), len(self._seen)
        by_token = {"tok_cut": "cut", "tok_dark": "cut", "tok_lost": "lost", "tok_slow": "slow"}
        for fault in ("cut", "lost", "busy", "broken", "garbage"):
            every = getattr(self.options, f"{fault}_every")
            if every and number % every == 0:
                return fault
        return by_token.get(token, "")

    def _decide(self, step: str, reference: str, key: str, body: Json, digest: str) -> tuple[int, Json]:
        token = self._token(step, reference, body)
        payment = self.log.payments.get(reference, {})
        line = {"key": key, "digest": digest, "token": token, "payment_id": payment.get("payment_id")}
        captured = payment.get("captured", 0)
        refusals = REFUSALS.get(token, {}) | (LATER_REFUSALS.get(token, {}) if captured else {})
        reason = refusals.get(step) or self._impossible(step, payment, body)
        if reason:
            declined = {"declined": reason} | ({"cause": CAUSES[token]} if token in CAUSES else {})
            self.log.write({**line, "op": "declined", "status": 402, "answer": declined})
            return 402, declined
        op = {"authorize": "authorized", "capture": "captured", "void": "voided", "refund": "refunded"}[step]
        if step in ("capture", "void") and (
            token == "tok_expires" or (token == "tok_expires_later" and captured)  # noqa: S105  # test cards, no secrets
        ):
            op = "expired"
        reference = reference or f"sp_{uuid4().hex}"
        amount = int(body.get("amount") or payment["amount"] - captured)
        currency = body.get("currency") or payment["currency"]
        answer = {"status": op, "reference": reference, "amount": amount, "currency": currency}
        if token == "tok_wrong":  # noqa: S105  # a test card, no secret
            answer["amount"] = amount + 1
        what = {"reference": reference, "amount": amount, "currency": currency}
        asked = {"payment_id": body.get("payment_id", payment.get("payment_id"))}
        if step == "capture":  # the last capture releases the rest
            what["final"] = body.get("final", True) or captured + amount == payment["amount"]
        self.log.write({**line, **what, **asked, "op": op, "status": 200, "answer": answer})
        return 200, answer

    def _impossible(self, step: str, payment: Json, body: Json) -> str | None:
        state, amount = payment.get("state"), body.get("amount", 0)
        if step in ("capture", "void") and state != "authorized":
            return f"the payment is {state}"
        if step == "capture" and not 0 < amount <= payment["amount"] - payment["captured"]:
            return "the amount exceeds the authorization"
        if step == "refund" and not 0 < amount <= payment["captured"] - payment["refunded"]:
            return "the amount exceeds the captured amount"
        return None
