"""Answers that a client may keep: a strong ETag of the body, and 304 when it has not changed."""

import hashlib
from typing import Any

import msgspec
from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

JSON = "application/json"

_KEEP_AND_ASK = "no-cache"
"""May be kept, but is asked for anew each time: nobody sees what a run has made old."""


def answer(request: Request, value: object) -> Response:
    """The value as JSON, or 304 without a body when the client has it already.

    It is a model, or plain values and dataclasses with the names that the route's model has: to
    make and check a model of them takes ten times as long as the JSON.
    """
    return cacheable(request, _encoder.encode(value), JSON)


def _encodable(value: object) -> Any:
    if isinstance(value, BaseModel):
        return msgspec.Raw(value.model_dump_json().encode())
    raise NotImplementedError(f"{type(value).__name__} has no JSON")


_encoder = msgspec.json.Encoder(enc_hook=_encodable)


def cacheable(request: Request, body: bytes, media_type: str) -> Response:
    """A body that may be kept (`answer` is for JSON), or 304 when the client has it already."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    # Where reading needs a key, no cache that several share may keep it.
    scope = "public" if request.app.state.access.reading_is_open else "private"
    headers = {"ETag": tag, "Cache-Control": f"{scope}, {_KEEP_AND_ASK}"}
    if is_known(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=media_type)


def is_known(header: str, tag: str) -> bool:
    """Whether ``If-None-Match`` names the tag; weak tags count as well (RFC 9110, 13.1.2)."""
    named = {each.strip().removeprefix("W/") for each in header.split(",")}
    return tag in named or "*" in named
