"""Faults that the demo site can be asked for, and the plan that says which requests get one."""

import hashlib
import threading
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

LOOP_QUERY = "round=again"
"""What a redirect loop adds to an address: who has been sent round once never gets out of it."""

_TITLE_PAGES = "/title/"
_CHART_PAGES = "/chart/"
_API = "/graphql"
_ROBOTS_FILE = "/robots.txt"


class Fault(StrEnum):
    """Something that can go wrong with an answer; ``description`` says what, in a line.

    A port that listens cannot refuse one connection and take the next, and a connection carries
    many requests. So `REFUSED_CONNECTION` is the nearest that a single request can get: the
    connection is reset when the request has come, before the first byte of an answer.
    """

    description: str

    def __new__(cls, name: str, description: str = "") -> "Fault":
        """Make a member from its name on the command line and its description."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.description = description
        return member

    CHALLENGE_EMPTY = "challenge-202-empty", "202, x-amzn-waf-action: challenge, no body"
    CHALLENGE_PAGE = "challenge-202-page", "202, x-amzn-waf-action: challenge, a small page"
    CAPTCHA = "captcha-405", "405, x-amzn-waf-action: captcha, a small page"
    FORBIDDEN = "forbidden-403", "403"
    NOT_FOUND = "not-found-404", "404"
    GONE = "gone-410", "410"
    THROTTLED = "throttled-429", "429 that does not say how long to wait"
    THROTTLED_SECONDS = "throttled-429-seconds", "429, Retry-After: 1"
    THROTTLED_DATE = "throttled-429-date", "429, Retry-After with a date 1 to 2 seconds ahead"
    SERVER_ERROR = "error-500", "500"
    BAD_GATEWAY = "bad-gateway-502", "502"
    UNAVAILABLE = "unavailable-503", "503"
    REFUSED_CONNECTION = "refused-connection", "a reset in place of an answer"
    RESET_IN_HEADERS = "reset-in-headers", "a reset in the middle of the headers"
    RESET_IN_BODY = "reset-in-body", "a reset in the middle of the body"
    LENGTH_TOO_LONG = "length-too-long", "a Content-Length of more than is sent"
    LENGTH_TOO_SHORT = "length-too-short", "a Content-Length of less than is sent"
    CUT_GZIP = "cut-gzip", "half of a gzip stream, with the Content-Length of that half"
    GZIP_BOMB = "gzip-bomb", "10 MB of gzip that unpack to 10 GiB of zeros"
    ENDLESS_BODY = "endless-body", "a page that never ends, in chunks"
    BYTE_A_SECOND = "byte-a-second", "the right page, one byte a second"
    HANG = "hang", "no answer at all, on a connection that stays open"
    REDIRECT_LOOP = "redirect-loop", "a redirect to the same page, again and again"
    REDIRECT_OTHER_HOST = "redirect-other-host", "a redirect to a host of somebody else"
    REDIRECT_PRIVATE_ADDRESS = "redirect-private-address", "a redirect to 169.254.169.254"
    REDIRECT_FILE = "redirect-file", "a redirect to file:///etc/passwd"
    WRONG_CHARSET = "wrong-charset", "the right page in UTF-8, called ISO 8859-1 in its header"
    NOT_UTF_8 = "not-utf-8", "the right page in ISO 8859-1, called UTF-8 in its header"
    EMPTY_PAGE = "empty-page", "200 without a body"
    ERROR_PAGE = "error-page", "200 with a page that says that something went wrong"
    BROKEN_JSON = "broken-json", "the page with half of the JSON in __NEXT_DATA__"
    JSON_OF_ANOTHER_TITLE = "json-of-another-title", "the page with another title's __NEXT_DATA__"
    MISSING_FIELD = "missing-field", "the page with titleText under another name in the JSON"
    PAGE_OF_100_MB = "page-of-100-mb", "the right page with 100 MB of spaces in it"
    ROBOTS_FORBID_ALL = "robots-forbid-all", "a robots.txt that forbids everything"


class FaultPlan:
    """Says for each request which fault it gets, if any; any number of threads may ask.

    A ``share`` of the requests, from 0 to 1, gets one of the ``faults``, each of them as often as
    the others. Chosen is by a hash of ``seed``, path and how often the path was asked for before:
    the same requests get the same faults, whatever the order in which threads send them. One lock
    guards the counts.

    Title pages are hit, charts too with ``charts``, the API with ``api``;
    `Fault.ROBOTS_FORBID_ALL` hits ``/robots.txt`` and nothing else does. Raises `ValueError` for no
    faults or no such share.
    """

    def __init__(
        self,
        faults: Sequence[Fault],
        *,
        share: float = 0.2,
        seed: int = 1,
        charts: bool = False,
        api: bool = False,
    ) -> None:
        if not faults:
            raise ValueError("a plan needs at least one fault")
        if not 0 <= share <= 1:
            raise ValueError(f"a share is from 0 to 1, not {share}")
        self._of_robots = [fault for fault in faults if fault is Fault.ROBOTS_FORBID_ALL]
        self._of_pages = [fault for fault in faults if fault is not Fault.ROBOTS_FORBID_ALL]
        also = ((_CHART_PAGES, charts), (_API, api))
        self._pages = (_TITLE_PAGES, *(path for path, is_hit in also if is_hit))
        self._share = share
        self._seed = seed
        self._lock = threading.Lock()
        self._asked: Counter[str] = Counter()

    def next(self, path: str, query: str = "") -> Fault | None:
        """The fault of a request that has come just now; a request that goes round a loop has it
        again."""
        with self._lock:
            before = self._asked[path]
            self._asked[path] += 1
        if query == LOOP_QUERY and Fault.REDIRECT_LOOP in self._of_pages:
            return Fault.REDIRECT_LOOP
        return self.fault_at(path, before)

    def fault_at(self, path: str, before: int) -> Fault | None:
        """The fault of the request for a path that came after ``before`` others for it."""
        faults = self._faults_of(path)
        digest = hashlib.sha256(f"{self._seed} {before} {path}".encode()).digest()
        if not faults or int.from_bytes(digest[:8]) >= self._share * (1 << 64):
            return None
        return faults[int.from_bytes(digest[8:16]) % len(faults)]

    def _faults_of(self, path: str) -> Sequence[Fault]:
        if path == _ROBOTS_FILE:
            return self._of_robots
        return self._of_pages if path.startswith(self._pages) else ()
