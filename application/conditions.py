"""Conditions on titles. Each is true, false or unknown of a title, as in SQL (Kleene's logic).

What is unknown is equal to nothing, and not unequal either. A title is chosen when a condition is
true of it. A repository has titles evaluated (``holds``), or translates conditions for its server.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from application.title_fields import TitleField, Value, comparable
from domain.details import Detail, Item, Kind, fields_of
from domain.release_date import ReleaseDate
from domain.title import Credit, Title

Literal = str | int | float
Operand = TitleField | Literal


class Comparison(StrEnum):
    """How two values are compared: by number, or text by the code points of its characters."""

    EQUAL = "=="
    UNEQUAL = "!="
    LESS = "<"
    LESS_OR_EQUAL = "<="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="


_COMPARE: Mapping[Comparison, Callable[[Any, Any], bool]] = {
    Comparison.EQUAL: operator.eq,
    Comparison.UNEQUAL: operator.ne,
    Comparison.LESS: operator.lt,
    Comparison.LESS_OR_EQUAL: operator.le,
    Comparison.GREATER: operator.gt,
    Comparison.GREATER_OR_EQUAL: operator.ge,
}


@dataclass(frozen=True, slots=True)
class Compare:
    """Two numbers, or two texts; at least one of them is a field."""

    left: Operand
    comparison: Comparison
    right: Operand

    def holds(self, title: Title) -> bool | None:
        """Unknown when one of them is."""
        first, second = _value(self.left, title), _value(self.right, title)
        if first is None or second is None:
            return None
        return _COMPARE[self.comparison](first, second)


@dataclass(frozen=True, slots=True)
class OneOf:
    """A field has one of these values."""

    field: TitleField
    values: tuple[Literal, ...]

    def holds(self, title: Title) -> bool | None:
        """Unknown when the field is."""
        known = _value(self.field, title)
        return None if known is None else known in self.values


@dataclass(frozen=True, slots=True)
class Contains:
    """A text has another one in it, in the same case."""

    field: TitleField
    text: str

    def holds(self, title: Title) -> bool | None:
        """Unknown when the text is."""
        whole = _value(self.field, title)
        return self.text in whole if isinstance(whole, str) else None


@dataclass(frozen=True, slots=True)
class Has:
    """A list has an element: a genre, a credited name or id, a text of an item of a detail."""

    field: TitleField
    text: str

    def holds(self, title: Title) -> bool | None:
        """Unknown when the list is, and when what was read of a detail does not have it."""
        value = self.field.value(title)
        if isinstance(value, Detail):
            # Of a list that was not read to its end, one cannot say that something is not in it.
            return True if self.text in texts_of(value) else (False if value.is_whole else None)
        if not isinstance(value, tuple) or not value:
            return None
        return any(
            self.text in {element.name, element.person_id}
            if isinstance(element, Credit)
            else self.text == element
            for element in value
        )


@dataclass(frozen=True, slots=True)
class IsKnown:
    """A field is known."""

    field: TitleField

    def holds(self, title: Title) -> bool | None:
        """Never unknown itself."""
        return self.field.value(title) not in {None, ()}


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a condition."""

    part: "Condition"

    def holds(self, title: Title) -> bool | None:
        """Of unknown it is unknown."""
        inner = self.part.holds(title)
        return None if inner is None else not inner


@dataclass(frozen=True, slots=True)
class AllOf:
    """All of these conditions."""

    parts: tuple["Condition", ...]

    def holds(self, title: Title) -> bool | None:
        """False when a part is, else unknown when one is."""
        return _until(False, self.parts, title)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Any of these conditions."""

    parts: tuple["Condition", ...]

    def holds(self, title: Title) -> bool | None:
        """True when a part is, else unknown when one is."""
        return _until(True, self.parts, title)


Condition = Compare | OneOf | Contains | Has | IsKnown | Not | AllOf | AnyOf


def texts_of(detail: Detail) -> Iterable[str]:
    """Every text, code, id and date that the items of a detail have."""
    for item in detail.items:
        yield from _texts_of_item(item)


def _texts_of_item(item: Item) -> Iterable[str]:
    for field in fields_of(type(item)):
        value = getattr(item, field.name)
        if field.kind is Kind.TEXTS:
            yield from value
        elif isinstance(value, ReleaseDate):
            yield value.isoformat()
        elif isinstance(value, str):
            yield value


def _until(deciding: bool, parts: Iterable[Condition], title: Title) -> bool | None:
    result: bool | None = not deciding
    for part in parts:
        found = part.holds(title)
        if found is deciding:
            return deciding
        if found is None:
            result = None
    return result


def _value(operand: Operand, title: Title) -> Value:
    return comparable(operand.value(title)) if isinstance(operand, TitleField) else operand
