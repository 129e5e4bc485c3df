"""The kinds of text that a setting may be, each checked when it is made.

Every constructor raises `ValueError` with what is allowed, and never with a part of a secret.
"""

import re
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Self
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit
from zoneinfo import ZoneInfo

DEFAULT_LANGUAGE = "en-US"

_LONGEST_TAG = 35
"""Characters: as many as RFC 5646 (4.4.1) advises to have room for."""

_ENCODING = "write @ : / ? # % in a password as %40 %3A %2F %3F %23 %25"
_PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")
_REDIS_SCHEMES = ("redis", "rediss", "unix")
_DATABASE_SCHEMES = ("postgresql", "postgres")
_STEP = re.compile("[1-9][0-9]{0,3}")
_NO_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")


_COUNTRY_CODES = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS
BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE
EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM
HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC
LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA
NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW
SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO
TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""

COUNTRIES = frozenset(_COUNTRY_CODES.split())
"""The 249 countries of ISO 3166-1 by their codes of two letters."""

OFF = "off"
"""What stands in place of times at which nothing is to be done."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")

_CRON_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 6, _DAYS),
)
"""The fields of a cron expression in order, each with its numbers, and names for them."""


class Secret:
    """A text that is not shown by accident, when it is printed or logged."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)" if self._text else f"{type(self).__name__}()"

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def reveal(self) -> str:
        """The text itself."""
        return self._text


class ApiKey(Secret):
    """A key of the API: 16 to 200 characters that an HTTP header can carry, or empty."""

    def __init__(self, text: str) -> None:
        if text and not (16 <= len(text) <= 200 and text.isascii() and text.isprintable()):
            raise ValueError("must have 16 to 200 printable ASCII characters")
        super().__init__(text)


class ListenAddress(str):
    """The IP address that a server listens on, or ``localhost``."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check the text."""
        try:
            if text != "localhost":
                ip_address(text)
        except ValueError:
            raise ValueError(
                "must be an IP address such as 127.0.0.1, or 0.0.0.0 for all of this machine's"
            ) from None
        return super().__new__(cls, text)

    @property
    def is_loopback(self) -> bool:
        """Whether only programs of this machine reach it."""
        return self == "localhost" or ip_address(self).is_loopback


class CronTimes(str):
    """Times as cron writes them, ``minute hour day month weekday``, or `OFF`."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check each field."""
        if text.lower() == OFF:
            return super().__new__(cls, OFF)
        fields = text.split()
        if len(fields) != len(_CRON_FIELDS):
            raise ValueError(
                "must be off, or five fields: minute, hour, day of the month, month, day of the "
                f"week, as in 0 3 * * * for 03:00 every day; there are {len(fields)}"
            )
        for field, (what, least, most, names) in zip(fields, _CRON_FIELDS, strict=True):
            _check_cron_field(field.lower(), what, least, most, names)
        return super().__new__(cls, " ".join(fields).lower())

    @property
    def is_off(self) -> bool:
        """Whether there are no such times."""
        return self == OFF


class TimeZone(str):
    """The name of a time zone of the IANA, such as ``Europe/Vienna``."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Look it up."""
        try:
            ZoneInfo(text)
        except (KeyError, ValueError, OSError):
            raise ValueError("must be a time zone such as UTC or Europe/Vienna") from None
        return super().__new__(cls, text)


class DatabaseUrl(Secret):
    """``postgresql://user:password@host:port/name``, or empty."""

    def __init__(self, text: str) -> None:
        if text:
            parts = _split_url(text, _DATABASE_SCHEMES)
            # libpq takes the first "@" for the end of a password, and shows the rest as a host.
            is_cut = parts.netloc.count("@") > 1 or "@" in parts.path or bool(parts.fragment)
            if is_cut or _NO_ESCAPE.search(text):
                raise ValueError(f"is not a URL; {_ENCODING}")
        super().__init__(text)

    @property
    def has_password(self) -> bool:
        """Whether it has one, before its host or as a parameter."""
        parts = urlsplit(self.reveal())
        named = dict(parse_qsl(parts.query, keep_blank_values=True))
        return parts.password is not None or "password" in named

    def with_password(self, password: Secret) -> Self:
        """The same with a password, as a parameter: it need not name a user."""
        url = self.reveal()
        mark = "&" if urlsplit(url).query else "?"
        return type(self)(f"{url.rstrip('?&')}{mark}password={quote(password.reveal(), safe='')}")


class RedisUrl(Secret):
    """``redis://user:password@host:port/number``, ``rediss://`` over TLS, ``unix://``, or empty."""

    def __init__(self, text: str) -> None:
        if text:
            parts = _split_url(text, _REDIS_SCHEMES)
            if not (parts.path if parts.scheme == "unix" else parts.hostname):
                raise ValueError("needs a host, as in redis://host:6379/0")
        super().__init__(text)

    @property
    def location(self) -> str:
        """The URL without user and password, to be shown."""
        parts = urlsplit(self.reveal())
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


class ProxyUrl(Secret):
    """``scheme://user:password@host:port`` of a proxy."""

    def __init__(self, text: str) -> None:
        parts = _split_url(text, _PROXY_SCHEMES)
        if not parts.hostname or parts.port is None:
            raise ValueError("needs a host and a port")
        super().__init__(text)


