"""The tables and views of the dataset files, in schemas of their own.

The first import makes them, and no migration does: whoever never imports pays nothing for them, and
needs no right to make a schema. What is in them can be imported again at any time.

Each table has one partition once its file was imported: so a whole new table can be put in place in
a moment, and the views (also those that others have made) stay. What the files say is not checked
against each other: they are made at different moments.

A migration that changes the type of a column of ``titles`` has to drop ``known_titles`` first; the
next import makes it again.
"""

from psycopg2 import errors as pg
from psycopg2.extensions import cursor

from domain.datasets import DatasetName
from domain.errors import DatasetsUnusable
from infrastructure.repositories.postgres.datasets.id_numbers import MOST_DIGITS
from infrastructure.repositories.postgres.datasets.table_layout import LAYOUTS, ROWS, SCHEMA

# ruff: noqa: S608 - all names are constants

# What an id is, is looked at more closely where there are fewer rows: it takes the server's time.
_FILE_COLUMNS = {
    "title_basics": """
        tconst text NOT NULL CHECK ({is_title}),
        title_type text,
        primary_title text,
        original_title text,
        is_adult boolean,
        start_year smallint,
        end_year smallint,
        runtime_minutes integer,
        genres text,
        PRIMARY KEY (tconst)
    """,
    "title_ratings": """
        tconst text NOT NULL CHECK ({is_title}),
        average_rating numeric CHECK (average_rating BETWEEN 0 AND 10),
        num_votes integer CHECK (num_votes >= 0),
        PRIMARY KEY (tconst)
    """,
    "principals": """
        title_number integer NOT NULL,
        ordering integer NOT NULL,
        person_number integer NOT NULL,
        category text,
        job text,
        characters text,
        PRIMARY KEY (title_number, ordering)
    """,
    "title_akas": """
        title_id text NOT NULL CHECK (title_id LIKE 'tt%' AND right(title_id, -2)::bigint >= 0),
        ordering integer NOT NULL,
        title text,
        region text,
        language text,
        types text,
        attributes text,
        is_original_title boolean,
        PRIMARY KEY (title_id, ordering)
    """,
    "title_crew": """
        tconst text NOT NULL CHECK ({is_title}),
        directors text,
        writers text,
        PRIMARY KEY (tconst)
    """,
    "title_episode": """
        tconst text NOT NULL CHECK ({is_title}),
        parent_tconst text CHECK (parent_tconst LIKE 'tt_%' AND octet_length(parent_tconst) < 20),
        season_number integer,
        episode_number integer,
        PRIMARY KEY (tconst)
    """,
    "name_basics": """
        nconst text NOT NULL CHECK (nconst LIKE 'nm%' AND right(nconst, -2)::bigint >= 0),
        primary_name text,
        birth_year smallint,
        death_year smallint,
        primary_profession text,
        known_for_titles text,
        PRIMARY KEY (nconst)
    """,
}
_IS_TITLE = "tconst LIKE 'tt%' AND right(tconst, -2)::bigint >= 0"

_PRINCIPALS = LAYOUTS[DatasetName.TITLE_PRINCIPALS]
_TITLE_ID = _PRINCIPALS.as_text("title_number", "p")
_PERSON_ID = _PRINCIPALS.as_text("person_number", "p")


def _number_function(kind: str) -> str:
    """The function that says what number an id has, for questions that an index answers.

    ``NULL`` for what is no id, or has more digits than a number can hold.
    """
    prefix = _PRINCIPALS.ids[f"{kind}_number"]
    return f"""
    CREATE OR REPLACE FUNCTION {SCHEMA}.{kind}_number(id text) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$SELECT CASE WHEN id ~ '^{prefix}[0-9]{{1,{MOST_DIGITS}}}$'
        THEN ('1' || pg_catalog.right(id, -2))::integer END$$
    """


