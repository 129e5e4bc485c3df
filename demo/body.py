"""Bodies of answers, put together from pieces that are compressed once and shared by many pages.

A padded page weighs 1.5 MB, nearly all of it filler that other pages have too. Compressing each
page as a whole would cost 30 ms and 280 kB for every one. Deflate allows better: a piece that is
compressed on its own and ends with a full flush (a byte boundary, nothing to refer back to) may
stand anywhere in a stream (RFC 1951, and `Z_FULL_FLUSH` in zlib's manual). So each page compresses
only what is its own, and a body is an ordinary gzip stream of one member (RFC 1952).
"""

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""Deflate, no flags, no time (the same page is the same bytes), unknown system."""

LAST_BLOCK = b"\x03\x00"
"""An empty deflate block that is marked as the last one."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a page, plain and deflated."""

    plain: bytes
    deflated: bytes


def piece(plain: bytes) -> Piece:
    """Deflate a stretch of a page so that it can stand anywhere in a gzip stream."""
    compressor = zlib.compressobj(level=9, wbits=-zlib.MAX_WBITS)
    return Piece(plain, compressor.compress(plain) + compressor.flush(zlib.Z_FULL_FLUSH))


@dataclass(frozen=True, slots=True)
class Body:
    """A body ready to be sent. It keeps the deflated pieces only; ``size`` is of the plain body."""

    deflated: tuple[bytes, ...]
    size: int
    crc: int

    def gzipped(self) -> bytes:
        """The body as one gzip stream."""
        trailer = struct.pack("<LL", self.crc, self.size & 0xFFFFFFFF)
        return b"".join((GZIP_HEADER, *self.deflated, LAST_BLOCK, trailer))

    def plain(self) -> bytes:
        """The body as it is, unpacked again: few clients ask for it."""
        return zlib.decompress(b"".join((*self.deflated, LAST_BLOCK)), wbits=-zlib.MAX_WBITS)


def body_of(pieces: Iterable[Piece]) -> Body:
    """Put pieces together, in order."""
    deflated: list[bytes] = []
    size = crc = 0
    for part in pieces:
        deflated.append(part.deflated)
        size += len(part.plain)
        crc = zlib.crc32(part.plain, crc)
    return Body(tuple(deflated), size, crc)