class TorSocksUrl(Secret):
    """``socks5h://host:port`` of Tor's SOCKS port, or empty.

    Not ``socks5``, with which names are looked up here: the name server would learn of them.
    """

    def __init__(self, text: str) -> None:
        if text:
            parts = _split_url(text, ("socks5h",))
            if not parts.hostname or parts.port is None:
                raise ValueError("needs a host and a port, such as socks5h://127.0.0.1:9050")
        super().__init__(text)


class GatewayUrl(Secret):
    """``http(s)://[user:password@]host[:port][/path]`` of a Pushgateway, or empty."""

    def __init__(self, text: str) -> None:
        if text:
            parts = _split_url(text, ("http", "https"))
            is_cut = parts.netloc.count("@") > 1 or "@" in parts.path
            if is_cut or not parts.hostname or parts.query or parts.fragment:
                raise ValueError(
                    f"must be http(s)://host[:port][/path], with nothing after it; {_ENCODING}"
                )
        super().__init__(text)


class TorControlAddress(str):
    """``tcp://host:port`` of Tor's control port, the absolute path of its socket, or empty."""

    def __new__(cls, text: str) -> Self:
        """Check the text; ``unix:/path`` gives the path."""
        path = text.removeprefix("unix:")
        if path.startswith("/"):
            return super().__new__(cls, f"/{path.lstrip('/')}")
        if text:
            parts = _split_url(text, ("tcp",))
            if not parts.hostname or parts.port is None or parts.path or "@" in parts.netloc:
                raise ValueError(
                    "must be tcp://host:port or the absolute path of a socket; the password is "
                    "TOR_CONTROL_PASSWORD"
                )
        return super().__new__(cls, text)


class WebAddress(str):
    """``http(s)://host[:port][/path]``, without a slash at its end."""

    def __new__(cls, text: str) -> Self:
        """Check and shorten the text."""
        _check_web_address(text)
        return super().__new__(cls, text.rstrip("/"))


class EndpointAddress(str):
    """``http(s)://host[:port][/path]`` of a service that answers at this address alone."""

    def __new__(cls, text: str) -> Self:
        """Check the text, and leave it as it is."""
        _check_web_address(text)
        return super().__new__(cls, text)


def _check_cron_field(field: str, what: str, least: int, most: int, names: Sequence[str]) -> None:
    allowed = {str(number) for number in range(least, most + 1)} | set(names)

    def is_fine(part: str) -> bool:
        span, has_step, step = part.partition("/")
        ends = span.split("-")
        is_span = span == "*" or (len(ends) <= 2 and allowed.issuperset(ends))
        if not has_step:
            return is_span
        return is_span and (span == "*" or len(ends) == 2) and bool(_STEP.fullmatch(step))

    if not all(map(is_fine, field.split(","))):
        named = f" or {names[0]} to {names[-1]}" if names else ""
        raise ValueError(
            f"the {what}, {field!r}, must be *, {least} to {most}{named}, a range such as "
            f"{least}-{least + 2}, steps such as */2, or several of them with commas between"
        )


def _check_web_address(text: str) -> None:
    parts = _split_url(text, ("http", "https"))
    if not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("must be http(s)://host[:port][/path], with nothing after it")


class HeaderValue(str):
    """Text that can stand in a header of a request."""

    def __new__(cls, text: str) -> Self:
        """Check the text."""
        if not text.strip() or not text.isascii() or not text.isprintable():
            raise ValueError("must be printable ASCII text on one line")
        return super().__new__(cls, text)


class LanguageTag(str):
    """A language such as ``de-AT``, also from the other use of the variable ``LANGUAGE``.

    Many systems set ``LANGUAGE=en_US:en`` (GNU gettext manual, "The LANGUAGE variable").
    """

    def __new__(cls, text: str) -> Self:
        """Check the text; a locale without a language gives `DEFAULT_LANGUAGE`."""
        first = text.partition(":")[0].partition(".")[0].partition("@")[0].replace("_", "-")
        tag = DEFAULT_LANGUAGE if first in {"", "C", "POSIX"} else first
        primary, *more = tag.split("-")
        is_primary = primary.isascii() and primary.isalpha() and 2 <= len(primary) <= 3
        if not (is_primary and len(tag) <= _LONGEST_TAG and all(map(_is_subtag, more))):
            raise ValueError("must be a language tag such as en-US or de (RFC 5646)")
        return super().__new__(cls, "-".join([primary.lower(), *map(_in_its_case, more)]))


class CountryCode(str):
    """A country such as ``AT`` (ISO 3166-1 alpha-2), in any case."""

    def __new__(cls, text: str) -> Self:
        """Check the text, and write it in capitals."""
        code = text.upper()
        if code not in COUNTRIES:
            advice = "; the United Kingdom is GB" if code == "UK" else ""
            raise ValueError(
                f"must be the two letters of a country, such as US (ISO 3166-1){advice}"
            )
        return super().__new__(cls, code)


def _in_its_case(subtag: str) -> str:
    """A part of a tag as it is written (RFC 5646, 2.1.1): ``AT`` is a region, ``Hant`` a script."""
    if len(subtag) == 2:
        return subtag.upper()
    return subtag.title() if len(subtag) == 4 else subtag.lower()


def _is_subtag(part: str) -> bool:
    return part.isascii() and part.isalnum() and 2 <= len(part) <= 8


def _split_url(text: str, schemes: Sequence[str]) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        # Not what urlsplit says: it quotes what it cannot read, which may be a password.
        raise ValueError(f"is not a URL; {_ENCODING}") from None
    if parts.scheme not in schemes:
        allowed = ", ".join(f"{scheme}://" for scheme in schemes)
        raise ValueError(f"must start with one of {allowed}")
    return parts
