"""Version 0001 of the schema as statements: titles, people, credits, charts, runs, and views.

Kept apart from Alembic's script, so that a new database can be made without loading Alembic.
"""

RUNS = (
    """
    CREATE TABLE runs (
        run_id text PRIMARY KEY CHECK (run_id <> ''),
        command text NOT NULL,
        chart text,
        sources text[] NOT NULL,
        started_at timestamptz NOT NULL,
        finished_at timestamptz,
        outcome text,
        asked integer CHECK (asked >= 0),
        fetched integer CHECK (fetched >= 0),
        failed integer CHECK (failed >= 0),
        report jsonb
    )
    """,
    """
    CREATE TABLE failures (
        failure_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        run_id text NOT NULL REFERENCES runs ON DELETE CASCADE,
        imdb_id text NOT NULL,
        repository text,
        reason text NOT NULL,
        message text NOT NULL,
        reported_at timestamptz NOT NULL
    )
    """,
    # NULLS NOT DISTINCT says this better, but only from PostgreSQL 15 on.
    "CREATE UNIQUE INDEX failures_key ON failures (run_id, imdb_id, coalesce(repository, ''))",
)

TITLES = (
    """
    CREATE TABLE titles (
        imdb_id text PRIMARY KEY CHECK (imdb_id ~ '^tt[0-9]{7,15}$'),
        kind text NOT NULL CHECK (kind IN (
            'movie', 'tvSeries', 'tvMiniSeries', 'tvEpisode', 'tvMovie', 'tvSpecial', 'tvShort',
            'short', 'video', 'videoGame', 'musicVideo', 'podcastSeries', 'podcastEpisode')),
        title text NOT NULL CHECK (title <> ''),
        original_title text CHECK (original_title <> ''),
        year smallint CHECK (year BETWEEN 1874 AND 9999),
        end_year smallint CHECK (end_year BETWEEN 1874 AND 9999),
        runtime_minutes integer CHECK (runtime_minutes > 0),
        rating numeric CHECK (rating BETWEEN 0 AND 10),
        votes integer CHECK (votes >= 0),
        metascore smallint CHECK (metascore BETWEEN 0 AND 100),
        certificate text CHECK (certificate <> ''),
        genres text[] NOT NULL DEFAULT '{}'
            CHECK (array_position(genres, NULL) IS NULL AND array_position(genres, '') IS NULL),
        release_year smallint CHECK (release_year BETWEEN 1874 AND 9999),
        release_month smallint CHECK (release_month BETWEEN 1 AND 12),
        release_day smallint CHECK (release_day BETWEEN 1 AND 31),
        release_date date GENERATED ALWAYS AS (
            CASE WHEN release_year IS NOT NULL AND release_month IS NOT NULL
                AND release_day IS NOT NULL
            THEN make_date(release_year, release_month, release_day) END
        ) STORED,
        plot text CHECK (plot <> ''),
        source text NOT NULL,
        found_by text NOT NULL,
        fetched_at timestamptz NOT NULL,
        facts_digest bytea NOT NULL,
        run_id text NOT NULL REFERENCES runs,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT titles_release_precision CHECK (
            (release_month IS NULL OR release_year IS NOT NULL)
            AND (release_day IS NULL OR release_month IS NOT NULL))
    )
    """,
    "CREATE INDEX titles_kind ON titles (kind)",
    "CREATE INDEX titles_year ON titles (year)",
    "CREATE INDEX titles_rating ON titles (rating)",
    "CREATE INDEX titles_votes ON titles (votes)",
    "CREATE INDEX titles_genres ON titles USING gin (genres)",
    # PostgreSQL refuses a row whose index entry is too big (2.7 kB in a b-tree, 1 MB of words in a
    # tsvector), so the indexes take no more of a title than anybody searches for.
    "CREATE INDEX titles_title_prefix ON titles (left(lower(title), 200) text_pattern_ops)",
    """
    CREATE INDEX titles_title_words ON titles
        USING gin (to_tsvector('simple', left(title, 1000)))
    """,
    "CREATE INDEX titles_run_id ON titles (run_id)",
)

