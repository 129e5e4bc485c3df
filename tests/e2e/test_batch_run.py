import json
import signal
import socket
import threading
import time
from collections import Counter

import pytest
import requests

from demo.facts import ReleaseDateFacts, load_facts
from demo.site import DemoSite
from tests.databases import a_user, as_user, database_url, execute, rows_of
from tests.e2e.program import report, rows, run, start
from tests.servers import page, serving

FACTS = load_facts()
IDS = [title.imdb_id for title in FACTS.titles]
LIVE = {"requests_per_second": 0, "sources": "html"}


@pytest.fixture(scope="module")
def site():
    with DemoSite(FACTS) as demo_site:
        yield demo_site


def released(date: ReleaseDateFacts | None) -> str:
    """As precise as it is known: 1994, 1994-10 or 1994-10-14."""
    known = (date.year, date.month, date.day) if date else ()
    return "-".join(f"{part:02}" for part in known if part is not None)


def expected_credits() -> set[tuple]:
    """Title, category, position, person, name and characters of every credit in the facts."""
    return {
        (
            title.imdb_id,
            category,
            position,
            credit.imdb_id or "",
            credit.name,
            tuple(credit.characters),
        )
        for title in FACTS.titles
        for category, listed in (
            ("director", title.directors),
            ("writer", title.writers),
            ("cast", title.cast),
        )
        for position, credit in enumerate(listed, 1)
    }


