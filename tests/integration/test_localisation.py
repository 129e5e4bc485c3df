"""Titles in other languages and for other countries, from every source, on the demo site."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.facts import TitleFacts, load_facts
from demo.locale import Locale, locale_of
from demo.site import DemoSite
from domain.identifiers import TitleId
from domain.search import SearchQuery
from domain.title import Title
from infrastructure.container import open_search, open_source
from infrastructure.scrapers.imdb_html import ImdbHtmlSource, PageLocale, ReadInThread
from shared.config import Settings, load_settings
from tests.clients import http_client
from tests.integration import test_captures
from tests.integration.test_captures import CAPTURES
from tests.servers import page, serving
from tests.unit.imdb_pages import pages

FACTS = load_facts()
SAMURAI = next(facts for facts in FACTS.titles if facts.title == "Seven Samurai")
SHAWSHANK = FACTS.titles[0]


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite(FACTS) as demo_site:
        yield demo_site


def settings_for(site: DemoSite, folder: Path, **options: str) -> Settings:
    here = {
        "base_url": site.url,
        "graphql_url": f"{site.url}/graphql",
        "suggestion_url": f"{site.url}/suggestion",
        "requests_per_second": "0",
        "output_dir": str(folder),
    }
    return load_settings(here | options, env_file=None)


def title_from(source: str, facts: TitleFacts, settings: Settings) -> Title:
    with open_source(source, settings, threading.Event(), lambda notice: None) as opened:
        [title] = opened.titles([TitleId(facts.imdb_id)])
    assert isinstance(title, Title)
    return title


@pytest.mark.parametrize("source", ["html", "graphql"])
class TestASource:
    def test_without_a_setting_it_is_english_for_the_united_states(
        self, source: str, site: DemoSite, tmp_path: Path
    ) -> None:
        title = title_from(source, SAMURAI, settings_for(site, tmp_path))
        assert (title.title, title.original_title) == ("Seven Samurai", "Shichinin no samurai")
        assert title.certificate == SAMURAI.certificate
        assert title.release_date is not None
        assert title.release_date.day == SAMURAI.release_date.day

    @pytest.mark.parametrize("language", ["ja", "ja-JP", "de"])
    def test_display_titles_follow_the_language_and_the_original_stays(
        self, source: str, site: DemoSite, tmp_path: Path, language: str
    ) -> None:
        title = title_from(source, SAMURAI, settings_for(site, tmp_path, language=language))
        assert (title.title, title.original_title) == (
            "Shichinin no samurai",
            "Shichinin no samurai",
        )

    def test_certificates_and_dates_follow_the_country_whatever_the_language(
        self, source: str, site: DemoSite, tmp_path: Path
    ) -> None:
        assert SHAWSHANK.certificate == "R"
        title = title_from(source, SHAWSHANK, settings_for(site, tmp_path, country="AT"))
        assert (title.title, title.certificate) == (SHAWSHANK.title, None)
        assert title.release_date is not None
        assert title.release_date.day is None

    def test_the_region_of_the_language_is_not_the_country(
        self, source: str, site: DemoSite, tmp_path: Path
    ) -> None:
        settings = settings_for(site, tmp_path, language="en-GB", country="US")
        assert title_from(source, SHAWSHANK, settings).certificate == "R"


@pytest.mark.parametrize("who", ["suggestion", "graphql", "find page"])
def test_searches_follow_the_language(who: str, site: DemoSite, tmp_path: Path) -> None:
    nobody = "http://127.0.0.1:9"
    others = {
        "suggestion": {},
        "graphql": {"suggestion_url": nobody},
        "find page": {"suggestion_url": nobody, "graphql_url": nobody},
    }[who]
    settings = settings_for(site, tmp_path, language="ja", max_attempts="1", **others)
    with open_search(settings, lambda line: None) as searches:
        outcome = searches.execute(SearchQuery(text="samurai"))
    assert outcome.found_by == who
    assert outcome.hits[0].name == "Shichinin no samurai"


def test_kept_pages_are_not_mixed_between_languages_and_countries(
    site: DemoSite, tmp_path: Path
) -> None:
    path = f"/title/{SAMURAI.imdb_id}/"
    before = site.count(path)
    seen = []
    for _ in range(2):
        for options in ({}, {"language": "ja"}, {"country": "JP"}, {"language": "en-GB"}):
            settings = settings_for(site, tmp_path, http_cache="file", **options)
            title = title_from("html", SAMURAI, settings)
            seen.append((title.title, title.certificate))
    american, japanese, in_japan, british = seen[:4]
    assert american == british == ("Seven Samurai", SAMURAI.certificate)
    assert japanese == ("Shichinin no samurai", SAMURAI.certificate)
    assert in_japan == ("Seven Samurai", None)
    assert seen[4:] == seen[:4]
    assert site.count(path) == before + 4


class TestWhatThePageSays:
    """A site that goes by where a request comes from says so in its pages."""

    def told(self, language: str, country: str, says: dict[str, str] | None) -> list[str]:
        props = pages.v2()
        if says is not None:
            props |= {"requestContext": {"sidecar": {"localizationResponse": says}}}
        told: list[str] = []
        path = f"/title/{pages.TITLE_ID}/"
        with serving({path: page(pages.title_html(props).encode())}) as server:
            with http_client() as http:
                locale = PageLocale(language, country, told.append)
                source = ImdbHtmlSource(http, ReadInThread(), server.url, locale)
                for _ in range(2):
                    [title] = source.titles([pages.TITLE_ID])
                    assert isinstance(title, Title)
        return told

    @pytest.mark.parametrize(
        ("language", "country"), [("en-US", "IN"), ("en-GB", "IN"), ("en", "IN")]
    )
    def test_what_was_asked_for_is_nothing_to_tell(self, language: str, country: str) -> None:
        assert not self.told(language, country, {"userCountryCode": "IN", "userLanguage": "en-US"})

    def test_pages_that_do_not_say_are_nothing_to_tell(self) -> None:
        assert not self.told("de", "AT", {})

    @pytest.mark.parametrize(("language", "country"), [("en-US", "US"), ("hi", "IN"), ("de", "AT")])
    def test_another_language_or_country_is_told_once(self, language: str, country: str) -> None:
        says = {"userCountryCode": "IN", "userLanguage": "en-US"}
        [notice] = self.told(language, country, says)
        assert notice.startswith(
            f"the site makes its pages in en-US for IN, and LANGUAGE={language} COUNTRY={country} "
        )

    @test_captures.pytestmark
    def test_captured_pages_say_it(self) -> None:
        told: list[str] = []
        for name in (
            "chart/chart_top_2025-05-27_anjali_IN.html",
            "search/find_The-Odyssey-2026_2026-01-30_vkinegrab.html",
            "search/advsearch_user-rating-7-8_2025-06-16_sxh7.html",
        ):
            PageLocale("de", "DE", told.append).look_at((CAPTURES / name).read_bytes())
        assert [notice.split(",")[0] for notice in told] == [
            "the site makes its pages in en-US for IN",
            "the site makes its pages in en-US for AT",
            "the site makes its pages in en-US for US",
        ]


@pytest.mark.parametrize(
    ("headers", "locale"),
    [
        ({}, Locale("en-US", "US")),
        ({"accept-language": "de-AT,de;q=0.9"}, Locale("de-AT", "AT")),
        ({"accept-language": "fr"}, Locale("fr", "US")),
        ({"accept-language": "de-AT", "x-imdb-user-country": "jp"}, Locale("de-AT", "JP")),
        ({"accept-language": "de", "x-imdb-user-language": "it"}, Locale("it", "US")),
        ({"accept-language": "zh-Hant"}, Locale("zh-Hant", "US")),
    ],
)
def test_for_whom_the_demo_site_answers(headers: dict[str, str], locale: Locale) -> None:
    assert locale_of(headers) == locale
