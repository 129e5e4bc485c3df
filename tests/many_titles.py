"""A store of very many titles, made inside PostgreSQL, and skewed as the real one is.

Half of the titles are episodes and one in five hundred is a video game; two in three have no rating
and most no Metascore. The words of titles are as uneven as words are.
"""

from tests.databases import execute

_TITLES = """
    INSERT INTO titles (imdb_id, kind, title, original_title, year, runtime_minutes, rating, votes,
        metascore, genres, source, found_by, fetched_at, facts_digest, run_id)
    SELECT 'tt' || lpad(n::text, 7, '0'),
        CASE WHEN n % 500 = 7 THEN 'videoGame' WHEN n % 2 = 0 THEN 'tvEpisode'
            WHEN n % 5 = 0 THEN 'short' ELSE 'movie' END,
        CASE WHEN (n * 7919) % 10 < 3 THEN 'The ' ELSE '' END
            || 'word' || (power(a, 4) * 50000)::int || ' of name' || (b * 50000)::int,
        CASE WHEN n % 10 = 0 THEN 'original' || n END,
        CASE WHEN n % 50 <> 0 THEN 2025 - (power(a, 3) * 130)::int END,
        CASE WHEN n % 4 <> 0 THEN 1 + (b * 180)::int END,
        CASE WHEN n % 3 = 1 THEN round((1 + 9 * c)::numeric, 1) END,
        CASE WHEN n % 3 = 1 THEN (5 + power(d, 12) * 2500000)::int END,
        CASE WHEN n % 30 = 1 THEN (100 * a)::int END,
        ARRAY[(ARRAY['Drama', 'Comedy', 'Documentary', 'Short', 'Horror', 'Western', 'War'])
            [1 + (power(b, 2) * 7)::int % 7], 'Genre' || (c * 20)::int],
        'html', 'next_data', timestamptz '2026-01-01Z' + n % 86400 * interval '1 second', '', 'many'
    FROM (SELECT n, random() AS a, random() AS b, random() AS c,
              random() AS d
          FROM generate_series(1, {count}) AS n OFFSET 0) AS rows
"""

# A person has one credit in most cases, and the first one thousands.
_PEOPLE = """
    INSERT INTO people (imdb_id, name, fetched_at, run_id)
    SELECT 'nm' || lpad(n::text, 7, '0'),
        'First' || n % 1000 || ' Last' || (random() * 20000)::int, '2026-01-01Z', 'many'
    FROM generate_series(0, {count}) AS n
"""

_CREDITS = """
    INSERT INTO credits (title_id, category, position, person_id, name)
    SELECT 'tt' || lpad(n::text, 7, '0'), 'cast', p,
        'nm' || lpad((power(random(), 3) * {count})::int::text, 7, '0'), 'As credited'
    FROM generate_series(1, {count}) AS n, generate_series(1, 3) AS p
"""


def fill(url: str, count: int) -> None:
    """Put so many titles and people, and three credits a title, into a database with the schema."""
    execute(
        url,
        "INSERT INTO runs (run_id, command, sources, started_at) VALUES ('many', 't', '{}', now())",
        "SELECT setseed(0.5)",
        _TITLES.format(count=count),
        _PEOPLE.format(count=count),
        _CREDITS.format(count=count),
        "INSERT INTO person_credits SELECT person_id, count(*) FROM credits"
        " WHERE person_id IS NOT NULL GROUP BY person_id",
        "VACUUM ANALYZE",
    )
