"""Bodies of one and of several gzip members, whole and damaged: always what zlib makes of them."""

import gzip
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from infrastructure.http.unpack import BodyDamaged, BodyTooLarge, unpack

LIMIT = 100_000
PAGE = b"<html>" + bytes(range(256)) * 90 + b"</html>"
PACKED = gzip.compress(PAGE)

texts = st.one_of(st.binary(max_size=300), st.sampled_from([b"", PAGE, PAGE[1:], bytes(2000)]))


@given(st.lists(texts, min_size=1, max_size=4), st.integers(0, 9))
@example([PAGE, PAGE], 6)
@example([PAGE, PAGE[::-1]], 6)
@example([b"", PAGE], 6)
@example([PAGE, b""], 6)
def test_every_member_is_unpacked(members: list[bytes], level: int) -> None:
    raw = b"".join(gzip.compress(member, level) for member in members)
    assert unpack(raw, "gzip", LIMIT) == b"".join(members)


@given(st.data())
def test_a_damaged_body_is_told_from_a_whole_one(data: st.DataObject) -> None:
    raw = bytearray(PACKED)
    start = data.draw(st.integers(0, len(raw) - 1))
    raw[start : data.draw(st.integers(start, len(raw)))] = data.draw(st.binary(max_size=30))
    try:
        body = unpack(bytes(raw), "gzip", LIMIT)
    except (BodyDamaged, BodyTooLarge):
        return
    assert body == by_zlib(bytes(raw))


def by_zlib(raw: bytes) -> bytes:
    body = b""
    while raw:
        unpacker = zlib.decompressobj(31)
        body += unpacker.decompress(raw)
        assert unpacker.eof
        raw = unpacker.unused_data
    return body


@pytest.mark.parametrize("claimed", [0, 1, len(PAGE) - 1, len(PAGE) + 1, LIMIT, 2**32 - 1])
def test_a_size_that_lies_is_not_trusted(claimed: int) -> None:
    with pytest.raises(BodyDamaged):
        unpack(PACKED[:-4] + claimed.to_bytes(4, "little"), "gzip", LIMIT)


@pytest.mark.parametrize("claimed", [1000, LIMIT, 2**32 - 1])
def test_a_bomb_is_not_unpacked_whatever_size_it_claims(claimed: int) -> None:
    bomb = gzip.compress(bytes(LIMIT * 100))
    with pytest.raises(BodyTooLarge, match=str(LIMIT)):
        unpack(bomb[:-4] + claimed.to_bytes(4, "little"), "gzip", LIMIT)


def test_the_limit_itself_is_allowed() -> None:
    assert unpack(gzip.compress(bytes(LIMIT)), "gzip", LIMIT) == bytes(LIMIT)
    with pytest.raises(BodyTooLarge):
        unpack(gzip.compress(bytes(LIMIT + 1)), "gzip", LIMIT)


@pytest.mark.parametrize("page", [PAGE, b"a" * 65_537, b"a" * 23_040])
@pytest.mark.parametrize("junk", [b"junk", b"\0", b"\1\0", b"\2\0", b"\x5a\0\0"])
def test_what_follows_the_last_member_is_damage(page: bytes, junk: bytes) -> None:
    packed = gzip.compress(page)
    for more in (junk, packed[-4:], packed[-8:], packed[-3:], bytes(4) + packed[-4:]):
        with pytest.raises(BodyDamaged):
            unpack(packed + more, "gzip", LIMIT)


def test_a_header_that_does_not_fit_its_checksum_is_damage() -> None:
    header = bytes([*PACKED[:3], 2, *PACKED[4:10]])
    checksum = (zlib.crc32(header) & 0xFFFF).to_bytes(2, "little")
    assert unpack(header + checksum + PACKED[10:], "gzip", LIMIT) == PAGE
    with pytest.raises(BodyDamaged):
        unpack(header + b"\0\0" + PACKED[10:], "gzip", LIMIT)


def test_a_stream_of_nothing_but_members_comes_to_an_end() -> None:
    assert unpack(gzip.compress(b"") * 1000, "gzip", LIMIT) == b""
    with pytest.raises(BodyDamaged, match="more than 1000 members"):
        unpack(gzip.compress(b"") * 100_000, "gzip", LIMIT)


@pytest.mark.parametrize("raw", [b"", b"\x1f", b"\x1f\x8b", b"\1\0\0\0", PACKED[:17]])
def test_next_to_nothing_is_an_empty_body_or_damage(raw: bytes) -> None:
    if not raw:
        assert unpack(raw, "gzip", LIMIT) == b""
        return
    with pytest.raises(BodyDamaged):
        unpack(raw, "gzip", LIMIT)
