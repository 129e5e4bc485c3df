"""Version 0010 of the schema: what else is said of people."""

STATEMENTS = (
    """
    CREATE TABLE person_facts (
        person_id text NOT NULL REFERENCES person_profiles ON DELETE CASCADE,
        position integer NOT NULL CHECK (position > 0),
        category text NOT NULL CHECK (category <> ''),
        text text NOT NULL CHECK (text <> ''),
        year smallint CHECK (year BETWEEN 1 AND 9999),
        url text CHECK (url <> ''),
        related_id text CHECK (
            related_id ~ '^(tt|nm)[0-9]+$' AND length(related_id) BETWEEN 9 AND 17
        ),
        PRIMARY KEY (person_id, position)
    )
    """,
    "CREATE INDEX person_facts_category ON person_facts (category)",
    """
    COMMENT ON COLUMN person_facts.text IS
    'Of a height: centimetres'
    """,
    """
    COMMENT ON COLUMN person_facts.related_id IS
    'The spouse or relation, or the title of a salary or an award'
    """,
)
