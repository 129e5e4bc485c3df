"""The HTTP API on a real database, over real HTTP."""

import csv
import io
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest
from pydantic import BaseModel

from domain.run import RunOutcome, RunReport
from infrastructure.repositories.postgres import open_postgres_repository
from infrastructure.web import models
from shared.config import Settings
from shared.setting_values import ApiKey, ListenAddress
from tests.api import api_client
from tests.builders import (
    NOON,
    a_chart,
    a_profile,
    a_run,
    a_title,
    keywords,
    person_number,
    title_number,
)
from tests.databases import drop_database, execute, new_database

PROBLEM = "application/problem+json"
DAY = timedelta(days=1)
KEY = "a-key-of-many-characters"
API = "/api/v1"
UNLIMITED = Settings(api_requests_per_minute=0)


def fill(url: str) -> None:
    """Three titles, two charts on two days, a profile, and a failure."""
    runs = [a_run(f"run{number}", started_at=NOON + number * DAY) for number in range(2)]
    with open_postgres_repository(url) as repository:
        for number, run in enumerate(runs):
            ranks = [(1, 2), (2, 1)][number]
            chart = replace(a_chart(*ranks), captured_at=NOON + number * DAY)
            repository.begin_run(run, chart)
            later = number * 1440
            repository.save(
                [
                    a_title(1, minutes_later=later, rating=9.3 - number, votes=100 + number),
                    a_title(2, minutes_later=later, votes=50, details=(keywords("prison"),)),
                    a_title(3, minutes_later=later, title="<script>alert(1)</script>", votes=None),
                ],
                run,
            )
        repository.save_profiles([a_profile(2)], runs[1])
        repository.finish_run(
            RunReport(
                run=runs[0], finished_at=NOON, outcome=RunOutcome.COMPLETE, asked=3, fetched=3,
                fetched_from={"html": 3},
            )
        )  # fmt: skip


@pytest.fixture(scope="module")
def client(postgres_server: str) -> Iterator[httpx.Client]:
    """For tests that only read, and less often than a client may."""
    url = new_database(postgres_server)
    fill(url)
    with api_client(url, UNLIMITED) as client:
        yield client
    drop_database(postgres_server, url)


@pytest.fixture
def own(postgres_url: str) -> Iterator[httpx.Client]:
    """For tests that change what is held at ``postgres_url``."""
    fill(postgres_url)
    with api_client(postgres_url, UNLIMITED) as client:
        yield client


