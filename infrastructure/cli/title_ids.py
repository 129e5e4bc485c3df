"""Ids of titles and people as they are given on the command line."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import BinaryIO, TypeVar

from domain.errors import InvalidTitle
from domain.identifiers import NameId, TitleId, name_id_from, title_id_from

LONGEST_SHOWN = 60

_Id = TypeVar("_Id")


def read_title_ids(
    given: Sequence[str], standard_input: BinaryIO
) -> tuple[list[TitleId], tuple[str, ...]]:
    """Read ids and URLs of titles; ``-`` stands for the words on standard input.

    Gives the good ids in the order given, and a line for each one that is none.
    """
    return _read_ids(given, standard_input, title_id_from, "a title", "people")


def read_name_ids(
    given: Sequence[str], standard_input: BinaryIO
) -> tuple[list[NameId], tuple[str, ...]]:
    """Read ids and URLs of people, as `read_title_ids`."""
    return _read_ids(given, standard_input, name_id_from, "a person", "titles")


def _read_ids(
    given: Sequence[str],
    standard_input: BinaryIO,
    read: Callable[[str], _Id],
    what: str,
    other_command: str,
) -> tuple[list[_Id], tuple[str, ...]]:
    ids: list[_Id] = []
    problems: list[str] = []
    for text in _words(given, standard_input):
        try:
            ids.append(read(text))
        except InvalidTitle as error:
            why = error.rule
            if why.endswith(f"not {what}"):
                why += f": python main.py {other_command} takes it"
            problems.append(f"not {what}: {text[:LONGEST_SHOWN]!r} ({why})")
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
