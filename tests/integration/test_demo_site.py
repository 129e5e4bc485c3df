"""The demo site over real HTTP: its facts, its structure, its weight and its manners."""

import gzip
import html
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.robotparser
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from bs4 import BeautifulSoup

from demo.body import body_of, piece
from demo.facts import (
    ChartFacts,
    CreditFacts,
    TitleFacts,
    load_facts,
    people_of,
    synthetic_facts,
)
from demo.pages import PageRenderer
from demo.site import DemoSite
from demo.structured_data import runtime_text
from domain.chart import ChartName
from domain.title import CreditCategory, Title
from infrastructure.scrapers.imdb_pages import Page, parse_chart, parse_person, parse_title

ROOT = Path(__file__).parents[2]
FACTS_FILE = ROOT / "demo" / "data" / "top250.json"
SHARED = Path(os.environ.get("IMDB_SHARED", ROOT.parent / "shared"))
SHAWSHANK = "/title/tt0111161/"

DIRECTORS = "amzn1.imdb.concept.name_credit_category.ace5cb4c-8708-4238-9542-04641e7c8171"
WRITERS = "amzn1.imdb.concept.name_credit_category.c84ecaff-add5-4f2e-81db-102a41881fe3"
STARS = "amzn1.imdb.concept.name_credit_group.7510356e-fde9-438e-b3ad-0099ba6bc8ce"

Json = dict[str, Any]


@pytest.fixture(scope="module")
def facts_by_id() -> dict[str, Json]:
    """The facts file itself: what the site shows is compared with it, not with our reading."""
    document = json.loads(FACTS_FILE.read_text(encoding="utf-8"))
    return {entry["imdb_id"]: entry for entry in document["titles"]}


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite(load_facts()) as running:
        yield running


@pytest.fixture(scope="module")
def pages(site: DemoSite, facts_by_id: dict[str, Json]) -> dict[str, str]:
    """Every title page of the site, fetched over HTTP."""
    with requests.Session() as session:
        answers = {i: session.get(f"{site.url}/title/{i}/", timeout=10) for i in facts_by_id}
    assert {answer.status_code for answer in answers.values()} == {200}
    return {imdb_id: answer.text for imdb_id, answer in answers.items()}


@pytest.fixture(scope="module")
def chart_page(site: DemoSite) -> str:
    return requests.get(f"{site.url}/chart/top/", timeout=10).text


def next_data(page: str) -> Json:
    found = re.findall(r'<script id="__NEXT_DATA__" type="application/json">(.*?)</script>', page)
    assert len(found) == 1
    return json.loads(found[0])


def json_ld(page: str) -> Json:
    found = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)
    assert len(found) == 1
    return json.loads(found[0])


def without_next_data(page: str) -> str:
    return re.sub(r'<script id="__NEXT_DATA__".*?</script>', "", page)


# --- the facts ------------------------------------------------------------------------------------


def test_the_facts_are_those_handed_over(facts_by_id: dict[str, Json]) -> None:
    original = SHARED / "facts" / "top250.json"
    if not original.exists():
        pytest.skip(f"{original} is not here; set IMDB_SHARED to the folder that has it")
    entries = json.loads(original.read_text(encoding="utf-8"))
    assert [
        {name: value for name, value in entry.items() if name != "_sources"} for entry in entries
    ] == list(facts_by_id.values())


def test_the_facts_have_their_date() -> None:
    assert load_facts().captured.isoformat() == "2025-12-27"


def credit_of(node: Json) -> Json:
    return {"imdb_id": node["name"]["id"], "name": node["name"]["nameText"]["text"]}


def cast_credit_of(node: Json) -> Json:
    (role,) = node["creditedRoles"]["edges"]
    characters = role["node"]["characters"]
    names = characters and [edge["node"]["name"] for edge in characters["edges"]]
    return credit_of(node) | {"characters": names}


