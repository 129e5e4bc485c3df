"""For whom the demo site makes an answer: the facts differ by language and country, as IMDb's do.

What we know are the titles in English and the originals, and what holds in the United States. Other
languages get the original titles (as IMDb gives where it has no translation); for other countries
no certificate is known, and of a release only its month.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from demo.facts import ChartFacts, TitleFacts


@dataclass(frozen=True, slots=True)
class Locale:
    """A language tag and a country (ISO 3166-1)."""

    language: str = "en-US"
    country: str = "US"

    @property
    def is_english(self) -> bool:
        """Whether the titles in English are wanted."""
        return self.language.partition("-")[0].lower() == "en"


def locale_of(headers: Mapping[str, str]) -> Locale:
    """What a request asks for; the names of its headers are in lower case.

    The API's headers ``x-imdb-user-language`` and ``x-imdb-user-country`` go before
    ``accept-language``, of which the first language counts, and its region is the country.
    """
    accepted = headers.get("accept-language", "").partition(",")[0].partition(";")[0].strip()
    language = headers.get("x-imdb-user-language") or accepted or Locale().language
    region = language.rpartition("-")[2] if "-" in language else ""
    known = region.upper() if len(region) == 2 else Locale().country
    return Locale(language[:20], headers.get("x-imdb-user-country", "")[:2].upper() or known)


def localised(chart: ChartFacts, locale: Locale) -> ChartFacts:
    """The chart as it is for this language and country."""
    if locale.is_english and locale.country == Locale().country:
        return chart
    return ChartFacts(chart.captured, tuple(_title(facts, locale) for facts in chart.titles))


def _title(facts: TitleFacts, locale: Locale) -> TitleFacts:
    if not locale.is_english:
        facts = replace(facts, title=facts.original_title)
    if locale.country != Locale().country:
        month = replace(facts.release_date, day=None)
        facts = replace(facts, certificate=None, release_date=month)
    return facts
