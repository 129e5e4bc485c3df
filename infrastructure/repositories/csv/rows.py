"""Titles, people and credits as rows of text, and rows as bytes of CSV.

RFC 4180 in UTF-8 without a byte order mark. Unknown is an empty cell, a list is a JSON array in
its cell, a time is ISO 8601 in UTC. Texts are escaped as `formulas` says. Everything here is pure.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from domain.details import Detail
from domain.identifiers import NameId, TitleId, name_id, title_id
from domain.provenance import Provenance
from domain.release_date import ReleaseDate
from domain.title import Credit, CreditCategory, Person, Title, TitleKind
from infrastructure.repositories.csv.formulas import escaped, unescaped

if TYPE_CHECKING:
    from infrastructure.repositories.csv.detail_rows import DetailRows

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
MERGED_COLUMNS = ("old_id", "new_id", "seen_at")

_BILLING_ORDER = {category: order for order, category in enumerate(CreditCategory)}


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# Made once: json.dumps makes a new one for each call with an option.
_json_text = json.JSONEncoder(ensure_ascii=False).encode


class _Lines(list[str]):
    """What the csv module writes to: a text for each row."""

    write = list.append


def _lines(rows: Iterable[Sequence[object]]) -> list[str]:
    lines = _Lines()
    csv.writer(lines, lineterminator="\r\n").writerows(rows)
    return lines


def encode(rows: Iterable[Sequence[object]]) -> bytes:
    """Give rows of cells as CSV records, each ended by CR LF; a cell of ``None`` is empty."""
    return "".join(_lines(rows)).encode()


def decode(records: bytes) -> list[list[str]]:
    """Give whole CSV records as rows of cells.

    Raises `csv.Error` or `UnicodeDecodeError` when the bytes are not CSV in UTF-8.
    """
    return list(csv.reader(io.StringIO(records.decode(), newline=""), strict=True))


def decode_one(record: bytes) -> list[str]:
    """Give one whole CSV record as a row of cells; as strict as `decode`, and twice as fast."""
    (cells,) = csv.reader((record.decode(),), strict=True)
    return cells


def timestamp(moment: datetime) -> str:
    """Give a time with a zone as ISO 8601 in UTC."""
    return moment.astimezone(UTC).isoformat()


def parse_timestamp(text: str) -> datetime:
    """Read an ISO 8601 time. Raises `ValueError` when it is not one or has no time zone."""
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() is None:
        raise ValueError(f"the time {text!r} has no time zone")
    return moment


def moment_of(fetched_at: datetime) -> int:
    """Give a time with a zone as microseconds since the beginning of 1970 (UTC)."""
    return (fetched_at - _EPOCH) // _MICROSECOND


def datetime_of(moment: int) -> datetime:
    """Give microseconds since the beginning of 1970 as a time in UTC."""
    return _EPOCH + moment * _MICROSECOND


@lru_cache(maxsize=256)
def _timestamp_of(moment: int) -> str:
    # All people of a page have its time, and come together.
    return timestamp(datetime_of(moment))


class Naming(NamedTuple):
    """A person's name, and when the newest page that credits the person was had (`moment_of`)."""

    name: str
    moment: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleRows:
    """A title ready to be written: its row and its credits' rows.

    ``names`` has the people credited whose id is known, by the name of their last credit;
    ``moment`` is when the title was fetched (`moment_of`); ``details`` is what is to be written
    along with it.
    """

    imdb_id: TitleId
    moment: int
    names: Mapping[NameId, str]
    title: bytes
    credits: bytes
    credits_count: int
    details: "tuple[DetailRows, ...]" = ()

    @classmethod
    def of(cls, title: Title, run_id: str, *, escape_formulas: bool = False) -> "TitleRows":
        """Encode a title as the run ``run_id`` saves it."""
        moment = moment_of(title.provenance.fetched_at)
        rows = [
            _credit_cells(title.imdb_id, credit, escape_formulas)
            for credit in in_billing_order(title)
        ]
        rows.append(_title_cells(title, _timestamp_of(moment), run_id, escape_formulas))
        lines = _lines(rows)
        return cls(
            imdb_id=title.imdb_id,
            moment=moment,
            names={c.person_id: c.name for c in title.credits if c.person_id is not None},
            title=lines.pop().encode(),
            credits="".join(lines).encode(),
            credits_count=len(lines),
        )

    def are(self, title: bytes, credits_: bytes) -> bool:
        """Tell whether these are the rows already, where and when the title was read included."""
        return (self.title, self.credits) == (title, credits_) or (
            texts_of(self.title + self.credits) == texts_of(title + credits_)
        )

    def have_the_facts_of(self, title: bytes, credits_: bytes) -> bool:
        """Tell whether these rows say the same, wherever and whenever that was read."""
        known = len(_FACT_COLUMNS)
        (ours,), (others,) = texts_of(self.title), texts_of(title)
        return ours[:known] == others[:known] and texts_of(self.credits) == texts_of(credits_)


def texts_of(records: bytes) -> list[list[str]]:
    """Whole records as the texts in their cells, whichever way these are escaped."""
    return [[unescaped(cell) for cell in row] for row in decode(records)]


