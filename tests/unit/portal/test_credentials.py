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
    def test_is_always_the_same_for_key_and_nonce_and_never_otherwise(self, derive):
        nonce = new_nonce()

        secret = derive(b"key", nonce)

        assert secret == derive(b"key", nonce)
        assert secret != derive(b"other key", nonce)
        assert secret != derive(b"key", new_nonce())

    def test_carries_256_bits_behind_a_prefix_that_scanners_know(self, derive):
        assert re.fullmatch(PREFIXES[derive] + r"[A-Za-z0-9_-]{43}", derive(b"key", new_nonce()))


def test_what_is_derived_for_one_purpose_tells_nothing_of_another():
    nonce = new_nonce()

    assert len({derive(b"key", nonce)[-43:] for derive in PREFIXES}) == len(PREFIXES)


def test_tokens_never_repeat_and_are_stored_as_hashes():
    assert len({new_token() for _ in range(1000)}) == 1000
    assert digest("token").hex() == "3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0"


class TestSeal:
    @pytest.mark.parametrize("text", ["", "'5 kg' is no decimal number", "zu viel: für 2 \N{EURO SIGN}; <b>"])
    def test_gives_the_words_back_to_whoever_knows_the_secret(self, text):
        assert read_sealed(seal(text, "secret"), "secret") == text

    def test_is_made_of_what_a_cookie_may_carry(self):
        assert re.fullmatch(r"[A-Za-z0-9_.-]+", seal('"für"; \r\n', "secret"))

    @pytest.mark.parametrize(
        "sealed", ["", ".", "Q2FsbCAw", "Q2FsbCAw.", "Q2FsbCAw.proof", "für.für", seal("Call 0", "another")]
    )
    def test_is_not_made_by_anybody_else(self, sealed):
        assert read_sealed(sealed, "secret") is None
