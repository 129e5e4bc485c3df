"""Titles, people and credits as rows of text, and rows as bytes of CSV.

RFC 4180 in UTF-8 without a byte order mark. Unknown is an empty cell, a list is a JSON array in
its cell, a time is ISO 8601 in UTC. Everything here is pure.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import NamedTuple

from domain.identifiers import NameId, TitleId, name_id, title_id
from domain.title import (
    Credit,
    CreditCategory,
    Person,
    Provenance,
    ReleaseDate,
    Title,
    TitleKind,
)

_FACT_COLUMNS = (
    "imdb_id",
    "kind",
    "title",
    "original_title",
    "year",
    "end_year",
    "runtime_minutes",
    "rating",
    "votes",
    "metascore",
    "certificate",
    "genres",
    "release_date",
    "plot",
)
TITLE_COLUMNS = (*_FACT_COLUMNS, "source", "found_by", "fetched_at", "run_id")
PERSON_COLUMNS = ("imdb_id", "name", "fetched_at")
CREDIT_COLUMNS = ("title_id", "category", "position", "person_id", "name", "characters")
CHART_COLUMNS = ("chart", "rank", "imdb_id", "run_id", "captured_at")

_BILLING_ORDER = {category: order for order, category in enumerate(CreditCategory)}


def encode(rows: Iterable[Sequence[str]]) -> bytes:
    """Give rows of cells as CSV records, each ended by CR LF."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def decode(records: bytes) -> list[list[str]]:
    """Give whole CSV records as rows of cells.

    Raises `csv.Error` or `UnicodeDecodeError` when the bytes are not CSV in UTF-8.
    """
    return list(csv.reader(io.StringIO(records.decode(), newline=""), strict=True))


def digest(rows: Iterable[Sequence[str]]) -> bytes:
    """Give 16 bytes that tell these rows from any others of the same columns."""
    hashed = blake2b(digest_size=16)
    for row in rows:
        # No cell holds a NUL (the domain refuses it), so this joins without ambiguity.
        hashed.update("\0".join((*row, "")).encode())
    return hashed.digest()


def timestamp(moment: datetime) -> str:
    """Give a time with a zone as ISO 8601 in UTC."""
    return moment.astimezone(UTC).isoformat()


def parse_timestamp(text: str) -> datetime:
    """Read an ISO 8601 time. Raises `ValueError` when it is not one or has no time zone."""
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() is None:
        raise ValueError(f"the time {text!r} has no time zone")
    return moment


class Naming(NamedTuple):
    """A person's name, and when the newest page that credits the person was had."""

    name: str
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class TitleDigests:
    """What two versions of a title are compared by; ``stamp`` is where and when it was read."""

    facts: bytes
    stamp: bytes
    credits: bytes

    def same_facts_as(self, other: "TitleDigests") -> bool:
        """Tell whether facts and credits are the same, whatever the stamp."""
        return (self.facts, self.credits) == (other.facts, other.credits)


def title_digests(title: Sequence[str], credits_: Iterable[Sequence[str]]) -> TitleDigests:
    """Digest a title's row and its credits' rows."""
    known = len(_FACT_COLUMNS)
    return TitleDigests(digest([title[:known]]), digest([title[known:]]), digest(credits_))


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleRows:
    """A title ready to be written: its row, its credits' rows and what they are compared by."""

    imdb_id: TitleId
    fetched_at: datetime
    people: tuple[Person, ...]
    title: bytes
    credits: bytes
    credits_count: int
    digests: TitleDigests

    @classmethod
    def of(cls, title: Title, run_id: str) -> "TitleRows":
        """Encode a title as the run ``run_id`` saves it."""
        row = _title_cells(title, run_id)
        credit_rows = [_credit_cells(title.imdb_id, credit) for credit in in_billing_order(title)]
        return cls(
            imdb_id=title.imdb_id,
            fetched_at=title.provenance.fetched_at,
            people=title.people,
            title=encode([row]),
            credits=encode(credit_rows),
            credits_count=len(credit_rows),
            digests=title_digests(row, credit_rows),
        )


