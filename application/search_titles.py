"""Searching: several ways to find what is looked for, the first that finds something."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from application.ports import TitleSearch
from domain.errors import RunStopped, SourceBlocked, SourceError, TitleError
from domain.search import SearchHit, SearchQuery, Thing


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOutcome:
    """What was found, the best first, and by whom; ``found_by`` is ``None`` when nothing was.

    ``answered`` is false when no search could answer: then it is not known whether there is any.
    """

    hits: tuple[SearchHit, ...]
    found_by: str | None
    answered: bool


class SearchTitles:
    """Asks its searches in order until one has hits that the query accepts.

    One that answers without a hit does not end it: the suggestion API gives eight titles, and the
    one of the right year may not be among them. ``tell`` is called with a line for each one that
    could not answer. ``instead`` says for some things who else is asked for them, in which order.
    Keeps nothing: any number of threads may call it.
    """

    def __init__(
        self,
        searches: Sequence[TitleSearch],
        tell: Callable[[str], None],
        *,
        instead: Mapping[Thing, Sequence[TitleSearch]] | None = None,
    ) -> None:
        self._orders = {thing: tuple(searches) for thing in Thing}
        self._orders |= {thing: tuple(others) for thing, others in (instead or {}).items()}
        if not all(self._orders.values()):
            raise ValueError("a search needs at least one source")
        self._tell = tell

    def execute(self, query: SearchQuery) -> SearchOutcome:
        """Give at most ``query.limit`` hits, each once.

        Raises `RunStopped` when the program was being stopped before one had answered.
        """
        answered = False
        for search in self._orders[query.thing]:
            try:
                found = search.find(query)
            except RunStopped:
                raise
            except (SourceError, TitleError) as error:
                state = "blocks us" if isinstance(error, SourceBlocked) else "gives no answer"
                self._tell(f"{search.name} {state}: {error}")
                continue
            answered = True
            if hits := _chosen(found, query):
                return SearchOutcome(hits=hits, found_by=search.name, answered=True)
        return SearchOutcome(hits=(), found_by=None, answered=answered)


def _chosen(found: Iterable[SearchHit], query: SearchQuery) -> tuple[SearchHit, ...]:
    chosen: dict[str, SearchHit] = {}
    for hit in filter(query.accepts, found):
        chosen.setdefault(hit.imdb_id, hit)
    return tuple(chosen.values())[: query.limit]
