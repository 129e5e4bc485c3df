"""What each fault of `demo.faults` puts on the wire."""

import gzip
import re
import select
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from http import HTTPStatus
from typing import Protocol

from demo.bomb import gzip_of_zeros, packed_size
from demo.faults import LOOP_QUERY, Fault

_HTML = "text/html; charset=utf-8"
_TEXT = "text/plain; charset=utf-8"

_BOMB_BLOCKS = 10 * 1024
_LARGE_PAGE_BYTES = 100_000_000
_SPACES = b" " * (1 << 16)

_PRETENCE = "The demo pretends to check whether you are a robot."
_CHALLENGE_PAGE = (
    '<!DOCTYPE html><html><head><title></title></head><body><div id="challenge-container"></div>'
    f"<script>AwsWafIntegration.getToken();</script><p>{_PRETENCE}</p></body></html>"
).encode()
_CAPTCHA_PAGE = (
    "<!DOCTYPE html><html><head><title>Human Verification</title></head><body>"
    f'<div id="captcha-container"></div><p>{_PRETENCE}</p></body></html>'
).encode()
_ERROR_PAGE = (
    b"<!DOCTYPE html><html><head><title>Error - IMDb demo</title></head><body><h1>Error</h1>"
    b"<p>Sorry, something went wrong here. Please try again later.</p></body></html>"
)
_FORBIDS_ALL = b"User-agent: *\nDisallow: /\n"

_NEXT_DATA = re.compile(rb'(?<=<script id="__NEXT_DATA__" type="application/json">)[^<]*')
_END_OF_PAGE = b"</body>"


class Connection(Protocol):
    """The connection of a request, as far as a fault needs it."""

    def send(self, data: bytes) -> None:
        """Send these bytes; raises `OSError` when the client has gone or the site closes."""

    def reset(self) -> None:
        """Have the connection end with a reset in place of a farewell, after what was sent."""

    def end(self) -> None:
        """Have the connection end after this answer."""

    @property
    def socket(self) -> socket.socket:
        """The connection itself."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request that gets a fault, and what it would get otherwise.

    ``page`` is the body that belongs to the ``path``, unpacked; ``other_page`` gives the body of
    another title's page. ``gzipped`` says whether the client takes gzip.
    """

    connection: Connection
    path: str
    gzipped: bool
    page: bytes
    other_page: Callable[[], bytes]

    def answer(
        self,
        status: HTTPStatus,
        body: bytes = b"",
        content_type: str = _HTML,
        **headers: str,
    ) -> None:
        """Send a whole answer, as it should be but for what it says."""
        if self.gzipped and body:
            body = gzip.compress(body, compresslevel=1, mtime=0)
            headers["Content_Encoding"] = "gzip"
        self.head(status, content_type, Content_Length=str(len(body)), **headers)
        self.connection.send(body)

    def head(self, status: HTTPStatus, content_type: str = _HTML, **headers: str) -> None:
        """Send status and headers."""
        self.connection.send(_head(status, content_type, **headers))

    def gone_within(self, seconds: float | None) -> bool:
        """Wait, and tell whether the client has gone meanwhile, or the site closes.

        The site's closing ends connections on both sides, so it wakes this as the client does.
        """
        poll = select.poll()
        poll.register(self.connection.socket, select.POLLIN)
        return bool(poll.poll(None if seconds is None else seconds * 1000))


def act_out(fault: Fault, exchange: Exchange) -> None:
    """Answer a request with a fault; raises `OSError` when the client goes or the site closes.

    Every fault holds a bounded amount of memory, whatever it sends, and ends when the client hangs
    up or the site closes. HTTP is used for what is a fault of HTTP, so a client that takes gzip
    gets whole pages packed. `Fault.CUT_GZIP` and `Fault.GZIP_BOMB` are packed for everyone.
    """
    _ACTS[fault](exchange)


