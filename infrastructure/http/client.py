"""The one way to the network: pooled connections, limits, retries and typed failures."""

import hashlib
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
import tenacity
import urllib3
from requests import PreparedRequest

from application.scrape_titles import utc_now
from domain.errors import RunStopped, ScraperError, SourceBlocked, SourceUnavailable
from infrastructure.http.causes import Cause, cause_of
from infrastructure.http.deadlines import Deadline, Deadlines
from infrastructure.http.headers import request_headers
from infrastructure.http.hosts import Host, Hosts, host_of_this_process, shared_host
from infrastructure.http.large_bodies import PAGE_BYTES, LargeBodies, Turn
from infrastructure.http.names import number_of_addresses
from infrastructure.http.response import PackedResponse, Response
from infrastructure.http.retry_after import retry_after_seconds
from infrastructure.http.robots import Robots
from infrastructure.http.routes import Journey, Leg, RouteFailed, RoutePool
from infrastructure.http.routes.failures import refused_password, route_failure
from infrastructure.http.traffic import HostState, Traffic
from infrastructure.http.unpack import BodyDamaged, BodyTooLarge
from shared.log_context import note_asked
from shared.stages import NETWORK, stage

if TYPE_CHECKING:
    from infrastructure.http.cache import HttpCache
    from infrastructure.http.shared_limits import SharedLimits

logger = logging.getLogger(__name__)

RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504})
"""Answers that can be another on the second try (RFC 9110, 15.6; RFC 6585, 4)."""

TOO_OFTEN = frozenset({429, 503})
"""Answers of a host that is asked too often, or has too much to do."""

NOT_MODIFIED = 304

REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_REDIRECTS = 5
LONGEST_WAIT_SECONDS = 120
"""A site that asks for a longer wait than this is reported as unavailable."""

FIRST_CONTACT_SECONDS = 9.0
"""A host that has never answered is given this long before it is called unreachable."""

WHOLE_REQUEST_TIMEOUTS = 6
"""A request may take so many times the timeout in all, however steadily its bytes drip in."""

_CIRCUIT_POLL_SECONDS = 0.1

# UnicodeError: a host name that cannot be encoded, such as one with an empty part.
_NETWORK_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError, OSError, UnicodeError)
_CHUNK_BYTES = 1 << 18
_BACKOFF = tenacity.wait_exponential_jitter(multiplier=0.5, max=20, jitter=0.5)


_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class _Redirect:
    """Where to go on, on the same site."""

    address: str


@dataclass(frozen=True, slots=True)
class _Final(Generic[_Read]):
    """What was made of the answer."""

    result: _Read


@dataclass(frozen=True, slots=True)
class _Page:
    """What is asked for: an address, over the routes of its journey, with headers of its own.

    With a ``question`` it is asked by POST.
    """

    address: str
    journey: Journey
    headers: Mapping[str, str]
    question: "_Question | None" = None

    @property
    def identity(self) -> str:
        """What tells it from other pages of its host: many questions have one address."""
        return f"{self.address} {self.question.digest}" if self.question else self.address


@dataclass(frozen=True, slots=True)
class _Question:
    """The body of a POST and the headers that belong to it, wherever it is sent."""

    body: bytes
    headers: Mapping[str, str]

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


class _TryAgain(Exception):
    """A failure that the next try may not have; ``wait_seconds`` is what the site asked for."""

    def __init__(self, cause: str, *, wait_seconds: float = 0.0) -> None:
        super().__init__(cause)
        self.wait_seconds = wait_seconds


