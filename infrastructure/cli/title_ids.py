"""Title ids as people give them on the command line."""

from collections.abc import Iterable, Iterator, Sequence

from domain.errors import InvalidTitle
from domain.identifiers import TitleId, title_id_from

LONGEST_SHOWN = 60


def read_title_ids(
    given: Sequence[str], standard_input: Iterable[str]
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


def _words(given: Sequence[str], standard_input: Iterable[str]) -> Iterator[str]:
    for text in given:
        if text != "-":
            yield text
            continue
        for line in standard_input:
            yield from line.replace(",", " ").split()
