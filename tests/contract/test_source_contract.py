"""What every source of titles promises (`TitleSource`), on the demo site's facts over real HTTP."""

import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import requests

from application.ports import TitleSource
from demo.facts import MERGED_IDS, CreditFacts, load_facts, synthetic_facts
from demo.site import DemoSite
from domain.chart import ChartName
from domain.errors import ChartNotFound, TitleNotFound
from domain.identifiers import TitleId
from domain.title import CreditCategory, Title
from infrastructure.http.client import HttpClient
from infrastructure.repositories.postgres.datasets import open_dataset_titles
from infrastructure.scrapers.imdb_datasets import ImdbDatasetsSource
from infrastructure.scrapers.imdb_graphql import Endpoint, ImdbGraphqlSource
from infrastructure.scrapers.imdb_html import ImdbHtmlSource, ReadInThread
from infrastructure.scrapers.saved_pages import SavedPagesSource
from shared.config import SourceName
from tests.clients import LOCALE, http_client
from tests.databases import drop_database, new_database
from tests.dataset_files import BASICS, NAMES, PRINCIPALS, RATINGS, import_into, write

FACTS = synthetic_facts(40)
IDS = [TitleId(title.imdb_id) for title in FACTS.titles]
UNKNOWN = TitleId("tt0000001")
SOURCES = get_args(SourceName)
WHOLE = [name for name in SOURCES if name != "datasets"]
"""The sources of pages, which know all of a title. (Dataset files have no charts, plots, ...)"""


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite(FACTS) as demo_site:
        yield demo_site


@pytest.fixture(scope="module")
def http() -> Iterator[HttpClient]:
    with http_client() as client:
        yield client