def in_billing_order(title: Title) -> list[Credit]:
    """Give the credits by category, and by billing position in each."""
    return sorted(title.credits, key=lambda c: (_BILLING_ORDER[c.category], c.position))


def title_from(cells: Sequence[str], credits_: Iterable[Credit] = ()) -> Title:
    """Read a row of `TITLE_COLUMNS`. Raises `ValueError` or `InvalidTitle` naming what is wrong."""
    row = dict(zip(TITLE_COLUMNS, cells, strict=True))
    return Title(
        imdb_id=title_id(row["imdb_id"]),
        kind=TitleKind(row["kind"]),
        title=row["title"],
        original_title=row["original_title"] or None,
        year=_integer(row["year"]),
        end_year=_integer(row["end_year"]),
        runtime_minutes=_integer(row["runtime_minutes"]),
        rating=float(row["rating"]) if row["rating"] else None,
        votes=_integer(row["votes"]),
        metascore=_integer(row["metascore"]),
        certificate=row["certificate"] or None,
        genres=_texts(row["genres"]),
        release_date=(
            ReleaseDate.fromisoformat(row["release_date"]) if row["release_date"] else None
        ),
        plot=row["plot"] or None,
        credits=tuple(credits_),
        provenance=Provenance(
            source=row["source"],
            found_by=row["found_by"],
            fetched_at=parse_timestamp(row["fetched_at"]),
        ),
    )


def credit_from(cells: Sequence[str]) -> Credit:
    """Read a row of `CREDIT_COLUMNS`. Raises `ValueError` or `InvalidTitle`."""
    _, category, position, person_id, name, characters = cells
    return Credit(
        category=CreditCategory(category),
        position=int(position),
        name=name,
        person_id=name_id(person_id) if person_id else None,
        characters=_texts(characters),
    )


def person_cells(imdb_id: NameId, naming: Naming) -> tuple[str, ...]:
    """Give a person as a row of `PERSON_COLUMNS`."""
    return imdb_id, naming.name, timestamp(naming.fetched_at)


def person_from(cells: Sequence[str]) -> tuple[Person, datetime]:
    """Read a row of `PERSON_COLUMNS`. Raises `ValueError` or `InvalidTitle`."""
    imdb_id, name, fetched_at = cells
    return Person(name_id(imdb_id), name), parse_timestamp(fetched_at)


def _title_cells(title: Title, run_id: str) -> list[str]:
    return [
        title.imdb_id,
        title.kind.value,
        title.title,
        title.original_title or "",
        _number(title.year),
        _number(title.end_year),
        _number(title.runtime_minutes),
        # repr of a float reads back as the same float; a whole rating keeps its ".0".
        "" if title.rating is None else repr(float(title.rating)),
        _number(title.votes),
        _number(title.metascore),
        title.certificate or "",
        _array(title.genres),
        "" if title.release_date is None else title.release_date.isoformat(),
        title.plot or "",
        title.provenance.source,
        title.provenance.found_by,
        timestamp(title.provenance.fetched_at),
        run_id,
    ]


def _credit_cells(imdb_id: TitleId, credit: Credit) -> list[str]:
    return [
        imdb_id,
        credit.category.value,
        str(credit.position),
        credit.person_id or "",
        credit.name,
        _array(credit.characters),
    ]


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _integer(cell: str) -> int | None:
    return int(cell) if cell else None


def _array(texts: Sequence[str]) -> str:
    return json.dumps(texts, ensure_ascii=False) if texts else ""


def _texts(cell: str) -> tuple[str, ...]:
    if not cell:
        return ()
    texts = json.loads(cell)
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{cell!r} is not a JSON array of texts")
    return tuple(texts)
