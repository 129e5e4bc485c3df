"""Unpacking a body in one go, with a limit."""

from typing import cast

from isal import igzip_lib, isal_zlib

from shared.stages import UNPACK, stage

_IsalError = cast(type[Exception], igzip_lib.IsalError)  # its stub says an instance, not the class
_GZIP = 31
"""``wbits`` for a gzip stream: 16 + the largest window (zlib manual, inflateInit2)."""


class BodyTooLarge(ValueError):
    """A body is larger than the limit, packed or unpacked."""


class BodyDamaged(ValueError):
    """A body is cut short or is not what its ``Content-Encoding`` says."""


def unpack(raw: bytes, encoding: str, limit: int) -> bytes:
    """Give the body as the server made it, at most ``limit`` bytes of it.

    ``encoding`` is the value of ``Content-Encoding``: gzip or nothing, as we ask for no other. A
    gzip body may have several members (RFC 1952, 2.2). Raises `BodyTooLarge` or `BodyDamaged`.
    """
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


def _gunzip(raw: bytes, limit: int) -> bytes:
    members: list[bytes] = []
    room = limit + 1
    while raw and room > 0:
        unpacker = isal_zlib.decompressobj(_GZIP)
        try:
            member = unpacker.decompress(raw, room)
        except _IsalError as error:
            raise BodyDamaged(f"its gzip stream is damaged: {error}") from error
        members.append(member)
        room -= len(member)
        if not unpacker.eof and room > 0:
            raise BodyDamaged("its gzip stream is cut short")
        raw = unpacker.unused_data
    return members[0] if len(members) == 1 else b"".join(members)
