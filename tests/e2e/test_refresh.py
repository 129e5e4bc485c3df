"""``python main.py refresh``: titles that are held are fetched again, the ones most worth it."""

import pytest

from demo.facts import load_facts
from demo.site import DemoSite
from tests.databases import execute, rows_of
from tests.e2e.program import run

IDS = [title.imdb_id for title in load_facts().titles[:5]]


@pytest.fixture
def settings(tmp_path, postgres_url):
    with DemoSite(load_facts()) as site:
        settings = {
            "base_url": site.url, "database_url": postgres_url, "repositories": "postgres",
            "sources": "html", "requests_per_second": 0,
        }  # fmt: skip
        assert run(tmp_path, "titles", *IDS, **settings).status == 0
        yield settings


def grow_older(url: str, *days: int) -> None:
    for imdb_id, age in zip(IDS, days, strict=True):
        execute(
            url,
            f"UPDATE titles SET fetched_at = now() - {age} * interval '1 day'"
            f" WHERE imdb_id = '{imdb_id}'",
        )


def test_the_oldest_are_fetched_again_and_the_others_left_alone(settings, tmp_path, postgres_url):
    grow_older(postgres_url, 3, 50, 0, 40, 9)
    shown = run(tmp_path, "refresh", "--budget", "2", "--show", **settings)
    assert (shown.status, shown.err) == (0, "")
    lines = shown.out.splitlines()
    assert lines[0].startswith("2 of 4 titles that are due are fetched, out of 5: 8")
    assert [line.split()[0] for line in lines[3:]] == [IDS[1], IDS[3]]
    assert not rows_of(postgres_url, "SELECT FROM runs WHERE command = 'refresh'")

    done = run(tmp_path, "refresh", "--budget", "2", **settings)
    assert done.status == 0, done.err
    [(asked, fetched, failed)] = rows_of(
        postgres_url, "SELECT asked, fetched, failed FROM runs WHERE command = 'refresh'"
    )
    assert (asked, fetched, failed) == (2, 2, 0)
    old = rows_of(
        postgres_url,
        "SELECT imdb_id FROM titles WHERE fetched_at < now() - interval '2 days' ORDER BY 1",
    )
    assert old == sorted([(IDS[4],), (IDS[0],)])


def test_when_nothing_is_due_that_is_said(settings, tmp_path):
    result = run(tmp_path, "refresh", "--budget", "9", **settings)
    assert (result.status, result.err) == (0, "")
    assert result.out == "All 5 titles were asked for lately: nothing is due.\n"
    due = run(tmp_path, "refresh", "--budget", "9", "--min-age", "0", "--show", **settings)
    assert due.out.startswith("5 of 5 titles")


def test_without_a_database_it_says_what_to_do(tmp_path):
    result = run(tmp_path, "refresh", "--budget", "9", repositories="csv")
    assert result.status == 1
    assert "add postgres to REPOSITORIES" in result.err
    never = run(tmp_path, "refresh", "--budget", "9")
    assert never.status == 1
    assert "run the program first" in never.err


@pytest.mark.parametrize("given", [["--budget", "0"], ["--budget", "x"], []])
def test_a_bad_budget_is_bad_usage(tmp_path, given):
    result = run(tmp_path, "refresh", *given)
    assert result.status == 2
    assert "--budget" in result.err
