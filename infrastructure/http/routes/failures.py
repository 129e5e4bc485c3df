"""Failures that are a route's, and not the page's."""

from collections.abc import Iterable
from typing import Literal

import requests
import urllib3

from infrastructure.http.causes import Cause, cause_of, with_causes

FailureKind = Literal["refused", "timed out", "wrong password", "failed"]

_OF_THE_REQUEST = (
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    UnicodeError,
)
"""What is wrong with the address, whichever way one goes."""

_TIMEOUTS = (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)

_NO_TIMEOUT = urllib3.exceptions.NewConnectionError
"""Is called one by urllib3, whatever kept the connection from being made."""

_PASSWORD_REFUSED = (
    "Tunnel connection failed: 407",
    "SOCKS5 authentication failed",
    "SOCKS5 authentication methods were rejected",
)
"""Words of http.client for an HTTP proxy (RFC 9110, 15.5.8), and of PySocks for SOCKS 5."""

_REFUSED = "it refuses the user or the password"


class RouteFailed(Exception):
    """A route has brought no answer. ``cause`` is for the user, without any credential."""

    def __init__(self, kind: FailureKind, cause: Cause) -> None:
        super().__init__(cause.text)
        self.kind = kind
        self.cause = cause


def refused_password() -> RouteFailed:
    """The failure that the status 407 of an answer stands for."""
    return RouteFailed("wrong password", Cause(f"{_REFUSED} (HTTP 407)", may_pass=False))


def route_failure(error: BaseException, timeout_seconds: float) -> RouteFailed | None:
    """What an error before an answer says of the route; ``None`` when no route could do better."""
    chain = list(with_causes(error))
    if any(isinstance(inner, _OF_THE_REQUEST) for inner in chain):
        return None
    cause = cause_of(error, timeout_seconds)
    if _mentions(chain, _PASSWORD_REFUSED):
        return RouteFailed("wrong password", Cause(_REFUSED, may_pass=False))
    if any(isinstance(inner, ConnectionRefusedError) for inner in chain):
        return RouteFailed("refused", cause)
    timed_out = any(isinstance(e, _TIMEOUTS) and not isinstance(e, _NO_TIMEOUT) for e in chain)
    return RouteFailed("timed out" if timed_out else "failed", cause)


def _mentions(chain: Iterable[BaseException], texts: Iterable[str]) -> bool:
    words = [str(inner) for inner in chain]
    return any(text in word for text in texts for word in words)
