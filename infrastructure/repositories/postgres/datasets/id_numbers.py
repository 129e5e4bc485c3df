"""Ids as numbers: small to hold and quick to sort, and exactly the id again when they are read.

The digits of an id follow a 1: ``tt0000123`` is 10000123, and ``tt00000123`` is 100000123. So every
id with at most `MOST_DIGITS` digits has a number of its own, however many zeros it begins with.
"""

import re

from infrastructure.repositories.postgres.datasets.table_layout import Layout

MOST_DIGITS = 9
"""More digits do not fit an integer of 4 bytes; IMDb's ids have seven or eight."""

_FIRST_DIGITS = b"01"
"""Take the place of the two letters, as bytes that are replaced by as many are replaced fastest."""

_DIGITS = rb"[0-9]{1,%d}+" % MOST_DIGITS


class IdNumbers:
    """Writes the ids of a layout's lines as numbers. Any number of threads may use it."""

    def __init__(self, layout: Layout) -> None:
        columns = list(zip(layout.header, layout.columns, strict=True))
        self._ids = [
            (place, header, layout.ids[column].encode())
            for place, (header, column) in enumerate(columns)
            if column in layout.ids
        ]
        letters = {place: prefix for place, _, prefix in self._ids}
        places = range(max(letters, default=-1) + 1)
        self._plain_lines = re.compile(
            rb"(?:"
            + rb"\t".join(letters[n] + _DIGITS if n in letters else rb"[0-9]++" for n in places)
            + rb"\t.*+\n)*+"
        )
        self._line_start = re.compile(
            rb"^"
            + rb"\t".join(
                letters[n] + rb"(%b)" % _DIGITS if n in letters else rb"([^\t\n]*+)" for n in places
            )
            + rb"(?=\t)",
            re.MULTILINE,
        )
        self._with_numbers = rb"\t".join(
            (_FIRST_DIGITS if n in letters else b"") + rb"\g<%d>" % (n + 1) for n in places
        )

    def written(self, data: bytes, lines: int) -> bytes | None:
        """Whole lines, at least one, with numbers as ids; ``None`` when an id is none.

        ``lines`` is how many these are.
        """
        if not self._ids:
            return data
        if self._plain_lines.fullmatch(data):
            replaced = self._replaced(data, lines)
            if replaced is not None:
                return replaced
        replaced, found = self._line_start.subn(self._with_numbers, data)
        return replaced if found == lines else None

    def _replaced(self, data: bytes, lines: int) -> bytes | None:
        """Lines whose ids are right with numbers; ``None`` when another field looks like an id.

        A field is found by the tab before it, and the first one by the end of the line before it.
        Each line has one to be found at least: so if that of the last line is among as many as
        there are lines, nothing else is.
        """
        last = data.rfind(b"\n", 0, -1) + 1
        for place, _, prefix in self._ids:
            if place:
                data = data.replace(b"\t" + prefix, b"\t" + _FIRST_DIGITS, lines)
                if not data[last:].split(b"\t")[place].startswith(_FIRST_DIGITS):
                    return None
            else:
                data = data.replace(b"\n" + prefix, b"\n" + _FIRST_DIGITS)
                data = b"".join((_FIRST_DIGITS, memoryview(data)[len(prefix) :]))
        return data

    def of_line(self, line: bytes) -> list[bytes]:
        """The fields of a line without its end and without `trouble`, ids as numbers."""
        fields = line.split(b"\t")
        for place, _, prefix in self._ids:
            fields[place] = _FIRST_DIGITS + fields[place].removeprefix(prefix)
        return fields

    def trouble(self, line: bytes) -> str:
        """What is wrong with the ids of a line that has all its fields; empty when nothing is."""
        fields = line.split(b"\t")
        for place, header, prefix in self._ids:
            if not re.fullmatch(prefix + _DIGITS, fields[place]):
                shown = fields[place][:50].decode(errors="backslashreplace")
                return (
                    f"{header}: {shown!r} is not {prefix.decode()!r} with 1 to {MOST_DIGITS} digits"
                )
        return ""
