"""What is sealed opens for whom it was sealed, and for nobody else."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import SecretStr

from services.order_dispatch.sealing import UnsealError, open_sealed, read_keys, seal

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))


class TestSeal:
    @given(some.text())
    def test_opens_again(self, text):
        assert open_sealed(KEY, seal(KEY, text, "ann"), "ann") == text

    def test_shows_nothing_of_the_text_and_is_never_the_same_twice(self):
        first, second = seal(KEY, "tok_secret", "ann"), seal(KEY, "tok_secret", "ann")

        assert b"tok_secret" not in first
        assert first != second

    def test_does_not_open_in_another_row(self):
        with pytest.raises(UnsealError, match="another owner"):
            open_sealed(KEY, seal(KEY, "tok", "ann"), "bob")

    @pytest.mark.parametrize("place", [0, 3, 10, 20, -1])
    def test_does_not_open_with_one_bit_changed(self, place):
        blob = bytearray(seal(KEY, "tok", "ann"))
        blob[place] ^= 1

        with pytest.raises(UnsealError):
            open_sealed(KEY, bytes(blob), "ann")

    @pytest.mark.parametrize("blob", [b"", b"\x01", b"nine bytes"])
    def test_what_was_never_sealed_does_not_open(self, blob):
        with pytest.raises(UnsealError):
            open_sealed(KEY, blob, "ann")

    def test_a_new_key_seals_while_the_old_one_still_opens(self):
        old = seal(KEY, "tok", "ann")

        assert open_sealed((OTHER, KEY), old, "ann") == "tok"
        assert open_sealed(OTHER, seal((OTHER, KEY), "new", "ann"), "ann") == "new"
        with pytest.raises(UnsealError, match="not in sealing_key"):
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
    def test_reads_every_spelling(self, text):
        assert read_keys(SecretStr(text)) == (KEY,)

    def test_reads_several(self):
        assert read_keys(SecretStr(f"{OTHER.hex()},{KEY.hex()}")) == (OTHER, KEY)

    @pytest.mark.parametrize("text", ["", ",", "abc", "!" * 64, "ff" * 31, base64.b64encode(b"short").decode()])
    def test_refuses_what_is_no_key(self, text):
        with pytest.raises(UnsealError):
            read_keys(SecretStr(text))
