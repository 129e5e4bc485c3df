"""The ledger of the schedule's jobs: which are due, and who has them, decided by the database."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from psycopg2.extensions import cursor

from domain.errors import RepositoryUnavailable
from domain.job import JobClaim, JobName, JobRecord, JobSlot, SlotState
from infrastructure.repositories.postgres.connections import ConnectionPool
from infrastructure.repositories.postgres.errors import NAME
from infrastructure.repositories.postgres.opening import open_pool
from infrastructure.repositories.postgres.rows import storable
from infrastructure.repositories.postgres.transactions import Transactions

# So few ask that one at a time may: what they read is then what there is.
_ONE_AT_A_TIME = "LOCK TABLE job_slots IN SHARE ROW EXCLUSIVE MODE"

_SETTLE = """
    UPDATE job_slots j SET ended_at = coalesce(r.finished_at, now()),
        state = CASE WHEN r.outcome IN ('complete', 'incomplete') THEN 'done' ELSE 'failed' END,
        why = CASE WHEN r.outcome IN ('complete', 'incomplete') THEN NULL
            ELSE 'its run ended as ' || coalesce(r.outcome, 'unknown') END
    FROM distributed_runs d JOIN runs r USING (run_id)
    WHERE j.state = 'running' AND d.run_id = j.run_id AND d.stage = 'closed'
"""

_IS_LEFT = """
    state = 'running' AND lease_until < now()
    AND NOT EXISTS (SELECT FROM distributed_runs d WHERE d.run_id = job_slots.run_id)
"""
"""The worker has died. A job whose distributed run has begun needs none any more."""

_GIVE_UP = f"""
    UPDATE job_slots SET state = 'failed', ended_at = now(), why = 'its worker has died'
    WHERE {_IS_LEFT} AND attempts >= %(most)s
"""  # noqa: S608 - built from constants

_NEWEST = """
    SELECT max(slot), max(slot) FILTER (WHERE state IN ('waiting', 'running')),
        coalesce(%(slot)s, clock_timestamp())
    FROM job_slots WHERE job = %(job)s
"""

_NOTE = """
    INSERT INTO job_slots (job, slot, state, why) VALUES (%s, %s, %s, %s)
    RETURNING job, slot, state, run_id, why
"""

_CLAIM = f"""
    UPDATE job_slots SET state = 'running', holder = %(holder)s, token = %(token)s,
        attempts = attempts + 1, lease_until = now() + %(lease)s * interval '1 second'
    WHERE job = %(job)s AND (state = 'waiting' AND due_at <= now() OR {_IS_LEFT})
    RETURNING slot, attempts, run_id
"""  # noqa: S608 - built from constants

_OURS = "job = %(job)s AND slot = %(slot)s AND state = 'running' AND token = %(token)s"

_KEEP = f"""
    UPDATE job_slots SET lease_until = now() + %(lease)s * interval '1 second' WHERE {_OURS}
"""  # noqa: S608 - built from constants

_NOTE_RUN = f"UPDATE job_slots SET run_id = %(run_id)s WHERE {_OURS}"  # noqa: S608

_IS_OURS = f"""
    SET LOCAL idle_in_transaction_session_timeout = %(milliseconds)s;
    SELECT FROM job_slots WHERE {_OURS} FOR SHARE
"""

_DONE = f"UPDATE job_slots SET state = 'done', ended_at = now(), why = NULL WHERE {_OURS}"  # noqa: S608

_FAILED = f"""
    UPDATE job_slots SET why = %(why)s,
        state = CASE WHEN attempts < %(most)s THEN 'waiting' ELSE 'failed' END,
        ended_at = CASE WHEN attempts < %(most)s THEN NULL ELSE now() END,
        due_at = now() + %(lease)s * 2 ^ (attempts - 1) * interval '1 second'
    WHERE {_OURS}
"""  # noqa: S608 - built from constants

_GIVE_BACK = f"""
    UPDATE job_slots SET state = 'waiting', attempts = attempts - 1, due_at = now() WHERE {_OURS}
"""  # noqa: S608 - built from constants

_DUE = f"""
    SELECT job FROM job_slots
    WHERE state = 'waiting' AND due_at <= now() OR {_IS_LEFT} ORDER BY slot, job
"""  # noqa: S608 - built from constants

_RECORDS = """
    SELECT DISTINCT ON (job) job, slot, state, run_id, why,
        (SELECT max(ended_at) FROM job_slots d WHERE d.job = j.job AND d.state = 'done')
    FROM job_slots j ORDER BY job, state IN ('waiting', 'running') DESC, slot DESC
