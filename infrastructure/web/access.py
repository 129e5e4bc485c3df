"""Who may read and who may write.

Reading is open to programs of this machine when the server listens on loopback, and to everybody
with ``API_OPEN=true``; otherwise it needs a key. Writing always needs one, and is off when none is
set. Keys are compared by their hashes in constant time, and are in no message.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from typing import Annotated, cast

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBasic, HTTPBearer
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from shared.config import Settings
from shared.setting_values import Secret

_CHALLENGE = 'Bearer realm="api", Basic realm="API key as password", charset="UTF-8"'

# Only for OpenAPI: what they find is read by `presented_keys`, which knows them all.
_BEARER = HTTPBearer(auto_error=False, description="One of API_KEYS.")
_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="One of API_KEYS.")
_BASIC = HTTPBasic(auto_error=False, description="For browsers, to read: a key as the password.")


class Access:
    """Knows the keys by their hashes, and whether one needs one to read. Any thread may ask."""

    def __init__(self, keys: Iterable[Secret], *, reading_is_open: bool) -> None:
        self._hashes = tuple(_hash(key.reveal()) for key in keys)
        self.reading_is_open = reading_is_open

    @property
    def writing_is_on(self) -> bool:
        """Whether there is a key, without which nobody may write."""
        return bool(self._hashes)

    def knows(self, key: str) -> bool:
        """Whether this is one of the keys; takes as long for a wrong one as for a right one."""
        given = _hash(key)
        # Not any(), which would tell by its time which key it was.
        return sum(hmac.compare_digest(given, known) for known in self._hashes) > 0


def access_from(settings: Settings) -> Access:
    """The access that the settings describe."""
    is_open = settings.api_host.is_loopback or settings.api_open == "true"
    return Access(settings.api_keys, reading_is_open=is_open)


async def require_key(
    request: Request,
    _bearer: Annotated[object, Security(_BEARER)],
    _header: Annotated[object, Security(_HEADER)],
) -> None:
    """Let only those go on who may write: ``Authorization: Bearer KEY`` or ``X-API-Key: KEY``.

    Not what browsers send of themselves (Basic), which any other site could make them send. Waits
    for nothing; a plain function would take a thread to be called in, as would `require_reading`.
    """
    access = _access_of(request)
    if not access.writing_is_on:
        raise HTTPException(
            403, "Writing is off: set API_KEYS to a key of your own and start the server again."
        )
    _demand(access, _keys_of_programs(request.headers))


async def require_reading(
    request: Request,
    _bearer: Annotated[object, Security(_BEARER)],
    _header: Annotated[object, Security(_HEADER)],
    _basic: Annotated[object, Security(_BASIC)],
) -> None:
    """Let only those go on who may read; from a browser the key is the password of Basic."""
    access = _access_of(request)
    if not access.reading_is_open:
        _demand(access, _keys_to_read(request.headers))


def lets_read(access: Access, headers: Headers) -> bool:
    """Whether `require_reading` lets a request with these headers go on."""
    return access.reading_is_open or any(access.knows(key) for key in _keys_to_read(headers))


MayWrite = Depends(require_key)
"""Put into the ``dependencies`` of routes that change something."""

MayRead = Depends(require_reading)
"""Put into the ``dependencies`` of routes that show what is held."""


def _demand(access: Access, given: list[str]) -> None:
    if not given:
        raise HTTPException(
            401,
            "A key is needed: send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`.",
            headers={"WWW-Authenticate": _CHALLENGE},
        )
    if not any(access.knows(key) for key in given):
        raise HTTPException(
            401, "This key is not known here.", headers={"WWW-Authenticate": _CHALLENGE}
        )


def _keys_to_read(headers: Headers) -> list[str]:
    return [*_keys_of_programs(headers), *_keys_of_browsers(headers)]


def _keys_of_programs(headers: Headers) -> list[str]:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    bearer = [key.strip()] if scheme.lower() == "bearer" and key.strip() else []
    header = headers.get("x-api-key")
    return [*bearer, *([header] if header else [])]


def _keys_of_browsers(headers: Headers) -> list[str]:
    scheme, _, coded = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return []
    try:
        pair = base64.b64decode(coded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return []
    _, _, password = pair.partition(":")
    return [password] if password else []


def _access_of(request: Request) -> Access:
    return cast("Access", request.app.state.access)


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
