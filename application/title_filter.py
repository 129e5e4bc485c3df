"""The filter language: ``year >= 1970 and 'Horror' in genres and rating > 7``.

It has the syntax of Python's expressions, read by Python's own parser, of which only what is listed
here is understood: nothing is ever run. What it means is in `conditions`.
"""

import ast
import warnings
from collections.abc import Mapping

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
from application.title_fields import FIELDS, LISTS, NUMBERS, FieldKind, TitleField, suggestion
from domain.errors import InvalidSelection
from domain.rules import UNSTORABLE
from domain.title import TitleKind

LONGEST = 10_000
"""Characters of the longest filter that is read."""

DEEPEST = 50
"""How deep a filter may be nested."""

_SHOWN = 70

_CLEAR = ("unterminated string", "invalid decimal", "unmatched", "'(' was never")
"""How those of Python's own messages begin that say something to a user."""


def parse_filter(text: str) -> Condition:
    """Read a filter. Raises `InvalidSelection`, which shows the place that is wrong."""
    if len(text) > LONGEST:
        raise InvalidSelection(f"the filter has {len(text):,} characters: {LONGEST:,} are read")
    stripped = text.strip()
    if not stripped:
        raise InvalidSelection("the filter is empty")
    return _Reader(stripped).condition()


_COMPARISONS: Mapping[type[ast.cmpop], Comparison] = {
    ast.Eq: Comparison.EQUAL,
    ast.NotEq: Comparison.UNEQUAL,
    ast.Lt: Comparison.LESS,
    ast.LtE: Comparison.LESS_OR_EQUAL,
    ast.Gt: Comparison.GREATER,
    ast.GtE: Comparison.GREATER_OR_EQUAL,
}

_IN_WORDS = {
    ast.Call: "functions cannot be called",
    ast.BinOp: "there is no arithmetic",
    ast.Attribute: "there are no attributes: write the name of a field",
    ast.Subscript: "there are no subscripts",
    ast.IfExp: "there is no if",
    ast.Lambda: "there are no functions",
    ast.JoinedStr: "write the text without f before it",
}


