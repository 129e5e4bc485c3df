"""Version 0008 of the schema: ids that IMDb has merged into others.

The new id need not be held: it may be that of a title that could not be saved, or of a person.
"""

_ID = "{column} ~ '^(tt|nm)[0-9]+$' AND length({column}) BETWEEN 9 AND 17"

STATEMENTS = (
    f"""
    CREATE TABLE merged_ids (
        old_id text PRIMARY KEY CHECK ({_ID.format(column="old_id")}),
        new_id text NOT NULL CHECK ({_ID.format(column="new_id")}),
        seen_at timestamptz NOT NULL,
        CHECK (old_id <> new_id AND left(old_id, 2) = left(new_id, 2))
    )
    """,
    "CREATE INDEX merged_ids_new_id ON merged_ids (new_id)",
    """
    COMMENT ON TABLE merged_ids IS
    'Ids that have been asked for and that IMDb keeps under another one, which the rows have'
    """,
)