_STATEMENTS = (
    f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}",
    f"CREATE SCHEMA IF NOT EXISTS {ROWS}",
    *(
        f"CREATE TABLE IF NOT EXISTS {SCHEMA}.{table} ({columns.format(is_title=_IS_TITLE)})"
        f" PARTITION BY RANGE ({'title_id' if table == 'title_akas' else columns.split()[0]})"
        for table, columns in _FILE_COLUMNS.items()
    ),
    f"CREATE INDEX IF NOT EXISTS title_ratings_num_votes ON {SCHEMA}.title_ratings (num_votes)",
    f"CREATE INDEX IF NOT EXISTS principals_person ON {SCHEMA}.principals (person_number)",
    f"CREATE INDEX IF NOT EXISTS title_episode_parent ON {SCHEMA}.title_episode (parent_tconst)",
    f"""
    CREATE TABLE IF NOT EXISTS {SCHEMA}.files (
        name text PRIMARY KEY,
        etag text,
        sha256 text NOT NULL,
        choice text NOT NULL,
        lines bigint NOT NULL,
        loaded bigint NOT NULL,
        filtered bigint NOT NULL,
        rejected bigint NOT NULL,
        unknown_titles bigint,
        unknown_names bigint,
        file_time timestamptz NOT NULL,
        imported_at timestamptz NOT NULL,
        CHECK (lines = loaded + filtered + rejected)
    )
    """,
    f"""
    CREATE TABLE IF NOT EXISTS {SCHEMA}.rejects (
        file text NOT NULL,
        line bigint NOT NULL,
        reason text NOT NULL,
        content text NOT NULL,
        PRIMARY KEY (file, line)
    )
    """,
    f"""
    COMMENT ON COLUMN {SCHEMA}.files.choice IS
    'Which titles were imported; empty for all'
    """,
    f"""
    COMMENT ON COLUMN {SCHEMA}.files.file_time IS
    'When the file was made, as far as is known: its facts are as old'
    """,
    f"""
    COMMENT ON COLUMN {SCHEMA}.rejects.line IS
    'The number of the line in the unpacked file; the header is line 1'
    """,
    *map(_number_function, ("title", "person")),
    f"""
    CREATE OR REPLACE VIEW {SCHEMA}.titles AS
    SELECT tconst, title_type, primary_title, original_title, is_adult, start_year, end_year,
        runtime_minutes, string_to_array(genres, ',') AS genres, average_rating, num_votes,
        {SCHEMA}.title_number(tconst) AS title_number
    FROM {SCHEMA}.title_basics LEFT JOIN {SCHEMA}.title_ratings USING (tconst)
    """,
    f"""
    CREATE OR REPLACE VIEW {SCHEMA}.people AS
    SELECT nconst, primary_name, birth_year, death_year,
        string_to_array(primary_profession, ',') AS professions,
        string_to_array(known_for_titles, ',') AS known_for_titles,
        {SCHEMA}.person_number(nconst) AS person_number
    FROM {SCHEMA}.name_basics
    """,
    f"""
    CREATE OR REPLACE VIEW {SCHEMA}.title_principals AS
    SELECT {_TITLE_ID} AS tconst, ordering, {_PERSON_ID} AS nconst, category, job, characters
    FROM {SCHEMA}.principals p
    """,
    f"""
    CREATE OR REPLACE VIEW {SCHEMA}.credits AS
    SELECT {_TITLE_ID} AS tconst, ordering, category, {_PERSON_ID} AS nconst, primary_name, job,
        characters, title_number, person_number
    FROM {SCHEMA}.principals p LEFT JOIN {SCHEMA}.name_basics n ON n.nconst = {_PERSON_ID}
    """,
    f"""
    CREATE OR REPLACE VIEW {SCHEMA}.crew AS
    SELECT tconst, string_to_array(directors, ',') AS directors,
        string_to_array(writers, ',') AS writers
    FROM {SCHEMA}.title_crew
    """,
)

_KNOWN_TITLES = (
    # Two halves, so that a question for one title finds it by the indexes of both sides.
    f"""
    CREATE OR REPLACE VIEW known_titles AS
    WITH file AS (
        SELECT max(file_time) FILTER (WHERE name = 'title.basics') AS basics_time,
            max(file_time) FILTER (WHERE name = 'title.ratings') AS ratings_time
        FROM {SCHEMA}.files
    )
    SELECT t.imdb_id,
        CASE WHEN d.newer THEN b.title_type ELSE t.kind END AS kind,
        CASE WHEN d.newer THEN b.primary_title ELSE t.title END AS title,
        CASE WHEN d.newer THEN b.original_title ELSE t.original_title END AS original_title,
        CASE WHEN d.newer THEN b.start_year ELSE t.year END AS year,
        CASE WHEN d.newer THEN b.end_year ELSE t.end_year END AS end_year,
        CASE WHEN d.newer THEN b.runtime_minutes ELSE t.runtime_minutes END AS runtime_minutes,
        CASE WHEN d.newer THEN coalesce(string_to_array(b.genres, ','), '{{}}') ELSE t.genres END
            AS genres,
        CASE WHEN d.newer THEN 'datasets' ELSE t.source END AS basics_source,
        CASE WHEN d.newer THEN file.basics_time ELSE t.fetched_at END AS basics_at,
        CASE WHEN d.rated_newer THEN r.average_rating ELSE t.rating END AS rating,
        CASE WHEN d.rated_newer THEN r.num_votes ELSE t.votes END AS votes,
        CASE WHEN d.rated_newer THEN 'datasets' ELSE t.source END AS rating_source,
        CASE WHEN d.rated_newer THEN file.ratings_time ELSE t.fetched_at END AS rating_at
    FROM titles t CROSS JOIN file
    LEFT JOIN {SCHEMA}.title_basics b ON b.tconst = t.imdb_id
    LEFT JOIN {SCHEMA}.title_ratings r ON r.tconst = t.imdb_id
    CROSS JOIN LATERAL (
        SELECT b.primary_title IS NOT NULL AND b.title_type IS NOT NULL
                AND file.basics_time > t.fetched_at AS newer,
            r.average_rating IS NOT NULL
                AND (file.ratings_time > t.fetched_at OR t.rating IS NULL) AS rated_newer
    ) d
    UNION ALL
    SELECT b.tconst, b.title_type, b.primary_title, b.original_title, b.start_year, b.end_year,
        b.runtime_minutes, coalesce(string_to_array(b.genres, ','), '{{}}'),
        'datasets', file.basics_time, r.average_rating, r.num_votes,
        CASE WHEN r.tconst IS NOT NULL THEN 'datasets' END,
        CASE WHEN r.tconst IS NOT NULL THEN file.ratings_time END
    FROM {SCHEMA}.title_basics b CROSS JOIN file
    LEFT JOIN {SCHEMA}.title_ratings r ON r.tconst = b.tconst
    WHERE NOT EXISTS (SELECT FROM titles t WHERE t.imdb_id = b.tconst)
    """,
    """
    COMMENT ON VIEW known_titles IS
    'Scraped titles and those of the dataset files; of each group of facts the newer version'
    """,
)