PEOPLE = (
    """
    CREATE TABLE people (
        imdb_id text PRIMARY KEY CHECK (imdb_id ~ '^nm[0-9]{7,15}$'),
        name text NOT NULL CHECK (name <> ''),
        fetched_at timestamptz NOT NULL,
        run_id text NOT NULL REFERENCES runs
    )
    """,
    "CREATE INDEX people_run_id ON people (run_id)",
    """
    CREATE TABLE credits (
        title_id text NOT NULL REFERENCES titles ON DELETE CASCADE,
        category text NOT NULL CHECK (category IN ('director', 'writer', 'creator', 'cast')),
        position integer NOT NULL CHECK (position > 0),
        person_id text REFERENCES people,
        name text NOT NULL CHECK (name <> ''),
        characters text[] NOT NULL DEFAULT '{}' CHECK (
            array_position(characters, NULL) IS NULL AND array_position(characters, '') IS NULL),
        PRIMARY KEY (title_id, category, position)
    )
    """,
    "CREATE INDEX credits_person_id ON credits (person_id)",
)

HISTORY = (
    # No foreign key to titles: a chart names titles that may not have been fetched.
    """
    CREATE TABLE chart_entries (
        chart text NOT NULL,
        run_id text NOT NULL REFERENCES runs ON DELETE CASCADE,
        rank integer NOT NULL CHECK (rank > 0),
        title_id text NOT NULL CHECK (title_id ~ '^tt[0-9]{7,15}$'),
        captured_at timestamptz NOT NULL,
        PRIMARY KEY (chart, run_id, rank),
        UNIQUE (chart, run_id, title_id)
    )
    """,
    "CREATE INDEX chart_entries_title_id ON chart_entries (title_id)",
    """
    CREATE TABLE rating_history (
        title_id text NOT NULL REFERENCES titles ON DELETE CASCADE,
        observed_at timestamptz NOT NULL,
        rating numeric CHECK (rating BETWEEN 0 AND 10),
        votes integer CHECK (votes >= 0),
        PRIMARY KEY (title_id, observed_at)
    )
    """,
)

VIEWS = (
    """
    CREATE VIEW chart_latest AS
    SELECT e.chart, e.rank, e.title_id, t.title, t.kind, t.year, t.rating, t.votes, e.captured_at
    FROM chart_entries e
    JOIN (
        SELECT DISTINCT ON (chart) chart, run_id
        FROM chart_entries ORDER BY chart, captured_at DESC, run_id DESC
    ) latest USING (chart, run_id)
    LEFT JOIN titles t ON t.imdb_id = e.title_id
    ORDER BY e.chart, e.rank
    """,
    """
    CREATE VIEW title_directors AS
    SELECT t.imdb_id AS title_id, t.title, t.year, t.rating,
        array_agg(c.name ORDER BY c.position) AS directors,
        array_agg(c.person_id ORDER BY c.position) AS director_ids
    FROM titles t JOIN credits c ON c.title_id = t.imdb_id AND c.category = 'director'
    GROUP BY t.imdb_id
    """,
    """
    CREATE VIEW filmography AS
    SELECT p.imdb_id AS person_id, p.name, t.imdb_id AS title_id, t.title, t.kind, t.year,
        c.category, c.position, c.characters, t.rating, t.votes
    FROM people p
    JOIN credits c ON c.person_id = p.imdb_id
    JOIN titles t ON t.imdb_id = c.title_id
    """,
    """
    CREATE VIEW people_by_titles AS
    SELECT p.imdb_id AS person_id, p.name, c.category, count(*) AS titles,
        round(avg(t.rating), 2) AS mean_rating, min(t.year) AS first_year, max(t.year) AS last_year
    FROM people p
    JOIN (SELECT DISTINCT person_id, category, title_id FROM credits) c ON c.person_id = p.imdb_id
    JOIN titles t ON t.imdb_id = c.title_id
    GROUP BY p.imdb_id, c.category
    """,
    """
    CREATE VIEW titles_by_decade AS
    SELECT year / 10 * 10 AS decade, kind, count(*) AS titles,
        round(avg(rating), 2) AS mean_rating, sum(votes) AS votes
    FROM titles WHERE year IS NOT NULL
    GROUP BY 1, 2
    """,
    """
    CREATE VIEW critics_and_users AS
    SELECT imdb_id AS title_id, title, year, rating, metascore,
        metascore - 10 * rating AS critics_above_users
    FROM titles WHERE rating IS NOT NULL AND metascore IS NOT NULL
    """,
)

