"""What can be told of many titles: the figures of the report, one pass over the titles.

Each list has a view of the same name in PostgreSQL, with the same columns; a test compares them.
What is unknown is left out of a figure, and a figure of nothing is ``None``: never 0.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from heapq import nsmallest
from itertools import chain
from sys import intern
from typing import NamedTuple

from domain.identifiers import NameId, TitleId
from domain.title import Credit, CreditCategory, Title, TitleKind

FEWEST_VOTES = 1_000
"""A title with fewer votes is not the best of its year: a few friends can give it a 10."""


class TitlesOfDecade(NamedTuple):
    """``titles_by_decade``: titles of a kind, the mean of their ratings, and all their votes."""

    decade: int
    kind: TitleKind
    titles: int
    mean_rating: float | None
    votes: int | None


class RuntimesOfDecade(NamedTuple):
    """``runtimes_by_decade``: how long titles of a kind are, in minutes."""

    decade: int
    kind: TitleKind
    titles: int
    shortest: int
    lower_quartile: float
    median: float
    upper_quartile: float
    longest: int


class RatingsOfYear(NamedTuple):
    """``ratings_by_year``: how the titles of a year are rated."""

    year: int
    titles: int
    lowest: float
    lower_quartile: float
    median: float
    upper_quartile: float
    highest: float
    mean: float


class TitlesOfGenre(NamedTuple):
    """``titles_by_genre``: a title counts for each of its genres."""

    genre: str
    titles: int
    mean_rating: float | None


class CriticsAndUsers(NamedTuple):
    """``critics_and_users``: the metascore against ten times the rating."""

    title_id: TitleId
    title: str
    year: int | None
    rating: float
    metascore: int
    critics_above_users: float


class BestOfYear(NamedTuple):
    """``best_by_year``: the best rated title of a kind with `FEWEST_VOTES` at least."""

    year: int
    kind: TitleKind
    title_id: TitleId
    title: str
    rating: float
    votes: int


class PersonsTitles(NamedTuple):
    """``people_by_titles``: the titles of a person, by what they did."""

    person_id: NameId
    name: str
    category: CreditCategory
    titles: int
    mean_rating: float | None
    first_year: int | None
    last_year: int | None


class Collaboration(NamedTuple):
    """``collaborators``: two people who have made more than one title together, as what."""

    first_category: CreditCategory
    first_id: NameId
    first_name: str
    second_category: CreditCategory
    second_id: NameId
    second_name: str
    titles: int
    mean_rating: float | None
    first_year: int | None
    last_year: int | None


class _Part(NamedTuple):
    """What a person's title adds to their account."""

    rating: float | None
    year: int | None


@dataclass(slots=True)
class _Sum:
    """How many, and the mean of those that are known."""

    count: int = 0
    known: int = 0
    total: float = 0.0

    def add(self, value: float | None) -> None:
        self.count += 1
        if value is not None:
            self.known += 1
            self.total += value

    @property
    def mean(self) -> float | None:
        return self.total / self.known if self.known else None


@dataclass(slots=True)
class _Account:
    """What people have done: how often, how it is rated, and when."""

    ratings: _Sum = field(default_factory=_Sum)
    first_year: int | None = None
    last_year: int | None = None

    def add(self, part: _Part) -> None:
        self.ratings.add(part.rating)
        if part.year is not None:
            self.first_year = min(part.year, self.first_year or part.year)
            self.last_year = max(part.year, self.last_year or part.year)


PAIRS = (
    (CreditCategory.DIRECTOR, CreditCategory.CAST),
    (CreditCategory.DIRECTOR, CreditCategory.WRITER),
    (CreditCategory.CAST, CreditCategory.CAST),
)
"""As what two people work together."""

_Cast = Mapping[CreditCategory, tuple[NameId, ...]]
_Two = tuple[NameId, NameId]
_Often = tuple[set[NameId], set[NameId]]

_PAIRS_AT_ONCE = 500_000
"""Pairs that are counted in one go: some hundred bytes each."""