@pytest.fixture(scope="module")
def whole_run(site, tmp_path_factory, postgres_server):
    """The folder and the database of a batch run into both repositories, and what it said."""
    name = "whole_run"
    execute(postgres_server, f"CREATE DATABASE {name}")
    url = database_url(postgres_server, name)
    folder = tmp_path_factory.mktemp("whole-run")
    result = run(folder, base_url=site.url, database_url=url, **LIVE)
    assert result.status == 0, result.err
    yield folder / "output", url, result
    execute(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


def test_the_batch_run_saves_every_title_with_every_fact(whole_run):
    output, url, _ = whole_run
    titles = {row["imdb_id"]: row for row in rows(output, "titles.csv")}
    assert len(titles) == len(FACTS.titles) == 250
    for fact in FACTS.titles:
        row = titles[fact.imdb_id]
        assert row["title"] == fact.title
        assert row["original_title"] == (fact.original_title or "")
        assert row["year"] == str(fact.year)
        assert float(row["rating"]) == fact.rating
        assert row["votes"] == str(fact.votes)
        assert row["metascore"] == ("" if fact.metascore is None else str(fact.metascore))
        assert row["runtime_minutes"] == str(fact.runtime_minutes)
        assert row["certificate"] == (fact.certificate or "")
        assert json.loads(row["genres"] or "[]") == list(fact.genres)
        assert row["release_date"] == released(fact.release_date)
    in_csv = {
        (r["imdb_id"], r["kind"], r["title"], int(r["year"]), float(r["rating"]), int(r["votes"]))
        for r in titles.values()
    }
    query = "SELECT imdb_id, kind, title, year, rating::float8, votes FROM titles"
    assert in_csv == set(rows_of(url, query))


def test_the_batch_run_saves_the_same_credits_and_people_in_both(whole_run):
    output, url, _ = whole_run
    credits_ = {
        (
            r["title_id"],
            r["category"],
            int(r["position"]),
            r["person_id"],
            r["name"],
            tuple(json.loads(r["characters"] or "[]")),
        )
        for r in rows(output, "credits.csv")
    }
    assert credits_ == expected_credits()
    in_postgres = rows_of(
        url,
        "SELECT title_id, category, position, coalesce(person_id, ''), name, characters"
        " FROM credits",
    )
    assert len(in_postgres) == len(credits_)
    assert credits_ == {(*place, tuple(characters)) for *place, characters in in_postgres}
    people = [(row["imdb_id"], row["name"]) for row in rows(output, "people.csv")]
    assert sorted(people) == sorted(rows_of(url, "SELECT imdb_id, name FROM people"))
    assert len(set(people)) == len(people)


def test_the_batch_run_keeps_the_chart_in_order(whole_run):
    output, url, _ = whole_run
    ranks = [(row["rank"], row["imdb_id"]) for row in rows(output, "chart.csv")]
    assert ranks == [(str(rank), t.imdb_id) for rank, t in enumerate(FACTS.titles, 1)]
    query = "SELECT rank::text, title_id FROM chart_entries ORDER BY chart_entries.rank"
    assert rows_of(url, query) == ranks


def test_the_batch_run_gives_an_account_that_adds_up(whole_run):
    output, _, result = whole_run
    account = report(output)
    assert (account["asked"], account["fetched"], account["outcome"]) == (250, 250, "complete")
    assert [r["saved"] for r in account["repositories"]] == [250, 250]
    assert account["failures"] == account["not_tried"] == []
    assert "every title is saved in every repository" in result.out


def test_a_second_run_doubles_nothing(site, tmp_path, postgres_url):
    settings = {"base_url": site.url, "database_url": postgres_url, "limit": 40} | LIVE
    for _ in range(2):
        assert run(tmp_path, **settings).status == 0
    output = tmp_path / "output"
    for name, key in (("titles.csv", "imdb_id"), ("people.csv", "imdb_id")):
        counted = Counter(row[key] for row in rows(output, name))
        assert set(counted.values()) == {1}
    assert len(rows(output, "titles.csv")) == 40
    assert len(rows(output, "chart.csv")) == 250
    places = Counter(
        (r["title_id"], r["category"], r["position"]) for r in rows(output, "credits.csv")
    )
    assert set(places.values()) == {1}
    [(titles, runs, entries)] = rows_of(
        postgres_url,
        "SELECT (SELECT count(*) FROM titles), (SELECT count(*) FROM runs),"
        " (SELECT count(*) FROM chart_entries)",
    )
    assert (titles, runs, entries) == (40, 2, 500)
    account = report(output)
    assert [r["unchanged"] for r in account["repositories"]] == [40, 40]


def test_without_a_database_url_the_embedded_one_keeps_its_data(site, tmp_path):
    settings = {"base_url": site.url, "limit": 10} | LIVE
    assert run(tmp_path, **settings).status == 0
    assert run(tmp_path, **settings).status == 0
    account = report(tmp_path / "output")
    postgres = account["repositories"][1]
    assert postgres["name"] == "postgres"
    assert (postgres["inserted"], postgres["unchanged"]) == (0, 10)
    assert postgres["holds"]["titles"] == 10


def test_csv_alone_needs_no_database(site, tmp_path):
    result = run(tmp_path, base_url=site.url, repositories="csv", limit=5, **LIVE)
    assert result.status == 0
    output = tmp_path / "output"
    assert len(rows(output, "titles.csv")) == 5
    assert not (output / "postgres").exists()


def test_postgres_alone_writes_no_file(site, tmp_path, postgres_url):
    settings = {"repositories": "postgres", "database_url": postgres_url, "limit": 5}
    result = run(tmp_path, base_url=site.url, **settings, **LIVE)
    assert result.status == 0
    assert rows_of(postgres_url, "SELECT count(*) FROM titles") == [(5,)]
    assert list(tmp_path.rglob("*")) == []


def test_titles_are_scraped_by_id_and_url_and_bad_ones_are_named(site, tmp_path):
    good = [FACTS.titles[0].imdb_id, f"https://www.imdb.com/title/{FACTS.titles[1].imdb_id}/"]
    result = run(
        tmp_path, "titles", *good, "tt12", "-", given="tt9999999 x\n", base_url=site.url,
        repositories="csv", **LIVE,
    )  # fmt: skip
    assert result.status == 1
    output = tmp_path / "output"
    assert {r["imdb_id"] for r in rows(output, "titles.csv")} == {
        title.imdb_id for title in FACTS.titles[:2]
    }
    account = report(output)
    assert [(f["imdb_id"], f["reason"]) for f in account["failures"]] == [
        ("tt9999999", "not_found")
    ]
    assert "'tt12'" in result.out
    assert "'x'" in result.out
    assert (account["outcome"], account["exit_status"]) == ("incomplete", 1)
    assert len(account["rejected"]) == 2


def test_only_bad_ids_are_a_usage_error(tmp_path):
    result = run(tmp_path, "titles", "nm0000151", "what")
    assert result.status == 2
    assert "nm0000151" in result.err
    assert list(tmp_path.iterdir()) == []


def test_wrong_settings_are_told_at_once_and_nothing_is_started(tmp_path):
    result = run(tmp_path, max_threads=0, limit="x", repositories="mysql", log_level="loud")
    assert result.status == 2
    for name in ("MAX_THREADS", "LIMIT", "REPOSITORIES", "LOG_LEVEL"):
        assert name in result.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [[], ["titles", "tt0111161", "tt0068646"]])
def test_an_unreachable_site_is_one_message_in_time(tmp_path, command):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    began = time.monotonic()
    result = run(tmp_path, *command, base_url=address, sources="html")
    assert result.status == 3
    assert time.monotonic() - began < 15
    assert address in result.out
    assert "connection refused" in result.out
    assert "python main.py demo" in result.out
    assert len(result.err.splitlines()) < 10


def test_a_blocked_site_is_one_message_and_nothing_is_made_up(tmp_path):
    blocked = {"/chart/top/": lambda h: h.reply(202, x_amzn_waf_action="challenge")}
    with serving(blocked) as server:
        result = run(tmp_path, base_url=server.url, repositories="csv", **LIVE)
        assert server.requests["/chart/top/"] == 1
    assert result.status == 3
    assert "blocked" in result.out
    assert "SOURCES=saved" in result.out
    assert rows(tmp_path / "output", "titles.csv") == []