def crew_of(groups: list[Json], grouping_id: str) -> list[Json] | None:
    found = [group for group in groups if group["grouping"]["groupingId"] == grouping_id]
    return [credit_of(credit) for credit in found[0]["credits"]] if found else None


def facts_in_next_data(page: str) -> Json:
    """The facts that a page's ``__NEXT_DATA__`` states, in the shape of the facts file."""
    props = next_data(page)["props"]["pageProps"]
    above, main = props["aboveTheFoldData"], props["mainColumnData"]
    metacritic, certificate = above["metacritic"], above["certificate"]
    (cast,) = main["castV2"] or [{"credits": []}]
    return {
        "rank": main["ratingsSummary"]["topRanking"]["rank"],
        "imdb_id": above["id"],
        "title": above["titleText"]["text"],
        "original_title": above["originalTitleText"]["text"],
        "year": above["releaseYear"]["year"],
        "rating": above["ratingsSummary"]["aggregateRating"],
        "votes": above["ratingsSummary"]["voteCount"],
        "runtime_minutes": above["runtime"]["seconds"] / 60,
        "metascore": metacritic and metacritic["metascore"]["score"],
        "certificate": certificate and certificate["rating"],
        "genres": [genre["text"] for genre in above["genres"]["genres"]],
        "release_date": above["releaseDate"],
        "directors": crew_of(main["crewV2"], DIRECTORS),
        "writers": crew_of(main["crewV2"], WRITERS),
        "cast": [cast_credit_of(credit) for credit in cast["credits"]] or None,
    }


def test_next_data_states_every_fact_of_every_title(
    pages: dict[str, str], facts_by_id: dict[str, Json]
) -> None:
    shown = {imdb_id: facts_in_next_data(page) for imdb_id, page in pages.items()}
    assert shown == facts_by_id


def test_next_data_has_the_paths_of_a_title_page(pages: dict[str, str]) -> None:
    document = next_data(pages["tt0111161"])
    props = document["props"]["pageProps"]
    assert (document["page"], document["query"]) == ("/title/[tconst]", {"tconst": "tt0111161"})
    assert document["buildId"]
    assert document["locale"] == "en-US"
    assert props["tconst"] == props["aboveTheFoldData"]["id"] == props["mainColumnData"]["id"]
    assert props["aboveTheFoldData"]["titleType"]["id"] == "movie"
    assert props["requestContext"]["timestamp"] == "2025-12-27T00:00:00.000Z"


def test_the_top_of_the_page_names_crew_and_first_three_of_the_cast(pages: dict[str, str]) -> None:
    groups = next_data(pages["tt0111161"])["props"]["pageProps"]["aboveTheFoldData"][
        "principalCreditsV2"
    ]
    assert [group["grouping"]["text"] for group in groups] == ["Director", "Writers", "Stars"]
    assert [star["name"] for star in crew_of(groups, STARS) or ()] == [
        "Tim Robbins",
        "Morgan Freeman",
        "Bob Gunton",
    ]
    assert groups[2]["totalCredits"] == 18


def test_a_whole_rating_is_a_whole_number_in_json_as_on_imdb(
    pages: dict[str, str], facts_by_id: dict[str, Json]
) -> None:
    whole = next(i for i, facts in facts_by_id.items() if facts["rating"] == 8.0)
    assert '"aggregateRating":8,' in pages[whole]


def test_json_ld_states_the_facts_and_names_the_original_title(
    pages: dict[str, str], facts_by_id: dict[str, Json]
) -> None:
    for imdb_id, facts in facts_by_id.items():
        stated = json_ld(pages[imdb_id])
        released = facts["release_date"]
        assert stated["url"] == f"https://www.imdb.com/title/{imdb_id}/"
        assert html.unescape(stated["name"]) == facts["original_title"]
        other_title = facts["title"] if facts["title"] != facts["original_title"] else None
        assert html.unescape(stated.get("alternateName", "")) == (other_title or "")
        assert stated["aggregateRating"]["ratingValue"] == facts["rating"]
        assert stated["aggregateRating"]["ratingCount"] == facts["votes"]
        assert stated.get("contentRating") == facts["certificate"]
        assert stated["genre"] == facts["genres"]
        date_known = released["day"] is not None
        assert stated.get("datePublished") == (
            "{year:04d}-{month:02d}-{day:02d}".format(**released) if date_known else None
        )
        assert people_in(stated.get("actor")) == ids_and_names((facts["cast"] or [])[:3])
        assert people_in(stated.get("director")) == ids_and_names(facts["directors"])
        assert people_in(stated.get("creator")) == ids_and_names(facts["writers"])