def _head(status: HTTPStatus, content_type: str, **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", f"Content-Type: {content_type}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def _only(status: HTTPStatus, exchange: Exchange) -> None:
    body = f"<!DOCTYPE html><html><body><h1>{status.value} {status.phrase}</h1></body></html>"
    exchange.answer(status, body.encode())


def _challenge(status: HTTPStatus, action: str, body: bytes, exchange: Exchange) -> None:
    exchange.answer(status, body, x_amzn_waf_action=action)


def _throttled_seconds(exchange: Exchange) -> None:
    exchange.answer(HTTPStatus.TOO_MANY_REQUESTS, Retry_After="1")


def _throttled_date(exchange: Exchange) -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    exchange.answer(HTTPStatus.TOO_MANY_REQUESTS, Retry_After=moment)


def _refused_connection(exchange: Exchange) -> None:
    exchange.connection.reset()


def _reset_in_headers(exchange: Exchange) -> None:
    head = _head(HTTPStatus.OK, _HTML, Content_Length=str(len(exchange.page)))
    exchange.connection.send(head[: len(head) // 2])
    exchange.connection.reset()


def _reset_in_body(exchange: Exchange) -> None:
    exchange.head(HTTPStatus.OK, Content_Length=str(len(exchange.page)))
    exchange.connection.send(exchange.page[: len(exchange.page) // 2])
    exchange.connection.reset()


def _length_too_long(exchange: Exchange) -> None:
    exchange.head(HTTPStatus.OK, Content_Length=str(len(exchange.page) + 1000))
    exchange.connection.send(exchange.page)
    exchange.connection.end()


def _length_too_short(exchange: Exchange) -> None:
    """The connection stays open, and what was sent too much is in the way of the next answer."""
    exchange.head(HTTPStatus.OK, Content_Length=str(len(exchange.page) // 2))
    exchange.connection.send(exchange.page)


def _cut_gzip(exchange: Exchange) -> None:
    packed = gzip.compress(exchange.page, mtime=0)
    half = packed[: len(packed) // 2]
    exchange.head(HTTPStatus.OK, Content_Encoding="gzip", Content_Length=str(len(half)))
    exchange.connection.send(half)


def _gzip_bomb(exchange: Exchange) -> None:
    size = str(packed_size(_BOMB_BLOCKS))
    exchange.head(HTTPStatus.OK, Content_Encoding="gzip", Content_Length=size)
    for part in _joined(gzip_of_zeros(_BOMB_BLOCKS)):
        exchange.connection.send(part)


def _joined(parts: Iterator[bytes], size: int = 1 << 16) -> Iterator[bytes]:
    """The same bytes in fewer and larger parts: each one sent costs a system call."""
    waiting = bytearray()
    for part in parts:
        waiting += part
        if len(waiting) >= size:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting)


def _endless_body(exchange: Exchange) -> None:
    exchange.head(HTTPStatus.OK, Transfer_Encoding="chunked")
    start, _, _ = exchange.page.partition(_END_OF_PAGE)
    chunk = start
    while True:
        exchange.connection.send(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        chunk = _SPACES


def _byte_a_second(exchange: Exchange) -> None:
    exchange.head(HTTPStatus.OK, Content_Length=str(len(exchange.page)))
    for byte in exchange.page:
        exchange.connection.send(bytes([byte]))
        if exchange.gone_within(1.0):
            exchange.connection.end()
            return


def _hang(exchange: Exchange) -> None:
    exchange.gone_within(None)
    exchange.connection.end()


def _redirect(location: str, exchange: Exchange) -> None:
    exchange.answer(HTTPStatus.FOUND, Location=location.format(path=exchange.path))


def _wrong_charset(exchange: Exchange) -> None:
    exchange.answer(HTTPStatus.OK, exchange.page, "text/html; charset=iso-8859-1")


def _not_utf_8(exchange: Exchange) -> None:
    """Escaped as in JSON is what ISO 8859-1 does not have, so that the facts stay what they are."""
    exchange.answer(
        HTTPStatus.OK, exchange.page.decode().encode("iso-8859-1", errors="backslashreplace")
    )


def _page(page: bytes, exchange: Exchange) -> None:
    exchange.answer(HTTPStatus.OK, page)


def _broken_json(exchange: Exchange) -> None:
    _changed(exchange, lambda data: data[: len(data) // 2])


def _json_of_another_title(exchange: Exchange) -> None:
    other = _NEXT_DATA.search(exchange.other_page())
    _changed(exchange, lambda data: other[0] if other else data)


def _missing_field(exchange: Exchange) -> None:
    _changed(exchange, lambda data: data.replace(b'"titleText":', b'"headline":'))


def _changed(exchange: Exchange, change: Callable[[bytes], bytes]) -> None:
    """Send the page with another ``__NEXT_DATA__``; one that has none goes as it is."""
    body = _NEXT_DATA.sub(lambda found: change(found[0]), exchange.page)
    exchange.answer(HTTPStatus.OK, body)


def _page_of_100_mb(exchange: Exchange) -> None:
    start, _, end = exchange.page.partition(_END_OF_PAGE)
    missing = _LARGE_PAGE_BYTES - len(exchange.page)
    exchange.head(HTTPStatus.OK, Content_Length=str(_LARGE_PAGE_BYTES))
    exchange.connection.send(start)
    while missing > 0:
        exchange.connection.send(_SPACES[:missing])
        missing -= len(_SPACES)
    exchange.connection.send(_END_OF_PAGE + end)


def _robots_forbid_all(exchange: Exchange) -> None:
    exchange.answer(HTTPStatus.OK, _FORBIDS_ALL, _TEXT)


_ACTS: dict[Fault, Callable[[Exchange], None]] = {
    Fault.CHALLENGE_EMPTY: partial(_challenge, HTTPStatus.ACCEPTED, "challenge", b""),
    Fault.CHALLENGE_PAGE: partial(_challenge, HTTPStatus.ACCEPTED, "challenge", _CHALLENGE_PAGE),
    Fault.CAPTCHA: partial(_challenge, HTTPStatus.METHOD_NOT_ALLOWED, "captcha", _CAPTCHA_PAGE),
    Fault.FORBIDDEN: partial(_only, HTTPStatus.FORBIDDEN),
    Fault.NOT_FOUND: partial(_only, HTTPStatus.NOT_FOUND),
    Fault.GONE: partial(_only, HTTPStatus.GONE),
    Fault.THROTTLED: partial(_only, HTTPStatus.TOO_MANY_REQUESTS),
    Fault.THROTTLED_SECONDS: _throttled_seconds,
    Fault.THROTTLED_DATE: _throttled_date,
    Fault.SERVER_ERROR: partial(_only, HTTPStatus.INTERNAL_SERVER_ERROR),
    Fault.BAD_GATEWAY: partial(_only, HTTPStatus.BAD_GATEWAY),
    Fault.UNAVAILABLE: partial(_only, HTTPStatus.SERVICE_UNAVAILABLE),
    Fault.REFUSED_CONNECTION: _refused_connection,
    Fault.RESET_IN_HEADERS: _reset_in_headers,
    Fault.RESET_IN_BODY: _reset_in_body,
    Fault.LENGTH_TOO_LONG: _length_too_long,
    Fault.LENGTH_TOO_SHORT: _length_too_short,
    Fault.CUT_GZIP: _cut_gzip,
    Fault.GZIP_BOMB: _gzip_bomb,
    Fault.ENDLESS_BODY: _endless_body,
    Fault.BYTE_A_SECOND: _byte_a_second,
    Fault.HANG: _hang,
    Fault.REDIRECT_LOOP: partial(_redirect, "{path}?" + LOOP_QUERY),
    Fault.REDIRECT_OTHER_HOST: partial(_redirect, "http://somebody-else.invalid{path}"),
    Fault.REDIRECT_PRIVATE_ADDRESS: partial(_redirect, "http://169.254.169.254/latest/meta-data/"),
    Fault.REDIRECT_FILE: partial(_redirect, "file:///etc/passwd"),
    Fault.WRONG_CHARSET: _wrong_charset,
    Fault.NOT_UTF_8: _not_utf_8,
    Fault.EMPTY_PAGE: partial(_page, b""),
    Fault.ERROR_PAGE: partial(_page, _ERROR_PAGE),
    Fault.BROKEN_JSON: _broken_json,
    Fault.JSON_OF_ANOTHER_TITLE: _json_of_another_title,
    Fault.MISSING_FIELD: _missing_field,
    Fault.PAGE_OF_100_MB: _page_of_100_mb,
    Fault.ROBOTS_FORBID_ALL: _robots_forbid_all,
}
