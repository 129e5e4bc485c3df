"""Version 0006 of the schema: which details of titles a run asks for."""

STATEMENTS = (
    "ALTER TABLE runs ADD COLUMN details text[] NOT NULL DEFAULT '{}'",
    """
    COMMENT ON COLUMN runs.details IS
    'What the run asks for of each title besides the main facts; see title_details'
    """,
)
