"""The values of columns as JSON types, and as texts and numbers of a table. Everything is pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from application.title_fields import TitleField, comparable
from domain.details import Detail, Item, fields_of
from domain.release_date import ReleaseDate
from domain.title import Credit, Title

SEPARATOR = "|"
"""Stands between the elements of a list in a cell; in an element it has a backslash before it."""

Cell = str | int | float | None


def json_value(column: TitleField, title: Title) -> Any:
    """A column of a title as JSON types; what is unknown is ``None`` or an empty list."""
    value = column.value(title)
    match value:
        case Detail():
            return items_as_json(value)
        case tuple():
            return _list_as_json(value)
    return _plain(value)


def cell(column: TitleField, title: Title) -> Cell:
    """A column of a title as a cell: a number or a text, ``None`` or empty when it is unknown.

    Lists of texts and names are joined; details are JSON.
    """
    value = column.value(title)
    match value:
        case tuple() if all(isinstance(element, Detail) for element in value):
            return json_text(_list_as_json(value)) if value else None
        case Detail():
            return json_text(items_as_json(value))
        case tuple():
            return joined(_names(value))
        case float():
            return value
    return _plain(value)  # type: ignore[no-any-return]  # what is left is a text, or a number


def _names(elements: Iterable[Any]) -> Iterable[str | None]:
    return (element.name if isinstance(element, Credit) else element for element in elements)


def joined(texts: Iterable[str | None]) -> str:
    """Texts in one cell, so that they can be taken apart again; one that is unknown is empty."""
    return SEPARATOR.join(
        (text or "").replace("\\", "\\\\").replace(SEPARATOR, f"\\{SEPARATOR}") for text in texts
    )


def items_as_json(detail: Detail) -> list[dict[str, Any]]:
    """The items of a detail as JSON types."""
    return [item_as_json(item) for item in detail.items]


def item_as_json(item: Item) -> dict[str, Any]:
    """An item as JSON types, by the names of its fields."""
    return {field.name: _plain(getattr(item, field.name)) for field in fields_of(type(item))}


def json_text(value: object) -> str:
    """A value of JSON types as text."""
    return msgspec.json.encode(value).decode()


def _list_as_json(elements: Sequence[Any]) -> Any:
    if elements and isinstance(elements[0], Detail):
        return {detail.name.value: _detail_as_json(detail) for detail in elements}
    if elements and isinstance(elements[0], Credit):
        return [
            {"imdb_id": c.person_id, "name": c.name, "characters": list(c.characters)}
            for c in elements
        ]
    return list(elements)


def _detail_as_json(detail: Detail) -> dict[str, Any]:
    return {
        "is_whole": detail.is_whole,
        "source": detail.provenance.source,
        "found_by": detail.provenance.found_by,
        "fetched_at": comparable(detail.provenance.fetched_at),
        "items": items_as_json(detail),
    }


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return comparable(value)
        case ReleaseDate():
            return value.isoformat()
        case tuple():
            return list(value)
        case str():
            return str(value)
    return value
