"""Version 0015 of the schema: jobs that are done by the clock.

A row is one of the times at which a job is to be done. It is the job's lease, too: an index allows
one row of each job that is open, whoever asks.
"""

STATEMENTS = (
    """
    CREATE TABLE job_slots (
        job text NOT NULL CHECK (job <> ''),
        slot timestamptz NOT NULL,
        state text NOT NULL
            CHECK (state IN ('waiting', 'running', 'done', 'failed', 'skipped')),
        attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
        due_at timestamptz NOT NULL DEFAULT now(),
        holder text,
        token text,
        lease_until timestamptz,
        run_id text,
        noted_at timestamptz NOT NULL DEFAULT now(),
        ended_at timestamptz,
        why text,
        PRIMARY KEY (job, slot),
        CHECK (state <> 'running' OR num_nonnulls(holder, token, lease_until) = 3)
    )
    """,
    """
    CREATE UNIQUE INDEX job_slots_open ON job_slots (job) WHERE state IN ('waiting', 'running')
    """,
    "COMMENT ON TABLE job_slots IS 'Jobs of the schedule: when each is to be done, and who has it'",
    """
    COMMENT ON COLUMN job_slots.run_id IS
    'The run of the job; of a distributed one the job is at work until that is closed'
    """,
    """
    COMMENT ON COLUMN job_slots.lease_until IS
    'When another worker may take it, unless the one that has it says that it lives'
    """,
)
