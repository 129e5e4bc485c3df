"""What is kept in memory of details: some 35 bytes each, and some 20 for each title with any.

Nothing here is safe for threads: whoever calls it holds the folder's lock. (What is there already
does not move when something is added, so a reader of a snapshot may go on without the lock.)
"""

from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from domain.details import DetailName
from domain.identifiers import TitleId
from infrastructure.repositories.csv.index import IdIndex

_NAMES = tuple(DetailName)
_CODES = {name: code for code, name in enumerate(_NAMES)}
_DROPPED = 255


class HeldDetail(NamedTuple):
    """A detail in the files: when it was fetched (see `rows.moment_of`), and where it stands.

    The places are bytes: its row in ``details.csv``, its items' rows in their own file.
    """

    name: DetailName
    fetched_at: int
    ledger_start: int
    ledger_end: int
    items_count: int
    items_start: int = 0
    items_end: int = 0


class DetailIndex:
    """The details of a folder, by title, in the order of ``details.csv``.

    A detail is *placed* when the rows of its items are known: at once when there are none.
    """

    def __init__(self) -> None:
        self._ids = IdIndex("tt")
        self._firsts = array("I")
        self._lengths = array("B")
        self._codes = array("B")
        self._fetched_at = array("q")
        self._ledger_starts = array("Q")
        self._ledger_sizes = array("I")
        self._counts = array("I")
        self._items_starts = array("Q")
        self._items_sizes = array("Q")

    def __len__(self) -> int:
        """The number of titles that have a place here."""
        return len(self._ids)

    def __contains__(self, imdb_id: TitleId) -> bool:
        return self._ids.find(imdb_id) is not None

    def __iter__(self) -> Iterator[TitleId]:
        """Give the titles."""
        return map(TitleId, self._ids)

    def of(self, imdb_id: TitleId) -> list[HeldDetail]:
        """Give what is held of a title."""
        return [self._held(number) for number in self._numbers(imdb_id) if self._is_there(number)]

    def get(self, imdb_id: TitleId, name: DetailName) -> HeldDetail | None:
        """Give a detail of a title, or ``None`` when it is not held."""
        number = self._find(imdb_id, name)
        return None if number is None else self._held(number)

    def add(self, imdb_id: TitleId, details: Sequence[HeldDetail]) -> None:
        """Hold the details of a title that has none yet, each name once."""
        self._ids.add(imdb_id)
        self._firsts.append(len(self._codes))
        self._lengths.append(len(details))
        for held in details:
            self._codes.append(_CODES[held.name])
            self._fetched_at.append(held.fetched_at)
            self._ledger_starts.append(held.ledger_start)
            self._ledger_sizes.append(held.ledger_end - held.ledger_start)
            self._counts.append(held.items_count)
            self._items_starts.append(held.items_start)
            self._items_sizes.append(held.items_end - held.items_start)

    def place(self, imdb_id: TitleId, name: DetailName, start: int, end: int) -> None:
        """Note where the rows of the items stand."""
        number = self._find(imdb_id, name)
        if number is None:
            raise KeyError(imdb_id, name)
        self._items_starts[number] = start
        self._items_sizes[number] = end - start

    @property
    def end(self) -> int:
        """The number that the next detail gets."""
        return len(self._codes)

    def drop_unplaced(self, since: int) -> int:
        """Forget those, from that number on, whose rows are not known; give how many."""
        lost = [
            number for number in range(since, self.end)
            if self._counts[number] and not self._items_sizes[number] and self._is_there(number)
        ]  # fmt: skip
        for number in lost:
            self._codes[number] = _DROPPED
        return len(lost)

    def _is_there(self, number: int) -> bool:
        return self._codes[number] != _DROPPED

    def _numbers(self, imdb_id: TitleId) -> range:
        title = self._ids.find(imdb_id) if len(self._ids) else None
        if title is None:
            return range(0)
        return range(self._firsts[title], self._firsts[title] + self._lengths[title])

    def _find(self, imdb_id: TitleId, name: DetailName) -> int | None:
        code = _CODES[name]
        return next((n for n in self._numbers(imdb_id) if self._codes[n] == code), None)

    def _held(self, number: int) -> HeldDetail:
        ledger_start, items_start = self._ledger_starts[number], self._items_starts[number]
        return HeldDetail(
            _NAMES[self._codes[number]],
            self._fetched_at[number],
            ledger_start,
            ledger_start + self._ledger_sizes[number],
            self._counts[number],
            items_start,
            items_start + self._items_sizes[number],
        )