class _Reader:
    """Turns the tree of Python's parser into a condition, and knows where everything stands."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = text.splitlines() or [""]

    def condition(self) -> Condition:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of backslashes in texts
                tree = ast.parse(self._text, mode="eval")
        except SyntaxError as error:
            # Python's own words speak of things that are not here.
            message = "this cannot be read: write year >= 1970 and 'Drama' in genres, for example"
            if error.msg.startswith(_CLEAR):
                message = error.msg
            # Where the text ends too early, Python gives no place.
            start = error.offset - 1 if error.offset else len(self._line(error.lineno or 1))
            raise self._at(error.lineno or 1, start, 1, message) from None
        except (ValueError, RecursionError, MemoryError) as error:
            raise InvalidSelection(f"the filter cannot be read: {error}") from None
        return self._condition(tree.body, 0)

    def _condition(self, node: ast.expr, depth: int) -> Condition:
        if depth > DEEPEST:
            raise self._wrong(node, f"nested more than {DEEPEST} deep")
        match node:
            case ast.BoolOp(op, values):
                parts = tuple(self._condition(value, depth + 1) for value in values)
                return AllOf(parts) if isinstance(op, ast.And) else AnyOf(parts)
            case ast.UnaryOp(ast.Not(), operand):
                return Not(self._condition(operand, depth + 1))
            case ast.Compare(left, ops, comparators):
                sides = [left, *comparators]
                pairs = tuple(
                    self._comparison(node, *pair)
                    for pair in zip(sides, ops, comparators, strict=False)
                )
                return pairs[0] if len(pairs) == 1 else AllOf(pairs)
            case ast.Name(name) if name in FIELDS:
                raise self._wrong(node, f"say what {name} should be, for example {_example(name)}")
            case ast.Name():
                raise self._unknown(node)
        raise self._other(node)

    def _comparison(
        self, node: ast.Compare, left: ast.expr, op: ast.cmpop, right: ast.expr
    ) -> Condition:
        if isinstance(op, (ast.Is, ast.IsNot)):
            if not (isinstance(right, ast.Constant) and right.value is None):
                raise self._wrong(right, "after is comes None, or not None")
            known = IsKnown(self._field(left))
            return known if isinstance(op, ast.IsNot) else Not(known)
        if isinstance(op, ast.In):
            return self._membership(left, right)
        if isinstance(op, ast.NotIn):
            return Not(self._membership(left, right))
        return self._compared(node, left, _COMPARISONS[type(op)], right)

    def _compared(
        self, node: ast.Compare, left: ast.expr, comparison: Comparison, right: ast.expr
    ) -> Compare:
        sides = (left, self._operand(left)), (right, self._operand(right))
        for place, operand in sides:
            if isinstance(operand, TitleField) and operand.is_list:
                name = operand.name
                raise self._wrong(place, f"{name} is a list: write {_example(name)}")
        (_, first), (_, second) = sides
        if not isinstance(first, TitleField) and not isinstance(second, TitleField):
            raise self._wrong(node, "compare a field with something")
        if _is_number(first) != _is_number(second):
            field, other = (first, right) if isinstance(first, TitleField) else (second, left)
            assert isinstance(field, TitleField)  # noqa: S101 - one of them is, see above
            raise self._wrong(other, f"{field.name} is a {_kind(field)}, this is not")
        if comparison in {Comparison.EQUAL, Comparison.UNEQUAL}:
            self._check_kinds(first, right, second)
            self._check_kinds(second, left, first)
        return Compare(first, comparison, second)

    def _membership(self, left: ast.expr, right: ast.expr) -> Condition:
        if isinstance(right, (ast.Tuple, ast.List, ast.Set)):
            return self._one_of(left, right)
        wanted, field = self._operand(left), self._field(right)
        if isinstance(wanted, TitleField):
            raise self._wrong(left, f"only a text in quotes can be looked for in {field.name}")
        if not isinstance(wanted, str):
            raise self._wrong(left, "only a text can be looked for: put it in quotes")
        if field.kind in NUMBERS:
            raise self._wrong(right, f"{field.name} is a number: nothing can be in it")
        return Has(field, wanted) if field.is_list else Contains(field, wanted)

    def _one_of(self, left: ast.expr, right: ast.Tuple | ast.List | ast.Set) -> OneOf:
        field = self._field(left)
        if field.is_list:
            raise self._wrong(left, f"{field.name} is a list: write {_example(field.name)}")
        if not right.elts:
            raise self._wrong(right, "nothing is in an empty list")
        values = []
        for element in right.elts:
            value = self._operand(element)
            if isinstance(value, TitleField):
                raise self._wrong(element, "only texts and numbers can be in the list")
            if _is_number(value) != _is_number(field):
                raise self._wrong(element, f"{field.name} is a {_kind(field)}, this is not")
            self._check_kinds(field, element, value)
            values.append(value)
        return OneOf(field, tuple(values))

    def _check_kinds(self, field: Operand, place: ast.expr, value: Operand) -> None:
        """Find the kind of title that does not exist: nothing would ever be of it."""
        kinds = [kind.value for kind in TitleKind]
        if field is FIELDS["kind"] and isinstance(value, str) and value not in kinds:
            raise self._wrong(place, f"there is no kind {value!r}{suggestion(value, kinds)}")

    def _operand(self, node: ast.expr) -> Operand:
        match node:
            case ast.Constant(str() as text):
                if UNSTORABLE.search(text):
                    raise self._wrong(node, "no text has NUL or lone surrogate characters")
                return text
            case ast.Constant(int() | float() as number) if not isinstance(number, bool):
                return number
            case ast.UnaryOp(ast.USub(), ast.Constant(int() | float() as number)) if not isinstance(
                number, bool
            ):
                return -number
            case ast.Constant(None):
                raise self._wrong(node, "nothing is equal to None: write year is None")
        return self._field(node)

    def _field(self, node: ast.expr) -> TitleField:
        if not isinstance(node, ast.Name):
            raise self._other(node)
        field = FIELDS.get(node.id)
        if field is None:
            raise self._unknown(node)
        return field

    def _unknown(self, node: ast.Name) -> InvalidSelection:
        return self._wrong(node, f"no field {node.id}{suggestion(node.id, tuple(FIELDS))}")

    def _other(self, node: ast.expr) -> InvalidSelection:
        words = _IN_WORDS.get(type(node), "a field, a text in quotes or a number is expected here")
        return self._wrong(node, words)

    def _wrong(self, node: ast.expr, message: str) -> InvalidSelection:
        # Offsets of the parser count bytes of UTF-8.
        line = self._line(node.lineno).encode()
        start = len(line[: node.col_offset].decode(errors="replace"))
        on_one_line = node.end_lineno == node.lineno and node.end_col_offset is not None
        end = node.end_col_offset if on_one_line else len(line)
        length = len(line[node.col_offset : end].decode(errors="replace"))
        return self._at(node.lineno, start, length, message)

    def _at(self, line_number: int, start: int, length: int, message: str) -> InvalidSelection:
        """The message over the part of the line that is wrong, which is marked."""
        line = self._line(line_number)
        first = max(0, start - _SHOWN // 2)
        part = line[first : first + _SHOWN]
        shown = "".join(c if c.isprintable() else " " for c in part)
        marks = "^" * max(1, min(length, first + _SHOWN - start))
        return InvalidSelection(f"{message}\n  {shown}\n  {' ' * (start - first)}{marks}")

    def _line(self, number: int) -> str:
        return self._lines[min(number, len(self._lines)) - 1]


def _is_number(operand: Operand) -> bool:
    if isinstance(operand, TitleField):
        return operand.kind in NUMBERS
    return not isinstance(operand, str)


def _kind(field: TitleField) -> str:
    return "number" if field.kind in NUMBERS else "text"


def _example(name: str) -> str:
    """A condition that a field of this name can be in."""
    kind = FIELDS[name].kind
    if kind in LISTS:
        return f"'Drama' in {name}" if kind is FieldKind.TEXTS else f"'...' in {name}"
    return f"{name} > 7" if kind in NUMBERS else f"{name} == '...'"
