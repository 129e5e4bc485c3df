"""Titles page after page, from the first of several sources that gives them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from domain.errors import ListNotFound, RunStopped, SourceBlocked, SourceError, TitleError
from domain.identifiers import TitleId
from domain.lists import ListedTitle, TitleList
from shared.wording import counted

Asked = TypeVar("Asked")
Asked_contra = TypeVar("Asked_contra", contravariant=True)


class Pages(Protocol[Asked_contra]):
    """A `TitleDiscovery` or `TitleLists`."""

    @property
    def name(self) -> str:
        """Its name in messages."""

    def pages(self, wanted: Asked_contra) -> Iterator[TitleList]:
        """Give titles page after page."""


class ListTitles(Generic[Asked]):
    """Asks its sources in order for what a filter lets through, or for a list.

    One that fails, or that has no more to give although there is more, is named with ``tell``, and
    the next one goes on where it stopped. Keeps nothing: any number of threads may call it.
    """

    def __init__(self, sources: Sequence[Pages[Asked]], tell: Callable[[str], None]) -> None:
        if not sources:
            raise ValueError("titles need at least one source")
        self._sources = tuple(sources)
        self._tell = tell

    def execute(self, wanted: Asked, *, limit: int, with_adult: bool) -> "Listing":
        """Begin; nothing is asked for before the listing is iterated."""
        return Listing(
            [(source.name, source.pages(wanted)) for source in self._sources],
            self._tell,
            limit=limit,
            with_adult=with_adult,
        )


class Listing:
    """Titles, each once, at most ``limit``; to be iterated once, by one thread.

    Afterwards ``answered`` tells whether any source gave an answer: without one it is not known
    whether there is anything. ``total`` is how many there are in all, ``name`` what the list is
    called, and ``is_missing`` tells that a source knows of no such list.
    """

    def __init__(
        self,
        sources: Sequence[tuple[str, Iterator[TitleList]]],
        tell: Callable[[str], None],
        *,
        limit: int,
        with_adult: bool,
    ) -> None:
        self._sources = sources
        self._tell = tell
        self._limit = limit
        self._with_adult = with_adult
        self._given: set[TitleId] = set()
        self._left_out: set[TitleId] = set()
        self.answered = False
        self.is_missing = False
        self.total: int | None = None
        self.name: str | None = None

    @property
    def is_cut(self) -> bool:
        """Whether titles are missing that no source would give."""
        if self.total is None:
            return False
        return len(self._given) < min(self._limit, self.total - len(self._left_out))

    def __iter__(self) -> Iterator[ListedTitle]:
        """Give the titles; raises `RunStopped` when the program is being stopped."""
        for name, pages in self._sources:
            yield from self._titles_of(name, pages)
            if self.answered and not self.is_cut:
                return

    def _titles_of(self, source: str, pages: Iterator[TitleList]) -> Iterator[ListedTitle]:
        try:
            for page in pages:
                self.answered = True
                self.total, self.name = page.total, page.name or self.name
                yield from self._new_of(page)
                if len(self._given) >= self._limit:
                    return
        except RunStopped:
            raise
        except (SourceError, TitleError) as error:
            self.is_missing |= isinstance(error, ListNotFound)
            self._tell(f"{source} {_state(error)}: {error}")
            return
        if self.is_cut:
            given = len(self._given)
            self._tell(
                f"{source} gives no more than {given:,} of {counted(self.total or 0, 'title')}"
            )

    def _new_of(self, page: TitleList) -> Iterator[ListedTitle]:
        for title in page.titles:
            if title.imdb_id in self._given or len(self._given) >= self._limit:
                continue
            if title.is_adult and not self._with_adult:
                self._left_out.add(title.imdb_id)
                continue
            self._given.add(title.imdb_id)
            yield title


def _state(error: SourceError | TitleError) -> str:
    if isinstance(error, ListNotFound):
        return "has none"
    return "blocks us" if isinstance(error, SourceBlocked) else "gives no answer"
