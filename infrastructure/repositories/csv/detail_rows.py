"""Details of titles as rows of text: those of the items, and one that tells of all of them.

The row of ``details.csv`` says how many rows there are, so that "there are none" is seen, and where
they are from. Cells are as in `rows`; flags are ``true`` or ``false``. Everything here is pure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from domain.details import Detail, DetailName, Field, Item, Kind, fields_of, item_of
from domain.identifiers import TitleId, title_id
from domain.provenance import Provenance
from domain.release_date import ReleaseDate
from infrastructure.repositories.csv.formulas import escaped, unescaped
from infrastructure.repositories.csv.rows import (
    decode,
    decode_one,
    encode,
    json_array,
    moment_of,
    parse_timestamp,
    texts_from,
    texts_of,
    timestamp,
)

LEDGER_COLUMNS = (
    "title_id",
    "detail",
    "items",
    "is_whole",
    "source",
    "found_by",
    "fetched_at",
    "run_id",
)
_LEDGER_FACTS = slice(LEDGER_COLUMNS.index("source"))
_FLAGS = {"true": True, "false": False}


def columns_of(name: DetailName) -> tuple[str, ...]:
    """The columns of a detail's file."""
    return ("title_id", "position", *(field.name for field in fields_of(item_of(name))))


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailRows:
    """A detail ready to be written: its row of ``details.csv`` and its items' rows.

    ``moment`` is when it was fetched (`rows.moment_of`), ``count`` how many items there are.
    """

    name: DetailName
    moment: int
    ledger: bytes
    items: bytes
    count: int

    @classmethod
    def of(
        cls, imdb_id: TitleId, detail: Detail, run_id: str, *, escape_formulas: bool = False
    ) -> "DetailRows":
        """Encode a detail of a title as the run ``run_id`` saves it."""
        fields = fields_of(item_of(detail.name))
        provenance = detail.provenance
        ledger = (
            imdb_id,
            detail.name,
            len(detail.items),
            _flag(detail.is_whole),
            provenance.source,
            provenance.found_by,
            timestamp(provenance.fetched_at),
            run_id,
        )
        return cls(
            name=detail.name,
            moment=moment_of(provenance.fetched_at),
            ledger=encode([ledger]),
            items=encode(
                (
                    imdb_id,
                    place,
                    *(_cell(field, getattr(item, field.name), escape_formulas) for field in fields),
                )
                for place, item in enumerate(detail.items, 1)
            ),
            count=len(detail.items),
        )

    def are(self, ledger: bytes, items: bytes) -> bool:
        """Tell whether these are the rows already, where and when it was read included."""
        return self.items == items and self.ledger == ledger

    def have_the_facts_of(self, ledger: bytes, items: bytes) -> bool:
        """Tell whether these rows say the same, wherever and whenever that was read."""
        if decode_one(self.ledger)[_LEDGER_FACTS] != decode_one(ledger)[_LEDGER_FACTS]:
            return False
        return self.items == items or texts_of(self.items) == texts_of(items)


class LedgerRow(NamedTuple):
    """What ``details.csv`` says of a detail of a title."""

    title_id: TitleId
    name: DetailName
    items_count: int
    is_whole: bool
    provenance: Provenance


def ledger_row_from(cells: Sequence[str]) -> LedgerRow:
    """Read a row of `LEDGER_COLUMNS`. Raises `ValueError` or `InvalidTitle`."""
    imdb_id, name, count, is_whole, source, found_by, fetched_at, _ = cells
    provenance = Provenance(
        source=source, found_by=found_by, fetched_at=parse_timestamp(fetched_at)
    )
    if not count.isdecimal():
        raise ValueError(f"{count!r} is not a number of items")
    return LedgerRow(
        title_id(imdb_id), DetailName(name), int(count), _flag_from(is_whole), provenance
    )


def items_from(name: DetailName, rows: Iterable[Sequence[str]]) -> tuple[Item, ...]:
    """Read the rows of one title, by `columns_of`. Raises `ValueError` or `InvalidTitle`."""
    kind = item_of(name)
    fields = fields_of(kind)
    found = []
    for _, _, *cells in rows:
        values = {f.name: _value(f, cell) for f, cell in zip(fields, cells, strict=True)}
        found.append(kind(**values))
    return tuple(found)


def detail_from(ledger: bytes, items: bytes) -> Detail:
    """Read a detail. Raises `csv.Error`, `ValueError` or `InvalidTitle`."""
    row = ledger_row_from(decode_one(ledger))
    return Detail(
        name=row.name,
        items=items_from(row.name, decode(items)),
        is_whole=row.is_whole,
        provenance=row.provenance,
    )


def _cell(field: Field, value: object, escape_formulas: bool) -> object:
    match value:
        case str():
            return escaped(value, formulas=escape_formulas)
        case bool():
            return _flag(value)
        case ReleaseDate():
            return value.isoformat()
        case tuple():
            return json_array(value)
        case int() if field.kind is Kind.NUMBER:
            return float(value)
    return value


def _value(field: Field, cell: str) -> object:
    match field.kind:
        case Kind.TEXT if cell:
            return field.made_of(unescaped(cell))
        case Kind.TEXTS:
            return texts_from(cell)
        case Kind.FLAG if cell:
            return _flag_from(cell)
    return field.made_of(cell) if cell else None


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _flag_from(cell: str) -> bool:
    # Spreadsheets write TRUE and FALSE.
    if (value := _FLAGS.get(cell.lower())) is None:
        raise ValueError(f"{cell!r} is neither true nor false")
    return value
