"""What went wrong on the network, in words for the user."""

import errno
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

import requests
import urllib3


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a request failed, without any credential; ``may_pass`` when a second try can succeed."""

    text: str
    may_pass: bool = True


_ERRNOS = {
    errno.ECONNREFUSED: "connection refused (nothing listens there)",
    errno.ECONNRESET: "connection reset by the other side",
    errno.EPIPE: "connection closed by the other side",
    errno.ENETUNREACH: "the network is unreachable",
    errno.EHOSTUNREACH: "the host is unreachable",
    errno.ENETDOWN: "the network is down",
    errno.EMFILE: "too many open files: lower MAX_THREADS or raise the limit (ulimit -n)",
}

_KINDS: tuple[tuple[tuple[type[BaseException], ...], str, bool], ...] = (
    # OpenSSL's own words first: those of the others begin with what they are made of.
    ((ssl.SSLError,), "TLS: {detail}", False),
    ((requests.exceptions.SSLError,), "TLS: {detail}", False),
    ((requests.exceptions.ProxyError,), "the proxy refused or could not be reached", True),
    ((requests.exceptions.InvalidSchema,), "cannot be asked: {detail}", False),
    ((UnicodeError,), "the name of the host is none: {detail}", False),
    (
        (socket.gaierror, urllib3.exceptions.NameResolutionError),
        "the name of the host cannot be resolved (no network, or a wrong name)",
        True,
    ),
    (
        (requests.exceptions.ConnectTimeout, urllib3.exceptions.ConnectTimeoutError),
        "no connection in time",
        True,
    ),
    (
        (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError, TimeoutError),
        "no answer within {seconds:g} s",
        True,
    ),
    (
        (urllib3.exceptions.ProtocolError, urllib3.exceptions.IncompleteRead),
        "the connection was closed before the whole answer came",
        True,
    ),
)
"""Kinds of errors, the most telling first, what to say of them, and whether they may pass."""


def cause_of(error: BaseException, timeout_seconds: float) -> Cause:
    """Find what says most in an error of requests, urllib3 or Python and in its causes."""
    chain = list(with_causes(error))
    for inner in chain:
        if isinstance(inner, OSError) and inner.errno in _ERRNOS:
            return Cause(_ERRNOS[inner.errno])
    for kinds, text, may_pass in _KINDS:
        for inner in chain:
            if isinstance(inner, kinds):
                words = text.format(detail=_first_line(inner), seconds=timeout_seconds)
                return Cause(words, may_pass)
    return Cause(f"{type(error).__name__}: {_first_line(chain[-1])}")


def with_causes(error: BaseException) -> Iterator[BaseException]:
    """The error and everything it was made from, outermost first."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        current = waiting.pop(0)
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        waiting += [getattr(current, "reason", None), current.__cause__, current.__context__]
        waiting += [argument for argument in current.args if isinstance(argument, BaseException)]


def _first_line(error: BaseException) -> str:
    if isinstance(error, ssl.SSLError) and error.reason == "WRONG_VERSION_NUMBER":
        return "that is not what answers there (is the address one of http:// ?)"
    return (str(error) or type(error).__name__).splitlines()[0][:200]