def in_billing_order(title: Title) -> list[Credit]:
    """Give the credits by category, and by billing position in each."""
    return sorted(title.credits, key=lambda c: (_BILLING_ORDER[c.category], c.position))


def title_from(
    cells: Sequence[str], credits_: Iterable[Credit] = (), details: Iterable[Detail] = ()
) -> Title:
    """Read a row of `TITLE_COLUMNS`. Raises `ValueError` or `InvalidTitle` naming what is wrong."""
    row = dict(zip(TITLE_COLUMNS, cells, strict=True))
    return Title(
        imdb_id=title_id(row["imdb_id"]),
        kind=TitleKind(row["kind"]),
        title=unescaped(row["title"]),
        original_title=unescaped(row["original_title"]) or None,
        year=integer_from(row["year"]),
        end_year=integer_from(row["end_year"]),
        runtime_minutes=integer_from(row["runtime_minutes"]),
        rating=number_from(row["rating"]),
        votes=integer_from(row["votes"]),
        metascore=integer_from(row["metascore"]),
        certificate=unescaped(row["certificate"]) or None,
        genres=texts_from(row["genres"]),
        release_date=(
            ReleaseDate.fromisoformat(row["release_date"]) if row["release_date"] else None
        ),
        plot=unescaped(row["plot"]) or None,
        credits=tuple(credits_),
        details=tuple(details),
        provenance=Provenance(
            source=row["source"],
            found_by=row["found_by"],
            fetched_at=parse_timestamp(row["fetched_at"]),
        ),
    )


def run_id_from(cells: Sequence[str]) -> str:
    """Give the run that saved a row of `TITLE_COLUMNS`."""
    return cells[-1]


def credit_from(cells: Sequence[str]) -> Credit:
    """Read a row of `CREDIT_COLUMNS`. Raises `ValueError` or `InvalidTitle`."""
    _, category, position, person_id, name, characters = cells
    return Credit(
        category=CreditCategory(category),
        position=int(position),
        name=unescaped(name),
        person_id=name_id(person_id) if person_id else None,
        characters=texts_from(characters),
    )


def person_cells(imdb_id: NameId, naming: Naming, *, escape_formulas: bool) -> tuple[str, ...]:
    """Give a person as a row of `PERSON_COLUMNS`."""
    name = escaped(naming.name, formulas=escape_formulas)
    return imdb_id, name, _timestamp_of(naming.moment)


def person_from(cells: Sequence[str]) -> tuple[NameId, Naming]:
    """Read a row of `PERSON_COLUMNS`. Raises `ValueError` or `InvalidTitle`."""
    imdb_id, name, fetched_at = cells
    person = Person(name_id(imdb_id), unescaped(name))
    return person.imdb_id, Naming(person.name, moment_of(parse_timestamp(fetched_at)))


def _title_cells(
    title: Title, fetched_at: str, run_id: str, escape_formulas: bool
) -> tuple[object, ...]:
    date = title.release_date
    original, certificate, plot = (
        text and escaped(text, formulas=escape_formulas)
        for text in (title.original_title, title.certificate, title.plot)
    )
    return (
        title.imdb_id,
        title.kind.value,
        escaped(title.title, formulas=escape_formulas),
        original,
        title.year,
        title.end_year,
        title.runtime_minutes,
        # A float is written so that it reads back as the same; a whole rating keeps its ".0".
        None if title.rating is None else float(title.rating),
        title.votes,
        title.metascore,
        certificate,
        json_array(title.genres),
        None if date is None else date.isoformat(),
        plot,
        title.provenance.source,
        title.provenance.found_by,
        fetched_at,
        run_id,
    )


def _credit_cells(imdb_id: TitleId, credit: Credit, escape_formulas: bool) -> tuple[object, ...]:
    return (
        imdb_id,
        credit.category,
        credit.position,
        credit.person_id,
        escaped(credit.name, formulas=escape_formulas),
        json_array(credit.characters),
    )


def integer_from(cell: str) -> int | None:
    """Read a cell of a whole number, or of nothing. Raises `ValueError` in words for a person."""
    try:
        return int(cell) if cell else None
    except ValueError:
        raise ValueError(f"{cell!r} is not a whole number") from None


def number_from(cell: str) -> float | None:
    """Read a cell of a number, or of nothing. Raises `ValueError` in words for a person."""
    try:
        return float(cell) if cell else None
    except ValueError:
        raise ValueError(f"{cell!r} is not a number (it has a point, and no comma)") from None


# An array begins with a bracket, which no spreadsheet takes for a formula.
def json_array(texts: Sequence[str]) -> str:
    """Give texts as a cell: a JSON array, or nothing for none."""
    return f"[{', '.join(map(_json_text, texts))}]" if texts else ""


def texts_from(cell: str) -> tuple[str, ...]:
    """Read a cell of `json_array`. Raises `ValueError` when it is none."""
    if not cell:
        return ()
    texts = json.loads(cell)
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{cell!r} is not a JSON array of texts")
    return tuple(texts)
