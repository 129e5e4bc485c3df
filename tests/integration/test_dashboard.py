"""The dashboard's pages on a real database, over HTTP."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from domain.chart import ChartName
from domain.run import Failure, RunOutcome, RunReport
from domain.title import CreditCategory, TitleKind
from infrastructure.repositories.postgres import open_postgres_repository
from infrastructure.web.dashboard.rendering import CHART_NAMES, KIND_NAMES, STATIC_FOLDER
from tests.api import api_client
from tests.builders import NOON, a_chart, a_run, a_title, credit, person_number

EVIL = "</script><img src=x onerror=alert(1)><b>Bold</b>"
HTML = {"Accept": "text/html"}
PAGES = ["/", "/titles", "/people", "/charts", "/runs"]


@pytest.fixture
def empty(postgres_url: str) -> Iterator[httpx.Client]:
    with api_client(postgres_url) as client:
        client.headers.update(HTML)
        yield client


@pytest.fixture
def client(postgres_url: str) -> Iterator[httpx.Client]:
    """60 titles, of which the first is malicious in all that is text, a chart twice, a run."""
    evil = a_title(
        1, title=EVIL, original_title=EVIL + "2", plot=EVIL, certificate=EVIL, genres=(EVIL,),
        votes=9_000_000,
        credits=(
            credit(person_number(1), name=EVIL, characters=(EVIL,), category=CreditCategory.CAST),
        ),
    )  # fmt: skip
    others = [
        a_title(
            number, title=f"Title {number}", year=1950 + number, votes=number * 100,
            credits=(credit(person_number(1 + number % 3)), credit(person_number(7), 2)),
        )
        for number in range(2, 62)
    ]  # fmt: skip
    with open_postgres_repository(postgres_url) as database:
        for number, ids in enumerate(((1, 2, 3), (2, 1, 4))):
            day = NOON + timedelta(days=number)
            run = a_run(f"2026010{number}T120000Z-test", started_at=day)
            database.begin_run(run, replace(a_chart(*ids), captured_at=day))
            database.save([evil, *others], run)
        database.finish_run(
            RunReport(
                run=run,
                finished_at=NOON + timedelta(days=1, minutes=2),
                outcome=RunOutcome.INCOMPLETE,
                asked=62,
                fetched=61,
                failures=(Failure(imdb_id=evil.imdb_id, reason="page_changed", message=EVIL),),
                fetched_from={"html": 61},
            )
        )
    with api_client(postgres_url) as client:
        client.headers.update(HTML)
        yield client


@pytest.mark.parametrize("path", PAGES)
def test_an_empty_store_says_what_to_run(empty: httpx.Client, path: str) -> None:
    answer = empty.get(path)
    assert answer.status_code == 200
    assert "python main.py" in answer.text


@pytest.mark.parametrize(
    "path",
    [
        *PAGES,
        "/titles/tt0000001",
        "/people/nm0000001",
        "/charts/top",
        "/charts/top?run=20260100T120000Z-test",
        "/runs/20260101T120000Z-test",
        "/titles?genre=Drama",
        "/titles?q=img+onerror",
        "/people?q=img+onerror",
    ],
)
def test_what_comes_from_titles_is_escaped(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert "<b>Bold" not in answer.text
    assert "<img" not in answer.text
    if not path.startswith(("/people?", "/titles?genre")) and path not in {
        "/people",
        "/charts",
        "/runs",
    }:
        assert "&lt;b&gt;Bold" in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/{}",
        "/titles/{}",
        "/people/{}",
        "/charts/{}",
        "/charts/top?run={}",
        "/runs/{}",
        "/titles?q={}",
        "/titles?kind={}",
        "/titles?genre={}",
        "/titles?sort={}",
        "/titles?after={}",
        "/titles?{}=1",
        "/people?q={}",
        "/people/nm0000001?after={}",
    ],
)
def test_what_a_link_says_is_escaped(client: httpx.Client, path: str) -> None:
    answer = client.get(path.format(quote(EVIL, safe="")))
    assert answer.status_code < 500
    assert answer.headers["content-type"].startswith("text/html")
    assert "<b>Bold" not in answer.text
    assert "<img" not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/titles?q=bold",
        "/titles/tt0000001",
        "/titles/tt0000001/credits",
        "/people/nm0000001",
        "/charts/top",
        "/charts/top/diff",
        "/runs/20260101T120000Z-test",
        "/titles/%3Cimg%3E",
        "/export",
        "/export?format=jsonl",
    ],
)
def test_no_browser_takes_an_answer_of_the_api_for_a_page(client: httpx.Client, path: str) -> None:
    answer = client.get(f"/api/v1{path}")
    assert "html" not in answer.headers["content-type"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_page_lets_nothing_foreign_or_inline_run(client: httpx.Client) -> None:
    for path in (*PAGES, "/nowhere"):
        answer = client.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|<[^>]*\s(style|on\w+)=", answer.text)


@pytest.mark.parametrize(
    "path", ["/titles/tt9999999", "/people/nm9999999", "/charts/nothing", "/runs/nothing", "/x"]
)
def test_what_is_not_there_is_a_page_for_people_and_a_problem_for_programs(
    client: httpx.Client, path: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "<h1>There is nothing here</h1>" in answer.text
    problem = client.get(path, headers={"Accept": "application/json"})
    assert problem.headers["content-type"] == "application/problem+json"
    api = client.get("/api/v1/titles/tt9999999")
    assert api.headers["content-type"] == "application/problem+json"


def test_the_list_goes_on_by_plain_links_to_its_end(client: httpx.Client) -> None:
    seen: list[str] = []
    address: str | None = "/titles?sort=title&q=Title"
    while address:
        page = client.get(address).text
        seen += re.findall(r'<h3><a href="/titles/(tt\d+)"', page)
        found = re.search(r'class="button" href="(/titles\?[^"]+)"', page)
        address = found[1].replace("&amp;", "&") if found else None
    assert sorted(seen) == [f"tt{number:07d}" for number in range(2, 62)]


def test_fields_left_empty_ask_for_nothing(client: httpx.Client) -> None:
    page = client.get("/titles?q=Title+12&genre=&year_min=&kind=&sort=votes").text
    assert re.findall(r'<h3><a href="/titles/(tt\d+)"', page) == ["tt0000012"]


@pytest.mark.parametrize("query", ["year_min=x", "q=--", "after=nonsense", "rating_min=11"])
def test_what_cannot_be_asked_for_is_said_beside_the_form(client: httpx.Client, query: str) -> None:
    answer = client.get(f"/titles?{query}")
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert 'id="q"' in answer.text


def test_a_title_says_where_it_is_from(client: httpx.Client) -> None:
    page = client.get("/titles/tt0000002").text
    assert "14 October 1994" in page
    assert "1 Jan 2026, 12:00 UTC" in page
    assert 'href="/people/nm0000007"' in page


def test_a_person_has_films_and_those_they_work_with(client: httpx.Client) -> None:
    page = client.get("/people/nm0000007").text
    assert 'href="/titles/tt0000061"' in page
    assert 'href="/people/nm0000002"' in page


def test_a_chart_shows_what_moved(client: httpx.Client) -> None:
    page = client.get("/charts/top").text
    assert "What moved" in page
    assert "was 2" in page
    assert re.search(r'class="move new">new</span>\s*<a href="/titles/tt0000004"', page)


def test_failures_stand_by_their_reason(client: httpx.Client) -> None:
    runs = re.findall(r'href="(/runs/[^"]+)"', client.get("/runs").text)
    page = client.get(runs[0]).text
    assert "Page changed" in page
    assert "&lt;b&gt;Bold" in page
    assert 'data-order="POST"' in page


def test_the_first_view_is_small(client: httpx.Client) -> None:
    page = client.get("/")
    files = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text))
    assert files
    sizes = [len(client.get(path).content) for path in files]
    assert len(page.content) + sum(sizes) < 100_000


def test_shipped_libraries_are_those_that_are_named() -> None:
    folder = STATIC_FOLDER / "vendor"
    named = dict(
        re.findall(
            r"^\| `([^`]+)` .*`([0-9a-f]{64})` \|$", (folder / "README.md").read_text(), re.M
        )
    )
    assert set(named) == {path.name for path in Path(folder).glob("*.js")}
    for name, digest in named.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_all_kinds_and_charts_have_names() -> None:
    assert set(KIND_NAMES) == set(TitleKind)
    assert set(CHART_NAMES) == set(ChartName)
