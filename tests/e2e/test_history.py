"""``python main.py history`` and ``chart diff``, after runs on different days."""

import json
from dataclasses import replace
from datetime import date

import pytest

from demo.facts import ChartFacts, load_facts
from demo.site import DemoSite
from infrastructure.repositories.postgres import open_postgres_repository
from tests.builders import a_run, a_title
from tests.databases import rows_of
from tests.e2e.program import run

FACTS = load_facts()
FIRST, SECOND, THIRD, FOURTH, FIFTH = (title.imdb_id for title in FACTS.titles[:5])


def chart(*titles) -> ChartFacts:
    ranked = tuple(replace(title, rank=rank) for rank, title in enumerate(titles, 1))
    return ChartFacts(date(2026, 1, 2), ranked)


BEFORE = chart(*FACTS.titles[:4])
BETTER = replace(FACTS.titles[2], rating=9.4, votes=FACTS.titles[2].votes + 1_000)
AFTER = chart(BETTER, FACTS.titles[0], FACTS.titles[1], FACTS.titles[4])


def scrape(folder, facts: ChartFacts, url: str, **settings: object) -> None:
    with DemoSite(facts) as site:
        result = run(
            folder, base_url=site.url, database_url=url, repositories="postgres",
            requests_per_second=0, **settings,
        )  # fmt: skip
    assert result.status == 0, result.err


@pytest.fixture
def settings(tmp_path, postgres_url):
    scrape(tmp_path, BEFORE, postgres_url)
    scrape(tmp_path, AFTER, postgres_url)
    return {"database_url": postgres_url, "repositories": "postgres"}


def test_two_days_of_a_title(settings, tmp_path):
    shown = run(tmp_path, "history", f"https://www.imdb.com/title/{THIRD}/", **settings)
    assert (shown.status, shown.err) == (0, "")
    title = FACTS.titles[2]
    lines = [line.split() for line in shown.out.splitlines() if line.strip()]
    assert shown.out.startswith(f"{THIRD}  {title.title} ({title.year})\n")
    assert lines[2][2:] == [
        "9.4",
        f"{title.votes + 1000:,}",
        f"{9.4 - title.rating:+.1f},",
        "+1,000",
        "votes",
    ]
    assert lines[3][2:] == [f"{title.rating:.1f}", f"{title.votes:,}"]
    assert [line[2:] for line in lines[5:]] == [["top", "1"], ["top", "3"]]

    told = json.loads(run(tmp_path, "history", THIRD, "--json", **settings).out)
    assert [(seen["rating"], seen["votes"]) for seen in told["ratings"]] == [
        (title.rating, title.votes), (9.4, title.votes + 1000),
    ]  # fmt: skip
    assert [(seen["chart"], seen["rank"]) for seen in told["ranks"]] == [("top", 3), ("top", 1)]
    assert all(seen["observed_at"].endswith("Z") for seen in told["ratings"])

    short = run(tmp_path, "history", THIRD, "--limit", "1", **settings)
    assert short.out.count("and 1 earlier") == 2


def test_two_days_of_a_chart(settings, tmp_path, postgres_url):
    diff = run(tmp_path, "chart", "diff", **settings)
    assert diff.status == 0
    heading, counts, _, _, *rows = diff.out.splitlines()
    assert heading.startswith("top: ")
    assert counts == "1 rose, 2 fell, 1 entered, 1 left"
    assert [row.split()[:4] for row in rows] == [
        ["rose", "3", "1", THIRD], ["fell", "1", "2", FIRST], ["fell", "2", "3", SECOND],
        ["entered", "-", "4", FIFTH], ["left", "4", "-", FOURTH],
    ]  # fmt: skip

    [(first,), (second,)] = rows_of(postgres_url, "SELECT run_id FROM runs ORDER BY started_at")
    told = json.loads(
        run(tmp_path, "chart", "diff", "--runs", second, first, "--json", **settings).out
    )
    assert (told["before"]["run_id"], told["after"]["run_id"]) == (second, first)
    assert (told["chart"], told["depth"], told["before"]["titles"]) == ("top", 4, 4)
    assert told["rose"] == [
        {"imdb_id": FIRST, "title": FACTS.titles[0].title, "before": 2, "after": 1},
        {"imdb_id": SECOND, "title": FACTS.titles[1].title, "before": 3, "after": 2},
    ]
    assert [change["imdb_id"] for change in told["entered"]] == [FOURTH]

    assert run(tmp_path, "chart", "diff", "--since", "2000-01-01", **settings).status == 0
    unknown = run(tmp_path, "chart", "diff", "--runs", first, "nothing", **settings)
    assert unknown.status == 1
    assert "run nothing has kept no snapshot of the chart top" in unknown.err


def test_what_is_not_known_is_one_line(tmp_path, postgres_url):
    settings = {"database_url": postgres_url, "repositories": "postgres"}
    never = run(tmp_path, "history", FIRST, **settings)
    assert (never.status, never.out, never.err.count("\n")) == (1, "", 1)
    assert f"`python main.py titles {FIRST}` fetches it" in never.err
    none = run(tmp_path, "chart", "diff", "--chart", "toptv", **settings)
    assert (none.status, none.out, none.err.count("\n")) == (1, "", 1)
    assert none.err.startswith("no snapshot of the chart toptv is kept")


def test_a_title_without_any_figure(tmp_path, postgres_url):
    with open_postgres_repository(postgres_url) as repository:
        repository.save([a_title(1, rating=None, votes=None)], a_run())
    settings = {"database_url": postgres_url, "repositories": "postgres"}
    shown = run(tmp_path, "history", "tt0000001", **settings)
    assert (shown.status, shown.err) == (0, "")
    assert shown.out.splitlines() == [
        "tt0000001  Title 1 (1994)",
        "neither rated nor in a chart whenever it was fetched",
    ]


@pytest.mark.parametrize("command", [["history", FIRST], ["chart", "diff"]])
def test_where_no_database_is_nothing_is_made(tmp_path, command):
    csv_only = run(tmp_path, *command, repositories="csv")
    assert (csv_only.status, csv_only.out) == (1, "")
    assert "add postgres to REPOSITORIES" in csv_only.err
    nothing_yet = run(tmp_path, *command)
    assert nothing_yet.status == 1
    assert "there is no database in" in nothing_yet.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["history", "nm0000151"], "is a person, not a title"),
        (["history"], "Missing argument"),
        (["chart", "diff", "--since", "yesterday"], "must be a date such as 2026-01-31"),
        (["chart", "diff", "--since", "0001-01-01"], "--since 0001-01-01"),
        (["chart", "diff", "--since", "2026-01-31", "--runs", "a", "b"], "give one"),
        (["chart", "diff", "--chart", "best"], "CHART=best"),
        (["chart"], "diff"),
    ],
)
def test_bad_usage(tmp_path, arguments, problem):
    result = run(tmp_path, *arguments, repositories="csv")
    assert result.status == 2
    assert problem in result.err


def test_a_database_that_is_not_there(tmp_path):
    url = "postgresql://me:hunter2@127.0.0.1:9/films"
    result = run(tmp_path, "history", FIRST, database_url=url, repositories="postgres")
    assert (result.status, result.out, result.err.count("\n")) == (1, "", 1)
    assert "See DATABASE_URL" in result.err
    assert "hunter2" not in result.err
