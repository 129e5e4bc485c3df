"""Real answers of IMDb's API, kept outside the project: each fact that they have.

They are answers to queries of others: what ours ask for besides is added as unknown. The folder is
``../shared`` beside the project, or where ``IMDB_SHARED`` points; without it these are skipped.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from application.ports import TitleOutcome
from domain.errors import PageChanged
from domain.release_date import ReleaseDate
from domain.title import Title, TitleKind
from infrastructure.http.response import PackedResponse
from infrastructure.scrapers.imdb_graphql.people import PersonPart, join_parts, read_people
from infrastructure.scrapers.imdb_graphql.replies import read_reply
from infrastructure.scrapers.imdb_graphql.titles import read_titles

PROJECT = Path(__file__).resolve().parents[2]
CAPTURES = Path(os.environ.get("IMDB_SHARED") or PROJECT.parent / "shared", "captures/graphql")
FETCHED_AT = datetime(2026, 1, 1, tzinfo=UTC)

QUOTE = "title_tt10919420_README_quote.json"
SEARCH = "mainSearch_The-Matrix_2026-04_imdbinfo.json"
OTHERS = (
    "TitleAkasPaginated_tt0076759_2024-10-03_mediahoarder.json",
    "TitleCompanyCreditsPagination_specialEffects_tt4154796_2023-02_mediahoarder.json",
)

pytestmark = pytest.mark.skipif(
    not CAPTURES.is_dir(), reason="no captured answers: set IMDB_SHARED to the folder that has them"
)


def answer_of(body: bytes) -> PackedResponse:
    return PackedResponse("capture", 200, {}, body, "", 1 << 24, FETCHED_AT)


def captured(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((CAPTURES / name).read_bytes())
    return document


def read(given: dict[str, Any]) -> TitleOutcome:
    """Read a captured title, with unknown votes and credits, in an answer to our query."""
    ratings = {"voteCount": None} | given.get("ratingsSummary", {})
    title = {"principals": None, "topCast": None} | given | {"ratingsSummary": ratings}
    body = json.dumps({"data": {"titles": [title]}}).encode()
    [outcome] = read_titles([given["id"]], read_reply(answer_of(body)))
    return outcome


@pytest.mark.parametrize("name", [QUOTE, SEARCH, *OTHERS])
def test_every_answer_is_known_as_one_of_the_api_with_its_disclaimer(name: str) -> None:
    reply = read_reply(answer_of((CAPTURES / name).read_bytes()))
    assert reply.errors == ()
    assert reply.disclaimer is not None
    assert reply.disclaimer.startswith("Public, commercial, and/or non-private use of the IMDb")
    assert reply.disclaimer.endswith("#")
    assert json.loads(bytes(reply.data)) == captured(name)["data"]


def test_the_quoted_title_says_what_it_says() -> None:
    quoted = captured(QUOTE)["data"]["title"]
    title = read(quoted | {"titleType": {"id": "tvSeries"}})
    assert isinstance(title, Title)
    assert (title.imdb_id, title.title, title.original_title, title.year, title.rating) == (
        "tt10919420", "Squid Game", "Ojing-eo geim", 2021, 8.0,
    )  # fmt: skip
    assert (title.votes, title.runtime_minutes, title.credits) == (None, None, ())


def test_a_title_that_does_not_say_what_it_is_is_not_guessed_at() -> None:
    outcome = read(captured(QUOTE)["data"]["title"])
    assert isinstance(outcome, PageChanged)
    assert "titleType" in str(outcome)


def test_the_titles_that_a_search_has_found_are_read_with_their_facts() -> None:
    edges = captured(SEARCH)["data"]["mainSearch"]["edges"]
    found = [edge["node"]["entity"] for edge in edges]
    titles = [read(entity) for entity in found if entity["__typename"] == "Title"]
    assert len(titles) == 18
    known = {title.imdb_id: title for title in titles if isinstance(title, Title)}
    assert len(known) == 18

    matrix = known["tt0133093"]
    assert (matrix.title, matrix.original_title, matrix.kind) == (
        "The Matrix", "The Matrix", TitleKind.MOVIE,
    )  # fmt: skip
    assert (matrix.year, matrix.rating, matrix.runtime_minutes) == (1999, 8.7, 136)
    assert matrix.release_date == ReleaseDate(year=1999, month=9, day=11)

    unreleased = known["tt31998838"]
    assert unreleased.title == "Matrix 5"
    assert (unreleased.year, unreleased.rating, unreleased.runtime_minutes) == (None, None, None)
    assert unreleased.release_date is None

    kinds = {title.kind for title in known.values()}
    assert kinds == {
        TitleKind.MOVIE, TitleKind.TV_SERIES, TitleKind.VIDEO, TitleKind.TV_MOVIE,
        TitleKind.TV_SHORT, TitleKind.VIDEO_GAME, TitleKind.TV_SPECIAL,
    }  # fmt: skip


def test_the_people_that_a_search_has_found_are_read_with_their_facts() -> None:
    """They come without dates and credits, which are added as unknown."""
    edges = captured(SEARCH)["data"]["mainSearch"]["edges"]
    found = [edge["node"]["entity"] for edge in edges]
    names = [{"creditsV2": None} | one for one in found if one["__typename"] == "Name"]
    body = json.dumps({"data": {"names": names}}).encode()
    parts = read_people([one["id"] for one in names], read_reply(answer_of(body)))
    people = [join_parts([part]) for part in parts if isinstance(part, PersonPart)]
    assert [(p.imdb_id, p.name, p.professions) for p in people[:2]] == [
        ("nm0091443", "Christian Boeving", ("Actor", "Stunts", "Writer")),
        ("nm13482073", "Matrix Quevedo", ("Production Department", "Additional Crew")),
    ]
    assert len(people) == len(names)
    assert people[0].known_for[:3] == ("tt0118688", "tt37028074", "tt0455348")
