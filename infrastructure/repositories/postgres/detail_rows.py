"""Between details of titles and rows of their tables. Pure: no database in sight.

The columns of a detail's table are the fields of its items, so there is nothing here for any single
detail.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec

from domain.details import Detail, DetailName, Field, Item, Kind, fields_of, item_of
from domain.identifiers import TitleId
from domain.provenance import Provenance
from domain.release_date import ReleaseDate
from infrastructure.repositories.postgres.rows import Row, copied

LEDGER_COLUMNS = (
    "title_id",
    "detail",
    "items",
    "is_whole",
    "digest",
    "source",
    "found_by",
    "fetched_at",
    "run_id",
)
"""The columns of `ledger_row`, in its order."""

Values = list[list[Any]]
"""The values of the fields of each item, as the database and JSON take them."""

_DetailFacts = tuple[DetailName, bool, str, str, datetime, list[list[Any]] | None]
_details_decoder = msgspec.json.Decoder(list[_DetailFacts])
_PLACES = {name: place for place, name in enumerate(DetailName)}


def columns_of(name: DetailName) -> tuple[str, ...]:
    """The columns of `item_lines`, in their order."""
    return ("title_id", "position", *(field.name for field in fields_of(item_of(name))))


def values_of(detail: Detail) -> Values:
    """What the items of a detail say, in the order of their fields."""
    fields = fields_of(item_of(detail.name))
    return [
        [_stored(field, getattr(item, field.name)) for field in fields] for item in detail.items
    ]


def digest_of(detail: Detail, values: Values) -> bytes:
    """A digest of what a detail says, and of nothing else: 16 bytes, equal for equal facts."""
    facts = msgspec.json.encode((detail.is_whole, values))
    return hashlib.blake2b(facts, digest_size=16).digest()


def ledger_row(imdb_id: TitleId, detail: Detail, digest: bytes, run_id: str) -> Row:
    """A row of ``title_details``, by `LEDGER_COLUMNS`."""
    provenance = detail.provenance
    return (
        imdb_id,
        detail.name.value,
        len(detail.items),
        detail.is_whole,
        digest,
        provenance.source,
        provenance.found_by,
        provenance.fetched_at,
        run_id,
    )


def item_lines(imdb_id: TitleId, values: Values) -> str:
    """Lines of a detail's table for COPY, by `columns_of`."""
    return "".join(
        "\t".join((imdb_id, str(position), *map(copied, row))) + "\n"
        for position, row in enumerate(values, 1)
    )


@cache
def details_json() -> str:
    """What gives the details of the row of ``titles`` that is read, as `details_from` takes them.

    The tables of the details that a title does not have are not touched.
    """
    cases = " ".join(f"WHEN '{name}' THEN {_items_json(name)}" for name in DetailName)
    return f"""
        (SELECT json_agg(json_build_array(detail, is_whole, d.source, d.found_by, d.fetched_at,
            CASE detail {cases} END))::text
         FROM title_details d WHERE d.title_id = titles.imdb_id)
    """  # noqa: S608 - built from the names of fields


def details_from(text: str | None) -> tuple[Detail, ...]:
    """Details by `details_json`, in the order of their names. Raises `InvalidTitle`."""
    if text is None:
        return ()
    found = [
        Detail(
            name=name,
            items=tuple(_items_from(name, rows or [])),
            is_whole=is_whole,
            provenance=Provenance(
                source=source, found_by=found_by, fetched_at=fetched_at.astimezone(UTC)
            ),
        )
        for name, is_whole, source, found_by, fetched_at, rows in _details_decoder.decode(text)
    ]
    return tuple(sorted(found, key=lambda detail: _PLACES[detail.name]))


def _items_json(name: DetailName) -> str:
    columns = ", ".join(map(_read, fields_of(item_of(name))))
    return (
        f"(SELECT json_agg(json_build_array({columns}) ORDER BY i.position)"  # noqa: S608
        f" FROM {name} i WHERE i.title_id = d.title_id)"
    )


def _read(field: Field) -> str:
    # As numeric, "9.3" is exactly that; float8 gives back the very float that was stored.
    return f"i.{field.name}::float8" if field.kind is Kind.NUMBER else f"i.{field.name}"


def _items_from(name: DetailName, rows: Iterable[Sequence[Any]]) -> Iterable[Item]:
    kind = item_of(name)
    fields = fields_of(kind)
    for row in rows:
        yield kind(**{f.name: _value(f, stored) for f, stored in zip(fields, row, strict=True)})


def _value(field: Field, stored: Any) -> object:
    return None if stored is None else field.made_of(stored)


def _stored(field: Field, value: object) -> object:
    match value:
        case ReleaseDate():
            return value.isoformat()
        case tuple():
            return list(value)
        case int() if field.kind is Kind.NUMBER:
            return float(value)
    return value
