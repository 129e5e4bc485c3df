"""Profiles of people in PostgreSQL: rows, reading and saving.

A batch is one transaction. Every writer locks profiles in the order of their ids; one that another
writer has inserted since we looked is waited for, and replaced unless it is newer.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC

import msgspec
import psycopg2
from psycopg2.extensions import cursor
from psycopg2.extras import execute_values

from application.ports import BatchResult
from domain.errors import InvalidTitle
from domain.identifiers import NameId, TitleId
from domain.partial_date import PartialDate
from domain.person_fact import PersonFact, PersonFactCategory
from domain.person_profile import FilmographyCredit, PersonProfile
from domain.provenance import Provenance
from domain.run import Failure, Run
from domain.title import TitleKind
from infrastructure.repositories.postgres.errors import is_refusal, refusal_message
from infrastructure.repositories.postgres.rows import Row, array_literal
from infrastructure.repositories.postgres.saving import insert_run, total

_PROFILE_COLUMNS = (
    "imdb_id", "name", "birth_year", "birth_month", "birth_day", "birth_place", "death_year",
    "death_month", "death_day", "death_place", "professions", "biography", "known_for",
    "total_credits", "source", "found_by", "fetched_at", "run_id",
)  # fmt: skip

_CREDIT_COLUMNS = (
    "person_id", "position", "category", "title_id", "title", "kind", "year", "end_year", "rating",
    "votes", "characters", "jobs", "attributes", "episodes",
)  # fmt: skip

_PERSON_FACT_COLUMNS = (
    "person_id", "position", "category", "text", "year", "url", "related_id",
)  # fmt: skip

# As numeric, "9.3" is exactly that; float8 gives back the very float that was stored.
_CREDIT_FACTS = ", ".join(
    "rating::float8" if name == "rating" else name for name in _CREDIT_COLUMNS[2:]
)

_SELECT = f"""
    SELECT {", ".join(_PROFILE_COLUMNS[:-1])},
        (SELECT json_agg(json_build_array({_CREDIT_FACTS}) ORDER BY position)::text
         FROM person_filmography WHERE person_id = imdb_id),
        (SELECT json_agg(json_build_array({", ".join(_PERSON_FACT_COLUMNS[2:])})
            ORDER BY position)::text
         FROM person_facts WHERE person_id = imdb_id)
    FROM person_profiles
"""  # noqa: S608 - built from constants

SELECT_PROFILES = f"{_SELECT} ORDER BY imdb_id"
"""Reads what `profile_from` takes."""

SELECT_NAMED_PROFILES = f"{_SELECT} WHERE imdb_id = ANY (%s::text[]) ORDER BY imdb_id"
"""The same for some ids, given as `array_literal`."""

COUNT_PROFILES = (
    "SELECT (SELECT count(*) FROM person_profiles), (SELECT count(*) FROM person_filmography)"
)

_LOCK = """
    SELECT imdb_id FROM person_profiles WHERE imdb_id = ANY (%s::text[])
    ORDER BY imdb_id FOR NO KEY UPDATE
"""

_SAVE = f"""
    INSERT INTO person_profiles AS held ({", ".join(_PROFILE_COLUMNS)}) VALUES %s
    ON CONFLICT (imdb_id) DO UPDATE
    SET {", ".join(f"{name} = excluded.{name}" for name in _PROFILE_COLUMNS if name != "imdb_id")}
    WHERE held.fetched_at <= excluded.fetched_at
    RETURNING imdb_id
