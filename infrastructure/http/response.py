"""Answers, as they came over the wire and unpacked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from infrastructure.http.unpack import Body, unpack


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: the address that gave it (after redirects), status, headers, unpacked body.

    ``fetched_at`` is when the site gave it, or last said that it has not changed.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: Body
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class PackedResponse:
    """An answer whose body is as it came: a sixth of its size, and cheap to hand to a process.

    ``encoding`` is the value of ``Content-Encoding`` in lower case, empty for a plain body;
    ``limit`` is the largest body, in bytes, that it may unpack to. ``fetched_at`` is when the site
    gave it, or last said that it has not changed.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    packed: bytes
    encoding: str
    limit: int
    fetched_at: datetime

    def __reduce__(self) -> tuple[type["PackedResponse"], tuple[object, ...]]:
        # With plain headers: for those of `requests`, another process would have to load it all.
        headers = dict(self.headers)
        packed = (self.packed, self.encoding, self.limit, self.fetched_at)
        return PackedResponse, (self.url, self.status, headers, *packed)

    def unpacked(self) -> Response:
        """The answer with its body unpacked. Raises `BodyTooLarge` and `BodyDamaged`."""
        body = unpack(self.packed, self.encoding, self.limit)
        return Response(self.url, self.status, self.headers, body, self.fetched_at)
