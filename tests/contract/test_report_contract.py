"""The figures of the report: from titles, and from the views in PostgreSQL, they are the same."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application import title_statistics
from application.title_statistics import PAIRS, TitleStatistics
from domain.run import StoreCounts
from domain.title import Credit, CreditCategory, Title, TitleKind
from infrastructure.repositories.postgres import open_postgres_repository
from infrastructure.repositories.postgres.figures import open_postgres_figures
from tests.builders import a_run, a_title, cast_of, person_number, title_number
from tests.databases import drop_database, execute, new_database, rows_of
from tests.strategies import ratings

_FEW = st.sampled_from([person_number(number) for number in range(1, 6)])


@st.composite
def _credits(draw: st.DrawFn) -> tuple[Credit, ...]:
    """Credits of few people, so that they meet again, some of them more than once in a title."""
    categories = draw(st.lists(st.sampled_from(CreditCategory), max_size=8))
    return tuple(
        Credit(category=category, position=place, name=person.name, person_id=person.imdb_id)
        for place, category in enumerate(categories, 1)
        if (person := draw(_FEW))
    )


@st.composite
def _titles(draw: st.DrawFn) -> list[Title]:
    count = draw(st.integers(1, 12))
    return [
        a_title(
            number,
            kind=draw(st.sampled_from([TitleKind.MOVIE, TitleKind.TV_SERIES])),
            year=draw(st.none() | st.integers(1988, 2003)),
            rating=draw(st.none() | ratings),
            votes=draw(st.none() | st.sampled_from([0, 999, 1_000, 5_000])),
            metascore=draw(st.none() | st.integers(0, 100)),
            runtime_minutes=draw(st.none() | st.integers(1, 300)),
            genres=tuple(
                draw(st.lists(st.sampled_from(["Drama", "Sci-Fi", "Science", "a"]), max_size=3))
            ),
            credits=draw(_credits()),
        )
        for number in range(1, count + 1)
    ]


@pytest.fixture(scope="module")
def database(postgres_server: str) -> Iterator[str]:
    url = new_database(postgres_server)
    yield url
    drop_database(postgres_server, url)


def of_view(url: str, view: str, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    rows = rows_of(url, f"SELECT {', '.join(columns)} FROM {view}")
    return _ordered([tuple(float(v) if isinstance(v, Decimal) else v for v in r) for r in rows])


def _ordered(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    # By what are not means: those differ in the digits that a view leaves out.
    return sorted(rows, key=lambda row: [str(value) for value in row if type(value) is not float])


def assert_same(ours: Sequence[Any], url: str, view: str, kind: type) -> None:
    columns = kind._fields  # type: ignore[attr-defined]
    theirs = of_view(url, view, columns)
    mine = _ordered([tuple(row) for row in ours])
    assert len(mine) == len(theirs), view
    for our_row, their_row in zip(mine, theirs, strict=True):
        for name, our, their in zip(columns, our_row, their_row, strict=True):
            if isinstance(our, float):
                assert our == pytest.approx(their, abs=0.0051), (view, name)
            else:
                assert our == their, (view, name)


@given(titles=_titles())
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_views_and_report_say_the_same(database: str, titles: list[Title]) -> None:
    rows = title_statistics
    with open_postgres_repository(database) as repository:
        execute(database, "TRUNCATE titles, people CASCADE")
        assert repository.save(titles, a_run()).inserted == len(titles)
        found = TitleStatistics()
        found.add(repository.titles())
    everyone = [p for c in CreditCategory for p in found.people_by_titles(c, 1_000)]
    pairs = [two for pair in PAIRS for two in found.collaborators(pair, 1_000)]
    assert_same(found.titles_by_decade(), database, "titles_by_decade", rows.TitlesOfDecade)
    assert_same(found.runtimes_by_decade(), database, "runtimes_by_decade", rows.RuntimesOfDecade)
    assert_same(found.ratings_by_year(), database, "ratings_by_year", rows.RatingsOfYear)
    assert_same(found.titles_by_genre(), database, "titles_by_genre", rows.TitlesOfGenre)
    assert_same(found.critics_and_users(), database, "critics_and_users", rows.CriticsAndUsers)
    assert_same(found.best_by_year(), database, "best_by_year", rows.BestOfYear)
    assert_same(everyone, database, "people_by_titles", rows.PersonsTitles)
    assert_same(pairs, database, "collaborators", rows.Collaboration)


@given(titles=_titles(), most=st.integers(1, 12))
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_the_figures_of_the_store_are_those_of_its_titles(
    database: str, titles: list[Title], most: int
) -> None:
    with open_postgres_repository(database) as repository:
        execute(database, "TRUNCATE titles, people CASCADE")
        repository.save(titles, a_run())
    best_known = sorted(
        (t for t in titles if None not in (t.votes, t.rating, t.metascore)),
        key=lambda title: (-(title.votes or 0), title.imdb_id),
    )
    mine, compared = TitleStatistics(), TitleStatistics()
    mine.add(titles)
    compared.add(best_known[:most])
    with (
        pytest.MonkeyPatch.context() as patch,
        open_postgres_figures(database) as reader,
    ):
        patch.setattr("infrastructure.repositories.postgres.figures.MOST_COMPARED", most)
        theirs = reader.figures()
    credits_ = [credit for title in titles for credit in title.credits]
    assert theirs.counts == StoreCounts(
        titles=len(titles),
        people=len({credit.person_id for credit in credits_}),
        credits=len(credits_),
    )
    for name, ours in (
        ("ratings_by_year", mine.ratings_by_year()),
        ("titles_by_decade", mine.titles_by_decade()),
        ("titles_by_genre", mine.titles_by_genre()),
        ("critics_and_users", compared.critics_and_users()),
    ):
        found = getattr(theirs, name)
        # In the same order; a mean has two digits in a view.
        assert [_rounded(row) for row in found] == [
            pytest.approx(_rounded(row), abs=0.0051) for row in ours
        ], name


def _rounded(row: Sequence[Any]) -> list[Any]:
    return [
        -1.0 if value is None else str(value) if isinstance(value, str) else value for value in row
    ]


def test_pairs_that_are_counted_in_parts_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    titles = [
        a_title(number, credits=cast_of(*(person_number(1 + (number * n) % 23) for n in (1, 2, 3))))
        for number in range(1, 60)
    ]
    found = TitleStatistics()
    found.add(titles)
    whole = found.collaborators(PAIRS[2], 10)
    monkeypatch.setattr(title_statistics, "_PAIRS_AT_ONCE", 7)
    assert found.collaborators(PAIRS[2], 10) == whole
    assert len(whole) == 10
    assert whole[0].titles > 2


def test_figures_of_a_few_titles() -> None:
    director = Credit(
        category=CreditCategory.DIRECTOR, position=1, name="D", person_id=person_number(1).imdb_id
    )
    star = Credit(
        category=CreditCategory.CAST, position=1, name="S", person_id=person_number(2).imdb_id
    )
    found = TitleStatistics()
    found.add(
        [
            a_title(1, year=1991, rating=8.0, votes=2_000, runtime_minutes=90, metascore=95,
                    genres=("Drama", "Drama"), credits=(director, star)),
            a_title(2, year=1999, rating=9.0, votes=999, runtime_minutes=120, metascore=None,
                    credits=(director, star)),
            a_title(3, year=None, rating=None, votes=None, runtime_minutes=None, genres=(),
                    metascore=None, credits=(star,)),
        ]
    )  # fmt: skip
    assert found.titles == 3
    assert found.titles_by_decade() == [(1990, TitleKind.MOVIE, 2, 8.5, 2_999)]
    assert found.runtimes_by_decade() == [(1990, TitleKind.MOVIE, 2, 90, 97.5, 105.0, 112.5, 120)]
    assert [row.genre for row in found.titles_by_genre()] == ["Drama", "Crime"]
    assert [row.titles for row in found.titles_by_genre()] == [2, 1]
    assert [row.title_id for row in found.best_by_year()] == [title_number(1)]
    (critics,) = found.critics_and_users()
    assert (critics.metascore, critics.critics_above_users) == (95, 15.0)
    (pair,) = found.collaborators(PAIRS[0], 10)
    assert (pair.first_name, pair.second_name, pair.titles) == ("D", "S", 2)
    assert (pair.mean_rating, pair.first_year, pair.last_year) == (8.5, 1991, 1999)
    assert [row.titles for row in found.people_by_titles(CreditCategory.CAST, 1)] == [3]
    assert found.collaborators(PAIRS[2], 10) == []
