"""Questions to the HTTP API about a synthetic store, as paths.

They are the same every time, and hardly any of them comes twice.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from urllib.parse import urlencode

import psycopg2

from application.catalogue import Place, TitleSort, encoded_cursor
from benchmarks.synthetic_store import COMMON_WORDS, GENRES, StoreSizes, person_of, title_of

_TITLES_READ = 20_000
_REPEATED = 20
_KINDS = ("movie", "short", "tvSeries", "tvEpisode", "videoGame")

Question = Callable[[random.Random], str]


class Questions:
    """Makes questions of each sort; ``titles`` are some of the store's, for their words."""

    def __init__(self, sizes: StoreSizes, titles: Sequence[str]) -> None:
        self._sizes = sizes
        self._titles = titles

    def paths(self, count: int) -> dict[str, list[str]]:
        """So many paths of each sort, by its name; of ``repeated`` there are few, over and over."""
        sorts: dict[str, Question] = {
            "title": self._title,
            "list": self._list,
            "search": self._search,
            "mix": self._mixed,
            "people": self._people,
        }
        made = {}
        for name, question in sorts.items():
            chance = random.Random(name)
            made[name] = [question(chance) for _ in range(count)]
        made["repeated"] = [made["mix"][n % _REPEATED] for n in range(count)]
        return made

    def _title(self, chance: random.Random) -> str:
        return f"/api/v1/titles/{self._id(chance)}"

    def _list(self, chance: random.Random) -> str:
        """Some filters, any order, and half of the time from the middle of it on."""
        sort = chance.choice([*TitleSort])
        descending = sort is not TitleSort.TITLE if chance.random() < 0.8 else chance.random() < 0.5
        given = [("sort", sort.value), ("order", "desc" if descending else "asc")]
        given += self._filters(chance, chance.choice((0, 1, 1, 2, 3)))
        if chance.random() < 0.05:
            given.append(("person", self._person(chance)))
        if chance.random() < 0.5:
            place = Place(self._key(chance, sort), self._id(chance))
            given.append(("after", encoded_cursor(sort, place, descending=descending)))
        return f"/api/v1/titles?{urlencode(given)}"

    def _search(self, chance: random.Random) -> str:
        """Words of a title, the last one often only begun; of ten, one is a very common word."""
        if chance.random() < 0.1:
            text = chance.choice(COMMON_WORDS)
        else:
            words = chance.choice(self._titles).split()
            first = chance.randrange(len(words))
            text = " ".join(words[first : first + chance.randint(1, 3)])
            if chance.random() < 0.5:
                text = text[: max(3, len(text) - chance.randint(0, 4))]
        given = [("q", text)]
        if chance.random() < 0.3:
            given.append(("sort", chance.choice([*TitleSort]).value))
        if chance.random() < 0.3:
            given += self._filters(chance, 1)
        return f"/api/v1/titles?{urlencode(given)}"

    def _mixed(self, chance: random.Random) -> str:
        ask = chance.choices((self._title, self._list, self._search), weights=(5, 3, 2))[0]
        return ask(chance)

    def _people(self, chance: random.Random) -> str:
        if chance.random() < 0.7:
            return f"/api/v1/people/{self._person(chance)}"
        word = chance.choice(chance.choice(self._titles).split())
        return f"/api/v1/people?{urlencode([('q', word)])}"

    def _filters(self, chance: random.Random, count: int) -> Iterator[tuple[str, str]]:
        year, score = chance.randint(1930, 2025), chance.randint(10, 90)
        votes, minutes = int(5 * chance.paretovariate(0.5)), chance.randint(1, 170)
        filters: tuple[list[tuple[str, object]], ...] = (
            [("kind", chance.choice(_KINDS))],
            [("genre", chance.choice(GENRES))],
            [("genre", genre) for genre in chance.sample(GENRES, 2)],
            [("year_min", year), ("year_max", year + chance.choice((0, 1, 9)))],
            [("rating_min", chance.randint(10, 95) / 10)],
            [("votes_min", min(votes, 2_000_000))],
            [("metascore_min", score)],
            [("runtime_min", minutes), ("runtime_max", minutes + 10)],
        )
        for some in chance.sample(filters, count):
            yield from ((name, str(value)) for name, value in some)

    def _key(self, chance: random.Random, sort: TitleSort) -> str | int | float:
        seconds = chance.randrange(86_400)
        keys: dict[TitleSort, str | int | float] = {
            TitleSort.TITLE: chance.choice(self._titles).lower(),
            TitleSort.YEAR: chance.randint(1930, 2025),
            TitleSort.RATING: chance.randint(10, 99) / 10,
            TitleSort.VOTES: int(5 * chance.paretovariate(0.8)),
            TitleSort.METASCORE: chance.randint(0, 100),
            TitleSort.RUNTIME: chance.randint(1, 180),
            TitleSort.UPDATED: f"2026-01-01T{seconds // 3600:02}:{seconds // 60 % 60:02}:00+00:00",
        }
        return keys[sort]

    def _id(self, chance: random.Random) -> str:
        return title_of(chance.randint(1, self._sizes.titles))

    def _person(self, chance: random.Random) -> str:
        """Somebody of the credits of any title: who has many is asked for often."""
        return person_of(int(chance.random() ** 2 * self._sizes.people))


def some_titles(url: str, sizes: StoreSizes) -> list[str]:
    """Titles of the store, in the order of their ids; the same for the same store."""
    chance = random.Random("titles")
    ids = [title_of(chance.randint(1, sizes.titles)) for _ in range(_TITLES_READ)]
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT title FROM titles WHERE imdb_id = ANY (%s) ORDER BY imdb_id", (ids,))
        return [title for (title,) in cursor.fetchall()]
