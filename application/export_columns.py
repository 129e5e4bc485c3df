"""The columns that titles can be exported with."""

from collections.abc import Mapping
from types import MappingProxyType

from application.title_fields import (
    CREDIT_FIELDS,
    FIELDS,
    FieldKind,
    TitleField,
    suggestion,
)
from domain.details import DetailName
from domain.errors import InvalidSelection
from domain.title import Credit, CreditCategory, Title


def _ids(name: str, category: CreditCategory) -> TitleField:
    return TitleField(
        name,
        FieldKind.BESIDE_CREDITS,
        lambda title: tuple(credit.person_id for credit in title.credits_of(category)),
    )


def _characters(title: Title) -> tuple[str | None, ...]:
    return tuple(map(_characters_of, title.credits_of(CreditCategory.CAST)))


def _characters_of(credit: Credit) -> str | None:
    return " / ".join(credit.characters) or None


ID_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "directors": "director_ids",
        "writers": "writer_ids",
        "creators": "creator_ids",
        "cast": "cast_ids",
    }
)
"""The columns with the ids of the people whose names are in another one."""

COLUMNS: Mapping[str, TitleField] = MappingProxyType(
    {
        **FIELDS,
        **{ids: _ids(ids, CREDIT_FIELDS[names]) for names, ids in ID_COLUMNS.items()},
        "characters": TitleField("characters", FieldKind.BESIDE_CREDITS, _characters),
        "details": TitleField("details", FieldKind.DETAILS, lambda title: title.details),
    }
)
"""Every column by its name: all fields, and what goes beside credits in a table."""

_FACTS = tuple(FIELDS)[: tuple(FIELDS).index("directors")]
_ORIGIN = ("source", "found_by", "fetched_at")

FLAT = tuple(
    COLUMNS[name]
    for name in (
        *_FACTS,
        *(name for pair in ID_COLUMNS.items() for name in pair),
        "characters",
        *_ORIGIN,
    )
)
"""What a table of texts and numbers has, unless other columns are named."""

NAMES = tuple(COLUMNS[name] for name in (*_FACTS, *CREDIT_FIELDS, *_ORIGIN))
"""What a table has beside which another one has the credits."""

WHOLE = tuple(COLUMNS[name] for name in (*_FACTS, *CREDIT_FIELDS, *_ORIGIN, "details"))
"""Everything, with the details that a title has in one value."""

TYPED = tuple(COLUMNS[name] for name in (*_FACTS, *CREDIT_FIELDS, *_ORIGIN, *DetailName))
"""Everything, with a column for each detail."""


def parse_columns(text: str) -> tuple[TitleField, ...]:
    """Read names of columns separated by commas. Raises `InvalidSelection`."""
    columns: list[TitleField] = []
    for part in text.split(","):
        name = part.strip()
        if name not in COLUMNS:
            raise InvalidSelection(f"no column {name!r}{suggestion(name, tuple(COLUMNS))}")
        if COLUMNS[name] in columns:
            raise InvalidSelection(f"the column {name} is named twice")
        columns.append(COLUMNS[name])
    return tuple(columns)
