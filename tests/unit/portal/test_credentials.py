"""Derived credentials and sealed values."""

import re

import pytest

from services.portal.domain.credentials import (
    derive_credential,
    derive_link_token,
    derive_provider_key,
    digest,
    new_nonce,
    new_token,
    read_sealed,
    seal,
)

PREFIXES = {derive_credential: "rpl_dev_", derive_provider_key: "rpl_prov_", derive_link_token: ""}


@pytest.mark.parametrize("derive", PREFIXES)
class TestDerive:
    def test_derive_is_deterministic(self, derive):
        nonce = new_nonce()

        secret = derive(b"key", nonce)

        assert secret == derive(b"key", nonce)
        assert secret != derive(b"other key", nonce)
        assert secret != derive(b"key", new_nonce())

    def test_derive_has_prefix_and_256_bits(self, derive):
        assert re.fullmatch(PREFIXES[derive] + r"[A-Za-z0-9_-]{43}", derive(b"key", new_nonce()))


def test_derive_differs_by_purpose():
    nonce = new_nonce()

    assert len({derive(b"key", nonce)[-43:] for derive in PREFIXES}) == len(PREFIXES)


def test_tokens_are_unique_and_hashed():
    assert len({new_token() for _ in range(1000)}) == 1000
    assert digest("token").hex() == "3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0"


class TestSeal:
    @pytest.mark.parametrize("text", ["", "'5 kg' is no decimal number", "zu viel: für 2 \N{EURO SIGN}; <b>"])
    def test_seal_round_trip(self, text):
        assert read_sealed(seal(text, "secret"), "secret") == text

    def test_seal_uses_cookie_characters(self):
        assert re.fullmatch(r"[A-Za-z0-9_.-]+", seal('"für"; \r\n', "secret"))

    @pytest.mark.parametrize(
        "sealed", ["", ".", "Q2FsbCAw", "Q2FsbCAw.", "Q2FsbCAw.proof", "für.für", seal("Call 0", "another")]
    )
    def test_read_sealed_rejects_forged_values(self, sealed):
        assert read_sealed(sealed, "secret") is None
