"""Asking for many things at once, in batches that the API takes."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from domain.errors import PageChanged, RunStopped, SourceError, TitleError
from domain.identifiers import NameId, TitleId
from infrastructure.scrapers.imdb_graphql.batch_size import BatchSize
from infrastructure.scrapers.imdb_graphql.replies import TooComplex, WrongInput

_Id = TypeVar("_Id", TitleId, NameId)
_Found = TypeVar("_Found")

Ask = Callable[[Sequence[_Id]], Sequence[_Found | TitleError | SourceError]]
"""Asks once: gives an outcome for each id, raises `SourceError`, `TooComplex`, `WrongInput`."""


def ask_in_batches(
    ids: Sequence[_Id],
    size: BatchSize,
    ask: Ask[_Id, _Found],
    *,
    url: str,
    not_found: Callable[[str, str], TitleError],
) -> list[_Found | TitleError | SourceError]:
    """Give one outcome for each id, in their order; ``size`` is halved when it is too complex.

    When it takes several requests and one of them fails, what came before it is given, and for the
    others the failure; else that is raised, and so is `RunStopped`. ``not_found`` makes the error
    for an id that the API at ``url`` refuses.
    """
    outcomes: list[_Found | TitleError | SourceError] = []
    while rest := ids[len(outcomes) :]:
        try:
            outcomes += _first_of(rest, size, ask, url, not_found)
        except RunStopped:
            raise
        except SourceError as error:
            if not outcomes:
                raise
            outcomes += [error] * len(rest)
    return outcomes


def _first_of(
    ids: Sequence[_Id],
    size: BatchSize,
    ask: Ask[_Id, _Found],
    url: str,
    not_found: Callable[[str, str], TitleError],
) -> Sequence[_Found | TitleError | SourceError]:
    """Outcomes of as many of the first ids as the API takes in one request."""
    count = min(len(ids), size.now)
    while True:
        asked = ids[:count]
        try:
            return ask(asked)
        except TooComplex as error:
            if count == 1:
                return [PageChanged(url, "query", f"for {asked[0]} alone: {error}")]
            count = size.halve(count)
        except WrongInput as error:  # one of the ids, and it is not said which
            if count == 1:
                return [not_found(asked[0], f"{url} ({error})")]
            count //= 2
