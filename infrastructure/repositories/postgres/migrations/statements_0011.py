"""Version 0011 of the schema: what it takes to look through titles and people by pages.

Each order of titles has an index that ends with the id, so that a page goes on where the one before
ended. Those that they make superfluous are dropped: a save writes every index.
"""

# Marks and spaces of ASCII become single spaces: of "Spider-Man", "Apollo-13" and "example.com",
# PostgreSQL would make a compound, a negative number and the name of a host.
_MARKS = r"[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+"


def _words(text: str) -> str:
    """A column with the words of a text, in lower case."""
    # No row may have more than 1 MB of words.
    cleaned = f"regexp_replace({text}, '{_MARKS}', ' ', 'g')"
    return f"words tsvector GENERATED ALWAYS AS (to_tsvector('simple', {cleaned})) STORED"


def _order(table: str, name: str, key: str) -> str:
    return f'CREATE INDEX {table}_by_{name} ON {table} ({key}, imdb_id COLLATE "C")'


TITLES = (
    f"""
    ALTER TABLE titles ADD COLUMN
    {_words("left(title, 1000) || ' ' || coalesce(left(original_title, 1000), '')")}
    """,
    "DROP INDEX titles_title_words",
    "DROP INDEX titles_title_prefix",
    "CREATE INDEX titles_words ON titles USING gin (words)",
    "DROP INDEX titles_kind",
    "DROP INDEX titles_year",
    "DROP INDEX titles_rating",
    "DROP INDEX titles_votes",
    _order("titles", "title", 'left(lower(title), 200) COLLATE "C"'),
    _order("titles", "year", "year"),
    _order("titles", "rating", "rating"),
    _order("titles", "votes", "votes"),
    _order("titles", "metascore", "metascore"),
    _order("titles", "runtime", "runtime_minutes"),
    _order("titles", "updated", "fetched_at"),
    _order("titles", "kind", "kind, votes"),
)

PEOPLE = (
    f"ALTER TABLE people ADD COLUMN {_words('left(name, 1000)')}",
    "CREATE INDEX people_words ON people USING gin (words)",
    _order("people", "name", 'left(lower(name), 200) COLLATE "C"'),
    "DROP INDEX credits_person_id",
    "CREATE INDEX credits_person_id ON credits (person_id, title_id)",
)

CREDITS_OF_PEOPLE = (
    # Without a foreign key, which would be checked at each credit that is saved.
    """
    CREATE TABLE person_credits (
        person_id text PRIMARY KEY,
        credits integer NOT NULL
    )
    """,
    """
    INSERT INTO person_credits
    SELECT person_id, count(*) FROM credits WHERE person_id IS NOT NULL GROUP BY person_id
    """,
    """
    CREATE INDEX person_credits_by_credits
    ON person_credits (credits, person_id COLLATE "C")
    """,
    # The end of a run counts anew whoever is credited in a title that the run has saved: a count
    # kept by every insert would take half as long again to save. What is taken away is not in the
    # titles any more, and so is counted at once; in the order of the ids, as all writers lock them.
    "ALTER TABLE runs ADD COLUMN credits_counted boolean NOT NULL DEFAULT false",
    "UPDATE runs SET credits_counted = true",
    """
    CREATE FUNCTION count_credits_taken_away() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE person_credits held SET credits = held.credits - away.credits
        FROM (
            SELECT person_id, count(*) AS credits FROM gone WHERE person_id IS NOT NULL
            GROUP BY person_id ORDER BY person_id
        ) away
        WHERE held.person_id = away.person_id;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER credits_taken_away AFTER DELETE ON credits
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION count_credits_taken_away()
    """,
)

CHARTS = (
    """
    CREATE INDEX chart_entries_newest ON chart_entries (chart, captured_at, run_id) WHERE rank = 1
    """,
)

COMMENTS = (
    "COMMENT ON COLUMN titles.words IS 'Of the title and the original title, to search for'",
    "COMMENT ON COLUMN people.words IS 'Of the name, to search for'",
    "COMMENT ON INDEX titles_words IS 'For WHERE words @@ plainto_tsquery(''simple'', ''words'')'",
    """
    COMMENT ON INDEX titles_by_title IS
    'Also for WHERE left(lower(title), 200) LIKE ''the god%'', the beginning in lower case'
    """,
    """
    COMMENT ON TABLE person_credits IS
    'How many credits each person has in the titles held, as counted at the end of the last run'
    """,
)

STATEMENTS = (*TITLES, *PEOPLE, *CREDITS_OF_PEOPLE, *CHARTS, *COMMENTS)
