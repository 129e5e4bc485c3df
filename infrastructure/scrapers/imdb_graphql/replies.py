"""Answers of the API: the data, or the domain's error for what kept it from us.

A GraphQL answer has ``data`` and ``errors`` side by side (GraphQL specification of 2021, section
7.1): an error whose ``path`` leads to a part of the data is about that part alone.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Raw, Struct

from domain.errors import PageChanged, ScraperError, SourceBlocked, SourceUnavailable
from infrastructure.scrapers.answers import Answer, PackedAnswer
from infrastructure.scrapers.imdb_pages import Page, block_reason
from infrastructure.scrapers.imdb_pages.next_data import decode, is_json

SOURCE_NAME = "graphql"

_LONGEST_TEXT = 400
_REFUSING_CODES = frozenset({"FORBIDDEN", "UNAUTHENTICATED", "UNAUTHORIZED"})
_QUERY_CODES = frozenset({"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"})
INPUT_CODE = "BAD_USER_INPUT"
_TOO_LARGE = 413

WAYS_ON = (
    "the API wants to know its clients: GRAPHQL_CLIENT_NAME says who we are (see docs/sources.md), "
    "and SOURCES names other sources"
)
"""What the user can do when the API refuses us."""


class TooComplex(Exception):
    """The API does not take so much in one question."""


class WrongInput(Exception):
    """The API does not take a value that we have sent with a query."""


class ErrorDetails(Struct, frozen=True):
    """``code`` tells what kind of error it is, for programs."""

    code: str | None = None


class ReplyError(Struct, frozen=True):
    """An error, and the part of the data that is missing because of it."""

    message: str = ""
    path: list[str | int] | None = None
    extensions: ErrorDetails | None = None

    @property
    def code(self) -> str:
        """The code, or an empty text."""
        return (self.extensions and self.extensions.code) or ""

    @property
    def text(self) -> str:
        """What it says, for a person: one line of a bounded length."""
        said = one_line(self.message) or "an error without a word"
        return f"{said} ({one_line(self.code)})" if self.code else said


class ReplyDetails(Struct, frozen=True):
    """``disclaimer`` says what the data may be used for."""

    disclaimer: str | None = None


class Envelope(Struct, frozen=True):
    """An answer whose data is not decoded yet."""

    data: Raw = Raw(b"null")
    errors: list[ReplyError] | None = None
    extensions: ReplyDetails | None = None


class Reply(Struct, frozen=True):
    """An answer that is one of the API. ``page`` is where and when it came from."""

    page: Page
    data: memoryview
    errors: Sequence[ReplyError]
    disclaimer: str | None


_DECODER = msgspec.json.Decoder(Envelope)


def read_reply(answer: PackedAnswer) -> Reply:
    """Unpack an answer.

    Raises `SourceBlocked` when it is a challenge or refuses us, `SourceUnavailable` for a status
    that is none of an answer (``hopeless`` when asking again cannot help), `PageChanged` when it is
    not of the shape of GraphQL, and `TooComplex`.
    """
    unpacked = answer.unpacked()
    _refuse_unless_answered(unpacked)
    page = Page(
        url=unpacked.url, body=unpacked.body, source=SOURCE_NAME, fetched_at=unpacked.fetched_at
    )
    envelope = decode(_DECODER, memoryview(unpacked.body), page, where="the answer")
    details = envelope.extensions
    return Reply(
        page=page,
        data=memoryview(envelope.data),
        errors=envelope.errors or (),
        disclaimer=one_line((details and details.disclaimer) or "") or None,
    )


def failure(reply: Reply, error: ReplyError) -> ScraperError | TooComplex | WrongInput:
    """What an error is that is about a whole answer."""
    url, text = reply.page.url, error.text
    if "COMPLEX" in error.code.upper() or "complex" in error.message.lower():
        return TooComplex(text)
    if error.code in _REFUSING_CODES:
        return SourceBlocked(url, f"{text}; {WAYS_ON}")
    if error.code in _QUERY_CODES:
        return PageChanged(url, "query", text)
    if error.code == INPUT_CODE:
        return WrongInput(text)
    return SourceUnavailable(url, text)


def one_line(text: str) -> str:
    """Somebody else's text, fit for a line of ours: no control characters, a bounded length."""
    shown = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return shown if len(shown) <= _LONGEST_TEXT else f"{shown[: _LONGEST_TEXT - 3]}..."


def _refuse_unless_answered(answer: Answer) -> None:
    """Raise unless the answer can be one of GraphQL: 200, or 400 with JSON (a refused query)."""
    status = answer.status
    if reason := block_reason(status, answer.headers, answer.body):
        raise SourceBlocked(answer.url, reason)
    if status == 403:
        raise SourceBlocked(answer.url, f"HTTP 403, forbidden; {WAYS_ON}")
    if status == _TOO_LARGE:
        raise TooComplex("HTTP 413")
    if status == 200 or (status == 400 and is_json(answer.body)):
        return
    # A client error is the same the next time (RFC 9110, 15.5): the address is that of another
    # service, or the API has changed.
    hopeless = 400 <= status < 500
    advice = ": is GRAPHQL_URL the right address?" if hopeless else ""
    raise SourceUnavailable(
        answer.url, f"HTTP {status} instead of an answer{advice}", hopeless=hopeless
    )
