"""What all items of the details have in common: plain fields, each with a rule of its own."""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from domain.errors import InvalidTitle
from domain.identifiers import NameId, TitleId, name_id, title_id
from domain.release_date import ReleaseDate
from domain.rules import UNSTORABLE

LARGEST_NUMBER = 2**63 - 1


class Kind(StrEnum):
    """What a field holds, and so how a store writes it."""

    TEXT = "text"
    WHOLE_NUMBER = "whole number"
    NUMBER = "number"
    FLAG = "flag"
    DATE = "date"
    TEXTS = "texts"


@dataclass(frozen=True, slots=True)
class Range:
    """The lowest and the highest value of a number."""

    low: float
    high: float


AnyCount = Annotated[int, Range(0, LARGEST_NUMBER)]
"""A whole number from 0 on."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an item: a column of its table.

    ``made_of`` turns what a store gives back (text, a number, a truth value) into what the item
    holds; ``range_`` is for numbers.
    """

    name: str
    kind: Kind
    required: bool
    made_of: Callable[[Any], object]
    range_: Range | None = None

    @property
    def nullable(self) -> bool:
        """Whether it is ``None`` when it is unknown: texts are none of them then."""
        return not self.required and self.kind is not Kind.TEXTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An item of a detail: an alternative title, an episode, a keyword.

    What is unknown is ``None`` or an empty tuple. Raises `InvalidTitle` naming the field that
    breaks a rule: a text that is empty, a number out of its range, an id that is none.
    """

    def __post_init__(self) -> None:
        kind = type(self)
        if kind not in _FIELDS:
            fields_of(kind)
        for name, is_right, field in _TESTS[kind]:
            value = getattr(self, name)
            if not is_right(value):
                _check(field, value)


def fields_of(item: type[Item]) -> tuple[Field, ...]:
    """The fields of a kind of item, in their order."""
    known = _FIELDS.get(item)
    if known is None:
        known = _fields_of(item)
        _TESTS[item] = tuple((field.name, _quick_test(field), field) for field in known)
        _FIELDS[item] = known
    return known


_FIELDS: dict[type[Item], tuple[Field, ...]] = {}
_TESTS: dict[type[Item], tuple[tuple[str, Callable[[Any], bool], Field], ...]] = {}


def _fields_of(item: type[Item]) -> tuple[Field, ...]:
    hints = get_type_hints(item, include_extras=True)
    return tuple(_field(field.name, hints[field.name]) for field in fields(item))


_KINDS: dict[Any, tuple[Kind, Callable[[Any], object]]] = {
    str: (Kind.TEXT, str),
    TitleId: (Kind.TEXT, title_id),
    NameId: (Kind.TEXT, name_id),
    int: (Kind.WHOLE_NUMBER, int),
    float: (Kind.NUMBER, float),
    bool: (Kind.FLAG, bool),
    ReleaseDate: (Kind.DATE, ReleaseDate.fromisoformat),
    tuple: (Kind.TEXTS, tuple),
}


def _field(name: str, hint: Any) -> Field:
    required, range_ = True, None
    if get_origin(hint) is UnionType or NoneType in get_args(hint):
        required = False
        (hint,) = [part for part in get_args(hint) if part is not NoneType]
    if get_origin(hint) is Annotated:
        hint, range_ = get_args(hint)
    if get_origin(hint) is tuple:
        hint, required = tuple, False
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return Field(name, Kind.TEXT, required, hint)
    kind, made_of = _KINDS[hint]
    return Field(name, kind, required, made_of, range_)


def _quick_test(field: Field) -> Callable[[Any], bool]:
    """What is true of most of the values that are right, and of no others.

    Items are made by the thousand, and `_check` takes longer.
    """
    nullable = field.nullable
    match field.kind:
        case Kind.TEXT if field.made_of is str:
            return lambda value: (value is None and nullable) or not _text_problem(value)
        case Kind.WHOLE_NUMBER if field.range_ is not None:
            low, high = field.range_.low, field.range_.high
            return lambda value: (
                (value is None and nullable) or (type(value) is int and low <= value <= high)
            )
        case Kind.TEXTS:
            return lambda value: type(value) is tuple and not any(map(_text_problem, value))
    return lambda value: value is None and nullable


def _check(field: Field, value: object) -> None:
    if value is None and field.nullable:
        return
    rule = _broken_rule(field, value)
    if rule is not None:
        raise InvalidTitle(field.name, value, f"{rule}, or None" if field.nullable else rule)


def _broken_rule(field: Field, value: object) -> str | None:
    """What the value should be, when it is something else."""
    match field.kind:
        case Kind.TEXT:
            return _broken_text(field, value)
        case Kind.TEXTS:
            is_right = isinstance(value, tuple) and not any(map(_text_problem, value))
            return None if is_right else "must be texts of at least one character each"
        case Kind.FLAG:
            return None if isinstance(value, bool) else "must be True or False"
        case Kind.DATE:
            return None if isinstance(value, ReleaseDate) else "must be a ReleaseDate"
    types = (int,) if field.kind is Kind.WHOLE_NUMBER else (int, float)
    low, high = (field.range_.low, field.range_.high) if field.range_ else (-math.inf, math.inf)
    is_number = isinstance(value, types) and not isinstance(value, bool)
    # Not `math.isfinite`, which cannot take the largest of whole numbers.
    if is_number and low <= value <= high and abs(value) != math.inf:  # type: ignore[operator, arg-type]
        return None
    return f"must be a {field.kind} from {low} to {high}"


def _broken_text(field: Field, value: object) -> str | None:
    if problem := _text_problem(value):
        return problem
    if field.made_of is str:
        return None
    try:
        field.made_of(value)
    except InvalidTitle as error:
        return error.rule
    except ValueError:
        return "is not among those that are known"
    return None


def _text_problem(value: object) -> str | None:
    if not isinstance(value, str) or not value:
        return "must be text of at least one character"
    if UNSTORABLE.search(value):
        return "must not have NUL or lone surrogate characters"
    return None
