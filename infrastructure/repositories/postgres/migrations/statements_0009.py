"""Version 0009 of the schema: views with the figures of the report, one for each of its tables.

`application.title_statistics` reckons the same of titles from anywhere; a test compares them.
"""

_QUARTILES = """
    round(percentile_cont(0.25) WITHIN GROUP (ORDER BY {0})::numeric, 2) AS lower_quartile,
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY {0})::numeric, 2) AS median,
    round(percentile_cont(0.75) WITHIN GROUP (ORDER BY {0})::numeric, 2) AS upper_quartile
"""

STATEMENTS = (
    f"""
    CREATE VIEW runtimes_by_decade AS
    SELECT year / 10 * 10 AS decade, kind, count(*) AS titles, min(runtime_minutes) AS shortest,
        {_QUARTILES.format("runtime_minutes")}, max(runtime_minutes) AS longest
    FROM titles WHERE year IS NOT NULL AND runtime_minutes IS NOT NULL
    GROUP BY 1, 2
    """,  # noqa: S608 - our own names
    f"""
    CREATE VIEW ratings_by_year AS
    SELECT year, count(*) AS titles, min(rating) AS lowest,
        {_QUARTILES.format("rating")}, max(rating) AS highest, round(avg(rating), 2) AS mean
    FROM titles WHERE year IS NOT NULL AND rating IS NOT NULL
    GROUP BY year
    """,  # noqa: S608 - our own names
    """
    CREATE VIEW titles_by_genre AS
    SELECT genre, count(*) AS titles, round(avg(rating), 2) AS mean_rating
    FROM (SELECT DISTINCT imdb_id, rating, unnest(genres) AS genre FROM titles) AS each
    GROUP BY genre
    """,
    """
    CREATE VIEW best_by_year AS
    SELECT DISTINCT ON (year, kind) year, kind, imdb_id AS title_id, title, rating, votes
    FROM titles WHERE year IS NOT NULL AND rating IS NOT NULL AND votes >= 1000
    ORDER BY year, kind, rating DESC, votes DESC, imdb_id
    """,
    """
    CREATE VIEW collaborators AS
    WITH parts AS (
        SELECT DISTINCT title_id, category, person_id FROM credits
        WHERE person_id IS NOT NULL AND category IN ('director', 'writer', 'cast')
    ), often AS (
        SELECT category, person_id FROM parts GROUP BY 1, 2 HAVING count(*) > 1
    ), people_often AS (
        SELECT parts.* FROM parts JOIN often USING (category, person_id)
    )
    SELECT a.category AS first_category, a.person_id AS first_id, p.name AS first_name,
        b.category AS second_category, b.person_id AS second_id, q.name AS second_name,
        count(*) AS titles, round(avg(t.rating), 2) AS mean_rating,
        min(t.year) AS first_year, max(t.year) AS last_year
    FROM people_often a
    JOIN people_often b ON b.title_id = a.title_id AND (
        (a.category = 'director' AND b.category IN ('cast', 'writer')
            AND a.person_id <> b.person_id)
        OR (a.category = 'cast' AND b.category = 'cast'
            AND a.person_id COLLATE "C" < b.person_id COLLATE "C"))
    JOIN titles t ON t.imdb_id = a.title_id
    JOIN people p ON p.imdb_id = a.person_id
    JOIN people q ON q.imdb_id = b.person_id
    GROUP BY a.category, a.person_id, p.name, b.category, b.person_id, q.name
    HAVING count(*) > 1
    """,
    "COMMENT ON VIEW runtimes_by_decade IS 'How long titles are, in minutes, by decade and kind'",
    "COMMENT ON VIEW ratings_by_year IS 'How the titles of each year are rated'",
    "COMMENT ON VIEW titles_by_genre IS 'A title counts for each of its genres'",
    """
    COMMENT ON VIEW best_by_year IS
    'The best rated title of each year and kind, of those with 1000 votes at least'
    """,
    """
    COMMENT ON VIEW collaborators IS
    'Two people who made more than one title together: director and cast, director and writer, cast'
    """,
)
