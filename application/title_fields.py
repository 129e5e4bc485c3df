"""What can be asked of a title by name: in filters, to sort by, and as columns of an export."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType

from domain.details import Detail, DetailName
from domain.title import Credit, CreditCategory, Title

Value = (
    str
    | int
    | float
    | datetime
    | tuple[str | None, ...]
    | tuple[Credit, ...]
    | Detail
    | tuple[Detail, ...]
    | None
)


class FieldKind(StrEnum):
    """What a field of a title is."""

    WHOLE_NUMBER = "whole number"
    NUMBER = "number"
    TEXT = "text"
    MOMENT = "moment"
    TEXTS = "texts"
    CREDITS = "credits"
    DETAIL = "detail"
    BESIDE_CREDITS = "texts beside credits"
    """One for each of the credits of a category, ``None`` where it is unknown."""
    DETAILS = "details"


LISTS = frozenset({FieldKind.TEXTS, FieldKind.CREDITS, FieldKind.DETAIL})
"""The kinds of which a title has any number."""

NUMBERS = frozenset({FieldKind.WHOLE_NUMBER, FieldKind.NUMBER})


@dataclass(frozen=True, slots=True)
class TitleField:
    """A field by its name. ``value`` gives ``None`` or an empty tuple for what is unknown."""

    name: str
    kind: FieldKind
    value: Callable[[Title], Value]

    @property
    def is_list(self) -> bool:
        """Whether it is a list, which has no order and is not compared as a whole."""
        return self.kind in LISTS


def _attribute(name: str, kind: FieldKind) -> TitleField:
    def value(title: Title) -> Value:
        found: Value = getattr(title, name)
        return found

    return TitleField(name, kind, value)


def _credits(name: str, category: CreditCategory) -> TitleField:
    return TitleField(name, FieldKind.CREDITS, lambda title: title.credits_of(category))


def _detail(name: DetailName) -> TitleField:
    return TitleField(
        name.value,
        FieldKind.DETAIL,
        lambda title: next((detail for detail in title.details if detail.name is name), None),
    )


CREDIT_FIELDS: Mapping[str, CreditCategory] = MappingProxyType(
    {
        "directors": CreditCategory.DIRECTOR,
        "writers": CreditCategory.WRITER,
        "creators": CreditCategory.CREATOR,
        "cast": CreditCategory.CAST,
    }
)
"""The fields that are credits of a category, in billing order."""

_FIELDS = (
    _attribute("imdb_id", FieldKind.TEXT),
    TitleField("kind", FieldKind.TEXT, lambda title: title.kind.value),
    _attribute("title", FieldKind.TEXT),
    _attribute("original_title", FieldKind.TEXT),
    _attribute("year", FieldKind.WHOLE_NUMBER),
    _attribute("end_year", FieldKind.WHOLE_NUMBER),
    _attribute("runtime_minutes", FieldKind.WHOLE_NUMBER),
    _attribute("rating", FieldKind.NUMBER),
    _attribute("votes", FieldKind.WHOLE_NUMBER),
    _attribute("metascore", FieldKind.WHOLE_NUMBER),
    _attribute("certificate", FieldKind.TEXT),
    _attribute("genres", FieldKind.TEXTS),
    TitleField(
        "release_date",
        FieldKind.TEXT,
        lambda title: None if title.release_date is None else title.release_date.isoformat(),
    ),
    _attribute("plot", FieldKind.TEXT),
    *(_credits(name, category) for name, category in CREDIT_FIELDS.items()),
    TitleField("source", FieldKind.TEXT, lambda title: title.provenance.source),
    TitleField("found_by", FieldKind.TEXT, lambda title: title.provenance.found_by),
    TitleField("fetched_at", FieldKind.MOMENT, lambda title: title.provenance.fetched_at),
    *(_detail(name) for name in DetailName),
)

FIELDS: Mapping[str, TitleField] = MappingProxyType({field.name: field for field in _FIELDS})
"""Every field by its name, in the order in which they are shown."""


def comparable(value: Value) -> Value:
    """A value as it is compared: a moment as text in UTC, which sorts by time."""
    if isinstance(value, datetime):
        in_utc = value.astimezone(UTC).replace(tzinfo=None)
        return in_utc.isoformat(timespec="microseconds") + "Z"
    return value


def suggestion(name: str, known: Sequence[str]) -> str:
    """What somebody may have meant, as the end of a sentence; nothing when that is not clear."""
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=1)
    return f": did you mean {close[0]}?" if close else f": there are {', '.join(known)}"
