"""The HTTP server of the demo site: IMDb's addresses, answered on loopback."""

import logging
import re
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache, partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from types import TracebackType
from typing import Any, Self

from demo import api
from demo.body import Body, body_of, piece
from demo.facts import MERGED_IDS, ChartFacts, people_of
from demo.fault_answers import Exchange, act_out
from demo.faults import Fault, FaultPlan
from demo.lists import SiteLists
from demo.locale import Locale, locale_of, localised
from demo.pages import PageRenderer
from demo.search import FIND_PATH, SiteSearch

_log = logging.getLogger(__name__)

_PAGE_PATH = re.compile("/(?P<kind>title|name)/(?P<id>[^/]+)/")

_ALLOWED = (
    b"/chart/", b"/title/", b"/name/", b"/find/", b"/search/", b"/list/", b"/suggestion/",
    b"/graphql",
)  # fmt: skip
_ROBOTS = b"User-agent: *\n%bDisallow: /\n" % b"".join(b"Allow: %b\n" % p for p in _ALLOWED)

_SUB_PAGE = re.compile(r"/title/(?P<id>tt[0-9]+)/(?P<page>reference|releaseinfo)/")

_HTML = "text/html; charset=utf-8"
_TEXT = "text/plain; charset=utf-8"
_JSON = "application/json"

_KEPT_LOCALES = 8
"""Of so many languages and countries what was made is kept, those asked for last."""

_HANDSHAKE_SECONDS = 10.0
"""A client that has not finished its TLS handshake by then is hung up on."""


class CertificateUnusable(Exception):
    """A certificate or its key cannot be read, or the two do not belong together."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the site proves its name with: a chain of certificates and its key, both PEM files."""

    chain: Path
    key: Path


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """A request that the site has received.

    ``path`` is without the query, ``headers`` have lower-case names, and ``received_at`` is in
    seconds of `time.monotonic`. ``fault`` is what it gets in place of a proper answer. ``query`` is
    what stands behind the question mark, ``client`` the address that it came from.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    received_at: float
    fault: Fault | None = None
    query: str = ""
    client: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the site sends for a request; ``location`` is where a redirect leads."""

    status: HTTPStatus
    content_type: str
    body: Body
    location: str | None = None