def found(client: httpx.Client, path: str, **parameters: Any) -> Any:
    answer = client.get(API + path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def problem_of(answer: httpx.Response) -> Mapping[str, Any]:
    assert answer.headers["content-type"] == PROBLEM
    problem: Mapping[str, Any] = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["title"]
    assert problem["detail"]
    return problem


class TestTitles:
    def test_are_listed_page_after_page(self, client: httpx.Client) -> None:
        first = found(client, "/titles", limit=2)
        assert [(t["imdb_id"], t["votes"]) for t in first["items"]] == [
            (title_number(1), 101),
            (title_number(2), 50),
        ]
        last = found(client, "/titles", limit=2, after=first["next"])
        assert [t["imdb_id"] for t in last["items"]] == [title_number(3)]
        assert last["next"] is None

    def test_are_found_by_words_and_filters(self, client: httpx.Client) -> None:
        def ids(**parameters: Any) -> list[str]:
            return [title["imdb_id"] for title in found(client, "/titles", **parameters)["items"]]

        assert ids(q="title 2") == [title_number(2)]
        assert ids(votes_min=60) == [title_number(1)]
        assert ids(rating_max=8.5) == [title_number(1)]
        assert len(ids(kind=["movie", "short"], genre=["Drama", "Crime"], person="nm0000002")) == 3
        assert ids(kind="short") == []
        assert ids(sort="title", limit=1) == [title_number(3)]
        assert ids(sort="title", order="desc", limit=1) == [title_number(2)]

    def test_one_with_all_that_is_known(self, client: httpx.Client) -> None:
        title = found(client, f"/titles/{title_number(2)}")
        assert title["release_date"] == "1994-10-14"
        assert title["origin"]["source"] == "html"
        assert title["fetched_at"] == "2026-01-02T12:00:00Z"
        assert [credit["category"] for credit in title["credits"]] == ["director", "cast", "cast"]
        assert title["credits"][1]["characters"] == ["Andy", "Self"]
        assert title["credits"][2]["person_id"] is None
        assert title["details"]["keywords"]["items"][0]["keyword"] == "prison"

    def test_its_credits_alone(self, client: httpx.Client) -> None:
        credits_ = found(client, f"/titles/{title_number(1)}/credits")
        assert credits_["credits"] == found(client, f"/titles/{title_number(1)}")["credits"]

    def test_its_history(self, client: httpx.Client) -> None:
        history = found(client, f"/titles/{title_number(1)}/history")
        assert [seen["rating"] for seen in history["ratings"]] == [9.3, 8.3]
        assert [(seen["run_id"], seen["rank"]) for seen in history["ranks"]] == [
            ("run0", 1),
            ("run1", 2),
        ]

    @pytest.mark.parametrize("what", ["", "/credits", "/history"])
    def test_one_that_is_not_held(self, client: httpx.Client, what: str) -> None:
        problem = problem_of(client.get(f"{API}/titles/tt9999999{what}"))
        assert problem["status"] == 404
        assert "tt9999999" in problem["detail"]


class TestPeople:
    def test_are_found(self, client: httpx.Client) -> None:
        page = found(client, "/people", q="person")
        assert [(p["imdb_id"], p["credits"]) for p in page["items"]] == [
            (person_number(1).imdb_id, 3),
            (person_number(2).imdb_id, 3),
        ]

    def test_one_with_a_filmography(self, client: httpx.Client) -> None:
        person = found(client, "/people/nm0000002", limit=2)
        assert person["profile"]["birth_date"] == "1620-12-10"
        assert len(person["filmography"]) == 2
        assert person["collaborators"] == [
            {"imdb_id": "nm0000001", "name": "Person 1", "titles": 3}
        ]
        rest = found(client, "/people/nm0000002", limit=2, after=person["next"])
        ids = {line["title"]["imdb_id"] for line in person["filmography"] + rest["filmography"]}
        assert ids == {title_number(number) for number in (1, 2, 3)}

    def test_one_who_is_not_held(self, client: httpx.Client) -> None:
        assert problem_of(client.get(f"{API}/people/nm9999999"))["reason"] == "person_not_found"


class TestCharts:
    def test_are_listed(self, client: httpx.Client) -> None:
        (chart,) = found(client, "/charts")["items"]
        assert (chart["chart"], chart["run_id"], chart["entries"]) == ("top", "run1", 2)

    @pytest.mark.parametrize(
        ("at", "run"), [({}, "run1"), ({"at": "2026-01-01"}, "run0"), ({"at": "20260102"}, "run1")]
    )
    def test_as_one_stood(self, client: httpx.Client, at: dict[str, str], run: str) -> None:
        chart = found(client, "/charts/top", **at)
        assert chart["run_id"] == run
        assert [entry["rank"] for entry in chart["entries"]] == [1, 2]
        assert {entry["title"]["title"] for entry in chart["entries"]} == {"Title 1", "Title 2"}

    def test_what_has_changed(self, client: httpx.Client) -> None:
        diff = found(client, "/charts/top/diff")
        assert diff["rose"] == [
            {"imdb_id": title_number(2), "title": "Title 2", "before": 2, "after": 1}
        ]
        assert found(client, "/charts/top/diff", before="run0", after="run1") == diff
        assert found(client, "/charts/top/diff", since="2026-01-01") == diff

    @pytest.mark.parametrize("path", ["/charts/bottom", "/charts/top?at=2025-01-01"])
    def test_one_that_is_not_kept(self, client: httpx.Client, path: str) -> None:
        assert problem_of(client.get(API + path))["reason"] == "no_history"


class TestRuns:
    def test_the_newest_first(self, client: httpx.Client) -> None:
        assert [run["run_id"] for run in found(client, "/runs")["items"]] == ["run1", "run0"]
        assert [run["run_id"] for run in found(client, "/runs", limit=1)["items"]] == ["run1"]

    def test_one(self, client: httpx.Client) -> None:
        run = found(client, "/runs/run0")
        assert (run["chart"], run["failures"]) == ("top", [])
        assert run["finished_at"] == "2026-01-01T12:00:00Z"

    def test_one_that_nobody_knows(self, client: httpx.Client) -> None:
        assert problem_of(client.get(f"{API}/runs/nobodys"))["reason"] == "unknown_run"


class TestExport:
    def test_as_a_table(self, client: httpx.Client) -> None:
        answer = client.get(f"{API}/export", params={"columns": "imdb_id,votes", "sort": "-votes"})
        assert list(csv.reader(io.StringIO(answer.text))) == [
            ["imdb_id", "votes"],
            [title_number(1), "101"],
            [title_number(2), "50"],
            [title_number(3), ""],
        ]
        assert answer.headers["content-type"].startswith("text/csv")
        assert 'filename="titles.csv"' in answer.headers["content-disposition"]

    def test_as_lines_of_json(self, client: httpx.Client) -> None:
        answer = client.get(f"{API}/export", params={"format": "jsonl", "where": "votes > 60"})
        (title,) = map(json.loads, answer.text.splitlines())
        assert title["imdb_id"] == title_number(1)

    @pytest.mark.parametrize(
        ("name", "text"), [("where", "votes >"), ("sort", "nothing"), ("columns", "nothing")]
    )
    def test_what_cannot_be_understood(self, client: httpx.Client, name: str, text: str) -> None:
        problem = problem_of(client.get(f"{API}/export", params={name: text}))
        assert problem["status"] == 422
        assert problem["errors"][0]["where"] == name

    def test_a_client_that_takes_little_at_a_time_is_cut_off(
        self, own: httpx.Client, postgres_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        long = [a_title(number, plot="word " * 2000, credits=()) for number in range(10, 2010)]
        with open_postgres_repository(postgres_url) as repository:
            repository.save(long, a_run("run1"))
        monkeypatch.setattr("infrastructure.web.exports._PATIENCE_SECONDS", 0.5)
        monkeypatch.setattr("infrastructure.web.exports._LEAST_BYTES_PER_SECOND", 10**9)
        pause = threading.Event()
        with (
            pytest.raises(httpx.RemoteProtocolError),
            own.stream("GET", f"{API}/export") as answer,
        ):
            for _ in answer.iter_raw():
                pause.wait(0.05)

    def test_a_client_that_goes_away_leaves_room_for_others(
        self, own: httpx.Client, postgres_url: str
    ) -> None:
        long = [a_title(number, plot="word " * 2000, credits=()) for number in range(10, 2010)]
        with open_postgres_repository(postgres_url) as repository:
            repository.save(long, a_run("run1"))
        cut_off = 0
        while cut_off < 4:  # twice as many as there is room for
            with own.stream("GET", f"{API}/export") as answer:
                if answer.status_code == 200:
                    next(answer.iter_bytes())
                    cut_off += 1
                else:
                    assert json.loads(answer.read())["reason"] == "exports_busy"
        parameters = {"where": "votes == 50"}
        while (answer := own.get(f"{API}/export", params=parameters)).status_code != 200:
            assert problem_of(answer)["reason"] == "exports_busy"
        assert len(answer.text.splitlines()) == 2


BAD = [
    "/titles?limit=0",
    "/titles?limit=201",
    "/titles?limit=" + "9" * 5000,
    "/titles?nothing=1",
    "/titles?rating_min=nan",
    "/titles?rating_min=11",
    "/titles?votes_min=-1",
    "/titles?year_min=2000&year_max=1990",
    "/titles?after=broken",
    "/titles?kind=cartoon",
    "/titles?person=tt0000001",
    "/titles?q=%F0%9F%98%80",
    "/titles/tt1",
    "/titles/tt0000001%0A",
    "/titles/tt%D9%A1%D9%A1%D9%A1%D9%A1%D9%A1%D9%A1%D9%A1",
    "/titles/tt0000001?verbose=1",
    "/titles/tt0000001/credits?after=x",
    "/titles/nm0000001",
    "/people?sort=age",
    "/people/tt0000001",
    "/charts/nothing",
    "/charts/top?at=yesterday",
    "/charts/top?at=9999-12-31T23:59:59-23:59",
    "/charts/top/diff?before=run0",
    "/charts/top/diff?before=run0&after=run1&since=2026-01-01",
    "/runs?limit=1e9",
    "/runs/..%2F..%2Fetc",
    "/titles?q=%FF%FE",
    "/titles?q=a%00b",
    "/titles/%00",
    "/export?format=xlsx",
    "/export?where=" + "(" * 1900,
    "/titles?" + "genre=Drama&" * 150,
    "/titles?q=" + "a" * 9000,
]


@pytest.mark.parametrize("path", BAD, ids=[path[:50] for path in BAD])
def test_what_cannot_be_is_a_clear_problem(client: httpx.Client, path: str) -> None:
    answer = client.get(API + path)
    assert 400 <= answer.status_code < 500
    problem_of(answer)


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [("GET", "/nowhere", 404, "not_found"), ("POST", "/healthz", 405, "method_not_allowed")],
)
def test_an_address_that_is_not_there(
    client: httpx.Client, method: str, path: str, status: int, reason: str
) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    assert problem_of(answer)["reason"] == reason


def test_a_database_that_has_gone(own: httpx.Client, postgres_url: str) -> None:
    execute(postgres_url, "ALTER TABLE runs RENAME TO gone", "ALTER TABLE titles RENAME TO lost")
    for path in ("/readyz", f"{API}/runs", f"{API}/titles/{title_number(1)}", f"{API}/export"):
        answer = own.get(path)
        assert answer.status_code == 503, path
        assert answer.headers["retry-after"]
        problem = problem_of(answer)
        assert postgres_url not in answer.text
        assert "relation" not in problem["detail"]
    assert own.get("/healthz").json() == {"status": "ok"}


class TestKeeping:
    def test_an_answer_that_has_not_changed_is_not_sent_again(self, client: httpx.Client) -> None:
        path = f"{API}/titles/{title_number(1)}"
        first = client.get(path)
        tag = first.headers["etag"]
        assert not tag.startswith("W/")
        assert first.headers["cache-control"] == "public, no-cache"
        for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
            again = client.get(path, headers={"If-None-Match": known})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == tag
        assert client.get(path, headers={"If-None-Match": '"other"'}).content == first.content

    def test_what_a_run_has_saved_is_seen_at_once(
        self, own: httpx.Client, postgres_url: str
    ) -> None:
        path = f"{API}/titles/{title_number(1)}"
        tag = own.get(path).headers["etag"]
        with open_postgres_repository(postgres_url) as repository:
            repository.save([a_title(1, minutes_later=9999, title="Renamed")], a_run("run1"))
        answer = own.get(path, headers={"If-None-Match": tag})
        assert (answer.status_code, answer.json()["title"]) == (200, "Renamed")


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/titles", models.TitlePage),
        ("/titles?limit=1", models.TitlePage),
        ("/titles/tt0000002", models.TitleOut),
        ("/titles/tt0000003", models.TitleOut),
        ("/titles/tt0000001/credits", models.CreditList),
        ("/people", models.PersonPage),
        ("/people/nm0000001", models.PersonOut),
        ("/people/nm0000002", models.PersonOut),
    ],
)
def test_answers_are_as_their_models_write_them(
    client: httpx.Client, path: str, model: type[BaseModel]
) -> None:
    answer = client.get(f"{API}{path}")
    assert answer.status_code == 200, answer.text
    written = model.model_validate_json(answer.content).model_dump_json()
    assert json.loads(written) == answer.json()


