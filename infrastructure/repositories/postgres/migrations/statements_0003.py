"""Version 0003 of the schema: what it takes to continue a run, and to see what was changed by hand.

The digest of a title's facts says whether a page has other facts. It is of no use when somebody
has changed the row: then it is emptied, so that the next save of the title writes the row.
"""

STATEMENTS = (
    "ALTER TABLE runs ADD COLUMN asked_ids text[]",
    "ALTER TABLE runs ADD COLUMN already_saved integer CHECK (already_saved >= 0)",
    "ALTER TABLE runs ADD COLUMN resumed_at timestamptz",
    "CREATE INDEX runs_started_at ON runs (started_at, run_id)",
    "COMMENT ON COLUMN runs.asked_ids IS 'The titles asked for, in order; NULL: not known (yet)'",
    """
    COMMENT ON COLUMN runs.already_saved IS
    'Titles that a repository had when the run was continued'
    """,
    "COMMENT ON COLUMN runs.resumed_at IS 'When the run was continued; NULL: it ran in one go'",
    """
    CREATE FUNCTION empty_facts_digest() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.facts_digest := '';
        RETURN NEW;
    END
    $$
    """,
    # Costs a save nothing: it changes facts together with their digest, or neither.
    """
    CREATE TRIGGER titles_changed_by_hand
    BEFORE UPDATE OF kind, title, original_title, year, end_year, runtime_minutes, rating, votes,
        metascore, certificate, genres, release_year, release_month, release_day, plot
    ON titles FOR EACH ROW WHEN (OLD.facts_digest = NEW.facts_digest)
    EXECUTE FUNCTION empty_facts_digest()
    """,
)