def test_a_blocked_site_is_left_for_saved_pages(site, tmp_path):
    """The chart and two titles were saved from a browser; the site itself refuses us."""
    wanted = [title.imdb_id for title in FACTS.titles[:2]]
    folder = tmp_path / "pages"
    folder.mkdir()
    for number, path in enumerate(["/chart/top/", *(f"/title/{i}/" for i in wanted)]):
        (folder / f"{number}.html").write_bytes(requests.get(site.url + path, timeout=9).content)
    with serving({"/chart/top/": lambda h: h.reply(202)}) as server:
        result = run(
            tmp_path, base_url=server.url, sources="html,saved", saved_pages_dir=folder, limit=2,
            repositories="csv",
        )  # fmt: skip
    assert result.status == 0
    account = report(tmp_path / "output")
    assert account["fetched_from"] == {"saved": 2}
    assert "going on with saved" in account["notices"][0]


def test_with_every_page_a_challenge_a_second_source_gives_all_250(site, tmp_path):
    folder = tmp_path / "pages"
    folder.mkdir()
    with requests.Session() as session:
        for number, path in enumerate(["/chart/top/", *(f"/title/{i}/" for i in IDS)]):
            (folder / f"{number}.html").write_bytes(session.get(site.url + path, timeout=9).content)
    challenge = lambda h: h.reply(202, x_amzn_waf_action="challenge")  # noqa: E731
    with serving({"/chart/top/": challenge} | {f"/title/{i}/": challenge for i in IDS}) as server:
        result = run(
            tmp_path, base_url=server.url, sources="html,saved", saved_pages_dir=folder,
            repositories="csv",
        )  # fmt: skip
        assert sum(server.requests.values()) - server.requests["/robots.txt"] == 1
    assert result.status == 0
    account = report(tmp_path / "output")
    assert (account["asked"], account["fetched"]) == (250, 250)
    assert account["fetched_from"] == {"saved": 250}
    assert {row["imdb_id"] for row in rows(tmp_path / "output", "titles.csv")} == set(IDS)
    told = [line for line in result.out.splitlines() if "blocked" in line]
    assert len(told) == 1
    assert "source html is given up for now" in told[0]
    assert "AWS WAF challenge" in told[0]


def test_robots_txt_is_obeyed_and_what_to_do_is_said(site, tmp_path):
    answers = {
        "/robots.txt": page(b"User-agent: *\nDisallow: /"),
        "/chart/top/": page(requests.get(f"{site.url}/chart/top/", timeout=9).content),
    }
    with serving(answers) as server:
        obeyed = run(tmp_path, base_url=server.url, repositories="csv", limit=1, **LIVE)
        assert server.requests == {"/robots.txt": 1}
        ignored = run(
            tmp_path, base_url=server.url, repositories="csv", limit=1, robots="ignore", **LIVE
        )
        assert server.requests["/robots.txt"] == 1
        assert server.requests["/chart/top/"] == 1
    assert obeyed.status == 3
    assert "robots.txt asks imdb-title-collector not to read it" in obeyed.out
    assert "ROBOTS=ignore" in obeyed.out
    assert "by your own decision" in ignored.err


def test_pages_of_the_http_cache_are_not_asked_for_again(site, tmp_path):
    before = len(site.requests)
    given = {"base_url": site.url, "repositories": "csv", "limit": 20, "http_cache": "file"}
    first = run(tmp_path, **given, **LIVE)
    asked = len(site.requests) - before
    second = run(tmp_path, **given, **LIVE)
    assert (first.status, second.status) == (0, 0)
    assert asked == 22
    assert len(site.requests) - before == asked
    shown = run(tmp_path, "cache", http_cache="file")
    assert "21 of 42 pages asked for (50%)" in shown.out
    purged = run(tmp_path, "cache", "--purge", http_cache="file")
    assert "21 pages removed" in purged.out


def test_a_page_that_changed_is_named_and_the_others_are_saved(site, tmp_path):
    chart = requests.get(f"{site.url}/chart/top/", timeout=9).content
    first, second, third = (title.imdb_id for title in FACTS.titles[:3])
    answers = {
        "/chart/top/": page(chart),
        f"/title/{first}/": page(requests.get(f"{site.url}/title/{first}/", timeout=9).content),
        f"/title/{second}/": page(b"<html><body>Please accept our cookies</body></html>"),
    }
    with serving(answers) as server:
        result = run(tmp_path, base_url=server.url, repositories="csv", limit=3, **LIVE)
    assert result.status == 1
    account = report(tmp_path / "output")
    assert {f["imdb_id"]: f["reason"] for f in account["failures"]} == {
        second: "page_changed",
        third: "not_found",
    }
    assert [r["imdb_id"] for r in rows(tmp_path / "output", "titles.csv")] == [first]
    assert "python main.py retry    fetch again the 1 that failed" in result.out