class HttpClient:
    """Gets pages politely: a rate a host, bounded retries, bounded bodies, same-site redirects.

    Each host is asked no faster than ``requests_per_second`` (0: no limit), and slower when it is
    in trouble (see `Throttle`); one that fails again and again is left alone for a while (see
    `CircuitBreaker`), and what its robots.txt asks for is obeyed unless ``obeys_robots`` is false.
    With ``limits`` other processes keep to the same rate, and learn of its trouble.

    A route that fails by itself costs no try of the page while there is another one to use.

    Any number of threads may get, fetch and post: all share one adapter of `requests` for each
    route, whose pool of connections is thread-safe. There is no `requests.Session` around it, as
    nothing that a session adds is wanted: cookies are not kept, redirects are followed here (a
    session reads their bodies without a limit), and no credentials of the user's ``.netrc`` are
    sent. Closing it closes every connection, the ``cache`` and the ``limits``. ``stop`` ends the
    waiting between tries; what is under way then has ``timeout_seconds`` left. ``traffic`` is told
    of every request.
    """

    def __init__(
        self,
        *,
        timeout_seconds: float,
        max_attempts: int,
        max_body_bytes: int,
        user_agent: str,
        language: str,
        country: str,
        requests_per_second: float,
        obeys_robots: bool,
        routes: RoutePool,
        stop: threading.Event,
        cache: "HttpCache | None" = None,
        now: Callable[[], datetime] = utc_now,
        traffic: Traffic | None = None,
        limits: "SharedLimits | None" = None,
    ) -> None:
        self._traffic = traffic
        self._timeout_seconds = timeout_seconds
        self._max_attempts = max_attempts
        self._max_body_bytes = max_body_bytes
        self._headers = request_headers(user_agent, language, country)
        self._limits = limits
        if limits is None:
            self._hosts = Hosts(lambda _: host_of_this_process(requests_per_second, stop))
        else:
            self._hosts = Hosts(partial(shared_host, requests_per_second, stop, limits))
        self._robots = Robots(self._get_without_asking, user_agent) if obeys_robots else None
        self._large_bodies = LargeBodies(max_body_bytes)
        self._deadlines = Deadlines(stop, grace_seconds=timeout_seconds)
        self._routes = routes
        self._stop = stop
        self._cache = cache
        self._now = now
        self._retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_TryAgain),
            stop=self._enough,
            wait=self._wait_seconds,
            sleep=tenacity.sleep_using_event(stop),
            before_sleep=_log_retry,
            reraise=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._robots is not None:
            self._robots.close()
        self._routes.close()
        self._deadlines.close()
        if self._cache is not None:
            self._cache.close()
        if self._limits is not None:
            self._limits.close()

    def host_states(self) -> list[HostState]:
        """How each host that has been asked is now; any thread may call it, also after the end."""
        return [
            HostState(netloc, host.throttle.rate, host.throttle.limit, host.circuit.is_open)
            for netloc, host in self._hosts.known().items()
        ]

    def read_ahead(self, url: str) -> None:
        """Begin with what has to come before a page of this site; return at once.

        That is its robots.txt, unless it is not asked for, or kept pages may do without it.
        """
        if self._robots is not None and self._cache is None:
            self._robots.read_ahead(url)

    def get(self, url: str) -> Response:
        """Get a page and unpack it; raises as `fetch` does."""
        return self.fetch(url, PackedResponse.unpacked)

    def fetch(self, url: str, read: Callable[[PackedResponse], _Read]) -> _Read:
        """Get a page, with up to ``max_attempts`` tries and as many redirects as `MAX_REDIRECTS`.

        Gives what ``read`` makes of the answer, which has any status that is not in
        `RETRIED_STATUSES` or `REDIRECTS`. When ``read`` raises `BodyDamaged` the page is asked for
        again; when it raises `SourceBlocked`, over another route, if there is one that is not
        blocked. Its other errors pass through, but for `BodyTooLarge`. Raises `SourceUnavailable`
        naming the host and the cause, ``hopeless`` when the host has not answered once, is down or
        asks for a very long wait, `RobotsDisallowed`, and `RunStopped` when the run is stopped
        before there is an answer.
        """
        if self._cache is None:
            return self._followed(url, read, self._ask_robots, {})
        return self._through_cache(self._cache, url, read)

    def fetch_part(
        self, url: str, headers: Mapping[str, str], read: Callable[[PackedResponse], _Read]
    ) -> _Read:
        """Get a part of something large, which ``headers`` ask for; gives and raises as `fetch`.

        A part that is larger than a page's `PAGE_BYTES` is not unpacked. Parts are not kept in the
        cache.
        """
        return self._followed(url, read, self._ask_robots, headers)

    def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        read: Callable[[PackedResponse], _Read],
    ) -> _Read:
        """Send a question with up to ``max_attempts`` tries; gives and raises as `fetch` does.

        It must change nothing at the other side, for it is sent again when an answer does not come,
        and to where a redirect on the same site leads. robots.txt is asked as for a page: it is how
        a host speaks to programs, whatever they send, and costs one request a run. Answers are not
        kept in the cache: the same titles are hardly ever asked for together twice.
        """
        return self._followed(url, read, self._ask_robots, {}, _Question(body, headers))

    def _through_cache(
        self, cache: "HttpCache", url: str, read: Callable[[PackedResponse], _Read]
    ) -> _Read:
        """Read a page that is kept, or keep the one that is fetched once it has been read.

        So no challenge is kept, no error page and no cut body: ``read`` refuses them.
        """
        request = self._request(url, {})
        found = cache.look_up(request)
        if found.fresh and found.answer is not None:
            try:
                return read(found.answer)
            except (ScraperError, BodyDamaged, BodyTooLarge) as error:
                logger.warning("a page of the HTTP cache cannot be read, asking anew: %s", error)
                cache.forget(found)
                found = cache.look_up(request)

        def keep(answer: PackedResponse) -> _Read:
            if answer.status == NOT_MODIFIED and found.answer is not None:
                return read(cache.confirm(found, answer))
            result = read(answer)
            if answer.status == 200:
                cache.keep(found, request, answer)
            return result

        return self._followed(url, keep, self._ask_robots, found.validators)

    def _get_without_asking(self, url: str) -> Response:
        """Get a robots.txt, which nobody has to be asked for."""
        return self._followed(url, PackedResponse.unpacked, lambda _: None, {})

    def _followed(
        self,
        url: str,
        read: Callable[[PackedResponse], _Read],
        check: Callable[[str], None],
        headers: Mapping[str, str],
        question: _Question | None = None,
    ) -> _Read:
        """Get a page and those that it leads to; ``headers`` are for the first one only."""
        page = _Page(url, self._routes.journey(url), headers, question)
        for _ in range(MAX_REDIRECTS + 1):
            check(page.address)
            answer = self._with_retries(page, read)
            if isinstance(answer, _Final):
                return answer.result
            page = replace(page, address=answer.address, headers={})
        raise SourceUnavailable(url, f"more than {MAX_REDIRECTS} redirects")

    def _ask_robots(self, url: str) -> None:
        if self._robots is None:
            return
        delay = self._robots.check(url)
        if delay is None or not delay > 0:
            return
        if delay > LONGEST_WAIT_SECONDS:
            cause = f"its robots.txt asks to wait {delay:.0f} s between two requests"
            raise SourceUnavailable(url, cause, hopeless=True)
        self._hosts.of(urlsplit(url).netloc).throttle.limit_to(1 / delay)

    def _with_retries(
        self, page: _Page, read: Callable[[PackedResponse], _Read]
    ) -> _Final[_Read] | _Redirect:
        url = page.address
        host = self._hosts.of(urlsplit(url).netloc)
        try:
            return self._retrying(self._once, page, host, read)
        except _TryAgain as error:
            if self._stop.is_set():
                raise RunStopped(url) from error
            tries = self._retrying.statistics["attempt_number"]  # of this thread
            cause = f"{error} ({tries} {'tries' if tries > 1 else 'try'})"
            raise SourceUnavailable(url, cause, hopeless=not host.has_answered) from error

    def _enough(self, state: tenacity.RetryCallState) -> bool:
        """Whether another try is pointless, or one too many."""
        if self._stop.is_set() or state.attempt_number >= self._max_attempts:
            return True
        host: Host = state.args[1]
        unmet = not host.has_answered
        return unmet and (state.seconds_since_start or 0.0) > FIRST_CONTACT_SECONDS

    def _wait_seconds(self, state: tenacity.RetryCallState) -> float:
        """What the site asked for, or the backoff when that is longer; everyone waits for it."""
        error = state.outcome.exception() if state.outcome else None
        asked = error.wait_seconds if isinstance(error, _TryAgain) else 0.0
        host: Host = state.args[1]
        if asked:
            host.throttle.hold(asked)
        return max(asked, _BACKOFF(state))

    def _once(
        self, page: _Page, host: Host, read: Callable[[PackedResponse], _Read]
    ) -> _Final[_Read] | _Redirect:
        """One try, over as many routes as fail by themselves or are blocked."""
        journey = page.journey
        while True:
            try:
                with journey.leg() as leg:
                    attempt = self._retrying.statistics["attempt_number"]  # of this thread
                    note_asked(route=leg.route.name, attempt=attempt)
                    answer = self._over(leg, page, host, read)
                    if answer is not None:
                        return answer
            except _TryAgain as error:
                # Bare: the frames of its traceback would keep the body during the wait.
                error.__cause__ = error.__context__ = None
                raise error.with_traceback(None) from None
            except RouteFailed as error:
                self._note_broken(page, host, leg)
                if not journey.goes_on:
                    may_pass = error.cause.may_pass or self._routes.has_several
                    cause = replace(error.cause, may_pass=may_pass)
                    raise self._failure(page.address, host, cause, leg) from error
            except SourceBlocked:
                if not journey.goes_on:
                    raise

    def _over(
        self, leg: Leg, page: _Page, host: Host, read: Callable[[PackedResponse], _Read]
    ) -> _Final[_Read] | _Redirect | None:
        """Ask over one route and read the answer; ``None`` when that has begun to rest."""
        with self._large_bodies.turn() as turn:
            with stage(NETWORK):
                answer = self._asked(page, host, leg, turn)
            return None if answer is None else self._read_by(read, answer)

    def _read_by(
        self, read: Callable[[PackedResponse], _Read], answer: PackedResponse
    ) -> _Final[_Read] | _Redirect:
        self._refuse_if_retried(answer)
        if answer.status in REDIRECTS:
            return _Redirect(_target(answer))
        try:
            return _Final(read(answer))
        except BodyTooLarge as error:
            raise SourceUnavailable(answer.url, f"the answer is not read: {error}") from error
        except BodyDamaged as error:
            raise _TryAgain(f"the answer cannot be unpacked: {error}") from error

    def _asked(self, page: _Page, host: Host, leg: Leg, turn: Turn) -> PackedResponse | None:
        """Wait for a turn and ask; ``None`` when the route has begun to rest meanwhile."""
        url = page.address
        self._wait_for_circuit(url, host)
        asked_at = host.throttle.wait()
        if self._stop.is_set():
            raise RunStopped(url)
        if leg.is_outdated:
            host.circuit.withdraw()
            return None
        with self._deadlines.within(WHOLE_REQUEST_TIMEOUTS * self._timeout_seconds) as deadline:
            try:
                request = self._request(url, page.headers, page.question)
                with self._ask(request, host, leg) as answer:
                    leg.answered()
                    if answer.status_code == 407 and leg.route.proxies:
                        raise refused_password()
                    self._note_answer(page, host, answer.status_code, asked_at)
                    packed = self._read(answer, deadline, turn)
            except BodyTooLarge as error:
                raise SourceUnavailable(url, f"the answer is not read: {error}") from error
            except _NETWORK_ERRORS as error:
                if self._stop.is_set():  # perhaps it is we who have hung up
                    raise RunStopped(url) from error
                if self._traffic is not None:
                    self._traffic.broke(leg.route.name, host.throttle.seconds_since(asked_at))
                raise self._broken(page, host, error, leg, deadline) from error
        status, size = answer.status_code, len(packed)
        if self._traffic is not None:
            self._traffic.answered(
                leg.route.name, status, host.throttle.seconds_since(asked_at), size
            )
        method = "POST" if page.question else "GET"
        logger.debug("%s %s, %s: %s, %d bytes packed", method, url, leg.route.name, status, size)
        encoding = answer.headers.get("Content-Encoding", "").strip().lower()
        return PackedResponse(
            url=url,
            status=answer.status_code,
            headers=answer.headers,
            packed=packed,
            encoding=encoding,
            limit=self._limit_of(answer.status_code),
            fetched_at=self._now(),
        )

    def _wait_for_circuit(self, url: str, host: Host) -> None:
        """Wait while the host is left alone; its circuit lets one request through to try it."""
        while not host.circuit.allows():
            if host.is_down:
                cause = "the host has failed again and again, and is left alone"
                raise SourceUnavailable(url, cause, hopeless=True)
            if self._stop.wait(_CIRCUIT_POLL_SECONDS):
                raise RunStopped(url)

    def _note_answer(self, page: _Page, host: Host, status: int, asked_at: float) -> None:
        """Learn from the beginning of an answer what the host can take."""
        host.has_answered = True
        if status not in TOO_OFTEN:
            host.throttle.answered(asked_at, host.throttle.seconds_since(asked_at))
        elif host.throttle.refused(asked_at):
            logger.info(
                "HTTP %d from %s: going on with %.3g requests a second",
                status, urlsplit(page.address).netloc, host.throttle.rate,
            )  # fmt: skip
        if status in RETRIED_STATUSES and status != 429:
            self._note_failure(page, host)
        else:
            host.succeeded()

    def _note_broken(self, page: _Page, host: Host, leg: Leg) -> None:
        """A broken connection says something of the host only when nobody stands between."""
        if leg.route.proxies:
            host.circuit.withdraw()
        else:
            self._note_failure(page, host)

    def _note_failure(self, page: _Page, host: Host) -> None:
        if host.failed(page.identity):
            netloc = urlsplit(page.address).netloc
            logger.warning("%s fails again and again: leaving it alone", netloc)

    def _request(
        self, url: str, headers: Mapping[str, str], question: _Question | None = None
    ) -> PreparedRequest:
        headers = {**self._headers, **headers}
        if question is None:
            return requests.Request("GET", url, headers=headers).prepare()
        headers |= question.headers
        return requests.Request("POST", url, headers=headers, data=question.body).prepare()

    def _ask(self, request: PreparedRequest, host: Host, leg: Leg) -> requests.Response:
        leg.sends()
        proxied = bool(leg.route.proxies)
        connect_seconds = self._connect_seconds(request.url or "", host, proxied=proxied)
        patience = leg.patience_seconds
        return leg.adapter.send(
            request,
            stream=True,
            timeout=(min(connect_seconds, patience), min(self._timeout_seconds, patience)),
            proxies=leg.route.proxies,
        )

    def _limit_of(self, status: int) -> int:
        """The largest unpacked body; any number of threads may unpack what is no page at once."""
        return self._max_body_bytes if status == 200 else min(PAGE_BYTES, self._max_body_bytes)

    def _read(self, answer: requests.Response, deadline: Deadline, turn: Turn) -> bytes:
        """The raw body, counted while it arrives, in a bounded time whatever the server does."""
        chunks: list[bytes] = []
        size = 0
        while chunk := answer.raw.read1(_CHUNK_BYTES, decode_content=False):
            chunks.append(chunk)
            size += len(chunk)
            if size > self._max_body_bytes:
                raise BodyTooLarge(f"it is larger than {self._max_body_bytes} bytes")
            if deadline.over:
                raise TimeoutError
            if size > PAGE_BYTES:
                turn.take(deadline)
        if not chunks and "Content-Length" not in answer.headers and answer.status_code == 200:
            raise urllib3.exceptions.ProtocolError("headers cut short")  # nothing else is so bare
        return b"".join(chunks)

    def _refuse_if_retried(self, response: PackedResponse) -> None:
        if response.status not in RETRIED_STATUSES:
            return
        wait = retry_after_seconds(response.headers.get("Retry-After"))
        if wait > LONGEST_WAIT_SECONDS:
            cause = f"HTTP {response.status}; it asks to wait {wait:.0f} s"
            raise SourceUnavailable(response.url, cause, hopeless=True)
        raise _TryAgain(f"HTTP {response.status}", wait_seconds=wait)

    def _broken(
        self, page: _Page, host: Host, error: Exception, leg: Leg, deadline: Deadline
    ) -> Exception:
        """What an error of the network is: the route's before the answer began, else the page's."""
        seconds = min(self._timeout_seconds, leg.patience_seconds)
        if leg.latency is None and (failure := route_failure(error, seconds)) is not None:
            return failure
        if leg.latency is not None:
            leg.broke_off()
        self._note_broken(page, host, leg)
        cause = cause_of(error, seconds)
        if deadline.over:
            cause = Cause(f"no whole answer within {deadline.seconds:g} s")
        return self._failure(page.address, host, cause, leg)

    def _failure(self, url: str, host: Host, cause: Cause, leg: Leg) -> Exception:
        text = f"through {leg.route.name}: {cause.text}" if leg.route.proxies else cause.text
        if cause.may_pass:
            return _TryAgain(text)
        return SourceUnavailable(url, text, hopeless=not host.has_answered)

    def _connect_seconds(self, url: str, host: Host, *, proxied: bool) -> float:
        """How long one address may take to connect.

        A host that has never answered shares `FIRST_CONTACT_SECONDS` among its addresses, as
        urllib3 tries one after the other: a user without network is told in seconds.
        """
        if host.has_answered or proxied:
            return self._timeout_seconds
        addresses = number_of_addresses(urlsplit(url).hostname or "", FIRST_CONTACT_SECONDS)
        return min(self._timeout_seconds, max(1.0, FIRST_CONTACT_SECONDS / addresses))


