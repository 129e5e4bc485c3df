"""A database of any number of titles, made inside PostgreSQL, and skewed as the real one is.

All values are invented, and the same for the same sizes. Half of the titles are episodes and one in
five hundred is a video game; two in three have no rating and most no Metascore. The words of titles
are as uneven as words are (by Zipf's law the n-th most frequent has a share of 1/n), and a few
people have thousands of credits.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import psycopg2

from domain.identifiers import NameId, TitleId

WORDS = 60_000
"""So many words there are, the common ones among them."""

COMMON_WORDS = (
    "the", "of", "episode", "a", "and", "in", "love", "night", "my", "to", "house", "day",
)  # fmt: skip
"""The most frequent words of titles, in their order."""

GENRES = (
    "Drama", "Comedy", "Documentary", "Short", "Talk-Show", "Romance", "Action", "News", "Family",
    "Crime", "Thriller", "Horror", "Music", "Adventure", "Animation", "Mystery", "Fantasy",
    "Biography", "History", "Sport", "War", "Western", "Film-Noir",
)  # fmt: skip
"""The genres of titles, the most frequent first."""

_HEADS = [
    "ba", "ce", "di", "fo", "gu", "ha", "ke", "li", "mo", "nu", "pa", "re", "si", "to", "vu", "wa",
    "ze", "chi", "bro", "sta",
]  # fmt: skip
_TAILS = [
    "bel", "cor", "dan", "fer", "gil", "hom", "jin", "kas", "lor", "mun", "nel", "pol", "qua",
    "rin", "sot", "tur", "vel", "win", "xan", "zor",
]  # fmt: skip
_EACH = len(_HEADS)

# Foreign keys are kept by how the rows are made; so they are not looked up, nor credits counted.
_PREPARED = (
    "SET session_replication_role = replica",
    "SET synchronous_commit = off",
    "SET maintenance_work_mem = '512MB'",
    "SELECT setseed(0.5)",
)

_RUN = """
    INSERT INTO runs (run_id, command, sources, started_at, credits_counted)
    VALUES ('many', 'titles', '{}', now(), true)
