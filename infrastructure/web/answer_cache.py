"""Answers that are kept, and given again while nothing that they were made from has changed.

An answer is kept under the version that the store had *before* it was made (`StoreVersion`), and is
only given to who asks while the store still has that version: each request asks for it anew, once
it has come in. What changes while an answer is made is thus never hidden by it, and what a run has
reported saved is in every answer from then on. Answers of older versions are never asked for again;
the adapters (`answer_memory`, `answer_redis`) let them go.

Stands behind all guards and right before the routes: a request for a kept answer is limited,
checked and measured like any other. Who must not read what is kept is refused by the route itself.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple, Protocol
from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from application.ports import StoreVersion
from domain.errors import RepositoryUnavailable
from infrastructure.web.access import Access, lets_read
from infrastructure.web.answers import is_known
from shared.version import VERSION

logger = logging.getLogger(__name__)

MOST_ANSWER_BYTES = 1024 * 1024
"""A longer answer is not kept; a page of 200 titles has a tenth of it."""

_KEPT = tuple(
    f"{prefix}/{name}" for prefix in ("/api/v1", "") for name in ("titles", "people", "charts")
)
"""Addresses, and the beginnings of addresses, that are answered from the store alone.

Not those that show runs: whether one is at work is not in the store.
"""

_KEPT_BEGINNINGS = tuple(f"{address}/" for address in _KEPT)

_DEPENDS_ON = b"hx-request"
"""The header by which pages may differ, besides those that errors alone depend on."""

_MAY_DIFFER_BY = frozenset({"accept", "hx-request"})

_OF_UNCHANGED = frozenset({b"etag", b"cache-control", b"vary"})
"""The headers of a 304 (RFC 9110, 15.4.5)."""


class Question(NamedTuple):
    """What is asked, and of which state of the store; two that differ in anything differ here."""

    version: str
    request: bytes


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer of status 200: its headers, its body, and the template of its route."""

    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    route: str

    @property
    def tag(self) -> str:
        """Its ETag; empty when it has none."""
        return next(
            (value.decode("latin-1") for name, value in self.headers if name == b"etag"), ""
        )


class AnswerCache(Protocol):
    """Keeps answers. Used in the thread of the event loop, by any number of requests.

    It may forget any answer at any time, and never raises: a request does without it.
    """

    async def get(self, question: Question) -> KeptAnswer | None:
        """Give what was kept for exactly this question."""

    async def put(self, question: Question, answer: KeptAnswer) -> None:
        """Keep an answer, unless it is too large."""


class LookedUp(Protocol):
    """Is told of each look-up."""

    def __call__(self, *, hit: bool) -> None:
        """Count it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepsAnswers:
    """What it takes to keep answers.

    ``route_of`` gives the template of the route that a request has taken; ``looked_up`` is told of
    each look-up whether it found anything (``hit``).
    """

    cache: AnswerCache
    version: StoreVersion
    route_of: Callable[[Scope], str]
    looked_up: LookedUp


class CachedAnswers:
    """Gives kept answers, and keeps those that routes make; for those who may read."""

    def __init__(self, app: ASGIApp, keeping: KeepsAnswers, access: Access) -> None:
        self._app = app
        self._keeping = keeping
        self._access = access
        # What an answer looks like depends on these; several servers may share a cache.
        scope_of_caches = "public" if access.reading_is_open else "private"
        self._form = f"{VERSION} {scope_of_caches} ".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if not _may_be_asked_for(scope) or not lets_read(self._access, Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        try:
            version = await self._keeping.version.current()
        except RepositoryUnavailable as error:
            # The route, which asks the database as well, has the answer to this.
            logger.debug("an answer is neither looked up nor kept: %s", error)
            await self._app(scope, receive, send)
            return
        question = Question(version, self._form + _asked(scope))
        known_tags = _taken_out(scope, b"if-none-match")
        kept = await self._keeping.cache.get(question)
        self._keeping.looked_up(hit=kept is not None)
        if kept is not None:
            scope["route_template"] = kept.route
            await _give(kept, known_tags, send)
        else:
            scope["store_version"] = version
            await self._make(question, known_tags, scope, receive, send)

    async def _make(
        self, question: Question, known_tags: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Have the route answer, and keep its answer when that may be; the client does not wait."""
        begun: Message | None = None
        made: KeptAnswer | None = None

        async def sending(message: Message) -> None:
            nonlocal begun, made
            if message["type"] == "http.response.start" and _may_be_kept(message):
                begun = message
                return
            if begun is not None and message["type"] == "http.response.body":
                start, begun = begun, None
                if not message.get("more_body"):
                    route = scope["route_template"] = self._keeping.route_of(scope)
                    made = KeptAnswer(tuple(start["headers"]), message.get("body", b""), route)
                    await _give(made, known_tags, send)
                    return
                await send(start)
            await send(message)

        await self._app(scope, receive, sending)
        if made is not None and len(made.body) <= MOST_ANSWER_BYTES:
            await self._keeping.cache.put(question, made)


def _may_be_asked_for(scope: Scope) -> bool:
    """Whether a request is one whose answer may be kept, by what it asks for and how."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return False
    path: str = scope["path"]
    return path.startswith(_KEPT_BEGINNINGS) or path in _KEPT


def _asked(scope: Scope) -> bytes:
    """All of a request that its answer depends on, besides the store and the program.

    No part of it can be taken for another: an address has neither control characters nor, encoded
    as here, line ends (`guards.Readable`), and the header is one line.
    """
    htmx = b"".join([value for name, value in scope["headers"] if name == _DEPENDS_ON])
    return b"%b\n%b\n%b" % (scope["path"].encode(), _in_order(scope["query_string"]), htmx)


def _in_order(query: bytes) -> bytes:
    """The parameters by their names; of those of one name the order counts and stays."""
    if b"&" not in query:
        return query
    named = [(_name_of(parameter), parameter) for parameter in query.split(b"&") if parameter]
    return b"&".join(parameter for _, parameter in sorted(named, key=itemgetter(0)))


def _name_of(parameter: bytes) -> bytes:
    return unquote_to_bytes(parameter.partition(b"=")[0].replace(b"+", b" "))


def _taken_out(scope: Scope, wanted: bytes) -> str:
    """The values of a header, which the route is not to see: it has to answer in full."""
    headers = scope["headers"]
    values = [value for name, value in headers if name == wanted]
    if values:
        scope["headers"] = [(name, value) for name, value in headers if name != wanted]
    return b",".join(values).decode("latin-1")


def _may_be_kept(start: Message) -> bool:
    """Whether a route lets its answer be kept: it says how, and by which headers it differs."""
    if start["status"] != 200:
        return False
    headers = Headers(raw=start["headers"])
    control = headers.get("cache-control", "no-store")
    differs_by = {name.strip().lower() for name in headers.get("vary", "accept").split(",")}
    return (
        "no-store" not in control and "set-cookie" not in headers and differs_by <= _MAY_DIFFER_BY
    )


async def _give(answer: KeptAnswer, known_tags: str, send: Send) -> None:
    """Send an answer, or only that it is the one that the client has."""
    if known_tags and answer.tag and is_known(known_tags, answer.tag):
        headers = [(name, value) for name, value in answer.headers if name in _OF_UNCHANGED]
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return
    # A list of its own: those who stand before add theirs to it.
    await send({"type": "http.response.start", "status": 200, "headers": list(answer.headers)})
    await send({"type": "http.response.body", "body": answer.body})
