"""The questions of the report, each with its answer in words, in a plot and in tables."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from application.title_statistics import FEWEST_VOTES, PAIRS, TitleStatistics
from domain.title import CreditCategory
from infrastructure.report_page import figures
from infrastructure.report_page.tables import (
    KINDS,
    Cell,
    Column,
    Table,
    decade,
    number,
    rounded,
    table,
    year,
    years,
)

_MOST_PEOPLE = 20
_MOST_DIFFERENT = 15
_TELLING = 5

_ROLES = {
    CreditCategory.DIRECTOR: "Directors",
    CreditCategory.WRITER: "Writers",
    CreditCategory.CREATOR: "Creators",
    CreditCategory.CAST: "Cast",
}

_PAIRS = {
    (CreditCategory.DIRECTOR, CreditCategory.CAST): "Directors with their cast",
    (CreditCategory.DIRECTOR, CreditCategory.WRITER): "Directors with writers",
    (CreditCategory.CAST, CreditCategory.CAST): "Two of the cast",
}


@dataclass(frozen=True, slots=True)
class Section:
    """A question. Without tables there is nothing to tell, and ``answer`` says why.

    ``figure`` is a figure of Plotly, or ``None``.
    """

    name: str
    heading: str
    answer: str
    figure: Any
    tables: tuple[Table, ...]


def sections_of(found: TitleStatistics) -> Iterator[Section]:
    """All questions, in the order of the page."""
    yield _decades(found)
    yield _genres(found)
    yield _runtimes(found)
    yield _ratings(found)
    yield _critics(found)
    yield _best(found)
    yield _collaborators(found)
    yield _people(found)


def _decades(found: TitleStatistics) -> Section:
    rows = found.titles_by_decade()
    heading = "Titles by decade"
    if not rows:
        return _nothing("decades", heading, "The year of no title is known.")
    totals: dict[int, int] = {}
    for row in rows:
        totals[row.decade] = totals.get(row.decade, 0) + row.titles
    most = max(totals, key=lambda first: totals[first])
    known = sum(totals.values())
    answer = f"Most are of the {decade(most)}: {totals[most]:,} of the {known:,} with a known year."
    columns = (
        Column("decade", lambda row: decade(row.decade)),
        Column("kind", lambda row: KINDS[row.kind]),
        Column("titles", lambda row: number(row.titles), is_number=True),
        Column("mean rating", lambda row: rounded(row.mean_rating, 2), is_number=True),
        Column("votes", lambda row: number(row.votes), is_number=True),
    )
    shown = table("Titles by decade and kind", columns, rows)
    return Section("decades", heading, answer, figures.titles_by_decade(rows), (shown,))


def _genres(found: TitleStatistics) -> Section:
    rows = found.titles_by_genre()
    heading = "Genres"
    if not rows:
        return _nothing("genres", heading, "The genre of no title is known.")
    answer = f"{rows[0].genre} is the most frequent of {len(rows)}; a title may have several."
    columns = (
        Column("genre", lambda row: row.genre),
        Column("titles", lambda row: number(row.titles), is_number=True),
        Column("mean rating", lambda row: rounded(row.mean_rating, 2), is_number=True),
    )
    figure = figures.titles_by_genre(rows[:_MOST_PEOPLE])
    return Section("genres", heading, answer, figure, (table("Titles by genre", columns, rows),))


def _runtimes(found: TitleStatistics) -> Section:
    rows = found.runtimes_by_decade()
    heading = "Runtime by decade"
    if not rows:
        return _nothing("runtimes", heading, "No title has both a known year and a known runtime.")
    most = max(found.kinds, key=lambda kind: found.kinds[kind])
    of_kind = [row for row in rows if row.kind == most] or rows
    first, last = of_kind[0], of_kind[-1]
    answer = (
        f"Half of the {KINDS[first.kind]} of the {decade(first.decade)} take {first.median:g} "
        f"minutes or less; of the {decade(last.decade)} it is {last.median:g}."
    )
    columns = (
        Column("decade", lambda row: decade(row.decade)),
        Column("kind", lambda row: KINDS[row.kind]),
        Column("titles", lambda row: number(row.titles), is_number=True),
        Column("shortest", lambda row: number(row.shortest), is_number=True),
        Column("lower quartile", lambda row: rounded(row.lower_quartile), is_number=True),
        Column("median", lambda row: rounded(row.median), is_number=True),
        Column("upper quartile", lambda row: rounded(row.upper_quartile), is_number=True),
        Column("longest", lambda row: number(row.longest), is_number=True),
    )
    shown = table("Runtimes in minutes by decade and kind", columns, rows)
    return Section("runtimes", heading, answer, figures.runtimes_by_decade(rows), (shown,))


def _ratings(found: TitleStatistics) -> Section:
    rows = found.ratings_by_year()
    heading = "Spread of ratings by year"
    if not rows:
        return _nothing("ratings", heading, "No title has both a known year and a rating.")
    # One title alone says little of a year.
    telling = [row for row in rows if row.titles >= _TELLING]
    best = max(telling or rows, key=lambda row: (row.median, row.titles))
    among = f", of the years with {_TELLING} titles or more" if telling else ""
    answer = f"The median is highest in {best.year}: {best.median:.2f}{among}."
    columns = (
        Column("year", lambda row: year(row.year)),
        Column("titles", lambda row: number(row.titles), is_number=True),
        Column("lowest", lambda row: rounded(row.lowest), is_number=True),
        Column("lower quartile", lambda row: rounded(row.lower_quartile, 2), is_number=True),
        Column("median", lambda row: rounded(row.median, 2), is_number=True),
        Column("upper quartile", lambda row: rounded(row.upper_quartile, 2), is_number=True),
        Column("highest", lambda row: rounded(row.highest), is_number=True),
        Column("mean", lambda row: rounded(row.mean, 2), is_number=True),
    )
    shown = table("Ratings by year", columns, rows)
    return Section("ratings", heading, answer, figures.ratings_by_year(rows), (shown,))


def _critics(found: TitleStatistics) -> Section:
    rows = found.critics_and_users()
    heading = "Critics against users"
    if not rows:
        return _nothing("critics", heading, "No title has both a rating and a metascore.")
    above = sum(row.critics_above_users > 0 for row in rows)
    answer = (
        f"Of {len(rows):,} titles with both, the critics like {above:,} better than the users do: "
        "their metascore is above ten times the rating."
    )
    columns = (
        _title_column(),
        Column("year", lambda row: year(row.year), is_number=True),
        Column("rating", lambda row: rounded(row.rating), is_number=True),
        Column("metascore", lambda row: number(row.metascore), is_number=True),
        Column(
            "critics above users", lambda row: f"{row.critics_above_users:+.0f}", is_number=True
        ),
    )
    most = [row for row in rows if row.critics_above_users > 0][:_MOST_DIFFERENT]
    least = [row for row in reversed(rows) if row.critics_above_users < 0][:_MOST_DIFFERENT]
    tables = (
        table("What critics like better than users", columns, most),
        table("What users like better than critics", columns, least),
    )
    shown = tuple(one for one in tables if one.rows)
    return Section("critics", heading, answer, figures.critics_and_users(rows), shown)


def _best(found: TitleStatistics) -> Section:
    rows = found.best_by_year()
    heading = "Best by year"
    if not rows:
        why = f"No title with a known year and a rating has {FEWEST_VOTES:,} votes."
        return _nothing("best", heading, why)
    best = max(rows, key=lambda row: (row.rating, row.votes))
    answer = (
        f"The highest rating of all has {best.title} ({best.year}): {best.rating:.1f}. Titles with "
        f"fewer than {FEWEST_VOTES:,} votes are left out."
    )
    columns = (
        Column("year", lambda row: year(row.year)),
        Column("kind", lambda row: KINDS[row.kind]),
        _title_column(),
        Column("rating", lambda row: rounded(row.rating), is_number=True),
        Column("votes", lambda row: number(row.votes), is_number=True),
    )
    shown = table("The best rated title of each year and kind", columns, rows[::-1])
    return Section("best", heading, answer, figures.best_by_year(rows), (shown,))


def _collaborators(found: TitleStatistics) -> Section:
    heading = "Who works together"
    by_pair = {pair: found.collaborators(pair, _MOST_PEOPLE) for pair in PAIRS}
    if not any(by_pair.values()):
        return _nothing(
            "together", heading, "No two people have made more than one title together."
        )
    directors = by_pair[PAIRS[0]]
    first = directors[0] if directors else next(rows[0] for rows in by_pair.values() if rows)
    answer = (
        f"{first.first_name} and {first.second_name} have made {first.titles} titles together, as "
        f"{first.first_category.value} and {first.second_category.value}."
    )
    tables = tuple(
        table(_PAIRS[one, other], _PAIR_COLUMNS, rows)
        for (one, other), rows in by_pair.items()
        if rows
    )
    figure = figures.collaborators(directors) if directors else None
    return Section("together", heading, answer, figure, tables)


def _people(found: TitleStatistics) -> Section:
    heading = "Who has most titles"
    by_category = {category: found.people_by_titles(category, _MOST_PEOPLE) for category in _ROLES}
    if not any(by_category.values()):
        return _nothing("people", heading, "No person of any title is known by an id.")
    columns = (
        Column("name", lambda row: Cell(row.name, row.person_id)),
        Column("titles", lambda row: number(row.titles), is_number=True),
        Column("mean rating", lambda row: rounded(row.mean_rating, 2), is_number=True),
        Column("years", lambda row: years(row.first_year, row.last_year), is_number=True),
    )
    most = "; ".join(
        f"{_ROLES[category].lower()}: {rows[0].name} ({rows[0].titles})"
        for category, rows in by_category.items()
        if rows
    )
    answer = f"{most[0].upper()}{most[1:]}."
    tables = tuple(
        table(_ROLES[category], columns, rows) for category, rows in by_category.items() if rows
    )
    return Section("people", heading, answer, None, tables)


_PAIR_COLUMNS: Sequence[Column] = (
    Column("", lambda row: Cell(row.first_name, row.first_id)),
    Column("and", lambda row: Cell(row.second_name, row.second_id)),
    Column("titles", lambda row: number(row.titles), is_number=True),
    Column("mean rating", lambda row: rounded(row.mean_rating, 2), is_number=True),
    Column("years", lambda row: years(row.first_year, row.last_year), is_number=True),
)


def _title_column() -> Column:
    return Column("title", lambda row: Cell(row.title, row.title_id))


def _nothing(name: str, heading: str, why: str) -> Section:
    return Section(name, heading, why, None, ())