def people_in(persons: list[Json] | None) -> list[tuple[str | None, str]]:
    return [
        (person["url"].split("/")[-2] if "url" in person else None, html.unescape(person["name"]))
        for person in persons or ()
    ]


def ids_and_names(credited: list[Json] | None) -> list[tuple[str | None, str]]:
    return [(person["imdb_id"], person["name"]) for person in credited or ()]


def test_json_ld_names_are_html_escaped_inside_the_json(pages: dict[str, str]) -> None:
    assert json_ld(pages["tt0108052"])["name"] == "Schindler&apos;s List"


def test_the_dom_states_the_facts_under_imdbs_test_ids(
    pages: dict[str, str], facts_by_id: dict[str, Json]
) -> None:
    for imdb_id, facts in list(facts_by_id.items())[::10]:
        dom = BeautifulSoup(pages[imdb_id], "lxml")
        (heading,) = dom.select('h1[data-testid="hero__pageTitle"]')
        (shown_title,) = heading.select('[data-testid="hero__primary-text"]')
        assert shown_title.text == facts["title"]
        ratings = dom.select('[data-testid="hero-rating-bar__aggregate-rating__score"]')
        assert [rating.text for rating in ratings] == [f"{facts['rating']:.1f}/10"] * 2
        actors = dom.select('[data-testid="title-cast-item"] [data-testid$="__actor"]')
        assert [actor.text for actor in actors] == [c["name"] for c in facts["cast"] or ()]
        for actor, credited in zip(actors, facts["cast"] or (), strict=True):
            known = credited["imdb_id"]
            assert actor.get("href") == (f"/name/{known}/" if known else None)


def test_unknown_crew_has_no_line_on_the_page(
    pages: dict[str, str], facts_by_id: dict[str, Json]
) -> None:
    for imdb_id, facts in facts_by_id.items():
        lines = pages[imdb_id].count('data-testid="title-pc-principal-credit"')
        assert lines == sum(facts[role] is not None for role in ("directors", "writers", "cast"))


def test_no_page_has_an_id_that_is_not_among_its_facts(
    pages: dict[str, str], facts_by_id: dict[str, Json]
) -> None:
    for imdb_id, facts in facts_by_id.items():
        credited = [p for r in ("directors", "writers", "cast") for p in facts[r] or ()]
        known = {person["imdb_id"] for person in credited} - {None}
        assert set(re.findall(r"nm\d+", pages[imdb_id])) == known
        titles = set(re.findall(r"tt\d+", pages[imdb_id]))
        # Connected and similar titles are made up, with ids that no title has.
        assert {i for i in titles if not re.fullmatch(r"tt91\d{8}", i)} == {imdb_id}


def test_the_chart_has_every_title_in_json_and_json_ld_but_25_rows_in_the_dom(
    chart_page: str, facts_by_id: dict[str, Json]
) -> None:
    document = next_data(chart_page)
    edges = document["props"]["pageProps"]["pageData"]["chartTitles"]["edges"]
    assert document["page"] == "/chart/top"
    assert [edge["currentRank"] for edge in edges] == list(range(1, 251))
    assert [edge["node"]["id"] for edge in edges] == list(facts_by_id)
    items = json_ld(chart_page)["itemListElement"]
    assert [item["item"]["url"].split("/")[-2] for item in items] == list(facts_by_id)
    dom = BeautifulSoup(chart_page, "lxml")
    rows = dom.select("li.ipc-metadata-list-summary-item")
    assert len(rows) == 25
    assert rows[0].select_one('[data-testid="title-list-item-ranking"]').text == "#1"
    assert rows[0].select_one("h3.ipc-title__text").text == "The Shawshank Redemption"
    (total,) = dom.select('[data-testid="chart-layout-total-items"]')
    assert total.text == "250 Titles"


