"""Version 0012 of the schema: a version of the store, which every change of answers changes.

It is that of all rows of ``store_versions`` together. A transaction that changes anything gives one
row a new random value, which is seen from the same moment on as the change itself: a sequence, or
the highest id, would be seen before. Random values are never there again, not even when an older
state of the database is brought back, and cannot be guessed by who cannot read them.

The row is one that no other transaction holds, and a new one when there is none: nobody ever waits
for it, so saving cannot come to a standstill here, and there are as many rows as there ever were
writers at the same time (16 at least). Rows are small, and half of each page is left free, so that
what is replaced is cleared away by the next who reads.
"""

from infrastructure.repositories.postgres.migrations.statements_0007 import DETAILS

_TABLES = (
    "titles", "credits", "people", "person_credits", "rating_history", "chart_entries",
    "merged_ids", "title_details", *DETAILS, "person_profiles", "person_filmography",
    "person_facts",
)  # fmt: skip
"""What answers are made from. A test knows every other table by name."""

STATEMENTS = (
    """
    CREATE TABLE store_versions (
        slot integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        version uuid NOT NULL DEFAULT gen_random_uuid()
    ) WITH (fillfactor = 50)
    """,
    "INSERT INTO store_versions (version) SELECT gen_random_uuid() FROM generate_series(1, 16)",
    # Once a transaction: the setting ends with it, and goes back when a savepoint does. As the
    # owner of the table, and wherever it is: whoever may write titles need not know of it.
    """
    CREATE FUNCTION note_change_of_store() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path FROM CURRENT AS $$
    DECLARE
        mine constant text := pg_current_xact_id()::text;
        is_noted boolean := false;
    BEGIN
        IF current_setting('imdb_store.changed_by', true) IS DISTINCT FROM mine THEN
            BEGIN
                UPDATE store_versions SET version = gen_random_uuid() WHERE slot = (
                    SELECT slot FROM store_versions ORDER BY slot LIMIT 1 FOR UPDATE SKIP LOCKED
                );
                is_noted := FOUND;
            EXCEPTION WHEN serialization_failure THEN
                -- REPEATABLE READ, and another transaction has changed the row meanwhile.
            END;
            IF NOT is_noted THEN
                INSERT INTO store_versions DEFAULT VALUES;
            END IF;
            PERFORM set_config('imdb_store.changed_by', mine, true);
        END IF;
        RETURN NULL;
    END
    $$
    """,
    *(
        f"""
        CREATE TRIGGER change_of_store AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION note_change_of_store()
        """
        for table in _TABLES
    ),
    """
    COMMENT ON TABLE store_versions IS
    'Another state of these rows, another state of titles, people and charts: for caches'
    """,
)
