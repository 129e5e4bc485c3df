"""The facade for Python, on the demo site: what a user of the library sees."""

import re
import textwrap
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from application import Imdb
from demo.facts import load_facts
from demo.site import DemoSite
from domain.errors import (
    ChartNotFound,
    InvalidConfiguration,
    InvalidSearch,
    InvalidTitle,
    PersonNotFound,
    SourceUnavailable,
    TitleNotFound,
)
from domain.title import CreditCategory, Title
from infrastructure.container import open_imdb
from shared.config import Settings, load_settings

FACTS = load_facts()
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite(FACTS) as demo_site:
        yield demo_site


def settings_for(site: DemoSite, **options: str) -> Settings:
    given = {
        "base_url": site.url,
        "suggestion_url": f"{site.url}/suggestion",
        "graphql_url": f"{site.url}/graphql",
        "requests_per_second": "0",
        "max_attempts": "1",
    }
    return load_settings(given | options, env_file=None)


@pytest.fixture(params=["html", "graphql", "html,graphql"])
def imdb(request: pytest.FixtureRequest, site: DemoSite) -> Iterator[Imdb]:
    with open_imdb(settings_for(site, sources=request.param)) as opened:
        yield opened


def test_a_title_by_id_and_by_url(imdb):
    title = imdb.title("tt0111161")
    assert (title.title, title.year) == ("The Shawshank Redemption", 1994)
    assert [c.name for c in title.credits_of(CreditCategory.DIRECTOR)] == ["Frank Darabont"]
    assert imdb.title("https://www.imdb.com/title/tt0111161/").imdb_id == title.imdb_id


def test_many_titles_each_once_with_what_became_of_it(imdb):
    asked = [*(facts.imdb_id for facts in FACTS.titles[:60]), "tt0111161", "tt9999999"]
    fetched = list(imdb.titles(asked))
    assert sorted(f.imdb_id for f in fetched) == sorted(set(asked))
    failed = {f.imdb_id: f.outcome for f in fetched if not isinstance(f.outcome, Title)}
    assert {i: type(outcome) for i, outcome in failed.items()} == {"tt9999999": TitleNotFound}


def test_details_of_a_title(site):
    with open_imdb(settings_for(site, sources="graphql")) as imdb:
        title = imdb.title("tt0111161", details=["akas", "taglines"])
        [fetched] = imdb.titles(["tt0068646"], details=["keywords"])
        assert imdb.episodes("tt0111161") == ()
        with pytest.raises(InvalidSearch, match="'seasons' is not a valid DetailName; known are"):
            imdb.title("tt0111161", details=["seasons"])
    assert [detail.name for detail in title.details] == ["akas", "taglines"]
    assert isinstance(fetched.outcome, Title)
    assert [detail.name for detail in fetched.outcome.details] == ["keywords"]


def test_a_chart_in_its_order(imdb):
    chart = imdb.chart("top")
    assert [entry.rank for entry in chart.entries] == list(range(1, 251))
    assert imdb.chart().entries == chart.entries


def test_a_search(imdb):
    [hit, *_] = imdb.search("the matrix", year=1999, kind="movie")
    assert hit.imdb_id == "tt0133093"
    assert {hit.name for hit in imdb.search_people("nolan")} >= {"Christopher Nolan"}
    assert [hit.name for hit in imdb.search_companies("war pictures")] == ["War Pictures"]
    assert [hit.keyword for hit in imdb.search_keywords("sci-fi")] == ["sci-fi-film"]
    assert imdb.search("qqqqqqqqq zzzz") == ()


def test_a_person(imdb):
    person = imdb.person("nm0001104")
    assert person.name == "Frank Darabont"
    with pytest.raises(PersonNotFound):
        imdb.person("nm9999999")


def test_what_is_not_there_or_makes_no_sense_is_an_error_that_says_so(imdb):
    with pytest.raises(TitleNotFound, match="tt9999999"):
        imdb.title("tt9999999")
    with pytest.raises(InvalidTitle, match="is a person, not a title"):
        imdb.title("nm0001104")
    with pytest.raises(InvalidTitle, match="is a title, not a person"):
        imdb.person("tt0111161")
    with pytest.raises(InvalidTitle, match="nonsense"):
        imdb.titles(["tt0111161", "nonsense"])
    with pytest.raises(InvalidSearch, match="'tops' is no chart; known are top"):
        imdb.chart("tops")
    with pytest.raises(InvalidSearch, match="'film' is no kind of title"):
        imdb.search("the matrix", kind="film")
    with pytest.raises(InvalidSearch, match="nothing to search for"):
        imdb.search_people("  ")


def test_a_chart_that_no_source_has(site):
    with open_imdb(settings_for(site, sources="html")) as imdb, pytest.raises(ChartNotFound):
        imdb.chart("tvmeter")


def test_a_source_that_gives_no_people_is_named_as_such(site):
    with (
        open_imdb(settings_for(site, sources="datasets")) as imdb,
        pytest.raises(InvalidConfiguration, match="gives people"),
    ):
        imdb.person("nm0001104")


def test_nobody_answers():
    told: list[str] = []
    nowhere = "http://127.0.0.1:9"  # discard: nobody listens
    options = {"base_url": nowhere, "suggestion_url": nowhere, "graphql_url": nowhere}
    settings = load_settings(options | {"max_attempts": "1", "sources": "html"}, env_file=None)
    with open_imdb(settings, told.append) as imdb:
        with pytest.raises(SourceUnavailable):
            imdb.title("tt0111161")
        with pytest.raises(SourceUnavailable):
            imdb.search("the matrix")
    assert any("html is given up" in line for line in told)


def test_the_readme_shows_a_program_that_runs(site, monkeypatch, tmp_path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [program] = [p for p in re.findall(r"```python\n(.*?)```", readme, re.S) if "open_imdb" in p]
    assert len(program.strip().splitlines()) <= 12
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "SOURCES": "html,graphql",
        "BASE_URL": site.url,
        "SUGGESTION_URL": f"{site.url}/suggestion",
        "GRAPHQL_URL": f"{site.url}/graphql",
    }.items():
        monkeypatch.setenv(name, value)
    with redirect_stdout(StringIO()) as printed:
        exec(compile(textwrap.dedent(program), "README.md", "exec"), {})  # noqa: S102 - our own page
    assert "The Shawshank Redemption" in printed.getvalue()
    assert "Frank Darabont" in printed.getvalue()