class TitleStatistics:
    """Adds up titles. Used by one thread.

    Memory holds the people of all titles, one or two kilobytes a title, and little else.
    """

    def __init__(self) -> None:
        self.titles = 0
        self.kinds: Counter[TitleKind] = Counter()
        self._decades: defaultdict[tuple[int, TitleKind], _Sum] = defaultdict(_Sum)
        self._votes: defaultdict[tuple[int, TitleKind], int | None] = defaultdict(lambda: None)
        self._runtimes: defaultdict[tuple[int, TitleKind], Counter[float]] = defaultdict(Counter)
        self._ratings: defaultdict[int, Counter[float]] = defaultdict(Counter)
        self._genres: defaultdict[str, _Sum] = defaultdict(_Sum)
        self._critics: list[CriticsAndUsers] = []
        self._best: dict[tuple[int, TitleKind], BestOfYear] = {}
        self._names: dict[NameId, tuple[datetime, str]] = {}
        self._people: list[tuple[_Part, _Cast]] = []

    def add(self, titles: Iterable[Title]) -> None:
        """Count titles, each once."""
        for title in titles:
            self.titles += 1
            self.kinds[title.kind] += 1
            self._add_to_decade(title)
            self._add_rating(title)
            for genre in set(title.genres):
                self._genres[genre].add(title.rating)
            self._add_people(title)

    def titles_by_decade(self) -> list[TitlesOfDecade]:
        """By decade and kind."""
        return [
            TitlesOfDecade(decade, kind, found.count, found.mean, self._votes[decade, kind])
            for (decade, kind), found in sorted(self._decades.items())
        ]

    def runtimes_by_decade(self) -> list[RuntimesOfDecade]:
        """By decade and kind."""
        return [
            RuntimesOfDecade(
                decade,
                kind,
                runtimes.total(),
                int(min(runtimes)),
                *_quartiles(runtimes),
                int(max(runtimes)),
            )
            for (decade, kind), runtimes in sorted(self._runtimes.items())
        ]

    def ratings_by_year(self) -> list[RatingsOfYear]:
        """By year."""
        return [
            RatingsOfYear(
                year,
                ratings.total(),
                min(ratings),
                *_quartiles(ratings),
                max(ratings),
                sum(rating * count for rating, count in ratings.items()) / ratings.total(),
            )
            for year, ratings in sorted(self._ratings.items())
        ]

    def titles_by_genre(self) -> list[TitlesOfGenre]:
        """The most frequent first."""
        found = [TitlesOfGenre(genre, s.count, s.mean) for genre, s in self._genres.items()]
        return sorted(found, key=lambda row: (-row.titles, row.genre))

    def critics_and_users(self) -> list[CriticsAndUsers]:
        """Those first that the critics like better than the users, by how much they do."""
        return sorted(self._critics, key=lambda row: (-row.critics_above_users, row.title_id))

    def best_by_year(self) -> list[BestOfYear]:
        """By year and kind."""
        return [best for _, best in sorted(self._best.items())]

    def people_by_titles(self, category: CreditCategory, limit: int) -> list[PersonsTitles]:
        """Those with most titles in a category."""
        accounts: defaultdict[NameId, _Account] = defaultdict(_Account)
        for part, cast in self._people:
            for person_id in cast[category]:
                accounts[person_id].add(part)
        rows = (
            PersonsTitles(
                person_id,
                self._names[person_id][1],
                category,
                account.ratings.count,
                account.ratings.mean,
                account.first_year,
                account.last_year,
            )
            for person_id, account in accounts.items()
        )
        return nsmallest(limit, rows, key=lambda row: (-row.titles, row.person_id))

    def collaborators(
        self, pair: tuple[CreditCategory, CreditCategory], limit: int
    ) -> list[Collaboration]:
        """Those with most titles together; of two of one category the lower id comes first."""
        often = self._seen_often(pair[0]), self._seen_often(pair[1])
        accounts: dict[_Two, _Account] = {two: _Account() for two in self._top(pair, often, limit)}
        for part, cast in self._people:
            for two in _pairs_of(pair, cast, often):
                if two in accounts:
                    accounts[two].add(part)
        return [
            Collaboration(
                pair[0],
                first,
                self._names[first][1],
                pair[1],
                second,
                self._names[second][1],
                account.ratings.count,
                account.ratings.mean,
                account.first_year,
                account.last_year,
            )
            for (first, second), account in accounts.items()
        ]

    def _add_to_decade(self, title: Title) -> None:
        if title.year is None:
            return
        place = title.year // 10 * 10, title.kind
        self._decades[place].add(title.rating)
        if title.votes is not None:
            self._votes[place] = (self._votes[place] or 0) + title.votes
        if title.runtime_minutes is not None:
            self._runtimes[place][title.runtime_minutes] += 1

    def _add_rating(self, title: Title) -> None:
        if title.rating is None:
            return
        if title.year is not None:
            self._ratings[title.year][title.rating] += 1
            self._add_best(title, title.year, title.rating)
        if title.metascore is not None:
            above = title.metascore - 10 * title.rating
            self._critics.append(
                CriticsAndUsers(
                    title.imdb_id, title.title, title.year, title.rating, title.metascore, above
                )
            )

    def _add_best(self, title: Title, year: int, rating: float) -> None:
        if title.votes is None or title.votes < FEWEST_VOTES:
            return
        here = BestOfYear(year, title.kind, title.imdb_id, title.title, rating, title.votes)
        best = self._best.get((year, title.kind))
        if best is None or _merit(here) < _merit(best):
            self._best[year, title.kind] = here

    def _add_people(self, title: Title) -> None:
        moment = title.provenance.fetched_at
        for person in title.people:
            known = self._names.get(person.imdb_id)
            here = (moment, person.name)
            if known is None or known < here:
                self._names[NameId(intern(person.imdb_id))] = here
        cast = {category: _ids(title.credits_of(category)) for category in CreditCategory}
        self._people.append((_Part(title.rating, title.year), cast))

    def _top(
        self, pair: tuple[CreditCategory, CreditCategory], often: _Often, limit: int
    ) -> list[_Two]:
        """The pairs with most titles, two at least.

        There can be many times as many pairs as credits, so they are counted a part of the people
        at a time.
        """
        met = sum(len(cast[pair[0]]) * len(cast[pair[1]]) for _, cast in self._people)
        parts = met // _PAIRS_AT_ONCE + 1
        top: list[tuple[int, _Two]] = []
        for number in range(parts):
            counts = Counter(
                two
                for _, cast in self._people
                for two in _pairs_of(pair, cast, often, (number, parts))
            )
            found = ((-count, two) for two, count in counts.items() if count > 1)
            top = nsmallest(limit, chain(top, found))
        return [two for _, two in top]

    def _seen_often(self, category: CreditCategory) -> set[NameId]:
        counts = Counter(person for _, cast in self._people for person in cast[category])
        return {person for person, count in counts.items() if count > 1}


