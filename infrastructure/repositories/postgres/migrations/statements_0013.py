"""Version 0013 of the schema: runs that many workers do, and their batches.

The tables are a ledger: who has which batch until when, and what became of it.
"""

STATEMENTS = (
    """
    CREATE TABLE distributed_runs (
        run_id text PRIMARY KEY REFERENCES runs ON DELETE CASCADE,
        stage text NOT NULL DEFAULT 'running'
            CHECK (stage IN ('running', 'paused', 'cancelled', 'closed')),
        closer text,
        closer_until timestamptz,
        CHECK ((closer IS NULL) = (closer_until IS NULL))
    )
    """,
    "CREATE INDEX distributed_runs_open ON distributed_runs (run_id) WHERE stage <> 'closed'",
    """
    CREATE TABLE run_batches (
        batch_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        run_id text NOT NULL REFERENCES distributed_runs ON DELETE CASCADE,
        first integer NOT NULL CHECK (first >= 0),
        ids text[] NOT NULL CHECK (cardinality(ids) > 0),
        state text NOT NULL DEFAULT 'queued'
            CHECK (state IN ('queued', 'running', 'failed', 'done', 'parked', 'split')),
        attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
        due_at timestamptz NOT NULL DEFAULT now(),
        sent_at timestamptz,
        worker text,
        token text,
        lease_until timestamptz,
        fetched integer NOT NULL DEFAULT 0 CHECK (fetched >= 0),
        failed integer NOT NULL DEFAULT 0 CHECK (failed >= 0),
        error text,
        account jsonb,
        CHECK (state <> 'running' OR num_nonnulls(worker, token, lease_until) = 3),
        CHECK (state <> 'done' OR account IS NOT NULL)
    )
    """,
    "CREATE INDEX run_batches_run ON run_batches (run_id, first)",
    """
    CREATE INDEX run_batches_open ON run_batches (state, due_at)
    WHERE state IN ('queued', 'running', 'failed')
    """,
    "COMMENT ON TABLE distributed_runs IS 'Runs that are cut into batches for many workers'",
    "COMMENT ON TABLE run_batches IS 'The batches: who has them, and what became of their titles'",
    """
    COMMENT ON COLUMN run_batches.first IS
    'The place of the first of its titles among those that the run was asked for'
    """,
    """
    COMMENT ON COLUMN run_batches.lease_until IS
    'When it is set free again, unless the worker that has it says that it lives'
    """,
)