def test_a_wrong_password_costs_that_repository_only(site, tmp_path, postgres_url):
    with a_user(postgres_url, "nightly", "scram-sha-256"):
        wrong = as_user(postgres_url, "nightly", "wr0ng")
        result = run(tmp_path, base_url=site.url, database_url=wrong, limit=30, **LIVE)
    assert result.status == 1
    assert len(rows(tmp_path / "output", "titles.csv")) == 30
    assert "check the user and the password in DATABASE_URL" in result.out
    everything = result.out + result.err + (tmp_path / "output" / "run-report.json").read_text()
    assert "wr0ng" not in everything
    postgres = report(tmp_path / "output")["repositories"][1]
    assert len(postgres["missing"]) == 30


def test_a_csv_file_of_another_program_is_never_overwritten(site, tmp_path, postgres_url):
    output = tmp_path / "output"
    output.mkdir()
    (output / "titles.csv").write_text("name;price\nbread;2\n")
    result = run(tmp_path, base_url=site.url, database_url=postgres_url, limit=30, **LIVE)
    assert result.status == 1
    assert (output / "titles.csv").read_text() == "name;price\nbread;2\n"
    assert "titles.csv" in result.out
    assert "OUTPUT_DIR" in result.out
    assert rows_of(postgres_url, "SELECT count(*) FROM titles") == [(30,)]


def test_an_output_folder_that_is_a_file_is_a_clear_error(site, tmp_path, postgres_url):
    (tmp_path / "output").write_text("not a folder")
    result = run(tmp_path, base_url=site.url, database_url=postgres_url, limit=30, **LIVE)
    assert result.status == 1
    assert rows_of(postgres_url, "SELECT count(*) FROM titles") == [(30,)]
    assert (tmp_path / "output").read_text() == "not a folder"


@pytest.mark.parametrize("per_second", [0, 40])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_saves_what_is_in_flight_and_says_how_to_go_on(
    tmp_path, number, per_second
):
    with DemoSite(FACTS, delay_seconds=0.2) as slow:
        settings = {"base_url": slow.url, "repositories": "csv", "max_threads": 5}
        settings |= LIVE | {"requests_per_second": per_second}
        with start(tmp_path, **settings) as process:
            assert slow.wait_for_requests(20, 60)
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "python main.py resume    fetch the" in out
    account = report(tmp_path / "output")
    assert account["outcome"] == "interrupted"
    assert account["asked"] == 250 == account["fetched"] + len(account["not_tried"])
    assert len(rows(tmp_path / "output", "titles.csv")) == account["fetched"] >= 15
    assert account["failures"] == []


def test_requests_that_fail_after_an_interruption_are_not_held_against_the_site(tmp_path):
    """The site stops answering, the user gives up: that is no site that blocks us."""
    silence, waiting, over = threading.Semaphore(30), threading.Semaphore(0), threading.Event()

    class Silent(DemoSite):
        def answer(self, record, question=None):
            if not silence.acquire(blocking=False):
                waiting.release()
                over.wait(60)
            return super().answer(record, question)

    with Silent(FACTS) as site:
        # On a busy machine it may take long until all wait: nobody gives up before that.
        settings = {"request_timeout_seconds": 1, "max_attempts": 20, "repositories": "csv"}
        with start(tmp_path, base_url=site.url, **(LIVE | settings)) as process:
            assert all(waiting.acquire(timeout=60) for _ in range(40))
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        over.set()
    assert process.returncode == 130, out + err
    account = report(tmp_path / "output")
    assert account["outcome"] == "interrupted"
    assert account["failures"] == account["notices"] == []


def test_a_run_that_is_interrupted_while_the_chart_is_read_ends_at_once(tmp_path):
    with DemoSite(FACTS, delay_seconds=1) as slow:
        settings = {"base_url": slow.url, "repositories": "csv"} | LIVE
        with start(tmp_path, **settings) as process:
            assert slow.wait_for_requests(1, 60)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
        assert "Interrupted" in out
        assert len(slow.requests) == 1


def test_a_reader_of_the_summary_that_goes_away_changes_nothing(site, tmp_path):
    with start(tmp_path, base_url=site.url, repositories="csv", limit=5, **LIVE) as process:
        process.stdout.close()
        err = process.stderr.read()
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert "Exception" not in err


def test_a_reader_that_goes_away_is_no_traceback(tmp_path):
    with start(tmp_path, "--help") as process:
        process.stdout.close()
        err = process.stderr.read()
    assert "Traceback" not in err
    assert "Exception" not in err