def _ids(credits_: Iterable[Credit]) -> tuple[NameId, ...]:
    # Interned: many titles have the same people.
    return tuple(sorted({NameId(intern(c.person_id)) for c in credits_ if c.person_id}))


def _pairs_of(
    pair: tuple[CreditCategory, CreditCategory],
    cast: _Cast,
    often: _Often,
    share: tuple[int, int] = (0, 1),
) -> Iterator[_Two]:
    """The pairs of a title of people who have more than one, or of one of so many shares of them.

    A pair has its share by the number of the first.
    """
    number, parts = share
    seconds = [person for person in cast[pair[1]] if person in often[1]]
    for first in cast[pair[0]]:
        if first not in often[0] or int(first[2:]) % parts != number:
            continue
        for second in seconds:
            if second > first or (second != first and pair[0] is not pair[1]):
                yield first, second


def _merit(best: BestOfYear) -> tuple[float, int, str]:
    return -best.rating, -best.votes, best.title_id


def _quartiles(counts: Mapping[float, int]) -> tuple[float, float, float]:
    """The quartiles between which lie all that was counted, as PostgreSQL's ``percentile_cont``.

    That is the inclusive method: a place between two values is a place on the line between them.
    """
    values = sorted(counts)
    ends = []
    total = 0
    for value in values:
        total += counts[value]
        ends.append(total)

    def at(index: int) -> float:
        return next(value for value, end in zip(values, ends, strict=True) if index < end)

    def quantile(share: float) -> float:
        place = share * (total - 1)
        low = at(int(place))
        return low + (at(min(int(place) + 1, total - 1)) - low) * (place - int(place))

    return quantile(0.25), quantile(0.5), quantile(0.75)