@pytest.mark.parametrize(
    ("minutes", "text"), [(142, "2h 22m"), (180, "3h"), (45, "45m"), (60, "1h"), (1, "1m")]
)
def test_a_runtime_reads_as_on_imdb(minutes: int, text: str) -> None:
    assert runtime_text(minutes) == text


HOSTILE = '</script><script>alert(1)</script> <!-- filler --> & "resources":{ \' \u2028'


def test_no_text_can_break_out_of_a_script_or_of_the_markup() -> None:
    usual = load_facts().titles[0]
    hostile = replace(
        usual,
        title=HOSTILE,
        original_title=HOSTILE + "!",
        cast=(CreditFacts(name=HOSTILE, characters=(HOSTILE,)),),
    )
    renderer = PageRenderer(ChartFacts(load_facts().captured, (hostile,)), page_bytes=200_000)
    page = renderer.title(hostile).plain().decode()
    shown = facts_in_next_data(page)
    assert shown["title"] == HOSTILE
    assert shown["cast"] == [{"imdb_id": None, "name": HOSTILE, "characters": [HOSTILE]}]
    assert html.unescape(json_ld(page)["alternateName"]) == HOSTILE
    dom = BeautifulSoup(page, "lxml")
    assert len(dom.select("script")) == 2
    assert dom.select_one('[data-testid="hero__primary-text"]').text == HOSTILE
    assert json_ld(renderer.chart().plain().decode())["itemListElement"]


def test_synthetic_titles_repeat_the_facts_under_ids_that_imdb_does_not_use() -> None:
    real, many = load_facts().titles, synthetic_facts(600).titles
    assert many[:250] == real
    assert [title.rank for title in many] == list(range(1, 601))
    assert len({title.imdb_id for title in many}) == 600
    assert all(re.fullmatch(r"tt\d{10}", title.imdb_id) for title in many[250:])
    assert replace(many[599], rank=100, imdb_id=real[99].imdb_id) == real[99]
    assert synthetic_facts(10).titles == real[:10]


# --- the weight of the pages ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def heavy() -> PageRenderer:
    return PageRenderer(synthetic_facts(20), page_bytes=1_500_000)


def test_a_padded_page_weighs_compresses_and_says_what_a_real_one_does(
    heavy: PageRenderer, facts_by_id: dict[str, Json]
) -> None:
    for facts in load_facts().titles[:20]:
        body = heavy.title(facts)
        page = body.plain().decode()
        assert 1_500_000 <= body.size < 1_535_000
        assert 5.0 < body.size / len(body.gzipped()) < 7.0
        assert 0.40 < len(json.dumps(next_data(page), separators=(",", ":"))) / body.size < 0.60
        assert facts_in_next_data(page) == facts_by_id[facts.imdb_id]


def test_the_chart_page_is_padded_too(heavy: PageRenderer) -> None:
    body = heavy.chart()
    assert 1_500_000 <= body.size < 1_535_000
    edges = next_data(body.plain().decode())["props"]["pageProps"]["pageData"]["chartTitles"]
    assert len(edges["edges"]) == 20


def test_a_page_that_is_heavy_enough_gets_no_filler() -> None:
    chart = load_facts()
    light = PageRenderer(chart, page_bytes=1).title(chart.titles[0])
    assert light.plain() == PageRenderer(chart).title(chart.titles[0]).plain()


