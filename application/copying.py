"""Copying titles from the repository that has them to those that lack them."""

from collections.abc import Iterator, Sequence
from functools import partial

from application.composite_save import CompositeSave
from application.ports import TitleRepository
from domain.identifiers import TitleId
from domain.run import Run
from domain.title import Title

COPIED_TITLES = 100
"""Titles that are read and handed over at a time."""


def copy_titles(
    save: CompositeSave, run: Run, ids: Sequence[TitleId], *, source: str, to: Sequence[str]
) -> Iterator[list[TitleId]]:
    """Copy titles, some at a time; give the ids of those that could be read, as they are done.

    Copies keep where and when their facts were found. A repository that cannot store them reports
    them missing. Ends early when ``source`` fails, or ``save`` is stopped.
    """
    for start in range(0, len(ids), COPIED_TITLES):
        if save.stopped:
            return
        part = ids[start : start + COPIED_TITLES]
        answers = save.ask(partial(titles_of, ids=part), of=source)
        if source not in answers:
            return
        for name in to:
            save.copy(answers[source], run, to=name)
        yield [title.imdb_id for title in answers[source]]


def titles_of(repository: TitleRepository, ids: Sequence[TitleId]) -> list[Title]:
    """Give those of the titles that a repository holds."""
    return list(repository.titles(ids))
