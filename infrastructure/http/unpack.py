"""Unpacking a body in one go, with a limit."""

import zlib

import deflate

from shared.stages import UNPACK, stage

_GZIP = 31
"""``wbits`` for a gzip stream: 16 + the largest window (zlib manual, inflateInit2)."""
_SIZE_BYTES = 4
"""A gzip member ends with the size of what it unpacks to (RFC 1952, 2.3.1, ISIZE)."""
_SMALLEST_MEMBER = 18
_FLAGS_AT = 3
_HEADER_CHECKSUM = 2

_PART_BYTES = 1 << 16
"""Packed bytes unpacked in one go: what follows a member is copied, so it had better be little."""
_MOST_MEMBERS = 1000

Body = bytes | bytearray
"""Not to be changed: libdeflate gives the latter, and a copy of a page costs time."""


class BodyTooLarge(ValueError):
    """A body is larger than the limit, packed or unpacked."""


class BodyDamaged(ValueError):
    """A body is cut short or is not what its ``Content-Encoding`` says."""


def unpack(raw: bytes, encoding: str, limit: int) -> Body:
    """Give the body as the server made it, at most ``limit`` bytes of it.

    ``encoding`` is the value of ``Content-Encoding``: gzip or nothing, as we ask for no other. A
    gzip body may have several members (RFC 1952, 2.2). Raises `BodyTooLarge` or `BodyDamaged`.
    """
    body: Body
    if encoding in {"", "identity"}:
        body = raw
    elif encoding in {"gzip", "x-gzip"}:
        with stage(UNPACK):
            body = _gunzip(raw, limit)
    else:
        raise BodyDamaged(f"it is packed as {encoding!r}, which was not asked for")
    if len(body) > limit:
        del body, raw  # the error's traceback would keep them
        raise BodyTooLarge(f"it is larger than {limit} bytes")
    return body


def _gunzip(raw: bytes, limit: int) -> Body:
    size = int.from_bytes(raw[-_SIZE_BYTES:], "little")
    if 0 < size <= limit and _is_plain(raw):
        try:
            body = deflate.gzip_decompress(raw, size)
        except (deflate.DeflateError, ValueError):
            pass  # what is wrong, if anything, is found out below
        else:
            if len(body) == size:
                return body
    return _gunzip_members(raw, limit)


def _is_plain(raw: bytes) -> bool:
    """Whether libdeflate, which unpacks one member, would find all there is, and all its faults.

    Were the first member followed by anything, its own size would differ from the one that stands
    at the end; or it would be the same, and stand there twice. A checksum of the header (RFC 1952,
    2.3.1, FHCRC) is not looked at.
    """
    if len(raw) < _SMALLEST_MEMBER or raw[_FLAGS_AT] & _HEADER_CHECKSUM:
        return False
    return raw.rfind(raw[-_SIZE_BYTES:], 0, len(raw) - 1) < 0


def _gunzip_members(raw: bytes, limit: int) -> bytes:
    """Unpack any gzip stream, without trusting what it says of its size."""
    if not raw:
        return b""
    parts: list[bytes] = []
    room = limit + 1
    at = 0
    for _ in range(_MOST_MEMBERS):
        unpacker = zlib.decompressobj(_GZIP)
        while room > 0 and not unpacker.eof:
            if at == len(raw):
                raise BodyDamaged("its gzip stream is cut short")
            try:
                parts.append(unpacker.decompress(raw[at : at + _PART_BYTES], room))
            except zlib.error as error:
                raise BodyDamaged(f"its gzip stream is damaged: {error}") from error
            room -= len(parts[-1])
            at = min(len(raw), at + _PART_BYTES)
        at -= len(unpacker.unused_data)
        if room <= 0 or at == len(raw):
            return b"".join(parts)
    raise BodyDamaged(f"its gzip stream has more than {_MOST_MEMBERS} members")