def test_every_answer_has_safe_headers(client: httpx.Client) -> None:
    for path in ("/healthz", "/nowhere", f"{API}/titles", f"{API}/export", f"{API}/titles?q=%00"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in headers
        assert headers["cache-control"]


def test_a_page_from_elsewhere_cannot_read_through_its_own_name(client: httpx.Client) -> None:
    answer = client.get(f"{API}/titles", headers={"Host": "evil.example"})
    assert answer.status_code == 421
    problem_of(answer)
    assert client.get("/healthz", headers={"Host": "localhost:8000"}).status_code == 200


class TestBodies:
    def test_one_that_is_too_large(self, client: httpx.Client) -> None:
        answer = client.post(f"{API}/runs", content=b"x" * 10_000_000)
        assert answer.status_code == 413
        problem_of(answer)

    def test_one_that_does_not_say_how_large_it_is(self, client: httpx.Client) -> None:
        parts = urlsplit(str(client.base_url))
        with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
            connection.sendall(
                f"POST {API}/titles HTTP/1.1\r\nHost: localhost\r\n"
                "Transfer-Encoding: chunked\r\n\r\n".encode()
            )
            chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
            for _ in range(5):
                connection.sendall(chunk)
            assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({f"X-{number}": "1" for number in range(150)}, 431),
        # A proxy may have taken the one for the end of the request, and we the other.
        ({"Content-Length": "5", "Transfer-Encoding": "chunked"}, 400),
    ],
)
def test_headers_that_are_absurd(
    client: httpx.Client, headers: dict[str, str], status: int
) -> None:
    answer = client.post(f"{API}/titles", headers=headers, content=b"0\r\n\r\n")
    assert answer.status_code == status
    problem_of(answer)


