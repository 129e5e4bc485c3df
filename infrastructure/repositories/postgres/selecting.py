"""Conditions on titles and orders of them as SQL. Pure: no database in sight.

What a condition comes to is what its ``holds`` says, NULL for unknown; a test compares them.
"""

from collections.abc import Iterable, Sequence

from application.conditions import (
    AllOf,
    AnyOf,
    Compare,
    Comparison,
    Condition,
    Contains,
    Has,
    IsKnown,
    Not,
    OneOf,
    Operand,
)
from application.title_fields import CREDIT_FIELDS, NUMBERS, FieldKind, TitleField
from application.title_order import SortKey
from domain.details import DetailName, Kind, fields_of, item_of

Sql = tuple[str, tuple[object, ...]]
"""A part of a statement, and the values for its places."""

_OPERATORS = {
    Comparison.EQUAL: "=",
    Comparison.UNEQUAL: "<>",
    Comparison.LESS: "<",
    Comparison.LESS_OR_EQUAL: "<=",
    Comparison.GREATER: ">",
    Comparison.GREATER_OR_EQUAL: ">=",
}

_EXPRESSIONS = {
    "release_date": "(titles.release_year"
    " || coalesce('-' || lpad(titles.release_month::text, 2, '0'), '')"
    " || coalesce('-' || lpad(titles.release_day::text, 2, '0'), ''))",
    "fetched_at": "to_char(titles.fetched_at AT TIME ZONE 'UTC',"
    """ 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""",
}
"""The fields that are no columns of ``titles``, as they are compared."""


def condition_sql(condition: Condition) -> Sql:
    """Give a condition on the row of ``titles`` that is read."""
    match condition:
        case AllOf(parts):
            return _joined(" AND ", map(condition_sql, parts))
        case AnyOf(parts):
            return _joined(" OR ", map(condition_sql, parts))
        case Not(part):
            inner, values = condition_sql(part)
            return f"(NOT {inner})", values
    return _simple_sql(condition)


def order_sql(order: Sequence[SortKey]) -> str:
    """Give what stands after ``ORDER BY``: of titles with the same values, the lower id first."""
    keys = [
        f"{_sorted(key.field)} {'DESC' if key.descending else 'ASC'} NULLS LAST" for key in order
    ]
    return ", ".join([*keys, 'titles.imdb_id COLLATE "C"'])


def _simple_sql(condition: Compare | OneOf | Contains | Has | IsKnown) -> Sql:
    match condition:
        case Compare(left, comparison, right):
            return _compared(left, comparison, right)
        case OneOf(field, values):
            return f"({_expression(field)} IN %s)", (values,)
        case Contains(field, text):
            return f"(strpos({_expression(field)}, %s) > 0)", (text,)
        case Has(field, text):
            return _has(field, text)
        case IsKnown(field):
            return _is_known(field), ()


def _joined(word: str, parts: Iterable[Sql]) -> Sql:
    texts, values = zip(*parts, strict=True)
    return f"({word.join(texts)})", tuple(value for some in values for value in some)


def _compared(left: Operand, comparison: Comparison, right: Operand) -> Sql:
    texts, values = zip(*map(_operand, (left, right)), strict=True)
    first, second = texts
    is_number = any(isinstance(o, TitleField) and o.kind in NUMBERS for o in (left, right))
    # By the code points of the characters, whatever the language of the database.
    collation = "" if is_number else ' COLLATE "C"'
    text = f"({first} {_OPERATORS[comparison]} {second}{collation})"
    return text, tuple(value for some in values for value in some)


def _operand(operand: Operand) -> Sql:
    return (_expression(operand), ()) if isinstance(operand, TitleField) else ("%s", (operand,))


def _expression(field: TitleField) -> str:
    return _EXPRESSIONS.get(field.name, f"titles.{field.name}")


def _sorted(field: TitleField) -> str:
    expression = _expression(field)
    return expression if field.kind in NUMBERS else f'{expression} COLLATE "C"'


def _has(field: TitleField, text: str) -> Sql:
    if field.kind is FieldKind.CREDITS:
        found = "bool_or(c.name = %s OR c.person_id IS NOT DISTINCT FROM %s)"
        rows = f"SELECT {found} FROM credits c WHERE {_of_category(field)}"  # noqa: S608
        return f"({rows})", (text, text)
    if field.kind is FieldKind.DETAIL:
        found, values = _item_has(DetailName(field.name), text)
        is_whole = f"EXISTS ({_ledger(field)} AND d.is_whole)"
        return f"(CASE WHEN {found} THEN true WHEN {is_whole} THEN false END)", values
    expression = _expression(field)
    return f"(CASE WHEN cardinality({expression}) > 0 THEN %s = ANY ({expression}) END)", (text,)


def _item_has(name: DetailName, text: str) -> Sql:
    """Whether a text of an item is this one."""
    parts = []
    for field in fields_of(item_of(name)):
        if field.kind is Kind.TEXTS:
            parts.append(f"%s = ANY (i.{field.name})")
        elif field.kind in {Kind.TEXT, Kind.DATE}:
            parts.append(f"i.{field.name} = %s")
    if not parts:
        return "false", ()
    rows = f"SELECT FROM {name} i WHERE i.title_id = titles.imdb_id"
    return f"EXISTS ({rows} AND ({' OR '.join(parts)}))", (text,) * len(parts)


def _is_known(field: TitleField) -> str:
    if field.kind is FieldKind.CREDITS:
        return f"EXISTS (SELECT FROM credits c WHERE {_of_category(field)})"
    if field.kind is FieldKind.DETAIL:
        return f"EXISTS ({_ledger(field)})"
    expression = _expression(field)
    if field.kind is FieldKind.TEXTS:
        return f"(cardinality({expression}) > 0)"
    return f"({expression} IS NOT NULL)"


def _of_category(field: TitleField) -> str:
    return f"c.title_id = titles.imdb_id AND c.category = '{CREDIT_FIELDS[field.name]}'"


def _ledger(field: TitleField) -> str:
    return (
        "SELECT FROM title_details d"
        f" WHERE d.title_id = titles.imdb_id AND d.detail = '{field.name}'"
    )
