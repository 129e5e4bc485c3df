"""The commands `repair`, `retry` and `runs`, as a user meets them."""

import signal
import socket

import pytest

from demo.facts import MERGED_IDS, load_facts
from demo.facts import people_of as people_by_id
from demo.site import DemoSite
from infrastructure.repositories.csv import open_csv_repository
from infrastructure.repositories.postgres import open_postgres_repository
from tests.contract.factories import held
from tests.databases import execute, rows_of
from tests.e2e.program import report, rows, run, start, titles_asked

FACTS = load_facts()
IDS = [title.imdb_id for title in FACTS.titles]


@pytest.fixture(scope="module")
def site():
    with DemoSite(FACTS) as demo_site:
        yield demo_site


@pytest.fixture
def settings(site, postgres_url):
    return {"base_url": site.url, "database_url": postgres_url, "requests_per_second": 0}


def assert_level(folder, url) -> None:
    with open_csv_repository(folder / "output") as csv, open_postgres_repository(url) as postgres:
        assert held(csv) == held(postgres)


def test_repositories_out_of_step_are_brought_level_without_fetching(
    site, settings, tmp_path, postgres_url
):
    run(tmp_path, limit=40, **settings)
    execute(
        postgres_url,
        f"DELETE FROM titles WHERE imdb_id IN ('{IDS[0]}', '{IDS[1]}')",
        f"UPDATE titles SET votes = 1, fetched_at = '2020-01-01Z' WHERE imdb_id = '{IDS[2]}'",
        f"UPDATE titles SET votes = 2 WHERE imdb_id = '{IDS[3]}'",
        f"UPDATE titles SET votes = 3, fetched_at = now() WHERE imdb_id = '{IDS[4]}'",
    )
    requests = len(site.requests)

    checked = run(tmp_path, "repair", "--check", **settings)
    assert checked.status == 1
    assert f"missing in postgres: 2 ({', '.join(sorted(IDS[:2]))})" in checked.out
    assert f"older in postgres: 1 ({IDS[2]})" in checked.out
    assert f"older in csv: 1 ({IDS[4]})" in checked.out
    assert f"with other facts in postgres: 1 ({IDS[3]})" in checked.out
    assert "csv and postgres differ in 5 of 40 titles" in checked.out
    assert rows_of(postgres_url, "SELECT count(*) FROM titles") == [(38,)]

    repaired = run(tmp_path, "repair", **settings)
    assert repaired.status == 0, repaired.out + repaired.err
    assert "copied 4 titles to postgres" in repaired.out
    assert "copied 1 title to csv" in repaired.out
    again = run(tmp_path, "repair", "--check", **settings)
    assert (again.status, "hold the same 40 titles" in again.out) == (0, True)
    assert len(site.requests) == requests
    assert_level(tmp_path, postgres_url)
    in_csv = {row["imdb_id"]: row["votes"] for row in rows(tmp_path / "output", "titles.csv")}
    assert in_csv[IDS[4]] == "3"
    assert in_csv[IDS[3]] != "2"


