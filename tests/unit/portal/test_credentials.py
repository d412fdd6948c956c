import re

from services.portal.domain.credentials import derive_credential, digest, new_nonce, new_token


class TestDeriveCredential:
    def test_is_always_the_same_for_key_and_nonce_and_never_otherwise(self):
        nonce = new_nonce()

        credential = derive_credential(b"key", nonce)

        assert credential == derive_credential(b"key", nonce)
        assert credential != derive_credential(b"other key", nonce)
        assert credential != derive_credential(b"key", new_nonce())

    def test_carries_256_bits_behind_a_prefix_that_scanners_know(self):
        assert re.fullmatch(r"rpl_dev_[A-Za-z0-9_-]{43}", derive_credential(b"key", new_nonce()))


def test_tokens_never_repeat_and_are_stored_as_hashes():
    assert len({new_token() for _ in range(1000)}) == 1000
    assert digest("token").hex() == "3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0"
