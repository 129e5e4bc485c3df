"""Version 0016 of the schema: runs that wait for their source, and those that a server does itself.

``served_runs`` is what the copies of a server tell each other: it has one row at most.
"""

STATEMENTS = (
    "ALTER TABLE run_batches ADD COLUMN heard_at timestamptz",
    """
    ALTER TABLE distributed_runs
        ADD COLUMN waits integer NOT NULL DEFAULT 0 CHECK (waits >= 0),
        ADD COLUMN waiting_since timestamptz,
        ADD COLUMN waits_until timestamptz,
        ADD COLUMN wait_error text,
        ADD COLUMN resumed_at timestamptz,
        ADD CHECK (num_nulls(waiting_since, waits_until, wait_error) IN (0, 3)),
        ADD CHECK (waits = 0 OR waiting_since IS NOT NULL)
    """,
    """
    CREATE TABLE served_runs (
        slot integer PRIMARY KEY DEFAULT 1 CHECK (slot = 1),
        token text NOT NULL,
        heard_at timestamptz NOT NULL DEFAULT now(),
        run_id text,
        progress jsonb,
        is_cancelled boolean NOT NULL DEFAULT false
    )
    """,
    "COMMENT ON COLUMN run_batches.heard_at IS 'When its worker last said that it lives'",
    """
    COMMENT ON COLUMN distributed_runs.waits_until IS
    'No batch is begun before: its sources are away, or refuse us. Then one batch is tried'
    """,
    """
    COMMENT ON TABLE served_runs IS
    'The run that a copy of the server does itself, how far it is, and whether to end it early'
    """,
)