def _log_retry(state: tenacity.RetryCallState) -> None:
    """Log a try that has failed and is made again; the context says which it was."""
    if logger.isEnabledFor(logging.DEBUG) and state.outcome is not None:
        page: _Page = state.args[0]
        error, wait = state.outcome.exception(), state.upcoming_sleep
        logger.debug("%s: %s; trying again in %.1f s", page.address, error, wait)


def _target(response: PackedResponse) -> str:
    """Where a redirect leads; raises `SourceUnavailable` unless that is the same site."""
    location = response.headers.get("Location", "")
    try:
        target = urljoin(response.url, location)
        stays = same_site(response.url, target)
    except ValueError as error:
        raise SourceUnavailable(response.url, f"redirects to {location!r}: {error}") from error
    if not stays:
        raise SourceUnavailable(response.url, f"redirects to another site ({target[:100]})")
    return target


def same_site(origin: str, target: str) -> bool:
    """Whether a redirect stays on one site: the same host, or a sibling under one domain.

    A step from http to https is allowed, the other way is not; another port is another site.
    Raises `ValueError` for what is no URL.
    """
    old, new = urlsplit(origin), urlsplit(target)
    if new.scheme not in {old.scheme, "https"} or new.scheme not in {"http", "https"}:
        return False
    if old.port != new.port or not old.hostname or not new.hostname:
        return False
    return old.hostname == new.hostname or _domain(old.hostname) == _domain(new.hostname)


def _domain(host: str) -> str:
    """The last two labels of a name; an address in numbers is its own domain."""
    last = host.rpartition(".")[2]
    return host if last.isdigit() or ":" in host else ".".join(host.split(".")[-2:])
