"""The dashboard's pages on a real database, over HTTP."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from domain.chart import ChartName
from domain.identifiers import TitleId
from domain.run import Failure, RunOutcome, RunReport
from domain.title import CreditCategory, TitleKind
from infrastructure.container import open_web
from infrastructure.repositories.postgres import open_postgres_repository
from infrastructure.repositories.postgres.embedded import embedded_postgres
from infrastructure.web.dashboard.people import CATEGORY_NAMES
from infrastructure.web.dashboard.rendering import CHART_NAMES, KIND_NAMES, STATIC_FOLDER
from shared.config import Settings
from shared.setting_values import ApiKey, DatabaseUrl
from tests.api import api_client, serving_app
from tests.builders import NOON, a_chart, a_run, a_title, credit, person_number
from tests.dashboard_store import BUSY, EPISODES, UNCREDITED, fill_store

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
        found = re.search(r'class="button quiet" href="(/titles\?[^"]+)"', page)
        address = found[1].replace("&amp;", "&") if found else None
    assert sorted(seen) == [f"tt{number:07d}" for number in range(2, 62)]


COLUMNS = {
    "title": "ascending", "year": "descending", "runtime": "descending", "rating": "descending",
    "votes": "descending", "metascore": "descending", "updated": "descending",
}  # fmt: skip


@pytest.mark.parametrize("sort", COLUMNS)
def test_a_click_on_a_head_sorts_the_table_and_another_turns_it_round(
    client: httpx.Client, sort: str
) -> None:
    start = client.get("/titles?view=table&q=Title&kind=movie").text
    first = client.get(_head(start, sort)).text
    assert re.findall(r'aria-sort="(\w+)"', first) == (
        [_other(COLUMNS[sort])] if sort == "votes" else [COLUMNS[sort]]
    )
    second = client.get(_head(first, sort)).text
    now, before = re.findall(r'aria-sort="(\w+)"', second + first)
    assert now == _other(before)
    assert 'value="Title"' in second


def _head(page: str, sort: str) -> str:
    found = re.search(rf'<th [^>]*><a href="(/titles\?[^"]*sort={sort}&amp;[^"]*)"', page)
    assert found
    return found[1].replace("&amp;", "&")


def _other(way: str) -> str:
    return "descending" if way == "ascending" else "ascending"


def test_the_table_goes_on_by_plain_links_in_its_order(client: httpx.Client) -> None:
    seen: list[str] = []
    address: str | None = "/titles?view=table&sort=year&order=asc&q=Title&limit=25"
    while address:
        page = client.get(address).text
        seen += re.findall(r'<tr><th scope="row"><a href="/titles/tt(\d+)"', page)
        found = re.search(r'class="button quiet" href="(/titles\?[^"]+)"', page)
        address = found[1].replace("&amp;", "&") if found else None
    assert [int(each) for each in seen] == list(range(2, 62))


def test_the_switch_keeps_what_is_asked_for(client: httpx.Client) -> None:
    page = client.get("/titles?q=Title&genre=Drama&sort=year").text
    address = "/titles?q=Title&genre=Drama&sort=year&view=table"
    assert f'href="{address.replace("&", "&amp;")}">Table' in page
    table = client.get(address).text
    assert 'href="/titles?q=Title&amp;genre=Drama&amp;sort=year">Cards' in table


def test_titles_of_a_person_say_of_whom(client: httpx.Client) -> None:
    page = client.get("/titles?person=nm0000007&view=table").text
    assert 'Titles with <a href="/people/nm0000007">Person 7</a>' in page
    assert 'name="person" value="nm0000007"' in page


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


def test_a_person_with_hundreds_of_credits(postgres_url: str) -> None:
    fill_store(postgres_url)
    with api_client(postgres_url) as client:
        client.headers.update(HTML)
        page = client.get(f"/people/{BUSY}").text
        assert re.findall(r">(All|\w+) <span class=.soft.>(\d+)<", page) == [
            ("All", "320"), ("Director", "40"), ("Writer", "40"), ("Cast", "240"),
        ]  # fmt: skip
        seen: list[str] = []
        address: str | None = f"/people/{BUSY}?category=writer"
        while address:
            page = client.get(address + "&limit=15").text
            seen += re.findall(r'<tr><th scope="row"><a href="/titles/(tt\d+)"', page)
            found = re.search(r'class="button quiet" href="(/people/[^"]+)"', page)
            address = found[1].replace("&amp;", "&").replace("&limit=15", "") if found else None
        assert sorted(seen) == [f"tt90000{number:05}" for number in range(0, EPISODES, 6)]
        nothing = client.get(f"/people/{BUSY}?category=creator").text
        assert "Nothing in this category." in nothing
        assert client.get(f"/people/{BUSY}?category=nonsense").status_code == 422
        alone = client.get(f"/people/{UNCREDITED}").text
        assert "None of their titles is held." in alone
        assert "Works most with" not in alone
        profile = client.get("/people/nm0000151").text
        assert "102 of 102 credits" in profile
        assert "executive producer" in profile
        kept = client.get("/titles/tt0111161").text
        assert re.search(r"Keywords</th><td>graphql .*?<td>14 Jan 2026, 12:03 UTC", kept)


def test_a_defect_is_a_page_that_tells_nothing_of_it(postgres_url: str) -> None:
    class Broken:
        def titles(self, _query: object) -> object:
            raise ZeroDivisionError("a secret of the server")

    settings = Settings(database_url=DatabaseUrl(postgres_url))
    with open_web(settings) as app:
        app.state.services = replace(app.state.services, catalogue=Broken())
        with serving_app(app) as address:
            answer = httpx.get(f"{address}/titles", headers=HTML)
    assert answer.status_code == 500
    assert answer.headers["content-type"].startswith("text/html")
    assert "<h1>Something went wrong</h1>" in answer.text
    assert "secret" not in answer.text


def test_pages_say_so_when_the_database_is_gone_and_come_back_with_it(server_dir: Path) -> None:
    with ExitStack() as server:
        url = server.enter_context(embedded_postgres(server_dir))
        with api_client(url) as client:
            client.headers.update(HTML)
            assert client.get("/titles").status_code == 200
            server.close()
            for path in (*PAGES, "/titles/tt0111161", "/people/nm0000151", "/charts/top"):
                answer = client.get(path)
                assert answer.status_code == 503, path
                assert answer.headers["content-type"].startswith("text/html")
                assert answer.headers["retry-after"]
                assert "<h1>Away for a moment</h1>" in answer.text
                assert str(server_dir) not in answer.text
            with embedded_postgres(server_dir):
                assert client.get("/titles").status_code == 200


def test_a_chart_shows_what_moved(client: httpx.Client) -> None:
    page = client.get("/charts/top").text
    assert "What moved" in page
    assert re.search(r'class="move new">new</span>\s*<a href="/titles/tt0000004"', page)
    rows = re.findall(r"<tr><td[^>]*>(\d+)</td><td>\s*<span class=.move (\w+).", page)
    assert rows == [("1", "up"), ("2", "down"), ("3", "new")]


def test_a_chart_shows_its_rank_history_as_a_picture_and_as_a_table(client: httpx.Client) -> None:
    page = client.get("/charts/top").text
    picture = re.search(r"<svg class=.bump.*?</svg>", page, re.S)
    assert picture
    assert "The first 3 ranks from 1 January 2026 to 2 January 2026</title>" in picture[0]
    assert picture[0].count('class="way"') == 4
    table = page[page.index("The ranks as a table") :]
    found = dict(
        re.findall(r'<th scope="row">(Title \d+)</th>((?:<td class="number">.</td>)+)', table)
    )
    assert {name: re.findall(r">(.)<", cells) for name, cells in found.items()} == {
        "Title 2": ["2", "1"], "Title 3": ["3", "\N{EN DASH}"], "Title 4": ["\N{EN DASH}", "3"],
    }  # fmt: skip


def test_a_chart_kept_once_has_no_history_yet(client: httpx.Client) -> None:
    page = client.get("/charts/top?run=20260100T120000Z-test").text
    assert "<svg class=bump" not in page.replace('"', "")
    assert "Change" not in page


def test_a_title_shows_its_ranks_over_time(client: httpx.Client) -> None:
    page = client.get("/titles/tt0000002").text
    assert "Rank in Top 250 films over time</title>" in page
    assert "From rank 2 to rank 1; the best was 1</desc>" in page


def test_failures_stand_by_their_reason(client: httpx.Client) -> None:
    runs = re.findall(r'href="(/runs/[^"]+)"', client.get("/runs").text)
    page = client.get(runs[0]).text
    assert "Page changed" in page
    assert "&lt;b&gt;Bold" in page
    assert "python main.py retry --run" in page
    assert "data-order" not in page


def test_with_a_key_set_runs_are_retried_and_started_from_the_pages(postgres_url: str) -> None:
    run = a_run()
    with open_postgres_repository(postgres_url) as database:
        database.begin_run(run, None)
        database.finish_run(
            RunReport(
                run=run, finished_at=NOON, outcome=RunOutcome.INCOMPLETE, asked=1, fetched=0,
                failures=(Failure(imdb_id=TitleId("tt0000001"), reason="timeout", message="slow"),),
                fetched_from={},
            )
        )  # fmt: skip
    settings = Settings(api_keys=(ApiKey("a-key-of-the-tests-0123456789"),))
    with api_client(postgres_url, settings) as client:
        retry = client.get(f"/runs/{run.run_id}", headers=HTML).text
        assert 'data-order="POST"' in retry
        # Nothing was looked for in vain, so there is nothing to ask about it.
        assert "with_not_found" not in retry
        assert 'data-order="POST"' in client.get("/runs", headers=HTML).text


def test_the_first_view_is_small(client: httpx.Client) -> None:
    page = client.get("/")
    files = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text))
    assert files
    sizes = [len(client.get(path).content) for path in files]
    assert len(page.content) + sum(sizes) < 100_000


def test_pages_and_their_files_are_packed_and_answers_of_the_api_are_not(
    client: httpx.Client,
) -> None:
    def packed(path: str) -> httpx.Response:
        answer = client.get(path, headers={**HTML, "Accept-Encoding": "br, gzip"})
        assert answer.status_code == 200
        return answer

    for path in ("/", "/static/dashboard.css"):
        plain = client.get(path, headers={**HTML, "Accept-Encoding": "identity"})
        answer = packed(path)
        assert "Content-Encoding" not in plain.headers
        assert answer.headers["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in answer.headers["Vary"]
        assert answer.num_bytes_downloaded < len(plain.content) / 2
        assert answer.text == plain.text
    tag = packed("/static/dashboard.css").headers["ETag"]
    assert tag.startswith('W/"')
    again = client.get(
        "/static/dashboard.css", headers={"Accept-Encoding": "gzip", "If-None-Match": tag}
    )
    assert (again.status_code, again.content) == (304, b"")
    answer = packed("/api/v1/titles")
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["ETag"].startswith('"')


def test_the_first_view_of_a_century_of_years_is_small_too(postgres_url: str) -> None:
    """A rating and a film of each year that there was film."""
    titles = [
        a_title(number, year=1890 + number // 2, rating=1 + number % 91 / 10, votes=number + 5)
        for number in range(1, 281)
    ]
    with open_postgres_repository(postgres_url) as database:
        database.save(titles, a_run())
    with api_client(postgres_url) as client:
        page = client.get("/", headers={**HTML, "Accept-Encoding": "gzip"})
        files = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text))
        sizes = [client.get(path).num_bytes_downloaded for path in files]
        assert page.num_bytes_downloaded + sum(sizes) < 50_000


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
    assert set(CATEGORY_NAMES) == set(CreditCategory)
