"""Version 0005 of the schema: profiles of people, with their filmographies.

They refer to no title and to nobody in ``people``: a profile may come before any of them. (The view
``filmography`` has what the titles held say of their people.)
"""

_ID = "{column} ~ '^{prefix}[0-9]+$' AND length({column}) BETWEEN 9 AND 17"
_PERSON_ID = _ID.format(column="imdb_id", prefix="nm")
_TITLE_ID = _ID.format(column="title_id", prefix="tt")


def _texts(column: str) -> str:
    """A column of texts, none of them empty."""
    # Of an array with a NULL and no empty text, the comparison is unknown: neither true nor false.
    return f"{column} text[] NOT NULL DEFAULT '{{}}' CHECK (('' <> ALL ({column})) IS TRUE)"


def _date(prefix: str) -> str:
    """Columns of a date of which the day, or the month and the day, may be unknown."""
    return f"""
        {prefix}_year smallint CHECK ({prefix}_year BETWEEN -9999 AND 9999 AND {prefix}_year <> 0),
        {prefix}_month smallint CHECK ({prefix}_month BETWEEN 1 AND 12),
        {prefix}_day smallint CHECK ({prefix}_day BETWEEN 1 AND 31),
        CHECK ({prefix}_month IS NULL OR {prefix}_year IS NOT NULL),
        CHECK ({prefix}_day IS NULL OR {prefix}_month IS NOT NULL)
    """


STATEMENTS = (
    f"""
    CREATE TABLE person_profiles (
        imdb_id text PRIMARY KEY CHECK ({_PERSON_ID}),
        name text NOT NULL CHECK (name <> ''),
        {_date("birth")},
        birth_place text CHECK (birth_place <> ''),
        {_date("death")},
        death_place text CHECK (death_place <> ''),
        {_texts("professions")},
        biography text CHECK (biography <> ''),
        {_texts("known_for")},
        total_credits integer CHECK (total_credits >= 0),
        source text NOT NULL,
        found_by text NOT NULL,
        fetched_at timestamptz NOT NULL,
        run_id text NOT NULL REFERENCES runs
    )
    """,
    f"""
    CREATE TABLE person_filmography (
        person_id text NOT NULL REFERENCES person_profiles ON DELETE CASCADE,
        position integer NOT NULL CHECK (position > 0),
        category text NOT NULL CHECK (category <> ''),
        title_id text NOT NULL CHECK ({_TITLE_ID}),
        title text NOT NULL CHECK (title <> ''),
        kind text CHECK (kind <> ''),
        year smallint CHECK (year BETWEEN 1874 AND 9999),
        end_year smallint CHECK (end_year BETWEEN 1874 AND 9999),
        rating numeric CHECK (rating BETWEEN 0 AND 10),
        votes integer CHECK (votes >= 0),
        {_texts("characters")},
        {_texts("jobs")},
        {_texts("attributes")},
        episodes integer CHECK (episodes > 0),
        PRIMARY KEY (person_id, position),
        UNIQUE (person_id, category, title_id)
    )
    """,
    "CREATE INDEX person_filmography_title_id ON person_filmography (title_id)",
    """
    COMMENT ON TABLE person_profiles IS
    'What a person''s own page says; people has the names that titles give in their credits'
    """,
    """
    COMMENT ON COLUMN person_profiles.birth_year IS
    'A negative year is one before our era: -496 is 496 BCE'
    """,
    """
    COMMENT ON COLUMN person_profiles.total_credits IS
    'How many credits there are in all: a page shows a part, which person_filmography has'
    """,
    "COMMENT ON COLUMN person_filmography.position IS 'The place on the page, from 1 on'",
)