def test_pages_are_the_same_bytes_at_every_start() -> None:
    first, second = (PageRenderer(synthetic_facts(1), page_bytes=300_000) for _ in range(2))
    title = load_facts().titles[0]
    assert first.title(title).gzipped() == second.title(title).gzipped()


def test_a_body_of_pieces_is_one_gzip_stream() -> None:
    texts = [b"first " * 1000, b"", b"second " * 1000, os.urandom(5000)]
    body = body_of([piece(text) for text in texts])
    assert gzip.decompress(body.gzipped()) == body.plain() == b"".join(texts)
    assert body.size == len(body.plain())


# --- HTTP -----------------------------------------------------------------------------------------


@pytest.fixture
def connection(site: DemoSite) -> Iterator[http.client.HTTPConnection]:
    opened = http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=10)
    yield opened
    opened.close()


def fetch(
    connection: http.client.HTTPConnection, path: str, method: str = "GET", **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers=named)
    response = connection.getresponse()
    return response, response.read()


def connected_to(site: DemoSite) -> socket.socket:
    address = urlsplit(site.url)
    return socket.create_connection((address.hostname, address.port), timeout=10)


def ask_for_the_chart(client: socket.socket) -> None:
    client.sendall(b"GET /chart/top/ HTTP/1.1\r\nHost: demo\r\n\r\n")


def test_gzip_is_sent_to_those_who_take_it(connection: http.client.HTTPConnection) -> None:
    plain, text = fetch(connection, SHAWSHANK)
    packed, data = fetch(connection, SHAWSHANK, Accept_Encoding="br, gzip;q=0.8")
    assert plain.getheader("Content-Encoding") is None
    assert packed.getheader("Content-Encoding") == "gzip"
    assert gzip.decompress(data) == text
    assert int(packed.getheader("Content-Length", "")) == len(data) < len(text)
    assert plain.getheader("Content-Type") == "text/html; charset=utf-8"


@pytest.mark.parametrize("accepts", ["identity", "gzip;q=0", "br, gzip; q=0.0", ""])
def test_gzip_is_not_sent_to_those_who_do_not(
    connection: http.client.HTTPConnection, accepts: str
) -> None:
    response, _ = fetch(connection, SHAWSHANK, Accept_Encoding=accepts)
    assert response.getheader("Content-Encoding") is None


def test_a_connection_serves_many_requests(connection: http.client.HTTPConnection) -> None:
    fetch(connection, SHAWSHANK)
    first = connection.sock
    for path in ("/chart/top/", "/nothing/", "/robots.txt", SHAWSHANK):
        fetch(connection, path)
    assert first is not None
    assert connection.sock is first


def test_a_client_that_asks_for_it_gets_its_connection_closed(
    connection: http.client.HTTPConnection,
) -> None:
    response, _ = fetch(connection, SHAWSHANK, Connection="close")
    assert response.getheader("Connection") == "close"
    assert connection.sock is None


def test_head_gives_the_headers_of_get(connection: http.client.HTTPConnection) -> None:
    full, body = fetch(connection, SHAWSHANK)
    head, nothing = fetch(connection, SHAWSHANK, "HEAD")
    assert nothing == b""
    assert head.getheader("Content-Length") == full.getheader("Content-Length") == str(len(body))
    again, _ = fetch(connection, SHAWSHANK)
    assert again.status == 200


@pytest.mark.parametrize(
    "path", ["/title/tt9999999/", "/chart/bottom/", "/", "/title/tt0111161/reference", "/../etc"]
)
def test_what_the_site_does_not_have_is_a_404_page(
    connection: http.client.HTTPConnection, path: str
) -> None:
    response, body = fetch(connection, path)
    assert response.status == 404
    assert b"404 Error" in body
    assert b"__NEXT_DATA__" not in body


@pytest.mark.parametrize(
    ("path", "new"),
    [
        ("/title/tt9100000001/", "/title/tt0111161/"),
        ("/name/nm9100000001/", "/name/nm0000151/"),
    ],
)
def test_the_page_of_a_merged_id_leads_to_that_of_the_new_one(
    connection: http.client.HTTPConnection, path: str, new: str
) -> None:
    response, body = fetch(connection, path)
    assert (response.status, body) == (308, b"")
    assert response.getheader("Location") == new
    assert fetch(connection, new)[0].status == 200


