"""Profiles of people as rows of text: one of the person, and one for each credit and each fact.

Cells are as in `rows`. The person's row says how many rows of credits and of facts there are.
Everything here is pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.identifiers import NameId, name_id, title_id
from domain.partial_date import PartialDate
from domain.person_fact import PersonFact, PersonFactCategory
from domain.person_profile import FilmographyCredit, PersonProfile
from domain.provenance import Provenance
from domain.title import TitleKind
from infrastructure.repositories.csv.formulas import escaped, unescaped
from infrastructure.repositories.csv.rows import (
    encode,
    integer_from,
    json_array,
    moment_of,
    number_from,
    parse_timestamp,
    texts_from,
    texts_of,
    timestamp,
)

_FACT_COLUMNS = (
    "imdb_id",
    "name",
    "birth_date",
    "birth_place",
    "death_date",
    "death_place",
    "professions",
    "biography",
    "known_for",
    "total_credits",
    "credits",
    "facts",
)
PROFILE_COLUMNS = (*_FACT_COLUMNS, "source", "found_by", "fetched_at", "run_id")
FILMOGRAPHY_COLUMNS = (
    "person_id",
    "category",
    "title_id",
    "title",
    "kind",
    "year",
    "end_year",
    "rating",
    "votes",
    "characters",
    "jobs",
    "attributes",
    "episodes",
)
PERSON_FACT_COLUMNS = ("person_id", "category", "text", "year", "url", "related_id")
_CREDITS = PROFILE_COLUMNS.index("credits")
_FACTS = PROFILE_COLUMNS.index("facts")
_FETCHED_AT = PROFILE_COLUMNS.index("fetched_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRows:
    """A profile ready to be written: the person's row, the credits' rows and the facts' rows.

    ``moment`` is when it was fetched (`rows.moment_of`).
    """

    imdb_id: NameId
    moment: int
    profile: bytes
    credits: bytes
    credits_count: int
    facts: bytes
    facts_count: int

    @classmethod
    def of(
        cls, profile: PersonProfile, run_id: str, *, escape_formulas: bool = False
    ) -> "ProfileRows":
        """Encode a profile as the run ``run_id`` saves it."""
        credits_ = [
            _credit_cells(profile.imdb_id, credit, escape_formulas)
            for credit in profile.filmography
        ]
        return cls(
            imdb_id=profile.imdb_id,
            moment=moment_of(profile.provenance.fetched_at),
            profile=encode([_profile_cells(profile, run_id, escape_formulas)]),
            credits=encode(credits_),
            credits_count=len(credits_),
            facts=encode(
                _fact_cells(profile.imdb_id, fact, escape_formulas) for fact in profile.facts
            ),
            facts_count=len(profile.facts),
        )

    def are(self, facts: bytes, credits_: bytes, profile: bytes) -> bool:
        """Tell whether these are the rows already, where and when it was read included."""
        return texts_of(self.profile) == texts_of(profile) and self._go_with(facts, credits_)

    def have_the_facts_of(self, facts: bytes, credits_: bytes, profile: bytes) -> bool:
        """Tell whether these rows say the same, wherever and whenever that was read."""
        known = len(_FACT_COLUMNS)
        (ours,), (others,) = texts_of(self.profile), texts_of(profile)
        return ours[:known] == others[:known] and self._go_with(facts, credits_)

    def _go_with(self, facts: bytes, credits_: bytes) -> bool:
        return texts_of(self.credits) == texts_of(credits_) and (
            texts_of(self.facts) == texts_of(facts)
        )


def profile_from(
    cells: Sequence[str],
    filmography: Sequence[FilmographyCredit] = (),
    facts: Sequence[PersonFact] = (),
) -> PersonProfile:
    """Read a row of `PROFILE_COLUMNS`. Raises `ValueError` or `InvalidTitle`."""
    row = dict(zip(PROFILE_COLUMNS, cells, strict=True))
    return PersonProfile(
        imdb_id=name_id(row["imdb_id"]),
        name=unescaped(row["name"]),
        birth_date=_date(row["birth_date"]),
        birth_place=unescaped(row["birth_place"]) or None,
        death_date=_date(row["death_date"]),
        death_place=unescaped(row["death_place"]) or None,
        professions=texts_from(row["professions"]),
        biography=unescaped(row["biography"]) or None,
        known_for=tuple(map(title_id, texts_from(row["known_for"]))),
        total_credits=integer_from(row["total_credits"]),
        filmography=tuple(filmography),
        facts=tuple(facts),
        provenance=Provenance(
            source=row["source"],
            found_by=row["found_by"],
            fetched_at=parse_timestamp(row["fetched_at"]),
        ),
    )


def moment_and_counts(cells: Sequence[str]) -> tuple[int, int, int]:
    """Give when a row's profile was fetched, and how many rows of facts and of credits it has.

    Raises `ValueError`.
    """
    moment = moment_of(parse_timestamp(cells[_FETCHED_AT]))
    return moment, int(cells[_FACTS]), int(cells[_CREDITS])


def filmography_credit_from(cells: Sequence[str]) -> FilmographyCredit:
    """Read a row of `FILMOGRAPHY_COLUMNS`. Raises `ValueError` or `InvalidTitle`."""
    row = dict(zip(FILMOGRAPHY_COLUMNS, cells, strict=True))
    return FilmographyCredit(
        category=unescaped(row["category"]),
        title_id=title_id(row["title_id"]),
        title=unescaped(row["title"]),
        kind=TitleKind(row["kind"]) if row["kind"] else None,
        year=integer_from(row["year"]),
        end_year=integer_from(row["end_year"]),
        rating=number_from(row["rating"]),
        votes=integer_from(row["votes"]),
        characters=texts_from(row["characters"]),
        jobs=texts_from(row["jobs"]),
        attributes=texts_from(row["attributes"]),
        episodes=integer_from(row["episodes"]),
    )


def person_fact_from(cells: Sequence[str]) -> PersonFact:
    """Read a row of `PERSON_FACT_COLUMNS`. Raises `ValueError` or `InvalidTitle`."""
    row = dict(zip(PERSON_FACT_COLUMNS, cells, strict=True))
    return PersonFact(
        category=PersonFactCategory(row["category"]),
        text=unescaped(row["text"]),
        year=integer_from(row["year"]),
        url=unescaped(row["url"]) or None,
        related_id=row["related_id"] or None,
    )


def _profile_cells(
    profile: PersonProfile, run_id: str, escape_formulas: bool
) -> tuple[object, ...]:
    # A year before our era begins with a minus, too: a number, which nothing runs.
    born, died = profile.birth_date, profile.death_date
    birth_place, death_place, biography = (
        text and escaped(text, formulas=escape_formulas)
        for text in (profile.birth_place, profile.death_place, profile.biography)
    )
    return (
        profile.imdb_id,
        escaped(profile.name, formulas=escape_formulas),
        None if born is None else born.isoformat(),
        birth_place,
        None if died is None else died.isoformat(),
        death_place,
        json_array(profile.professions),
        biography,
        json_array(profile.known_for),
        profile.total_credits,
        len(profile.filmography),
        len(profile.facts),
        profile.provenance.source,
        profile.provenance.found_by,
        timestamp(profile.provenance.fetched_at),
        run_id,
    )


def _credit_cells(
    person_id: NameId, credit: FilmographyCredit, escape_formulas: bool
) -> tuple[object, ...]:
    return (
        person_id,
        escaped(credit.category, formulas=escape_formulas),
        credit.title_id,
        escaped(credit.title, formulas=escape_formulas),
        None if credit.kind is None else credit.kind.value,
        credit.year,
        credit.end_year,
        # A float is written so that it reads back as the same; a whole rating keeps its ".0".
        None if credit.rating is None else float(credit.rating),
        credit.votes,
        json_array(credit.characters),
        json_array(credit.jobs),
        json_array(credit.attributes),
        credit.episodes,
    )


def _fact_cells(person_id: NameId, fact: PersonFact, escape_formulas: bool) -> tuple[object, ...]:
    return (
        person_id,
        fact.category.value,
        escaped(fact.text, formulas=escape_formulas),
        fact.year,
        fact.url and escaped(fact.url, formulas=escape_formulas),
        fact.related_id,
    )


def _date(cell: str) -> PartialDate | None:
    return PartialDate.fromisoformat(cell) if cell else None