"""  # noqa: S608 - built from constants

_INSERT_CREDITS = f"INSERT INTO person_filmography ({', '.join(_CREDIT_COLUMNS)}) VALUES %s"  # noqa: S608
_INSERT_FACTS = f"INSERT INTO person_facts ({', '.join(_PERSON_FACT_COLUMNS)}) VALUES %s"  # noqa: S608

_ROWS_PER_STATEMENT = 1000

_CreditFacts = tuple[
    str, str, str, TitleKind | None, int | None, int | None, float | None, int | None,
    tuple[str, ...], tuple[str, ...], tuple[str, ...], int | None,
]  # fmt: skip
_credits_decoder = msgspec.json.Decoder(list[_CreditFacts])
_facts_decoder = msgspec.json.Decoder(
    list[tuple[PersonFactCategory, str, int | None, str | None, str | None]]
)


def save_profiles(statements: cursor, batch: Sequence[PersonProfile], run: Run) -> BatchResult:
    """Save profiles; one that PostgreSQL refuses leaves no trace and harms no other.

    All at once if possible, else in ever smaller parts. Raises psycopg2's errors when the trouble
    is not one profile's.
    """
    insert_run(statements, run)
    return total(
        _save_all_that_can_be(statements, [profile for _, profile in sorted(part.items())], run)
        for part in _rounds_of(batch)
    )


def _rounds_of(batch: Iterable[PersonProfile]) -> list[dict[NameId, PersonProfile]]:
    """Cut a batch, in its order, so that no round has a person twice."""
    rounds: list[dict[NameId, PersonProfile]] = []
    for profile in batch:
        if not rounds or profile.imdb_id in rounds[-1]:
            rounds.append({})
        rounds[-1][profile.imdb_id] = profile
    return rounds


def profile_from(row: Row) -> PersonProfile:
    """A profile from a row of `SELECT_PROFILES`. Raises `InvalidTitle` when it breaks a rule."""
    try:
        return _profile_from(row)
    except InvalidTitle as error:
        imdb_id = error.imdb_id or row[0]
        raise InvalidTitle(error.field, error.value, error.rule, imdb_id=imdb_id) from error


def _profile_from(row: Row) -> PersonProfile:
    (imdb_id, name, birth_year, birth_month, birth_day, birth_place, death_year, death_month,
     death_day, death_place, professions, biography, known_for, total_credits, source, found_by,
     fetched_at, credits_json, facts_json) = row  # fmt: skip
    return PersonProfile(
        imdb_id=NameId(imdb_id),
        name=name,
        birth_date=_date(birth_year, birth_month, birth_day),
        birth_place=birth_place,
        death_date=_date(death_year, death_month, death_day),
        death_place=death_place,
        professions=tuple(professions),
        biography=biography,
        known_for=tuple(known_for),
        total_credits=total_credits,
        filmography=_filmography_from(credits_json),
        facts=_facts_from(facts_json),
        provenance=Provenance(
            source=source, found_by=found_by, fetched_at=fetched_at.astimezone(UTC)
        ),
    )


def _save_all_that_can_be(
    statements: cursor, profiles: Sequence[PersonProfile], run: Run
) -> BatchResult:
    statements.execute("SAVEPOINT before_profiles")
    try:
        result = _save_what_is_newer(statements, profiles, run)
    except (psycopg2.Error, ValueError) as error:
        if not is_refusal(error):
            raise
        statements.execute("ROLLBACK TO SAVEPOINT before_profiles")
        message = refusal_message(error)
    else:
        statements.execute("RELEASE SAVEPOINT before_profiles")
        return result
    if len(profiles) == 1:
        refused = profiles[0].imdb_id
        message = f"{refused}: PostgreSQL refused it: {message}"
        failure = Failure(imdb_id=refused, reason=InvalidTitle.reason, message=message)
        return BatchResult(refused=(failure,))
    middle = len(profiles) // 2
    return total(
        _save_all_that_can_be(statements, part, run)
        for part in (profiles[:middle], profiles[middle:])
    )


def _save_what_is_newer(
    statements: cursor, profiles: Sequence[PersonProfile], run: Run
) -> BatchResult:
    held = _held(statements, [profile.imdb_id for profile in profiles])
    rows = [_profile_row(profile, run.run_id) for profile in profiles]
    saved = {
        imdb_id
        for (imdb_id,) in execute_values(
            statements, _SAVE, rows, page_size=max(1, len(rows)), fetch=True
        )
    }
    written = [p for p in profiles if p.imdb_id in saved and not _is_same(p, held.get(p.imdb_id))]
    ids = array_literal(profile.imdb_id for profile in written)
    statements.execute("DELETE FROM person_filmography WHERE person_id = ANY (%s::text[])", (ids,))
    credits_ = [row for profile in written for row in _credit_rows(profile)]
    execute_values(statements, _INSERT_CREDITS, credits_, page_size=_ROWS_PER_STATEMENT)
    statements.execute("DELETE FROM person_facts WHERE person_id = ANY (%s::text[])", (ids,))
    facts = [row for profile in written for row in _fact_rows(profile)]
    execute_values(statements, _INSERT_FACTS, facts, page_size=_ROWS_PER_STATEMENT)
    inserted = sum(profile.imdb_id not in held for profile in written)
    return BatchResult(
        inserted=inserted,
        updated=len(written) - inserted,
        unchanged=len(profiles) - len(written),
    )


def _held(statements: cursor, ids: Collection[NameId]) -> dict[NameId, PersonProfile | None]:
    """The profiles that are held, locked; ``None`` for a row that somebody spoiled by hand."""
    # Locked first: a statement that waits for a lock sees the credits as they were before.
    statements.execute(_LOCK, (array_literal(ids),))
    statements.execute(SELECT_NAMED_PROFILES, (array_literal(ids),))
    held: dict[NameId, PersonProfile | None] = {}
    for row in statements.fetchall():
        try:
            held[NameId(row[0])] = profile_from(row)
        except InvalidTitle:
            held[NameId(row[0])] = None
    return held


def _is_same(profile: PersonProfile, held: PersonProfile | None) -> bool:
    """Whether both say the same, wherever and whenever that was read."""
    return held is not None and held == replace(profile, provenance=held.provenance)


def _profile_row(profile: PersonProfile, run_id: str) -> Row:
    return (
        profile.imdb_id,
        profile.name,
        *_date_columns(profile.birth_date),
        profile.birth_place,
        *_date_columns(profile.death_date),
        profile.death_place,
        list(profile.professions),
        profile.biography,
        list(profile.known_for),
        profile.total_credits,
        profile.provenance.source,
        profile.provenance.found_by,
        profile.provenance.fetched_at,
        run_id,
    )


def _credit_rows(profile: PersonProfile) -> Iterable[Row]:
    for position, credit in enumerate(profile.filmography, 1):
        yield (
            profile.imdb_id,
            position,
            credit.category,
            credit.title_id,
            credit.title,
            None if credit.kind is None else credit.kind.value,
            credit.year,
            credit.end_year,
            credit.rating,
            credit.votes,
            list(credit.characters),
            list(credit.jobs),
            list(credit.attributes),
            credit.episodes,
        )


def _fact_rows(profile: PersonProfile) -> Iterable[Row]:
    for position, fact in enumerate(profile.facts, 1):
        yield (
            profile.imdb_id,
            position,
            fact.category.value,
            fact.text,
            fact.year,
            fact.url,
            fact.related_id,
        )


def _facts_from(text: str | None) -> tuple[PersonFact, ...]:
    if text is None:
        return ()
    try:
        rows = _facts_decoder.decode(text)
    except msgspec.ValidationError as error:
        raise InvalidTitle("facts", text, str(error)) from error
    return tuple(
        PersonFact(category=category, text=said, year=year, url=url, related_id=related_id)
        for category, said, year, url, related_id in rows
    )


def _filmography_from(text: str | None) -> tuple[FilmographyCredit, ...]:
    if text is None:
        return ()
    try:
        rows = _credits_decoder.decode(text)
    except msgspec.ValidationError as error:
        raise InvalidTitle("filmography", text, str(error)) from error
    return tuple(
        FilmographyCredit(
            category=category,
            title_id=TitleId(title_id),
            title=title,
            kind=kind,
            year=year,
            end_year=end_year,
            rating=rating,
            votes=votes,
            characters=characters,
            jobs=jobs,
            attributes=attributes,
            episodes=episodes,
        )
        for category, title_id, title, kind, year, end_year, rating, votes, characters, jobs,
        attributes, episodes in rows
    )  # fmt: skip


def _date(year: int | None, month: int | None, day: int | None) -> PartialDate | None:
    return None if year is None else PartialDate(year=year, month=month, day=day)


def _date_columns(date: PartialDate | None) -> tuple[int | None, int | None, int | None]:
    return (None, None, None) if date is None else (date.year, date.month, date.day)
