"""Texts that a spreadsheet would run as a formula, escaped so that they can be read back.

A cell is taken for a formula by its first character (OWASP, "CSV Injection"). An apostrophe before
it makes it text. A text that has an apostrophe there by itself gets one more, whether or not
formulas are escaped, so that a cell says by itself which it is: files may have rows of both kinds.
"""

_APOSTROPHE = "'"
# OWASP's list; the last four are the full-width forms, which some spreadsheets take for the others.
_STARTS = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
_SPECIAL = _STARTS | {_APOSTROPHE}


def escaped(text: str, *, formulas: bool) -> str:
    """Give a text as it stands in a cell; ``formulas`` tells whether formulas are escaped."""
    first = text[:1]
    if first not in _SPECIAL:
        return text
    needs_one = formulas if first in _STARTS else _is_escaped(text)
    return _APOSTROPHE + text if needs_one else text


def unescaped(cell: str) -> str:
    """Give the text that stands in a cell, written with ``formulas`` or without."""
    return cell[1:] if cell[:1] == _APOSTROPHE and _is_escaped(cell) else cell


def _is_escaped(text: str) -> bool:
    return text.lstrip(_APOSTROPHE)[:1] in _STARTS
