"""Copying titles, or people, from the repository that has them to those that lack them."""

from collections.abc import Callable, Iterator, Sequence

from application.composite_save import CompositeSave
from application.detail_fetcher import Id, Item
from application.ports import TitleRepository
from domain.identifiers import ImdbId, NameId, TitleId
from domain.person_profile import PersonProfile
from domain.run import Run
from domain.title import Title

COPIED_TITLES = 100
"""Titles, or people, that are read and handed over at a time."""


_Read = Callable[[TitleRepository, Sequence[Id]], list[Item]]


def copy_titles(
    save: CompositeSave, run: Run, ids: Sequence[TitleId], *, source: str, to: Sequence[str]
) -> Iterator[list[ImdbId]]:
    """Copy titles, some at a time; give the ids of those that could be read, as they are done.

    Copies keep where and when their facts were found. A repository that cannot store them reports
    them missing. Ends early when ``source`` fails, or ``save`` is stopped.
    """
    return _copy(save, run, ids, titles_of, source=source, to=to)


def copy_people(
    save: CompositeSave, run: Run, ids: Sequence[NameId], *, source: str, to: Sequence[str]
) -> Iterator[list[ImdbId]]:
    """Copy profiles of people; as `copy_titles`."""
    return _copy(save, run, ids, people_of, source=source, to=to)


def titles_of(repository: TitleRepository, ids: Sequence[TitleId]) -> list[Title]:
    """Give those of the titles that a repository holds."""
    return list(repository.titles(ids))


def people_of(repository: TitleRepository, ids: Sequence[NameId]) -> list[PersonProfile]:
    """Give those of the profiles that a repository holds."""
    return list(repository.profiles(ids))


def _copy(
    save: CompositeSave,
    run: Run,
    ids: Sequence[Id],
    read: _Read[Id, Item],
    *,
    source: str,
    to: Sequence[str],
) -> Iterator[list[ImdbId]]:
    for start in range(0, len(ids), COPIED_TITLES):
        if save.stopped:
            return
        part = ids[start : start + COPIED_TITLES]
        answers = save.ask(_reading(read, part), of=source)
        if source not in answers:
            return
        for name in to if answers[source] else ():
            save.copy(answers[source], run, to=name)
        yield [item.imdb_id for item in answers[source]]


def _reading(read: _Read[Id, Item], ids: Sequence[Id]) -> Callable[[TitleRepository], list[Item]]:
    return lambda repository: read(repository, ids)