def test_a_query_makes_no_other_page(connection: http.client.HTTPConnection) -> None:
    response, body = fetch(connection, SHAWSHANK + "?ref_=chttp_t_1")
    assert response.status == 200
    assert body == fetch(connection, SHAWSHANK)[1]


def test_robots_txt_allows_what_the_site_has(site: DemoSite) -> None:
    robots = urllib.robotparser.RobotFileParser()
    robots.parse(requests.get(f"{site.url}/robots.txt", timeout=10).text.splitlines())
    assert robots.can_fetch("anyone", f"{site.url}/chart/top/")
    assert robots.can_fetch("anyone", f"{site.url}{SHAWSHANK}")
    assert robots.can_fetch("anyone", f"{site.url}/name/nm0000209/")
    assert robots.can_fetch("anyone", f"{site.url}/find/?q=heat")
    assert robots.can_fetch("anyone", f"{site.url}/suggestion/titles/x/heat.json")
    assert robots.can_fetch("anyone", f"{site.url}/search/title/?genres=horror")
    assert robots.can_fetch("anyone", f"{site.url}/list/ls000000001/")
    assert not robots.can_fetch("anyone", f"{site.url}/trailers/")


def test_the_site_remembers_its_requests() -> None:
    with DemoSite(synthetic_facts(1)) as site:
        before = time.monotonic()
        for _ in range(2):
            requests.get(site.url + SHAWSHANK, headers={"User-Agent": "me"}, timeout=10)
        requests.head(f"{site.url}/chart/top/?page=2", timeout=10)
        after = time.monotonic()
        assert (site.count(SHAWSHANK), site.count("/chart/top/"), site.count("/no/")) == (2, 1, 0)
        assert [record.method for record in site.requests] == ["GET", "GET", "HEAD"]
        assert site.requests[0].headers["user-agent"] == "me"
        times = [record.received_at for record in site.requests]
        assert before <= times[0] <= times[1] <= times[2] <= after


def test_every_answer_waits_for_the_delay() -> None:
    with DemoSite(synthetic_facts(1), delay_seconds=0.2) as site:
        answer = requests.get(site.url + SHAWSHANK, timeout=10)
        answered_at = time.monotonic()
        assert answer.status_code == 200
        assert answered_at - site.requests[0].received_at >= 0.2


def test_fifty_clients_at_once_get_the_pages_that_they_ask_for(
    site: DemoSite, facts_by_id: dict[str, Json]
) -> None:
    ready = threading.Barrier(50)

    def ask(imdb_id: str) -> Json:
        ready.wait(10)
        return facts_in_next_data(requests.get(f"{site.url}/title/{imdb_id}/", timeout=10).text)

    ids = list(facts_by_id)[:50]
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(ask, ids))
    assert answers == [facts_by_id[imdb_id] for imdb_id in ids]


def test_requests_wait_side_by_side_and_not_in_a_row() -> None:
    with DemoSite(synthetic_facts(1), delay_seconds=600) as site, ExitStack() as clients:
        for _ in range(500):
            ask_for_the_chart(clients.enter_context(connected_to(site)))
        assert site.wait_for_requests(500, timeout_seconds=10)
        assert not site.wait_for_requests(501, timeout_seconds=0)


def test_a_page_is_rendered_once_for_all_who_ask_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[str] = []
    render = PageRenderer.title

    def counted(renderer: PageRenderer, facts: TitleFacts) -> Any:
        rendered.append(facts.imdb_id)
        return render(renderer, facts)

    monkeypatch.setattr(PageRenderer, "title", counted)
    with DemoSite(synthetic_facts(1)) as site, ThreadPoolExecutor(10) as pool:
        answers = list(
            pool.map(lambda _: requests.get(site.url + SHAWSHANK, timeout=10), range(20))
        )
    assert len({answer.content for answer in answers}) == 1
    assert rendered == ["tt0111161"]


