"""Answers, as they came over the wire and unpacked."""

from collections.abc import Mapping
from dataclasses import dataclass

from infrastructure.http.unpack import Body, unpack


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: the address that gave it (after redirects), status, headers, unpacked body."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: Body


@dataclass(frozen=True, slots=True)
class PackedResponse:
    """An answer whose body is as it came: a sixth of its size, and cheap to hand to a process.

    ``encoding`` is the value of ``Content-Encoding`` in lower case, empty for a plain body;
    ``limit`` is the largest body, in bytes, that it may unpack to.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    packed: bytes
    encoding: str
    limit: int

    def __reduce__(self) -> tuple[type["PackedResponse"], tuple[object, ...]]:
        # With plain headers: for those of `requests`, another process would have to load it all.
        headers = dict(self.headers)
        values = (self.url, self.status, headers, self.packed, self.encoding, self.limit)
        return PackedResponse, values

    def unpacked(self) -> Response:
        """The answer with its body unpacked. Raises `BodyTooLarge` and `BodyDamaged`."""
        body = unpack(self.packed, self.encoding, self.limit)
        return Response(self.url, self.status, self.headers, body)
