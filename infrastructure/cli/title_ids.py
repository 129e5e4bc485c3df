"""Title ids as people give them on the command line."""

from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

from domain.errors import InvalidTitle
from domain.identifiers import TitleId, title_id_from

LONGEST_SHOWN = 60


def read_title_ids(
    given: Sequence[str], standard_input: BinaryIO
) -> tuple[list[TitleId], tuple[str, ...]]:
    """Read ids and URLs; ``-`` stands for the words on standard input.

    Gives the good ids in the order given, and a line for each one that is none.
    """
    ids: list[TitleId] = []
    problems: list[str] = []
    for text in _words(given, standard_input):
        try:
            ids.append(title_id_from(text))
        except InvalidTitle as error:
            problems.append(f"not a title: {text[:LONGEST_SHOWN]!r} ({error.rule})")
    return ids, tuple(problems)


def _words(given: Sequence[str], standard_input: BinaryIO) -> Iterator[str]:
    for text in given:
        if text == "-":
            yield from _words_of_lines(standard_input)
        else:
            yield text


def _words_of_lines(lines: Iterable[bytes]) -> Iterator[str]:
    """Words between spaces, commas and ends of lines; bytes that are no UTF-8 are shown as such."""
    for line in lines:
        yield from line.decode(errors="backslashreplace").replace(",", " ").split()
