"""What share of the titles has what is asked for, as far as PostgreSQL's statistics tell.

They are read now and then, and reckoned with here: to have PostgreSQL plan a statement only to see
how many rows it expects takes longer than most pages take. They decide in which way a page is had,
never what is in it; where there are none yet, guesses do.
"""

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from time import monotonic
from typing import Any, TypeAlias

Value: TypeAlias = str | float

STATISTICS = """
    SELECT attname, null_frac, most_common_vals::text::text[], most_common_freqs,
        histogram_bounds::text::text[], most_common_elems::text::text[], most_common_elem_freqs,
        (SELECT greatest(reltuples, 0) FROM pg_class WHERE oid = 'titles'::regclass)
    FROM pg_stats WHERE schemaname = current_schema() AND tablename = 'titles' AND attname IN (
        'kind', 'title_key', 'year', 'rating', 'votes', 'metascore', 'runtime_minutes', 'genres',
        'words')
"""

_TEXTS = frozenset({"kind", "title_key"})

_GUESSED_ROWS = 10_000
_GUESSED_SHARE = 0.1
_GUESSED_ELEMENT = 0.02
_MOST_OF_RARE = 0.005
"""Words that are in no statistics have a beginning as often as those that are, up to this share."""
_KEPT_SECONDS = 60.0


class Column:
    """The values of a column: how many are unknown, the most frequent, and bounds of equal parts of
    the others; shares are of all rows."""

    def __init__(
        self,
        unknown: float = 0.0,
        common: Mapping[Value, float] | None = None,
        bounds: Sequence[Value] = (),
    ) -> None:
        self.unknown = unknown
        self.known = max(1e-6, 1 - unknown)
        """The share of rows that have a value at all."""
        self._common = common or {}
        self._bounds = bounds
        self._values: list[Any] = sorted(self._common)
        self._sums = [0.0, *accumulate(self._common[value] for value in self._values)]
        self._rest = max(0.0, self.known - self._sums[-1])

    def of_values(self, values: Sequence[Value]) -> float:
        """The share of rows that have one of these."""
        if not self._common:
            return min(1.0, _GUESSED_SHARE * len(values))
        return sum(self._common.get(value, 0.0) for value in values)

    def between(self, low: Value | None, high: Value | None) -> float:
        """The share of rows from a value to another, both of which count."""
        if not self._common and not self._bounds:
            return self.known / 3
        first = 0 if low is None else bisect_left(self._values, low)
        end = len(self._values) if high is None else bisect_right(self._values, high)
        common = self._sums[max(first, end)] - self._sums[first]
        below = 0.0 if low is None else self._rank(low, bisect_left)
        up_to = 1.0 if high is None else self._rank(high, bisect_right)
        return common + self._rest * max(0.0, up_to - below)

    def _rank(self, value: Value, bisect: Callable[..., int]) -> float:
        """How far from the first bound to the last a value is."""
        if len(self._bounds) < 2:
            return 0.5
        place = bisect(self._bounds, value)
        if not 0 < place < len(self._bounds):
            return float(place > 0)
        before, behind = self._bounds[place - 1], self._bounds[place]
        within = 0.5
        if isinstance(value, float | int) and behind != before:
            within = (value - before) / (behind - before)  # type: ignore[operator]
        return (place - 1 + within) / (len(self._bounds) - 1)


class Elements:
    """The elements of a column of arrays or words: the share of rows that have each."""

    def __init__(self, common: Mapping[str, float] | None = None, least: float | None = None):
        held = common or {}
        self._common = held
        self._least = _GUESSED_ELEMENT if least is None else least / 2
        self._names = sorted(held)
        self._sums = [0.0, *accumulate(held[name] for name in self._names)]

    def share(self, name: str) -> float:
        """The share of rows that have an element."""
        return self._common.get(name, self._least)

    def beginning(self, start: str) -> float:
        """The share of rows that have an element with this beginning; in part it is guessed."""
        first = bisect_left(self._names, start)
        end = bisect_left(self._names, start + "\U0010ffff")
        rare = self._least + 0.02 / 4.0 ** (len(start) - 2)
        frequent = self._sums[end] - self._sums[first]
        return min(1.0, frequent + min(frequent, _MOST_OF_RARE) + rare)


@dataclass(frozen=True, slots=True)
class Shares:
    """What is known of the titles as a whole."""

    rows: float = _GUESSED_ROWS
    columns: Mapping[str, Column] = field(default_factory=dict)
    genres: Elements = field(default_factory=Elements)
    words: Elements = field(default_factory=Elements)

    def column(self, name: str) -> Column:
        """What is known of a column."""
        return self.columns.get(name, _UNKNOWN)


_UNKNOWN = Column(unknown=0.3)


def shares_from(rows: Sequence[Sequence[Any]]) -> Shares:
    """Make them from what `STATISTICS` gives."""
    columns: dict[str, Column] = {}
    elements: dict[str, Elements] = {}
    for name, unknown, values, shares, bounds, names, of_names, _ in rows:
        if name in ("genres", "words"):
            if names:
                # After the shares of the elements: the least and the greatest of them.
                by_name = dict(zip(names, of_names, strict=False))
                elements[name] = Elements(by_name, of_names[len(names)])
            continue
        read: Callable[[str], Value] = str if name in _TEXTS else float
        common = dict(zip(map(read, values or ()), shares or (), strict=True))
        columns[name] = Column(unknown, common, [*map(read, bounds or ())])
    held = float(rows[0][-1]) if rows else 0.0
    return Shares(rows=held or _GUESSED_ROWS, columns=columns, **elements)


class KeptShares:
    """Keeps what was read for a minute. Any thread may ask; one at a time reads."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept = Shares()
        self._until = 0.0

    def current(self, read: Callable[[], Sequence[Sequence[Any]]]) -> Shares:
        """Give what is known; ``read`` gives what `STATISTICS` gives."""
        if self._clock() >= self._until and self._lock.acquire(blocking=False):
            try:
                self._kept = shares_from(read())
                self._until = self._clock() + _KEPT_SECONDS
            finally:
                self._lock.release()
        return self._kept
