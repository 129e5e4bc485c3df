"""The faults of the network, and what should come of a run that meets each of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from demo.faults import Fault

MEGABYTE = 1_000_000


class Ending(Enum):
    """What a fault that hits a share of the requests should do to the run."""

    HARMLESS = "harmless"
    """Every title is saved."""
    TRIED_AGAIN = "tried again"
    """A title is asked for again, and fails only when all its answers were faults."""
    TITLES_FAIL = "titles fail"
    """A title fails when it is hit, and no other does."""
    SOME_TITLES_FAIL = "some titles fail"
    """Of the titles that are hit some can be read all the same; no other fails."""
    RUN_STOPS = "the run stops"
    """The run stops at the first, as the site refuses us; what is left is not tried."""


@dataclass(frozen=True, slots=True)
class Case:
    """A fault, what it should do to the run, and how the report should call it.

    With ``others`` those hit as well, each as often. ``reasons`` are all that titles may fail for,
    ``says`` stands in each failure's message. ``peak_bytes`` is the most memory that the run may
    have, ``time_limit_seconds`` when it is given up. One that ``waits`` is idle most of the time.
    """

    fault: Fault
    ending: Ending
    reasons: frozenset[str] = frozenset({"unavailable"})
    says: str = ""
    share: float = 0.2
    settings: Mapping[str, object] = field(default_factory=dict)
    peak_bytes: int = 200 * MEGABYTE
    time_limit_seconds: int = 120
    others: tuple[Fault, ...] = ()
    waits: bool = False

    @property
    def name(self) -> str:
        return "many-at-once" if self.others else self.fault.value

    @property
    def description(self) -> str:
        if not self.others:
            return self.fault.description
        return f"{1 + len(self.others)} of these at once"


_BLOCKED = frozenset({"blocked"})
_NOT_FOUND = frozenset({"not_found"})
_CHANGED = frozenset({"page_changed"})
_LIMITED = {"requests_per_second": 200}
"""So that a rate that is halved three times is not one that nobody wants to wait for."""
_IMPATIENT = {"request_timeout_seconds": 2}
"""Where answers do not come; elsewhere those that a busy machine is late with are waited for."""

CASES = (
    Case(Fault.CHALLENGE_EMPTY, Ending.RUN_STOPS, _BLOCKED, "AWS WAF challenge"),
    Case(Fault.CHALLENGE_PAGE, Ending.RUN_STOPS, _BLOCKED, "AWS WAF challenge"),
    Case(Fault.CAPTCHA, Ending.RUN_STOPS, _BLOCKED, "AWS WAF captcha"),
    Case(Fault.FORBIDDEN, Ending.RUN_STOPS, _BLOCKED, "HTTP 403"),
    Case(Fault.NOT_FOUND, Ending.TITLES_FAIL, _NOT_FOUND, "not found"),
    Case(Fault.GONE, Ending.TITLES_FAIL, _NOT_FOUND, "not found"),
    Case(Fault.THROTTLED, Ending.TRIED_AGAIN, says="HTTP 429", settings=_LIMITED, waits=True),
    Case(
        Fault.THROTTLED_SECONDS, Ending.TRIED_AGAIN, says="HTTP 429", settings=_LIMITED, waits=True
    ),
    Case(Fault.THROTTLED_DATE, Ending.TRIED_AGAIN, says="HTTP 429", settings=_LIMITED, waits=True),
    Case(Fault.SERVER_ERROR, Ending.TRIED_AGAIN, says="HTTP 500"),
    Case(Fault.BAD_GATEWAY, Ending.TRIED_AGAIN, says="HTTP 502"),
    Case(Fault.UNAVAILABLE, Ending.TRIED_AGAIN, says="HTTP 503", settings=_LIMITED, waits=True),
    Case(Fault.REFUSED_CONNECTION, Ending.TRIED_AGAIN, says="connection"),
    Case(Fault.RESET_IN_HEADERS, Ending.TRIED_AGAIN, says="connection"),
    Case(Fault.RESET_IN_BODY, Ending.TRIED_AGAIN, says="connection"),
    Case(Fault.LENGTH_TOO_LONG, Ending.TRIED_AGAIN, says="closed before the whole answer came"),
    Case(Fault.LENGTH_TOO_SHORT, Ending.TITLES_FAIL, _CHANGED, "cut short"),
    Case(Fault.CUT_GZIP, Ending.TRIED_AGAIN, says="cut short"),
    Case(
        Fault.GZIP_BOMB,
        Ending.TITLES_FAIL,
        says="larger than",
        settings={"max_body_megabytes": 12},  # more than the stream, so that it is unpacked
        peak_bytes=1200 * MEGABYTE,  # fifty threads may hold the stream of 10 MB, and a copy
    ),
    Case(Fault.ENDLESS_BODY, Ending.TITLES_FAIL, says="larger than"),
    Case(
        Fault.BYTE_A_SECOND,
        Ending.TRIED_AGAIN,
        says="answer within",
        settings={"request_timeout_seconds": 1.5},  # longer than between two bytes
        waits=True,
    ),
    Case(Fault.HANG, Ending.TRIED_AGAIN, says="no answer within", settings=_IMPATIENT, waits=True),
    Case(Fault.REDIRECT_LOOP, Ending.TITLES_FAIL, says="redirects"),
    Case(Fault.REDIRECT_OTHER_HOST, Ending.TITLES_FAIL, says="redirects to another site"),
    Case(Fault.REDIRECT_PRIVATE_ADDRESS, Ending.TITLES_FAIL, says="redirects to another site"),
    Case(Fault.REDIRECT_FILE, Ending.TITLES_FAIL, says="redirects to another site"),
    Case(Fault.WRONG_CHARSET, Ending.HARMLESS),
    Case(Fault.NOT_UTF_8, Ending.SOME_TITLES_FAIL, _CHANGED, "damaged JSON"),
    Case(Fault.EMPTY_PAGE, Ending.TITLES_FAIL, _CHANGED, "the page is empty"),
    Case(Fault.ERROR_PAGE, Ending.TITLES_FAIL, _CHANGED, "not a title page"),
    Case(Fault.BROKEN_JSON, Ending.TITLES_FAIL, _CHANGED, "damaged JSON"),
    Case(Fault.JSON_OF_ANOTHER_TITLE, Ending.TITLES_FAIL, _CHANGED, ": id: is tt"),
    Case(Fault.MISSING_FIELD, Ending.TITLES_FAIL, _CHANGED, "titleText"),
    Case(Fault.PAGE_OF_100_MB, Ending.TITLES_FAIL, says="larger than"),
    Case(
        Fault.UNAVAILABLE,
        Ending.TITLES_FAIL,
        _NOT_FOUND | _CHANGED | {"unavailable"},
        settings=_LIMITED | _IMPATIENT,
        waits=True,
        others=(
            Fault.NOT_FOUND,
            Fault.THROTTLED_SECONDS,
            Fault.REFUSED_CONNECTION,
            Fault.RESET_IN_HEADERS,
            Fault.RESET_IN_BODY,
            Fault.LENGTH_TOO_LONG,
            Fault.LENGTH_TOO_SHORT,
            Fault.CUT_GZIP,
            Fault.GZIP_BOMB,
            Fault.ENDLESS_BODY,
            Fault.HANG,
            Fault.REDIRECT_LOOP,
            Fault.REDIRECT_FILE,
            Fault.EMPTY_PAGE,
            Fault.BROKEN_JSON,
            Fault.JSON_OF_ANOTHER_TITLE,
            Fault.MISSING_FIELD,
        ),
    ),
)