COMMENTS = {
    "TABLE runs": "One row a run of the scraper; run_id sorts by time",
    "COLUMN runs.finished_at": "NULL while it runs, and when it was killed",
    "COLUMN runs.asked": "Titles that the run was asked for",
    "COLUMN runs.fetched": "Titles that the run got from a source",
    "COLUMN runs.failed": "Titles that the run could not get from any source",
    "COLUMN runs.report": "The whole account of the run",
    "TABLE failures": "Titles that a run could not get or store, and why",
    "COLUMN failures.repository": (
        "The repository that refused the title; NULL: it could not be fetched"
    ),
    "COLUMN failures.reported_at": "The end of the run",
    "TABLE titles": "Movies, series, episodes and all else with a tt id; what is unknown is NULL",
    "COLUMN titles.kind": "IMDb's title type",
    "COLUMN titles.year": "Year of the release, of a series its first year",
    "COLUMN titles.end_year": "Last year of a series",
    "COLUMN titles.runtime_minutes": "Minutes",
    "COLUMN titles.rating": "Mean of the users' votes, from 0 to 10",
    "COLUMN titles.votes": "Number of the users' votes",
    "COLUMN titles.metascore": "Metacritic's score, from 0 to 100",
    "COLUMN titles.certificate": "Age rating of the country that was asked for",
    "COLUMN titles.release_date": "When year, month and day are all known",
    "COLUMN titles.source": "Where the facts are from: html, saved, ...",
    "COLUMN titles.found_by": "The part of the page that was read",
    "COLUMN titles.fetched_at": "When the page was had; of two versions the later wins",
    "COLUMN titles.facts_digest": (
        "Of all facts and credits, to see whether a new version of a title says something else"
    ),
    "COLUMN titles.run_id": "The run that saved the title last",
    "INDEX titles_title_prefix": (
        "For WHERE left(lower(title), 200) LIKE 'the god%', the beginning in lower case"
    ),
    "INDEX titles_title_words": (
        "For WHERE to_tsvector('simple', left(title, 1000)) @@ plainto_tsquery('simple', 'words')"
    ),
    "TABLE people": "People with an nm id, by their newest name",
    "COLUMN people.fetched_at": "When the newest page that credits the person was had",
    "TABLE credits": "Who did what for a title",
    "COLUMN credits.position": "Billing position in the category, from 1 on",
    "COLUMN credits.person_id": "NULL when the page gave a name without an id",
    "COLUMN credits.name": "As credited in the title",
    "TABLE chart_entries": "The charts as each run found them",
    "COLUMN chart_entries.title_id": (
        "May be missing in titles: a chart names titles that were not fetched"
    ),
    "TABLE rating_history": (
        "A row when a title was first seen, and whenever its rating or votes changed"
    ),
    "VIEW chart_latest": "Each chart as it was captured last, with its titles",
    "VIEW title_directors": "Titles with their directors in billing order",
    "VIEW filmography": "What each person did, one row a credit",
    "VIEW people_by_titles": "How many titles each person has, by category",
    "VIEW titles_by_decade": "Number and mean rating of titles by decade and kind",
    "VIEW critics_and_users": (
        "Metascore against ten times the rating: below 0, the users like it better"
    ),
}


def _comments() -> tuple[str, ...]:
    quoted = {what: comment.replace("'", "''") for what, comment in COMMENTS.items()}
    return tuple(f"COMMENT ON {what} IS '{comment}'" for what, comment in quoted.items())


STATEMENTS = (*RUNS, *TITLES, *PEOPLE, *HISTORY, *VIEWS, *_comments())