# Tables of version 0.1.0 as it was before its release held the ids of the principals as texts.
_BEFORE = f"{SCHEMA}.title_principals_before"
_SET_ASIDE = f"""
    DROP VIEW {SCHEMA}.credits;
    ALTER TABLE {SCHEMA}.title_principals RENAME TO title_principals_before
"""
_WITH_NUMBERS = f"""
    CREATE TABLE {ROWS}.principals AS
    SELECT {SCHEMA}.title_number(tconst) AS title_number, ordering,
        {SCHEMA}.person_number(nconst) AS person_number, category, job, characters
    FROM {_BEFORE}
    WHERE {SCHEMA}.title_number(tconst) IS NOT NULL
        AND {SCHEMA}.person_number(nconst) IS NOT NULL
    ORDER BY 1, 2
"""
_ATTACH = f"""
    ALTER TABLE {ROWS}.principals ALTER title_number SET NOT NULL, ALTER ordering SET NOT NULL,
        ALTER person_number SET NOT NULL;
    ALTER TABLE {SCHEMA}.principals ATTACH PARTITION {ROWS}.principals
        FOR VALUES FROM (MINVALUE) TO (MAXVALUE);
    ANALYZE {ROWS}.principals
"""
_FORGET_FILE = f"DELETE FROM {SCHEMA}.files WHERE name = 'title.principals'"


def make_known_titles(statements: cursor) -> None:
    """Make the view of what both the files and scraped titles say, which needs the tables of both.

    Inside the caller's transaction.
    """
    statements.execute(";".join(_KNOWN_TITLES))


def make_schema(statements: cursor) -> None:
    """Make what is not there yet, inside the caller's transaction; all but `make_known_titles`.

    Principals that are held with texts as ids are held with numbers afterwards. Should one of their
    ids be none, which no file of IMDb's has, the file counts as never imported: the next import of
    it tells which lines these are.

    Raises `DatasetsUnusable` when views that others have made rest on a table that has to go.
    """
    if not _is_table(statements, SCHEMA, "title_principals"):
        statements.execute(";".join(_STATEMENTS))
        return
    try:
        statements.execute(_SET_ASIDE)
        statements.execute(";".join(_STATEMENTS))
        if _is_table(statements, ROWS, "title_principals"):
            _give_numbers(statements)
        statements.execute(f"DROP TABLE {_BEFORE}")
    except pg.DependentObjectsStillExist as error:
        raise DatasetsUnusable(
            f"the principals are to be held in another way, and views of yours rest on them"
            f" ({(error.diag.message_detail or '').replace(chr(10), '; ')}): drop these views, "
            f"import, and make them again on {SCHEMA}.title_principals and {SCHEMA}.credits"
        ) from error


def _give_numbers(statements: cursor) -> None:
    statements.execute(_WITH_NUMBERS)
    given = statements.rowcount
    statements.execute(_ATTACH)
    statements.execute(f"SELECT count(*) FROM {_BEFORE}")
    if statements.fetchone() != (given,):
        statements.execute(_FORGET_FILE)


def has_numbers(statements: cursor) -> bool:
    """Whether the principals are held with numbers as ids; if not, the next import sees to it."""
    return _is_table(statements, SCHEMA, "principals")


def has_schema(statements: cursor) -> bool:
    """Whether anything was ever imported."""
    return _is_table(statements, SCHEMA, "files")


def _is_table(statements: cursor, schema: str, table: str) -> bool:
    # Not to_regclass, see `apply._version`.
    statements.execute(
        "SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = %s AND tablename = %s",
        (schema, table),
    )
    return statements.fetchone() == (1,)