"""


@contextmanager
def open_postgres_jobs(
    url: str,
    *,
    lease_seconds: float,
    most_attempts: int,
    revive: Callable[[], None] | None = None,
) -> Iterator["PostgresJobs"]:
    """Open the database at ``url``, bring its schema up to date, and close it at the end.

    A worker has a job for ``lease_seconds`` at a time; one that fails ``most_attempts`` times is
    given up. ``revive`` as for the repository. Raises `RepositoryUnavailable`.
    """
    with open_pool(url, size=2, wait_seconds=10, revive=revive) as pool:
        yield PostgresJobs(pool, lease_seconds=lease_seconds, most_attempts=most_attempts)


class PostgresJobs:
    """Fulfils `JobLedger`. Each call is one transaction; the database's clock counts.

    One whose connection has broken is tried again, so that a restarted server is not noticed.
    """

    def __init__(self, pool: ConnectionPool, *, lease_seconds: float, most_attempts: int) -> None:
        self._transactions = Transactions(pool)
        self._lease_seconds = lease_seconds
        self._limits: dict[str, object] = {"lease": lease_seconds, "most": most_attempts}

    def note(self, job: JobName, slot: datetime | None, *, is_time: bool) -> JobSlot | None:
        """Note a slot, unless it is known; as `JobLedger.note`."""

        def note(statements: cursor) -> JobSlot | None:
            self._settle(statements)
            statements.execute(_NEWEST, {"job": job.value, "slot": slot})
            [(newest, open_since, noted)] = statements.fetchall()
            if newest is not None and noted <= newest:
                return None
            state, why = SlotState.WAITING, None
            if open_since is not None:
                state, why = SlotState.SKIPPED, f"that of {_time(open_since)} was still at work"
            elif newest is None and not is_time:
                state, why = SlotState.SKIPPED, "the schedule began after it"
            statements.execute(_NOTE, (job.value, noted, state.value, why))
            [row] = statements.fetchall()
            return _slot(row)

        return self._transactions.do(note)

    def claim(self, job: JobName, holder: str, token: str) -> JobClaim | None:
        """Give a job to a worker."""
        values = {"job": job.value, "holder": holder, "token": token} | self._limits

        def take(statements: cursor) -> JobClaim | None:
            self._settle(statements)
            statements.execute(_CLAIM, values)
            row = statements.fetchone()
            if row is None:
                return None
            slot, attempt, run_id = row
            return JobClaim(
                job=job, slot=slot.astimezone(UTC), token=token, attempt=attempt, run_id=run_id
            )

        return self._transactions.do(take)

    def keep(self, claim: JobClaim) -> bool:
        """Prolong a lease, also one that is over when nobody else has taken the job."""
        return self._change(_KEEP, _values(claim) | self._limits)

    def note_run(self, claim: JobClaim, run_id: str) -> bool:
        """Note the run of a job."""
        return self._change(_NOTE_RUN, _values(claim) | {"run_id": run_id})

    def guard(self, claim: JobClaim) -> Callable[[cursor], None]:
        """What keeps a worker from saving that has lost its job without knowing.

        To be called in the transaction that saves, for whose length nobody else gets the job. One
        in whose middle nothing is heard of the worker for a lease is given up by the server. It
        raises `RepositoryUnavailable`.
        """
        values = _values(claim) | {"milliseconds": int(self._lease_seconds * 1000)}

        def check(statements: cursor) -> None:
            statements.execute(_IS_OURS, values)
            if statements.fetchone() is None:
                raise RepositoryUnavailable(NAME, f"the job {claim.job} is somebody else's now")

        return check

    def done(self, claim: JobClaim) -> None:
        """Note that a job is done."""
        self._change(_DONE, _values(claim))

    def failed(self, claim: JobClaim, why: str) -> None:
        """Have a job tried again after a pause, which doubles, or give it up."""
        self._change(_FAILED, _values(claim) | self._limits | {"why": storable(why)[:1000]})

    def give_back(self, claim: JobClaim) -> None:
        """Have a job wait as if it had not been begun."""
        self._change(_GIVE_BACK, _values(claim))

    def due(self) -> Sequence[JobName]:
        """Give the jobs that may be begun now, those that wait for longest first."""

        def ask(statements: cursor) -> list[JobName]:
            statements.execute(_DUE)
            return [JobName(job) for (job,) in statements.fetchall()]

        return self._transactions.do(ask)

    def records(self) -> Sequence[JobRecord]:
        """Tell how each job stands."""

        def ask(statements: cursor) -> list[JobRecord]:
            self._settle(statements)
            statements.execute(_RECORDS)
            return [
                JobRecord(current=_slot(row), done_at=done_at and done_at.astimezone(UTC))
                for *row, done_at in statements.fetchall()
            ]

        return self._transactions.do(ask)

    def _settle(self, statements: cursor) -> None:
        """End the jobs whose runs are over, and those that were tried often enough."""
        statements.execute(_ONE_AT_A_TIME)
        statements.execute(_SETTLE)
        statements.execute(_GIVE_UP, self._limits)

    def _change(self, statement: str, values: dict[str, object]) -> bool:
        """Change a job that is still ours; tell whether it is."""

        def change(statements: cursor) -> bool:
            statements.execute(statement, values)
            return statements.rowcount == 1

        return self._transactions.do(change)


def _slot(row: Sequence[Any]) -> JobSlot:
    job, slot, state, run_id, why = row
    return JobSlot(
        job=JobName(job),
        slot=slot.astimezone(UTC),
        state=SlotState(state),
        run_id=run_id,
        why=why,
    )


def _time(slot: datetime) -> str:
    return f"{slot.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _values(claim: JobClaim) -> dict[str, object]:
    return {"job": claim.job.value, "slot": claim.slot, "token": claim.token}