class DemoSite:
    """Serves a chart, its titles and their people until it is closed; a context manager.

    ``delay_seconds`` is waited before each answer, for each request by itself. ``page_bytes`` pads
    title and chart pages to the weight of real ones (see `PageRenderer`). Port 0 takes a free one.
    With a ``certificate`` the site speaks TLS only. ``faults`` says which requests go wrong, and
    how. The API, at `demo.api.PATH`, finds questions for more than ``most_titles`` too complex.
    The constructor raises `CertificateUnusable`, then binds the port and raises `OSError` when that
    fails; requests are answered from ``with`` on, each connection by its own thread, until
    ``close``, which ends them all and waits for the threads. Methods may be called from any thread.
    """

    def __init__(
        self,
        facts: ChartFacts,
        *,
        delay_seconds: float = 0.0,
        page_bytes: int | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        certificate: Certificate | None = None,
        faults: FaultPlan | None = None,
        most_titles: int | None = None,
    ) -> None:
        self._delay_seconds = delay_seconds
        self._faults = faults
        # Not a decorator, which would keep the content of every site that there ever was.
        self._content = lru_cache(_KEPT_LOCALES)(
            lambda locale: _Content(localised(facts, locale), locale, page_bytes, most_titles)
        )
        self._american = self._content(Locale())
        self._arrival = threading.Condition()
        self._requests: list[RequestRecord] = []
        self._closing = threading.Event()
        self._scheme = "http" if certificate is None else "https"
        tls = None if certificate is None else _tls_context(certificate)
        self._server = _Server((host, port), self, tls)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="demo-site"
        )

    @property
    def url(self) -> str:
        """Where the site is, without a slash at the end: ``http://127.0.0.1:8080``."""
        host, port = self._server.server_address[:2]
        return f"{self._scheme}://{host!s}:{port}"

    @property
    def requests(self) -> tuple[RequestRecord, ...]:
        """Every request received up to now, in order."""
        with self._arrival:
            return tuple(self._requests)

    def count(self, path: str) -> int:
        """How many requests this path has received up to now."""
        return sum(record.path == path for record in self.requests)

    def wait_for_requests(self, number: int, timeout_seconds: float) -> bool:
        """Wait until this many requests have been received; false when the time is over first."""
        with self._arrival:
            return self._arrival.wait_for(lambda: len(self._requests) >= number, timeout_seconds)

    def prerender(self) -> None:
        """Render all pages and make the API ready, so that a measurement does not contain it.

        The API's answers are made when they are first asked for, and kept.
        """
        self._american.pages.render_all()
        api.prepare()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening, hang up on all clients, and wait until every thread has ended."""
        self._closing.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.hang_up()
        self._server.server_close()

    def answer(self, record: RequestRecord, question: bytes | None = None) -> Answer:
        """Note a request, wait as long as configured, and give the answer to it.

        ``question`` is the body of a POST.
        """
        with self._arrival:
            self._requests.append(record)
            self._arrival.notify_all()
        self._closing.wait(self._delay_seconds)
        locale = locale_of(record.headers)
        content = self._american if locale == Locale() else self._content(locale)
        if question is None or record.path != api.PATH:
            return content.pages.answer(record.path, record.query)
        answered = content.api.answer(question, record.headers)
        return Answer(answered.status, answered.content_type, answered.body)

    def fault_for(self, method: str, path: str, query: str) -> Fault | None:
        """The fault that a request gets, which has come just now."""
        if self._faults is None or method == "HEAD":
            return None
        return self._faults.next(path, query)

    def page_of_another_title(self, path: str) -> bytes:
        """The unpacked page of a title that is not the one of this path, if there are two."""
        return self._american.pages.another_title(path).plain()


@dataclass(slots=True)
class _LazyPage:
    """A page that is rendered when it is first asked for, by one thread, and then kept."""

    render: Callable[[], Body]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _body: Body | None = None

    def body(self) -> Body:
        with self._lock:
            if self._body is None:
                self._body = self.render()
            return self._body


class _Content:
    """What the site says for a language and a country."""

    def __init__(
        self, facts: ChartFacts, locale: Locale, page_bytes: int | None, most_titles: int | None
    ) -> None:
        self.pages = _Pages(PageRenderer(facts, page_bytes, locale), facts)
        self.api = api.GraphqlApi(facts, most_titles)


class _Pages:
    """All pages of the site by path."""

    def __init__(self, renderer: PageRenderer, facts: ChartFacts) -> None:
        self._pages = {
            f"/title/{title.imdb_id}/": _LazyPage(partial(renderer.title, title))
            for title in facts.titles
        }
        self._titles = tuple(self._pages)
        self._pages["/chart/top/"] = _LazyPage(renderer.chart)
        self._not_found = _LazyPage(renderer.not_found)
        self._robots = body_of([piece(_ROBOTS)])
        self._search = SiteSearch(facts, renderer)
        self._lists = SiteLists(facts, renderer)
        self._renderer = renderer
        self._facts = facts
        self._people: dict[str, _LazyPage] | None = None
        self._lock = threading.Lock()

    def answer(self, path: str, query: str) -> Answer:
        if path == "/robots.txt":
            return Answer(HTTPStatus.OK, _TEXT, self._robots)
        if (new := _new_address(path)) is not None:
            return Answer(HTTPStatus.PERMANENT_REDIRECT, _TEXT, body_of([piece(b"")]), new)
        if (suggestions := self._search.suggestions(path)) is not None:
            return Answer(HTTPStatus.OK, _JSON, suggestions)
        if (body := self._html(path, query)) is not None:
            return Answer(HTTPStatus.OK, _HTML, body)
        return Answer(HTTPStatus.NOT_FOUND, _HTML, self._not_found.body())

    def _html(self, path: str, query: str) -> Body | None:
        if path == FIND_PATH:
            return self._search.page(query)
        if (listed := self._lists.page(path, query)) is not None:
            return listed
        if page := self._page_of_person(path) or self._pages.get(path):
            return page.body()
        return self._details(path)

    def _details(self, path: str) -> Body | None:
        """Another page of a title, rendered anew each time: few ask for them."""
        match = _SUB_PAGE.fullmatch(path)
        titles = self._facts.titles if match else ()
        title = next((one for one in titles if match and one.imdb_id == match["id"]), None)
        if match is None or title is None:
            return None
        pages = {"reference": self._renderer.reference, "releaseinfo": self._renderer.release_info}
        return pages[match["page"]](title)

    def _page_of_person(self, path: str) -> _LazyPage | None:
        """The page of a person; who there is, is gathered when the first one is asked for."""
        if not path.startswith("/name/"):
            return None
        with self._lock:
            if self._people is None:
                self._people = {
                    f"/name/{imdb_id}/": _LazyPage(partial(self._renderer.person, person))
                    for imdb_id, person in people_of(self._facts).items()
                }
            return self._people.get(path)

    def another_title(self, path: str) -> Body:
        """The page of the title after the one of this path, or of the first."""
        number = self._titles.index(path) + 1 if path in self._titles else 0
        return self._pages[self._titles[number % len(self._titles)]].body()

    def render_all(self) -> None:
        for page in self._pages.values():
            page.body()


def _new_address(path: str) -> str | None:
    """The path of the page of what a title, or person, was merged into."""
    asked = _PAGE_PATH.fullmatch(path)
    new = asked and MERGED_IDS.get(asked["id"])
    return f"/{asked['kind']}/{new}/" if asked and new else None


def _tls_context(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate.chain, certificate.key)
    except OSError as error:
        names = f"{certificate.chain} and {certificate.key}"
        raise CertificateUnusable(f"{names} cannot be used: {error.strerror}") from error
    return context


class _Server(ThreadingTCPServer):
    """A thread for each connection; knows the open connections so that it can end them."""

    allow_reuse_address = True  # a fixed port can be had again right after a restart
    daemon_threads = False  # so that closing the server waits for them
    request_queue_size = 1024  # 500 clients may connect at the same moment

    def __init__(
        self, address: tuple[str, int], site: DemoSite, tls: ssl.SSLContext | None
    ) -> None:
        self.site = site
        self._tls = tls
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._to_reset: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Take a connection; the TLS handshake is left to its thread, for it waits for the client.

        Raises `OSError` when the client has gone already, which the base class passes over.
        """
        connection, client_address = super().get_request()
        if self._tls is not None:
            connection = self._tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        return connection, client_address

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in its own thread, after its handshake."""
        if self._tls is not None:
            request.settimeout(_HANDSHAKE_SECONDS)
            request.do_handshake()
            request.settimeout(None)
        super().finish_request(request, client_address)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
            reset = request in self._to_reset
            self._to_reset.discard(request)
        if reset:
            self.close_request(request)  # without a farewell before the reset
        else:
            super().shutdown_request(request)

    def reset_at_end(self, connection: socket.socket) -> None:
        """Have a connection end with a reset when its thread is done with it."""
        with self._lock:
            self._to_reset.add(connection)
        # With no time to linger, closing sends a reset.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def hang_up(self) -> None:
        """Wake every thread that waits for a client; it then finds its connection ended."""
        with self._lock:
            connections = tuple(self._connections)
        for connection in connections:
            with suppress(OSError):  # the client, or its thread, was faster
                # Not the TLS socket's own, which would take the session from under its thread.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Take note of a client that hangs up or is refused, and complain about anything else."""
        error = sys.exception()
        if isinstance(error, ConnectionError | ssl.SSLError | TimeoutError):
            _log.debug("%s hung up: %s", client_address, error)
        else:
            _log.exception("could not answer %s", client_address)


