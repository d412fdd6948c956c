"""Tests of the encryption of secrets."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import SecretStr

from services.order_dispatch.sealing import UnsealError, open_sealed, read_keys, seal

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))


class TestSeal:
    @given(some.text())
    def test_seal_round_trip(self, text):
        assert open_sealed(KEY, seal(KEY, text, "ann"), "ann") == text

    def test_seal_hides_text_and_differs_each_time(self):
        first, second = seal(KEY, "tok_secret", "ann"), seal(KEY, "tok_secret", "ann")

        assert b"tok_secret" not in first
        assert first != second

    def test_open_sealed_refuses_other_owner(self):
        with pytest.raises(UnsealError, match="another owner"):
            open_sealed(KEY, seal(KEY, "tok", "ann"), "bob")

    @pytest.mark.parametrize("position", [0, 3, 10, 20, -1])
    def test_open_sealed_refuses_changed_bit(self, position):
        blob = bytearray(seal(KEY, "tok", "ann"))
        blob[position] ^= 1

        with pytest.raises(UnsealError):
            open_sealed(KEY, bytes(blob), "ann")

    @pytest.mark.parametrize("blob", [b"", b"\x01", b"nine bytes"])
    def test_open_sealed_refuses_other_bytes(self, blob):
        with pytest.raises(UnsealError):
            open_sealed(KEY, blob, "ann")

    def test_open_sealed_during_key_rotation(self):
        old = seal(KEY, "tok", "ann")

        assert open_sealed((OTHER, KEY), old, "ann") == "tok"
        assert open_sealed(OTHER, seal((OTHER, KEY), "new", "ann"), "ann") == "new"
        with pytest.raises(UnsealError, match="not in SEALING_KEY"):
            open_sealed(OTHER, old, "ann")


class TestReadKeys:
    @pytest.mark.parametrize(
        "text",
        [
            KEY.hex(),
            base64.b64encode(KEY).decode(),
            base64.urlsafe_b64encode(KEY).decode().rstrip("="),
            f" {KEY.hex()} ,",
        ],
    )
    def test_read_keys_hex_and_base64(self, text):
        assert read_keys(SecretStr(text)) == (KEY,)

    def test_read_keys_several(self):
        assert read_keys(SecretStr(f"{OTHER.hex()},{KEY.hex()}")) == (OTHER, KEY)

    @pytest.mark.parametrize("text", ["", ",", "abc", "!" * 64, "ff" * 31, base64.b64encode(b"short").decode()])
    def test_read_keys_refuses_invalid_key(self, text):
        with pytest.raises(UnsealError):
            read_keys(SecretStr(text))