def test_closing_ends_idle_and_waiting_connections_and_every_thread() -> None:
    before = threading.active_count()
    with DemoSite(synthetic_facts(1), delay_seconds=60) as site:
        idle, waiting = connected_to(site), connected_to(site)
        ask_for_the_chart(waiting)
        assert site.wait_for_requests(1, timeout_seconds=10)
    with idle, waiting:
        assert idle.recv(1) == b""
    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError):
        connected_to(site)


def test_a_site_that_was_never_started_can_be_closed() -> None:
    site = DemoSite(synthetic_facts(1))
    site.close()
    site.close()


def test_a_client_that_hangs_up_harms_no_other(
    site: DemoSite, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        with connected_to(site) as client:
            # With no time to linger, closing sends a reset instead of a farewell.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            ask_for_the_chart(client)
    assert requests.get(f"{site.url}/chart/top/", timeout=10).status_code == 200
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


# --- the command ----------------------------------------------------------------------------------


@contextmanager
def started(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command as a process, and the URL that it prints."""
    with subprocess.Popen(
        [sys.executable, "-m", "demo", *options], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


STOP_SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_the_command_prints_its_url_serves_and_stops_when_told(number: signal.Signals) -> None:
    options = ["--titles", "3", "--page-bytes", "100000", "--prerender"]
    with started(*options) as (process, url):
        assert len(requests.get(url + SHAWSHANK, timeout=10).content) >= 100_000
        process.send_signal(number)
        assert process.wait(10) == 0


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_the_command_stops_at_once_while_clients_wait_and_signals_pour_in(
    number: signal.Signals,
) -> None:
    with started("--titles", "1", "--delay", "3600") as (process, url):
        address = urlsplit(url)
        with socket.create_connection((address.hostname, address.port), timeout=10) as client:
            client.sendall(b"GET /chart/top/ HTTP/1.1\r\nHost: demo\r\n\r\n")
            for each in [number, *STOP_SIGNALS, number]:
                process.send_signal(each)
            assert process.wait(10) == 0


@pytest.mark.parametrize(
    "options", [["--titles", "0"], ["--delay", "-1"], ["--delay", "nan"], ["--port", "99999"]]
)
def test_the_command_refuses_numbers_that_make_no_sense(options: list[str]) -> None:
    command = [sys.executable, "-m", "demo", *options]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=10, check=False
    )
    assert done.returncode == 2
    assert options[0] in done.stderr


def test_the_command_says_that_a_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "demo", "--port", str(port)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert "Traceback" not in done.stderr


# --- with the scraper's own parsers ---------------------------------------------------------------


def received(page: str) -> Page:
    return Page(url="http://demo/", body=page.encode(), source="html", fetched_at=datetime.now(UTC))


def facts_of(title: Title) -> Json:
    """A parsed title in the shape of the facts file."""

    def credited(category: CreditCategory, *, with_characters: bool = False) -> list[Json] | None:
        return [
            {"imdb_id": credit.person_id, "name": credit.name}
            | ({"characters": list(credit.characters) or None} if with_characters else {})
            for credit in title.credits_of(category)
        ] or None

    released = title.release_date
    return {
        "imdb_id": title.imdb_id,
        "title": title.title,
        "original_title": title.original_title,
        "year": title.year,
        "rating": title.rating,
        "votes": title.votes,
        "runtime_minutes": title.runtime_minutes,
        "metascore": title.metascore,
        "certificate": title.certificate,
        "genres": list(title.genres),
        "release_date": released
        and {"year": released.year, "month": released.month, "day": released.day},
        "directors": credited(CreditCategory.DIRECTOR),
        "writers": credited(CreditCategory.WRITER),
        "cast": credited(CreditCategory.CAST, with_characters=True),
    }


def without(facts: Json, *names: str) -> Json:
    return {name: value for name, value in facts.items() if name not in names}


def test_every_page_parses_to_exactly_its_facts(
    pages: dict[str, str], facts_by_id: dict[str, Json]
) -> None:
    titles = [parse_title(received(page)) for page in pages.values()]
    assert {title.provenance.found_by for title in titles} == {"next_data"}
    assert [facts_of(title) for title in titles] == [
        without(facts, "rank") for facts in facts_by_id.values()
    ]


def test_a_padded_page_parses_to_the_same_title(heavy: PageRenderer) -> None:
    light = PageRenderer(load_facts())
    for facts in load_facts().titles[:5]:
        parsed = [
            facts_of(parse_title(received(renderer.title(facts).plain().decode())))
            for renderer in (heavy, light)
        ]
        assert parsed[0] == parsed[1]


def as_json_ld_and_dom_state_it(facts: Json) -> Json:
    """JSON-LD has whole dates only; the DOM shows the first of an actor's characters."""
    cast = [
        person | {"characters": person["characters"] and person["characters"][:1]}
        for person in facts["cast"] or ()
    ]
    released = facts["release_date"]
    return without(facts, "rank") | {
        "cast": cast or None,
        "release_date": released if released["day"] else None,
    }


def test_without_next_data_every_page_parses_to_what_the_rest_of_it_states(
    pages: dict[str, str], facts_by_id: dict[str, Json]
) -> None:
    titles = [parse_title(received(without_next_data(page))) for page in pages.values()]
    assert {title.provenance.found_by for title in titles} == {"json_ld"}
    assert [facts_of(title) for title in titles] == [
        as_json_ld_and_dom_state_it(facts) for facts in facts_by_id.values()
    ]


def test_the_chart_parses_to_all_ranks_with_and_without_next_data(
    chart_page: str, facts_by_id: dict[str, Json]
) -> None:
    for page in (chart_page, without_next_data(chart_page)):
        chart = parse_chart(received(page), ChartName.TOP)
        assert [(entry.rank, entry.title_id) for entry in chart.entries] == list(
            enumerate(facts_by_id, 1)
        )


def test_the_page_of_everybody_parses_to_exactly_their_facts() -> None:
    renderer = PageRenderer(load_facts())
    for facts in people_of(load_facts()).values():
        person = parse_person(received(renderer.person(facts).plain().decode()))
        assert (person.imdb_id, person.name) == (facts.imdb_id, facts.name)
        assert person.provenance.found_by == "next_data"
        assert person.professions == tuple(
            name for name, titles in (("Director", facts.directed), ("Writer", facts.written))
            if titles
        )  # fmt: skip
        assert (person.birth_date, person.death_date, person.biography) == (None, None, None)
        listed = {
            "director": [(title, ()) for title in facts.directed],
            "writer": [(title, ()) for title in facts.written],
            "cast": facts.cast,
        }
        assert person.total_credits == sum(map(len, listed.values()))
        for category, credits_ in listed.items():
            expected = [
                (title.imdb_id, title.title, title.year, title.rating, title.votes, characters)
                for title, characters in credits_[:15]
            ]
            found = [
                (c.title_id, c.title, c.year, c.rating, c.votes, c.characters)
                for c in person.by_category.get(category, ())
            ]
            assert found[:15] == expected
        best = max((title for titles in listed.values() for title, _ in titles), key=votes_of)
        assert person.known_for[0] == best.imdb_id


def votes_of(title: TitleFacts) -> int:
    return title.votes


def test_without_next_data_the_page_of_a_person_parses_to_the_name() -> None:
    facts = next(iter(people_of(load_facts()).values()))
    page = PageRenderer(load_facts()).person(facts).plain().decode()
    person = parse_person(received(without_next_data(page)))
    assert (person.imdb_id, person.name) == (facts.imdb_id, facts.name)
    assert person.provenance.found_by == "json_ld"