class _Handler(BaseHTTPRequestHandler):
    """Reads a request, asks the site for the answer, and writes it."""

    server: _Server
    protocol_version = "HTTP/1.1"  # keeps connections alive
    disable_nagle_algorithm = True  # headers and body are two writes
    server_version = "imdb-demo"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer with headers and body, or with a fault."""
        self._answer(None)

    def do_POST(self) -> None:
        """Answer a question to the API, or with a fault."""
        size = self.headers.get("Content-Length", "")
        if not size.isdigit() or int(size) > api.LARGEST_QUESTION:
            self.close_connection = True  # its body is still to come
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        self._answer(self.rfile.read(int(size)))

    def _answer(self, question: bytes | None) -> None:
        record = self._record()
        answer = self.server.site.answer(record, question)
        if record.fault is None:
            self.wfile.write(self._send_head(answer))
        else:
            self._act_out(record.fault, record.path, answer)

    def do_HEAD(self) -> None:
        """Answer with the headers of a GET."""
        self._send_head(self.server.site.answer(self._record()))

    def _act_out(self, fault: Fault, path: str, answer: Answer) -> None:
        site = self.server.site
        exchange = Exchange(
            connection=_Wire(self),
            path=path,
            gzipped=self._takes_gzip(),
            page=answer.body.plain(),
            other_page=partial(site.page_of_another_title, path),
        )
        act_out(fault, exchange)

    def _takes_gzip(self) -> bool:
        return _accepts_gzip(self.headers.get("Accept-Encoding", ""))

    def _send_head(self, answer: Answer) -> bytes:
        """Send status and headers; give the body that belongs to them."""
        gzipped = self._takes_gzip()
        body = answer.body.gzipped() if gzipped else answer.body.plain()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Vary", "Accept-Encoding, Accept-Language, x-imdb-user-country")
        if answer.location is not None:
            self.send_header("Location", answer.location)
        if gzipped:
            self.send_header("Content-Encoding", "gzip")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        return body

    def _record(self) -> RequestRecord:
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        fault = self.server.site.fault_for(self.command, path, query)
        client = str(self.client_address[0])
        return RequestRecord(self.command, path, headers, time.monotonic(), fault, query, client)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Log quietly: the requests are for whoever debugs the site."""
        _log.debug(format, *args)


class _Wire:
    """The connection of a handler, for a fault: fulfils `demo.fault_answers.Connection`."""

    def __init__(self, handler: _Handler) -> None:
        self._handler = handler

    @property
    def socket(self) -> socket.socket:
        """The connection itself."""
        connection: socket.socket = self._handler.connection
        return connection

    def send(self, data: bytes) -> None:
        """Send these bytes; raises `OSError` when the client has gone or the site closes."""
        self._handler.wfile.write(data)

    def reset(self) -> None:
        """Have the connection end with a reset, after what was sent."""
        self._handler.server.reset_at_end(self.socket)
        self.end()

    def end(self) -> None:
        """Have the connection end after this answer."""
        self._handler.close_connection = True


def _accepts_gzip(accept_encoding: str) -> bool:
    """Whether a client takes gzip, by its ``Accept-Encoding`` (RFC 9110, 12.5.3)."""
    for offer in accept_encoding.lower().split(","):
        coding, _, weight = offer.replace(" ", "").partition(";")
        if coding in {"gzip", "*"}:
            return weight not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
