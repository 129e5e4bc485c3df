"""For which language and country the site has made a page, against those that were asked for."""

import re
import threading
from collections.abc import Callable

from infrastructure.scrapers.imdb_pages.page import Body

_COUNTRY = re.compile(rb'"userCountryCode"\s*:\s*"(?P<value>[A-Z]{2})"')
_LANGUAGE = re.compile(rb'"userLanguage"\s*:\s*"(?P<value>[A-Za-z-]{2,20})"')


class PageLocale:
    """Tells once when pages are made for others than were asked for.

    Pages say for whom they are (``localizationResponse``): the site knows a few languages only, and
    may go by where a request comes from. Any number of threads may call it; a lock guards whether a
    page has been looked at.
    """

    def __init__(self, language: str, country: str, tell: Callable[[str], None]) -> None:
        self._language = language
        self._country = country
        self._tell = tell
        self._lock = threading.Lock()
        self._has_looked = False

    @property
    def has_looked(self) -> bool:
        """Whether there is no need to show another page."""
        return self._has_looked

    def look_at(self, body: Body) -> None:
        """Take note of what a page says, when it is the first: it costs a search of the page."""
        with self._lock:
            has_looked, self._has_looked = self._has_looked, True
        if has_looked:
            return
        country, language = _said(_COUNTRY, body), _said(_LANGUAGE, body)
        asked = (_primary(self._language), self._country)
        if (_primary(language or self._language), country or self._country) != asked:
            made = " for ".join(part for part in (language, country) if part)
            self._tell(
                f"the site makes its pages in {made}, and LANGUAGE={self._language} "
                f"COUNTRY={self._country} were asked for: display titles, certificates and release "
                "dates are as the site has them (the source graphql gives them as asked for)"
            )


def _said(pattern: re.Pattern[bytes], body: Body) -> str | None:
    found = pattern.search(body)
    return found["value"].decode() if found else None


def _primary(language: str) -> str:
    return language.partition("-")[0].lower()
