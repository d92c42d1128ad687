"""Texts are packed and unpacked, also those that older versions packed."""

import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.archive.packing import pack, unpack


@given(st.text())
def test_what_is_unpacked_is_what_was_packed(text):
    assert unpack(pack(text)) == text


@pytest.mark.parametrize("text", ["", "Straße", "peace " * 1000])
def test_what_zlib_packed_is_unpacked(text):
    assert unpack(zlib.compress(text.encode())) == text


def test_threads_pack_and_unpack_side_by_side():
    texts = [f"{number} peace " * 1000 for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda text: unpack(pack(text)), texts)) == texts
