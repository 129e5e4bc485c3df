"""Hypothesis strategies for titles and what belongs to them: anything that the domain allows."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st

from domain.details import Detail, DetailName, Field, Item, Kind, fields_of, item_of
from domain.identifiers import NameId, TitleId, name_id, title_id
from domain.partial_date import PartialDate
from domain.person_fact import PersonFact, PersonFactCategory
from domain.person_profile import FilmographyCredit, PersonProfile
from domain.provenance import Provenance
from domain.release_date import FIRST_YEAR, LAST_YEAR, ReleaseDate
from domain.title import Credit, CreditCategory, Title, TitleKind

_ANY_CHARACTER = st.characters(exclude_categories=("Cs",), exclude_characters="\0")
_TROUBLESOME = st.sampled_from(list("\",;\r\n\t\\'=\ufeff\u2028\x85 [{"))
_LARGEST_INTEGER = 2**31 - 1

texts = st.text(_TROUBLESOME | _ANY_CHARACTER, min_size=1, max_size=20)
"""Text of one or more characters, with what breaks CSV, JSON and SQL more often than not."""

short_text_lists = st.lists(texts, max_size=3).map(tuple)
title_ids = st.integers(1, 10**15 - 1).map(lambda number: TitleId(f"tt{number:07d}"))
name_ids = st.integers(1, 10**15 - 1).map(lambda number: NameId(f"nm{number:07d}"))
years = st.integers(FIRST_YEAR, LAST_YEAR)
ratings = st.integers(0, 100).map(lambda tenths: tenths / 10)
"""IMDb gives one decimal place."""

moments = st.datetimes(
    datetime(1990, 1, 1),  # noqa: DTZ001 - the strategy adds the zone itself
    datetime(2090, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]),
)


@st.composite
def release_dates(draw: st.DrawFn) -> ReleaseDate:
    """A year, a month or a day."""
    day = draw(st.dates(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC).date()))
    precision = draw(st.integers(1, 3))
    return ReleaseDate(
        year=day.year,
        month=day.month if precision > 1 else None,
        day=day.day if precision > 2 else None,
    )


@st.composite
def credit_lists(draw: st.DrawFn) -> tuple[Credit, ...]:
    """Credits in any order, no two with one category and billing position."""
    place = st.tuples(st.sampled_from(CreditCategory), st.integers(1, _LARGEST_INTEGER))
    places = draw(st.lists(place, unique=True, max_size=5))
    return tuple(
        Credit(
            category=category,
            position=position,
            name=draw(texts),
            person_id=draw(st.none() | name_ids),
            characters=draw(short_text_lists),
        )
        for category, position in places
    )


@st.composite
def provenances(draw: st.DrawFn, times: st.SearchStrategy = moments) -> Provenance:
    """Where and when a title was read."""
    return Provenance(
        source=draw(st.sampled_from(["html", "saved"])),
        found_by=draw(st.sampled_from(["next_data", "json_ld", "dom"])),
        fetched_at=draw(times),
    )


def _values(field: Field) -> st.SearchStrategy:
    """Anything that a field of an item may hold."""
    low, high = (field.range_.low, field.range_.high) if field.range_ else (None, None)
    by_kind: dict[Kind, Callable[[], st.SearchStrategy]] = {
        Kind.TEXT: lambda: _texts_for(field),
        Kind.WHOLE_NUMBER: lambda: st.integers(low, high),
        Kind.NUMBER: lambda: st.floats(low, high),
        Kind.FLAG: st.booleans,
        Kind.DATE: release_dates,
        Kind.TEXTS: lambda: short_text_lists,
    }
    values = by_kind[field.kind]()
    return st.none() | values if field.nullable else values


def _texts_for(field: Field) -> st.SearchStrategy:
    if field.made_of in {title_id, name_id}:
        return title_ids if field.made_of is title_id else name_ids
    return texts if field.made_of is str else st.sampled_from(list(field.made_of))


def items_of(name: DetailName) -> st.SearchStrategy[Item]:
    """Any item of a detail."""
    kind = item_of(name)
    return st.builds(kind, **{field.name: _values(field) for field in fields_of(kind)})


def details_of(name: DetailName, times: st.SearchStrategy = moments) -> st.SearchStrategy[Detail]:
    """Any detail of that name."""
    return st.builds(
        Detail,
        name=st.just(name),
        items=st.lists(items_of(name), max_size=3).map(tuple),
        is_whole=st.booleans(),
        provenance=provenances(times),
    )


def detail_lists(
    names: Sequence[DetailName] = tuple(DetailName), times: st.SearchStrategy = moments
) -> st.SearchStrategy[tuple[Detail, ...]]:
    """Some details, each name once, in the order of the names."""
    chosen = st.sets(st.sampled_from(list(names)), max_size=3)
    return chosen.flatmap(
        lambda some: st.tuples(*(details_of(name, times) for name in names if name in some))
    )


every_detail = st.tuples(*(details_of(name) for name in DetailName))
"""Details of all names."""

titles = st.builds(
    Title,
    imdb_id=title_ids,
    kind=st.sampled_from(TitleKind),
    title=texts,
    provenance=provenances(),
    original_title=st.none() | texts,
    year=st.none() | years,
    end_year=st.none() | years,
    runtime_minutes=st.none() | st.integers(1, _LARGEST_INTEGER),
    rating=st.none() | ratings,
    votes=st.none() | st.integers(0, _LARGEST_INTEGER),
    metascore=st.none() | st.integers(0, 100),
    certificate=st.none() | texts,
    genres=short_text_lists,
    release_date=st.none() | release_dates(),
    plot=st.none() | texts,
    credits=credit_lists(),
)
"""Any title without details."""

detailed_titles = st.builds(
    lambda title, details: replace(title, details=details), titles, detail_lists()
)
"""Any title, with details or not."""


@st.composite
def partial_dates(draw: st.DrawFn) -> PartialDate:
    """A year, a month or a day of any time, before our era too."""
    day, precision = draw(st.dates()), draw(st.integers(1, 3))
    return PartialDate(
        year=day.year * draw(st.sampled_from([1, -1])) if precision == 1 else day.year,
        month=day.month if precision > 1 else None,
        day=day.day if precision > 2 else None,
    )


@st.composite
def filmographies(draw: st.DrawFn) -> tuple[FilmographyCredit, ...]:
    """Credits in any order, no two of one title in one category."""
    places = draw(st.lists(st.tuples(texts, title_ids), unique=True, max_size=4))
    return tuple(
        FilmographyCredit(
            category=category,
            title_id=title_id,
            title=draw(texts),
            kind=draw(st.none() | st.sampled_from(TitleKind)),
            year=draw(st.none() | years),
            end_year=draw(st.none() | years),
            rating=draw(st.none() | ratings),
            votes=draw(st.none() | st.integers(0, _LARGEST_INTEGER)),
            characters=draw(short_text_lists),
            jobs=draw(short_text_lists),
            attributes=draw(short_text_lists),
            episodes=draw(st.none() | st.integers(1, _LARGEST_INTEGER)),
        )
        for category, title_id in places
    )


person_facts = st.builds(
    PersonFact,
    category=st.sampled_from(PersonFactCategory),
    text=texts,
    year=st.none() | st.integers(1, 9999),
    url=st.none() | texts,
    related_id=st.none() | name_ids | title_ids,
)

profiles = st.builds(
    PersonProfile,
    imdb_id=name_ids,
    name=texts,
    birth_date=st.none() | partial_dates(),
    birth_place=st.none() | texts,
    death_date=st.none() | partial_dates(),
    death_place=st.none() | texts,
    professions=short_text_lists,
    biography=st.none() | texts,
    known_for=st.lists(title_ids, max_size=3).map(tuple),
    total_credits=st.none() | st.integers(0, _LARGEST_INTEGER),
    filmography=filmographies(),
    facts=st.lists(person_facts, max_size=3).map(tuple),
    provenance=provenances(),
)
"""Any profile that the domain allows."""