def test_a_client_that_asks_too_often(postgres_url: str) -> None:
    with api_client(postgres_url, Settings(api_requests_per_minute=12)) as client:
        statuses = [client.get(f"{API}/charts").status_code for _ in range(4)]
        assert statuses == [200, 200, 429, 429]
        answer = client.get(f"{API}/charts")
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        problem_of(answer)
        assert client.get("/healthz").status_code == 200


class TestAccess:
    @pytest.fixture
    def closed(self, postgres_url: str) -> Iterator[httpx.Client]:
        settings = Settings(api_host=ListenAddress("0.0.0.0"), api_keys=(ApiKey(KEY),))  # noqa: S104
        with api_client(postgres_url, settings) as client:
            yield client

    def test_reading_needs_a_key_where_others_can_come(self, closed: httpx.Client) -> None:
        answer = closed.get(f"{API}/charts")
        assert answer.status_code == 401
        assert "Bearer" in answer.headers["www-authenticate"]
        problem_of(answer)
        assert closed.get("/healthz").status_code == 200

    @pytest.mark.parametrize(
        "headers",
        [
            {"Authorization": f"Bearer {KEY}"},
            {"Authorization": f"bearer  {KEY}"},
            {"X-API-Key": KEY},
        ],
    )
    def test_with_a_key(self, closed: httpx.Client, headers: dict[str, str]) -> None:
        answer = closed.get(f"{API}/charts", headers=headers)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "private, no-cache"

    def test_with_a_key_in_a_browser(self, closed: httpx.Client) -> None:
        assert closed.get(f"{API}/charts", auth=("anybody", KEY)).status_code == 200

    @pytest.mark.parametrize(
        "headers",
        [
            {"Authorization": "Bearer wrong"},
            {"Authorization": "Basic !"},
            {"Authorization": f"Digest {KEY}"},
            {"X-API-Key": KEY[:-1]},
            {"X-API-Key": b"\xff\xfe"},
        ],
    )
    def test_with_a_wrong_one(self, closed: httpx.Client, headers: dict[str, Any]) -> None:
        assert closed.get(f"{API}/charts", headers=headers).status_code == 401

    def test_all_may_read_when_it_says_so(self, postgres_url: str) -> None:
        settings = Settings(api_host=ListenAddress("0.0.0.0"), api_open="true")  # noqa: S104
        with api_client(postgres_url, settings) as client:
            assert client.get(f"{API}/charts", headers={"Host": "any.example"}).status_code == 200

    def test_a_key_is_not_shown(self) -> None:
        settings = msgspec.structs.replace(Settings(), api_keys=(ApiKey(KEY),))
        assert KEY not in repr(settings)