@pytest.mark.parametrize("emptied", ["csv", "postgres"])
def test_a_repository_that_was_emptied_is_filled(settings, tmp_path, postgres_url, emptied):
    run(tmp_path, **settings)
    if emptied == "csv":
        for path in (tmp_path / "output").glob("*.csv"):
            path.unlink()
    else:
        execute(postgres_url, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    assert run(tmp_path, "repair", "--check", **settings).status == 1
    assert run(tmp_path, "repair", **settings).status == 0
    assert run(tmp_path, "repair", "--check", **settings).status == 0
    assert_level(tmp_path, postgres_url)
    with open_postgres_repository(postgres_url) as postgres:
        assert postgres.counts().titles == 250


def people_of(folder, url) -> tuple[dict, dict]:
    with open_csv_repository(folder / "output") as csv, open_postgres_repository(url) as postgres:
        return {p.imdb_id: p for p in csv.profiles()}, {p.imdb_id: p for p in postgres.profiles()}


def test_people_out_of_step_are_brought_level_without_fetching(settings, tmp_path, postgres_url):
    ids = sorted(people_by_id(FACTS))[:30]
    run(tmp_path, "people", *ids, **settings)
    whole, _ = people_of(tmp_path, postgres_url)
    execute(
        postgres_url,
        f"DELETE FROM person_profiles WHERE imdb_id IN ('{ids[0]}', '{ids[1]}')",
        f"UPDATE person_profiles SET name = 'Old', fetched_at = '2020-01-01Z' "
        f"WHERE imdb_id = '{ids[2]}'",
        f"DELETE FROM person_filmography WHERE person_id = '{ids[3]}'",
        f"UPDATE person_profiles SET name = 'New', fetched_at = now() WHERE imdb_id = '{ids[4]}'",
    )
    checked = run(tmp_path, "repair", "--check", **settings)
    assert checked.status == 1
    assert f"people missing in postgres: 2 ({ids[0]}, {ids[1]})" in checked.out
    assert f"people older in postgres: 1 ({ids[2]})" in checked.out
    assert f"people older in csv: 1 ({ids[4]})" in checked.out
    assert f"people of the same time, with other facts in postgres: 1 ({ids[3]})" in checked.out
    assert "csv and postgres differ in 0 of 0 titles and 5 of 30 people" in checked.out

    repaired = run(tmp_path, "repair", **settings)
    assert repaired.status == 0, repaired.out + repaired.err
    assert "copied 4 people to postgres" in repaired.out
    assert "copied 1 person to csv" in repaired.out
    in_csv, in_postgres = people_of(tmp_path, postgres_url)
    assert in_csv == in_postgres
    assert in_csv[ids[4]].name == "New"
    assert {i: p for i, p in in_csv.items() if i != ids[4]} == {
        i: p for i, p in whole.items() if i != ids[4]
    }
    again = run(tmp_path, "repair", "--check", **settings)
    assert again.status == 0
    assert "hold the same 0 titles and 30 people" in again.out


def test_merged_ids_that_one_does_not_know_are_told_and_noted(settings, tmp_path, postgres_url):
    run(tmp_path, "titles", "tt9100000001", **settings)
    execute(postgres_url, "DELETE FROM merged_ids")
    checked = run(tmp_path, "repair", "--check", **settings)
    assert checked.status == 1
    assert "merged ids that postgres does not know: 1 (tt9100000001)" in checked.out
    assert run(tmp_path, "repair", **settings).status == 0
    assert rows_of(postgres_url, "SELECT old_id, new_id FROM merged_ids") == [
        ("tt9100000001", MERGED_IDS["tt9100000001"])
    ]
    assert run(tmp_path, "repair", "--check", **settings).status == 0


def test_a_database_is_filled_from_files_that_were_there_before(site, tmp_path):
    run(tmp_path, base_url=site.url, repositories="csv", requests_per_second=0, limit=30)
    result = run(tmp_path, "repair")
    assert result.status == 0, result.err
    assert "copied 30 titles to postgres" in result.out


def test_repair_needs_two_repositories_that_can_be_read(settings, tmp_path):
    alone = run(tmp_path, "repair", repositories="csv")
    assert alone.status == 2
    assert "name two" in alone.err
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        away = f"postgresql://me:hunter2@127.0.0.1:{free.getsockname()[1]}/films"
    run(tmp_path, **settings | {"limit": 2})
    result = run(tmp_path, "repair", **settings | {"database_url": away})
    assert result.status == 1
    assert "postgres: cannot be read" in result.err
    assert "Connection refused" in result.err
    assert "hunter2" not in result.out + result.err


def test_what_failed_is_fetched_again_and_only_that(site, tmp_path, postgres_url, settings):
    run(tmp_path, "titles", *IDS[:3], "tt9999998", "tt9999999", **settings)
    nothing = run(tmp_path, "retry", **settings)
    assert nothing.status == 0
    assert "not found anywhere: --all asks again" in nothing.out
    before = titles_asked(site)
    again = run(tmp_path, "retry", "--all", **settings)
    assert again.status == 1
    assert titles_asked(site) - before == 2
    account = report(tmp_path / "output")
    assert (account["run"]["command"], account["asked"]) == ("retry", 2)
    # As if they had failed for another reason, and are to be had now.
    failed = account["run"]["run_id"]
    execute(
        postgres_url,
        "UPDATE failures SET reason = 'unavailable'",
        f"UPDATE failures SET imdb_id = '{IDS[9]}' WHERE imdb_id = 'tt9999999'",
    )
    only_postgres = settings | {"repositories": "postgres"}
    cured = run(tmp_path, "retry", "--run", failed, **only_postgres)
    assert cured.status == 1
    query = f"SELECT count(*) FROM titles WHERE imdb_id = '{IDS[9]}'"
    assert rows_of(postgres_url, query) == [(1,)]


def test_the_report_file_says_what_failed_when_no_repository_does(settings, tmp_path):
    run(tmp_path, "titles", IDS[0], "tt9999999", **settings)
    output = tmp_path / "output"
    given = (output / "run-report.json").read_text().replace('"not_found"', '"unavailable"')
    (output / "run-report.json").write_text(given.replace("tt9999999", IDS[5]))
    alone = settings | {"repositories": "csv"}
    for path in (output / ".runs").rglob("*"):
        if path.is_file():
            path.unlink()
    result = run(tmp_path, "retry", **alone)
    assert result.status == 0, result.out + result.err
    assert {row["imdb_id"] for row in rows(output, "titles.csv")} == {IDS[0], IDS[5]}


def test_the_history_of_runs_is_shown(settings, tmp_path, site):
    run(tmp_path, limit=3, **settings)
    run(tmp_path, "titles", IDS[0], "tt9999999", **settings | {"repositories": "csv"})
    shown = run(tmp_path, "runs", **settings)
    assert shown.status == 0
    header, titles, chart = shown.out.rstrip().splitlines()
    assert header.split() == [
        "when", "run", "what", "from", "asked", "saved", "failed", "seconds", "state",
    ]  # fmt: skip
    assert titles.split()[3:7] == ["titles", "html", "2", "1"]
    assert titles.split()[-1] == "incomplete"
    assert chart.split()[3:9] == ["chart", "top", "html", "3", "3", "0"]
    assert chart.split()[-1] == "complete"
    assert len(run(tmp_path, "runs", "--limit", "1", **settings).out.splitlines()) == 2


def test_the_history_is_shown_without_a_database_that_is_away(settings, tmp_path):
    run(tmp_path, limit=3, **settings)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        away = f"postgresql://me:hunter2@127.0.0.1:{free.getsockname()[1]}/films"
    shown = run(tmp_path, "runs", **settings | {"database_url": away})
    assert shown.status == 0
    assert "complete" in shown.out
    assert "! could not be asked: postgres" in shown.out
    assert "hunter2" not in shown.out + shown.err
    alone = run(tmp_path, "runs", repositories="postgres", database_url=away)
    assert alone.status == 1


def test_a_repair_that_is_interrupted_says_that_nothing_was_copied(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        url = f"postgresql://127.0.0.1:{silent.getsockname()[1]}/name"
        with start(tmp_path, "repair", database_url=url) as process:
            connection, _ = silent.accept()
            with connection:
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "nothing was copied" in out
