"""Titles of which almost nothing is known, and ids of another sort, through a whole run."""

from pathlib import Path
from typing import Any

import pytest

from tests.databases import rows_of
from tests.e2e.program import report, rows, run
from tests.servers import page, serving
from tests.unit import graphql_answers
from tests.unit.imdb_pages import pages

UNKNOWN_FACTS = (
    "original_title", "year", "end_year", "runtime_minutes", "rating", "votes", "metascore",
    "certificate", "genres", "release_date", "plot",
)  # fmt: skip


def unreleased_page(**above: Any) -> bytes:
    """The page of a title of which there is an id, a type and a working title."""
    known = {"id": pages.TITLE_ID, "titleType": {"id": "movie"}, "titleText": {"text": "Untitled"}}
    props = pages.v2()
    props["aboveTheFoldData"] = dict.fromkeys(props["aboveTheFoldData"]) | known | above
    main = {"id": pages.TITLE_ID, "ratingsSummary": {"aggregateRating": None, "voteCount": 0}}
    props["mainColumnData"] = dict.fromkeys(props["mainColumnData"]) | main
    return pages.title_html(props).encode()


def unreleased_answer() -> graphql_answers.Json:
    whole = graphql_answers.title(pages.TITLE_ID)
    return dict.fromkeys(whole) | {
        "id": pages.TITLE_ID, "titleType": {"id": "movie"}, "titleText": {"text": "Untitled"},
        "ratingsSummary": {"aggregateRating": None, "voteCount": 0},
    }  # fmt: skip


@pytest.mark.parametrize("source", ["html", "graphql"])
def test_an_unreleased_title_is_saved_with_what_is_known(
    tmp_path: Path, postgres_url: str, source: str
) -> None:
    answers = {
        f"/title/{pages.TITLE_ID}/": page(unreleased_page()),
        "/": graphql_answers.answering(**{pages.TITLE_ID: unreleased_answer()}),
    }
    with serving(answers) as server:
        result = run(
            tmp_path, "titles", pages.TITLE_ID, sources=source, base_url=server.url,
            graphql_url=server.url + "/", database_url=postgres_url,
        )  # fmt: skip
    assert result.status == 0, result.err
    [row] = rows(tmp_path / "output", "titles.csv")
    assert (row["imdb_id"], row["kind"], row["title"]) == (pages.TITLE_ID, "movie", "Untitled")
    said = {name: row[name] for name in UNKNOWN_FACTS if row[name]}
    assert said in ({}, {"votes": "0"}), "nothing is made up"
    [stored] = rows_of(
        postgres_url,
        "SELECT title, year, rating, runtime_minutes, release_year, plot, genres FROM titles",
    )
    assert stored == ("Untitled", None, None, None, None, None, [])
    assert rows(tmp_path / "output", "credits.csv") == []


def test_an_adult_title_is_a_title_like_any_other(tmp_path: Path) -> None:
    """Who asks for it by its id gets it; searches leave such titles out."""
    answers = {f"/title/{pages.TITLE_ID}/": page(unreleased_page(isAdult=True))}
    with serving(answers) as server:
        result = run(tmp_path, "titles", pages.TITLE_ID, base_url=server.url, repositories="csv")
    assert result.status == 0, result.err
    assert [row["title"] for row in rows(tmp_path / "output", "titles.csv")] == ["Untitled"]


def test_ids_of_people_among_those_of_titles_are_told_and_harm_no_other(tmp_path: Path) -> None:
    answers = {f"/title/{pages.TITLE_ID}/": page(pages.title_html(pages.v2()).encode())}
    with serving(answers) as server:
        result = run(
            tmp_path, "titles", "nm0000151", pages.TITLE_ID, "https://www.imdb.com/name/nm0000138/",
            "tt12", base_url=server.url, repositories="csv",
        )  # fmt: skip
        assert not [path for path in server.requests if "nm" in path]
    assert result.status == 1
    account = report(tmp_path / "output")
    assert (account["asked"], account["fetched"]) == (1, 1)
    people = [text for text in account["rejected"] if "is a person, not a title" in text]
    assert len(people) == 2
    assert all("python main.py people takes it" in text for text in people)
    assert len(account["rejected"]) == 3