@pytest.fixture(scope="module")
def saved_pages(site: DemoSite, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    for number, path in enumerate(["/chart/top/", *(f"/title/{i}/" for i in IDS)]):
        page = requests.get(site.url + path, timeout=9).content
        (folder / f"{number}.html").write_bytes(page)
    return folder


@pytest.fixture(scope="module")
def imported(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database with dataset files of the site's facts."""
    url = new_database(postgres_server)
    import_facts(url, tmp_path_factory.mktemp("datasets"))
    yield url
    drop_database(postgres_server, url)


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest) -> Iterator[TitleSource]:
    name: str = request.param
    if name == "datasets":
        with open_dataset_titles(request.getfixturevalue("imported")) as tables:
            yield ImdbDatasetsSource(lambda: tables)
    else:
        site, http, pages = map(request.getfixturevalue, ("site", "http", "saved_pages"))
        yield open_source(name, site, http, pages)


@pytest.fixture
def whole(source: TitleSource) -> TitleSource:
    if source.name not in WHOLE:
        pytest.skip("it promises a part of the facts")
    return source


def import_facts(url: str, folder: Path) -> None:
    """Write the site's facts as dataset files, and import them."""

    def field(value: object) -> str:
        return r"\N" if value is None else str(value)

    def lines(rows: Iterable[Sequence[object]]) -> list[bytes]:
        return ["\t".join(map(field, row)).encode() for row in rows]

    titles = FACTS.titles
    credits_ = [
        (title.imdb_id, ordering, person.imdb_id, category, None,
         json.dumps(person.characters, ensure_ascii=False) if person.characters else None,
         person.name)
        for title in titles
        for ordering, (category, person) in enumerate(
            [("director", p) for p in title.directors] + [("writer", p) for p in title.writers]
            + [("actor", p) for p in title.cast], 1)
        if person.imdb_id
    ]  # fmt: skip
    names = {row[2]: row[6] for row in credits_}
    import_into(
        url,
        write(folder, BASICS, lines(
            (t.imdb_id, "movie", t.title, t.original_title, 0, t.year, None, t.runtime_minutes,
             ",".join(t.genres)) for t in titles)),
        write(folder, RATINGS, lines((t.imdb_id, t.rating, t.votes) for t in titles)),
        write(folder, PRINCIPALS, lines(row[:6] for row in credits_)),
        write(folder, NAMES, lines((i, n, None, None, None, None) for i, n in names.items())),
    )  # fmt: skip


def open_source(name: str, site: DemoSite, http: HttpClient, pages: Path) -> TitleSource:
    if name == "html":
        return ImdbHtmlSource(http, ReadInThread(), site.url, LOCALE)
    if name == "graphql":
        url = f"{site.url}/graphql"
        endpoint = Endpoint(url=url, client_name="contract", language="en-US", country="US")
        return ImdbGraphqlSource(http, endpoint, 50, print)
    return SavedPagesSource(pages, 1 << 24)


def test_it_has_the_name_that_the_settings_know(source: TitleSource) -> None:
    assert source.name in SOURCES
    assert source.batch_size >= 1


def test_a_chart_is_whole_and_in_order(whole: TitleSource) -> None:
    chart = whole.chart(ChartName.TOP)
    assert chart.name is ChartName.TOP
    assert [(e.rank, e.title_id) for e in chart.entries] == list(enumerate(IDS, 1))


@pytest.mark.parametrize("name", [name for name in ChartName if name is not ChartName.TOP])
def test_a_chart_that_is_not_there_is_not_found(source: TitleSource, name: ChartName) -> None:
    with pytest.raises(ChartNotFound):
        source.chart(name)


def test_there_is_one_outcome_for_each_id_in_their_order(source: TitleSource) -> None:
    asked = [IDS[7], UNKNOWN, IDS[3], IDS[9]]
    outcomes = [
        outcome
        for start in range(0, len(asked), source.batch_size)
        for outcome in source.titles(asked[start : start + source.batch_size])
    ]
    found = [o.imdb_id if isinstance(o, Title) else type(o) for o in outcomes]
    assert found == [IDS[7], TitleNotFound, IDS[3], IDS[9]]


def test_nothing_is_asked_for_no_ids(source: TitleSource) -> None:
    assert list(source.titles([])) == []


def test_a_title_says_where_and_when_it_came_from(source: TitleSource) -> None:
    [title] = source.titles(IDS[:1])
    assert isinstance(title, Title)
    assert title.provenance.source == source.name
    assert title.provenance.found_by
    assert title.provenance.fetched_at.utcoffset() is not None


def test_any_number_of_threads_may_call_it(source: TitleSource) -> None:
    with ThreadPoolExecutor(16) as threads:
        outcomes = list(threads.map(source.titles, [[imdb_id] for imdb_id in IDS]))
    found = [title.imdb_id for [title] in outcomes if isinstance(title, Title)]
    assert found == IDS


def test_a_title_has_every_fact_of_the_site(source: TitleSource) -> None:
    is_whole = source.name in WHOLE
    for facts in load_facts().titles[: len(IDS)]:
        [title] = source.titles([TitleId(facts.imdb_id)])
        assert isinstance(title, Title)
        assert (title.title, title.original_title, title.year, title.runtime_minutes) == (
            facts.title, facts.original_title, facts.year, facts.runtime_minutes,
        )  # fmt: skip
        assert (title.rating, title.votes) == (facts.rating, facts.votes)
        assert (title.metascore, title.certificate) == (
            (facts.metascore, facts.certificate) if is_whole else (None, None)
        )
        assert title.genres == facts.genres
        credited = {
            category: [(c.person_id, c.name, c.characters) for c in title.credits_of(category)]
            for category in CreditCategory
        }
        assert credited == {
            CreditCategory.DIRECTOR: listed(facts.directors, without_id=is_whole),
            CreditCategory.WRITER: listed(facts.writers, without_id=is_whole),
            CreditCategory.CREATOR: [],
            CreditCategory.CAST: listed(facts.cast, without_id=is_whole),
        }


def listed(
    people: tuple[CreditFacts, ...], *, without_id: bool
) -> list[tuple[str | None, str, tuple[str, ...]]]:
    """The people as they are credited; with ``without_id`` also those without an id."""
    return [
        (person.imdb_id, person.name, person.characters)
        for person in people
        if person.imdb_id or without_id
    ]


def test_all_sources_say_the_same_of_a_title(
    site: DemoSite, http: HttpClient, saved_pages: Path
) -> None:
    given = [open_source(name, site, http, saved_pages) for name in WHOLE]
    for imdb_id in IDS:
        [first], *others = [source.titles([imdb_id]) for source in given]
        assert isinstance(first, Title)
        for [other] in others:
            assert isinstance(other, Title)
            assert replace(other, provenance=first.provenance) == first


def test_a_merged_title_comes_under_its_new_id(site: DemoSite, http: HttpClient) -> None:
    """Saved pages and dataset files are of one id only: nothing is known of others."""
    for name in SOURCES:
        if name not in {"saved", "datasets"}:
            source = open_source(name, site, http, Path())
            [title] = source.titles([TitleId("tt9100000001")])
            assert isinstance(title, Title)
            assert title.imdb_id == MERGED_IDS["tt9100000001"]
