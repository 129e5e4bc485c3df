"""Rules that facts of all sorts have in common."""

import math
import re

from domain.errors import InvalidTitle

LARGEST_INTEGER = 2**31 - 1
"""The largest whole number of a fact: what PostgreSQL's ``integer`` holds."""

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""Characters that UTF-8 or PostgreSQL cannot have in a text."""


def check_text(field: str, value: object) -> None:
    """Raise `InvalidTitle` unless it is a text that every store can keep."""
    if not isinstance(value, str) or not value:
        raise InvalidTitle(field, value, "must be text of at least one character, or None")
    if UNSTORABLE.search(value):
        raise InvalidTitle(field, value, "must not have NUL or lone surrogate characters")


def check_optional_text(field: str, value: object) -> None:
    """Raise `InvalidTitle` unless it is such a text, or ``None``."""
    if value is not None:
        check_text(field, value)


def check_integer(field: str, value: object, low: int, high: int) -> None:
    """Raise `InvalidTitle` unless it is a whole number in the range, or ``None``."""
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise InvalidTitle(field, value, f"must be a whole number from {low} to {high}, or None")


def check_rating(field: str, value: object) -> None:
    """Raise `InvalidTitle` unless it is a mean rating from 0.0 to 10.0, or ``None``."""
    if value is not None and (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or not math.isfinite(value)
        or not 0.0 <= value <= 10.0
    ):
        raise InvalidTitle(field, value, "must be from 0.0 to 10.0, or None")