"""

_WORD = f"""
    CREATE FUNCTION pg_temp.word(n integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$
        SELECT CASE WHEN n <= {len(COMMON_WORDS)} THEN (ARRAY{list(COMMON_WORDS)})[n]
        ELSE (ARRAY{_HEADS})[1 + n % {_EACH}] || (ARRAY{_TAILS})[1 + n / {_EACH} % {_EACH}]
            || CASE WHEN n >= {_EACH**2}
                THEN (ARRAY{_HEADS})[1 + n / {_EACH**2} % {_EACH}] ELSE '' END
            || CASE WHEN n >= {_EACH**3}
                THEN (ARRAY{_TAILS})[1 + n / {_EACH**3}] ELSE '' END END
    $$
"""

_TITLES = """
    INSERT INTO titles (imdb_id, kind, title, original_title, year, runtime_minutes, rating, votes,
        metascore, certificate, genres, plot, source, found_by, fetched_at, facts_digest, run_id)
    SELECT 'tt' || lpad(n::text, 7, '0'),
        CASE WHEN n % 500 = 7 THEN 'videoGame' WHEN n % 2 = 0 THEN 'tvEpisode'
            WHEN n % 5 = 0 THEN 'short' WHEN n % 7 = 0 THEN 'tvSeries' ELSE 'movie' END,
        initcap(concat_ws(' ', pg_temp.word(w1), CASE WHEN a < .9 THEN pg_temp.word(w2) END,
            CASE WHEN a < .7 THEN pg_temp.word(w3) END, CASE WHEN a < .4 THEN pg_temp.word(w4) END,
            CASE WHEN a < .1 THEN pg_temp.word(w5) END)),
        CASE WHEN n % 10 = 0 THEN 'Original ' || pg_temp.word(w3) || ' ' || pg_temp.word(w5) END,
        CASE WHEN n % 50 <> 0 THEN 2025 - (power(b, 3) * 130)::int END,
        CASE WHEN n % 4 <> 0 THEN 1 + (c * 180)::int END,
        CASE WHEN n % 3 = 1 THEN round((1 + 9 * d)::numeric, 1) END,
        CASE WHEN n % 3 = 1 THEN least(5 / power(1 - e, 1.2), 3000000)::int END,
        CASE WHEN n % 30 = 1 THEN (100 * a)::int END,
        CASE WHEN n % 5 = 1 THEN 'PG-13' END,
        CASE WHEN g1 = g2 THEN ARRAY[(ARRAY{genres})[g1]]
            ELSE ARRAY[(ARRAY{genres})[g1], (ARRAY{genres})[g2]] END,
        CASE WHEN n % 3 = 1 THEN 'What happens in it, said in two lines: ' || pg_temp.word(w1)
            || ' meets ' || pg_temp.word(w5) || ', and neither is who the other thought.' END,
        'html', 'next_data', timestamptz '2026-01-01Z' + n % 86400 * interval '1 second', '', 'many'
    FROM (SELECT n, {five_words},
            1 + (power(random(), 2) * {genres_less_one})::int AS g1,
            1 + (power(random(), 2) * {genres_less_one})::int AS g2,
            random() AS a, random() AS b, random() AS c, random() AS d, random() AS e
          FROM generate_series(1, {titles}) AS n OFFSET 0) AS rows
"""

_PEOPLE = """
    INSERT INTO people (imdb_id, name, fetched_at, run_id)
    SELECT 'nm' || lpad(n::text, 7, '0'),
        initcap(pg_temp.word(floor(exp(random() * ln(1000)))::int + 20) || ' '
            || pg_temp.word((random() * {words})::int + 20)), '2026-01-01Z', 'many'
    FROM generate_series(0, {people} - 1) AS n
"""

# The first person has a share of 1 / sqrt(people) of all credits, and most have a few.
_CREDITS = """
    INSERT INTO credits (title_id, category, position, person_id, name, characters)
    SELECT 'tt' || lpad(n::text, 7, '0'), CASE WHEN p = 1 THEN 'director' ELSE 'cast' END, p,
        'nm' || lpad(floor(power(random(), 2) * {people})::int::text, 7, '0'), 'As Credited',
        CASE WHEN p > 1 THEN ARRAY['Somebody'] ELSE '{{}}' END
    FROM generate_series(1, {titles}) AS n, generate_series(1, {credits}) AS p
"""

_COUNTS = """
    INSERT INTO person_credits SELECT person_id, count(*) FROM credits GROUP BY person_id
"""


@dataclass(frozen=True, slots=True)
class StoreSizes:
    """How many titles and people a store has, and how many credits each title has."""

    titles: int = 1_000_000
    people: int = 800_000
    credits: int = 8

    @classmethod
    def of(cls, titles: int) -> "StoreSizes":
        """The same for so many titles."""
        return cls(titles, max(1, titles * 8 // 10))


def word_of(number: int) -> str:
    """The word of titles with a number from 1 to `WORDS`; the lower, the more frequent it is."""
    if number <= len(COMMON_WORDS):
        return COMMON_WORDS[number - 1]
    word = _HEADS[number % _EACH] + _TAILS[number // _EACH % _EACH]
    if number >= _EACH**2:
        word += _HEADS[number // _EACH**2 % _EACH]
    if number >= _EACH**3:
        word += _TAILS[number // _EACH**3]
    return word


def title_of(number: int) -> TitleId:
    """The id of a title by its number, from 1 on."""
    return TitleId(f"tt{number:07d}")


def person_of(number: int) -> NameId:
    """The id of a person by the number, from 0 on: the first has the most credits."""
    return NameId(f"nm{number:07d}")


def fill_store(url: str, sizes: StoreSizes) -> None:
    """Fill an empty database that has the schema; needs a superuser, who may leave out triggers.

    Indexes that are not keys are dropped first, and made at the end as they were.
    """
    _execute(url, _RUN)
    with ThreadPoolExecutor(2) as pool:
        parts = (
            ("credits", _CREDITS, _COUNTS),
            ("people", _PEOPLE),
            ("titles", _TITLES),
        )
        for done in [pool.submit(_fill, url, sizes, *part) for part in parts]:
            done.result()
    _execute(url, "VACUUM (ANALYZE)", "CHECKPOINT")


def _fill(url: str, sizes: StoreSizes, table: str, *statements: str) -> None:
    indexes = _indexes(url, table)
    values = {
        "titles": sizes.titles,
        "people": sizes.people,
        "credits": sizes.credits,
        "words": WORDS - 20,
        "genres": list(GENRES),
        "genres_less_one": len(GENRES) - 1,
        "five_words": ", ".join(
            f"floor(exp(random() * ln({WORDS})))::int AS w{n}" for n in range(1, 6)
        ),
    }
    _execute(
        url,
        *_PREPARED,
        _WORD,
        *(f"DROP INDEX {name}" for name in indexes),
        *(statement.format(**values) for statement in statements),
        *indexes.values(),
    )


def _indexes(url: str, table: str) -> dict[str, str]:
    """The statements that make the indexes of a table, without those of its rules, by name."""
    statement = """
        SELECT relname, pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class ON oid = indexrelid
        WHERE indrelid = %s::regclass
            AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
    """
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement, (table,))
        return dict(cursor.fetchall())


def _execute(url: str, *statements: str) -> None:
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
