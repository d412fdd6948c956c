"""Accounts of the sample DRS shop: authorization codes, tokens, and their devices.

Login with Amazon as device makers use it: authorization code with PKCE (S256), refresh, revocation.
"""

import base64
import hashlib
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Device:
    """A customer's registered device."""

    serial: str
    model: str
    customer: str
    test: bool
    #: By slot: whether the customer has activated it.
    slots: dict[str, bool]
    active_at: str | None = None


@dataclass
class _Code:
    serial: str
    model: str
    test: bool
    challenge: str
    redirect_uri: str


@dataclass
class Accounts:
    """Codes and tokens; every token belongs to one registered device."""

    client_id: str
    client_secret: str
    #: Slots of every device.
    slots: tuple[str, ...]
    token_seconds: float = 3600
    devices: dict[str, Device] = field(default_factory=dict)
    _codes: dict[str, _Code] = field(default_factory=dict)
    #: By access token: serial and expiry in monotonic seconds.
    _access: dict[str, tuple[str, float]] = field(default_factory=dict)
    _refresh: dict[str, str] = field(default_factory=dict)

    def authorize(self, asked: dict[str, str]) -> str:
        """Return an authorization code; raises ValueError for an invalid request."""
        if asked.get("client_id") != self.client_id or asked.get("scope") != "dash:replenish":
            raise ValueError("unknown client or scope")
        if asked.get("code_challenge_method") != "S256" or len(asked.get("code_challenge", "")) != 43:  # noqa: PLR2004  # the length of a SHA-256 in base64url
            raise ValueError("PKCE with S256 is required")
        device = json.loads(asked["scope_data"])["dash:replenish"]
        code = secrets.token_urlsafe(24)
        test = bool(device.get("is_test_device"))
        self._codes[code] = _Code(
            device["serial"], device["device_model"], test, asked["code_challenge"], asked["redirect_uri"]
        )
        return code

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any], Device | None]:
        """Handle the token endpoint: return status, body, and the device if this request registered it."""
        if (form.get("client_id"), form.get("client_secret")) != (self.client_id, self.client_secret):
            return 401, {"error": "invalid_client"}, None
        if form.get("grant_type") == "refresh_token":
            serial = self._refresh.get(form.get("refresh_token", ""))
            if serial is None:
                return 400, {"error": "invalid_grant"}, None
            return 200, self._grant(serial), None
        code = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if code is None or code.challenge != challenge or code.redirect_uri != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}, None
        return 200, *self._register(code)

    def revoke(self, token: str) -> None:
        """Revoke a refresh token and all access tokens of its device."""
        serial = self._refresh.pop(token, None)
        if serial is not None:
            self.forget_tokens(serial)

    def deregister(self, serial: str) -> bool:
        """Delete a device and its tokens; return whether it existed."""
        self.forget_tokens(serial)
        return self.devices.pop(serial, None) is not None

    def expire(self, serial: str) -> None:
        """Expire the access tokens of a device; refresh tokens stay valid."""
        self._access = {token: kept for token, kept in self._access.items() if kept[0] != serial}

    def device_of(self, authorization: str) -> Device | None:
        """Return the device of a valid token."""
        serial, ends = self._access.get(authorization.removeprefix("Bearer "), ("", 0.0))
        return self.devices.get(serial) if time.monotonic() < ends else None

    def _register(self, code: _Code) -> tuple[dict[str, Any], Device]:
        customer = f"amzn1.account.{secrets.token_hex(8).upper()}"
        slots = dict.fromkeys(self.slots, True)
        device = self.devices[code.serial] = Device(code.serial, code.model, customer, code.test, slots)
        granted = self._grant(code.serial)
        refresh = f"Atzr|{secrets.token_urlsafe(32)}"
        self._refresh[refresh] = code.serial
        return granted | {"refresh_token": refresh}, device

    def _grant(self, serial: str) -> dict[str, Any]:
        access = f"Atza|{secrets.token_urlsafe(32)}"
        self._access[access] = (serial, time.monotonic() + self.token_seconds)
        return {"access_token": access, "token_type": "bearer", "expires_in": int(self.token_seconds)}

    def forget_tokens(self, serial: str) -> None:
        """Invalidate all tokens of a device without notifying the client."""
        self.expire(serial)
        self._refresh = {token: known for token, known in self._refresh.items() if known != serial}
