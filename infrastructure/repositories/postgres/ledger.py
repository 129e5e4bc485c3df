"""The ledger of distributed runs: which worker has which batch, decided by the database."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial

import msgspec
from psycopg2.extensions import cursor
from psycopg2.extras import execute_values

from domain.batch import (
    BatchAccount,
    BatchClaim,
    BatchState,
    ParkedBatch,
    RunBatches,
    SourceWait,
    Stage,
    Standing,
    WorkerAtWork,
)
from domain.errors import RepositoryUnavailable
from domain.identifiers import TitleId
from domain.run import RunReport
from infrastructure.repositories.postgres.connections import ConnectionPool
from infrastructure.repositories.postgres.errors import NAME
from infrastructure.repositories.postgres.history import record_of, report_of
from infrastructure.repositories.postgres.opening import open_pool
from infrastructure.repositories.postgres.rows import account_json, storable
from infrastructure.repositories.postgres.transactions import Transactions

_MOST_SENT = 10_000
_LONGEST_PAUSE_SECONDS = 300
_LONGEST_WAIT_SECONDS = 600

LEASES_TO_FIRST_PAUSE = 12
"""The pause after a first failure is this part of a lease; it doubles with each further one."""

_OPEN_RUN = "INSERT INTO distributed_runs (run_id) VALUES (%s) ON CONFLICT DO NOTHING"

_REOPEN_RUN = """
    INSERT INTO distributed_runs (run_id, resumed_at) VALUES (%s, %s)
    ON CONFLICT (run_id) DO UPDATE SET stage = 'running', resumed_at = excluded.resumed_at
    WHERE distributed_runs.stage = 'closed'
"""

# What they have saved is in the database; the rest is in new batches.
_SET_ASIDE = """
    UPDATE run_batches SET state = 'split', error = 'the run was continued with new batches'
    WHERE run_id = %s
"""

_ADD_BATCHES = "INSERT INTO run_batches (run_id, first, ids) VALUES %s"

# Of many that ask at the same moment one is given the trial: the others find it put off.
_TRY = """
    UPDATE distributed_runs SET waits_until = now() + %(lease)s * interval '1 second'
    WHERE run_id = (SELECT run_id FROM run_batches WHERE batch_id = %(batch_id)s)
        AND waiting_since IS NOT NULL AND waits_until <= now()
"""

_TRY_ANOTHER = """
    UPDATE distributed_runs SET waits_until = now()
    WHERE run_id = (SELECT run_id FROM run_batches WHERE batch_id = %(batch_id)s)
"""

_CLAIM = """
    UPDATE run_batches b SET state = 'running', worker = %(worker)s, token = %(token)s,
        attempts = attempts + (state <> 'running')::integer, fetched = 0, failed = 0,
        heard_at = now(), lease_until = now() + %(lease)s * interval '1 second'
    FROM distributed_runs d
    WHERE b.batch_id = %(batch_id)s AND d.run_id = b.run_id
        AND (b.state IN ('queued', 'failed') AND b.due_at <= now() AND d.stage = 'running'
            AND (d.waiting_since IS NULL OR %(is_trial)s)
            OR b.state = 'running' AND b.token = %(token)s)
    RETURNING b.run_id, b.ids, d.waiting_since IS NOT NULL
"""

_KEEP = """
    UPDATE run_batches b SET lease_until = now() + %(lease)s * interval '1 second',
        heard_at = now(), fetched = %(fetched)s, failed = %(failed)s
    FROM distributed_runs d
    WHERE b.batch_id = %(batch_id)s AND b.state = 'running' AND b.token = %(token)s
        AND d.run_id = b.run_id
    RETURNING d.stage
"""

_IS_OURS = """
    SET LOCAL idle_in_transaction_session_timeout = %(milliseconds)s;
    SELECT FROM run_batches
    WHERE batch_id = %(batch_id)s AND state = 'running' AND token = %(token)s
"""

_DONE = """
    UPDATE run_batches SET state = 'done', account = %(account)s, error = NULL,
        fetched = cardinality(ids) - %(failed)s, failed = %(failed)s
    WHERE batch_id = %(batch_id)s AND state = 'running' AND token = %(token)s
"""

_GIVE_BACK = """
    UPDATE run_batches SET state = 'queued', attempts = attempts - 1, sent_at = NULL
    WHERE batch_id = %(batch_id)s AND state = 'running' AND token = %(token)s
"""

# What others find out while it is waited already says nothing new.
_AWAY = """
    UPDATE distributed_runs SET wait_error = %(error)s,
        waits = CASE WHEN %(has_fetched)s THEN 1 ELSE waits + 1 END,
        waiting_since = CASE
            WHEN %(has_fetched)s THEN now() ELSE coalesce(waiting_since, now()) END,
        waits_until = now() + interval '1 second' * greatest(%(rest)s, least(%(longest)s,
            %(pause)s * 2 ^ least(30, CASE WHEN %(has_fetched)s THEN 0 ELSE waits END)))
    WHERE run_id = %(run_id)s AND (waiting_since IS NULL OR %(is_trial)s)
"""

_ANSWERS = """
    UPDATE distributed_runs
    SET waits = 0, waiting_since = NULL, waits_until = NULL, wait_error = NULL
    WHERE run_id = %s AND waiting_since IS NOT NULL
"""

_WAITED_TOO_LONG = """
    UPDATE distributed_runs d
    SET waits = 0, waiting_since = NULL, waits_until = NULL, wait_error = NULL
    FROM distributed_runs before
    WHERE d.run_id = before.run_id AND d.waiting_since < now() - %s * interval '1 second'
        AND NOT EXISTS (
            SELECT FROM run_batches b WHERE b.run_id = d.run_id AND b.state = 'running'
        )
    RETURNING d.run_id, before.wait_error
"""

_PARK_ALL = """
    UPDATE run_batches SET state = 'parked', error = %s
    WHERE run_id = %s AND state IN ('queued', 'failed')
"""

_FAILING = "SELECT batch_id, run_id, first, ids, attempts FROM run_batches WHERE state = 'running'"

_OWN = f"{_FAILING} AND batch_id = %(batch_id)s AND token = %(token)s FOR UPDATE"

_LEFT = f"{_FAILING} AND worker = %(worker)s AND token <> %(token)s FOR UPDATE"

_EXPIRED = f"{_FAILING} AND lease_until < now() ORDER BY batch_id FOR UPDATE SKIP LOCKED"

_SPLIT = "UPDATE run_batches SET state = 'split', error = %s WHERE batch_id = %s"

_PARK = "UPDATE run_batches SET state = 'parked', error = %s WHERE batch_id = %s"

_FAIL = """
    UPDATE run_batches SET state = 'failed', error = %s, sent_at = NULL,
        due_at = now() + %s * interval '1 second'
    WHERE batch_id = %s
"""

_TO_SEND = """
    UPDATE run_batches SET sent_at = now()
    WHERE batch_id IN (
        SELECT batch_id FROM run_batches b JOIN distributed_runs d USING (run_id)
        WHERE b.state IN ('queued', 'failed') AND b.due_at <= now() AND d.stage = 'running'
            AND (d.waiting_since IS NULL OR d.waits_until <= now() AND batch_id = (
                SELECT min(batch_id) FROM run_batches first WHERE first.run_id = d.run_id
                    AND first.state IN ('queued', 'failed') AND first.due_at <= now()))
            AND (b.sent_at IS NULL
                OR %(again)s AND b.sent_at < now() - %(pause)s * interval '1 second')
        ORDER BY batch_id LIMIT %(most)s FOR UPDATE OF b SKIP LOCKED
    )
    RETURNING batch_id
"""

_NOTHING_LEFT = """
    d.stage IN ('running', 'cancelled')
    AND NOT EXISTS (
        SELECT FROM run_batches b WHERE b.run_id = d.run_id
            AND (b.state = 'running' OR b.state IN ('queued', 'failed') AND d.stage = 'running')
    )
"""

_TO_CLOSE = f"""
    SELECT run_id FROM distributed_runs d
    WHERE {_NOTHING_LEFT} AND (closer IS NULL OR closer_until < now()) ORDER BY run_id
"""  # noqa: S608 - built from constants

_CLOSE_BEGINS = f"""
    UPDATE distributed_runs d SET closer = %(token)s,
        closer_until = now() + %(lease)s * interval '1 second'
    WHERE run_id = %(run_id)s AND {_NOTHING_LEFT}
        AND (closer IS NULL OR closer = %(token)s OR closer_until < now())
    RETURNING run_id
"""  # noqa: S608 - built from constants

_CLOSED = """
    UPDATE distributed_runs SET stage = 'closed', closer = NULL, closer_until = NULL
    WHERE run_id = %s AND closer = %s
"""

_ACCOUNTS = """
    SELECT account FROM run_batches WHERE run_id = %s AND state = 'done' ORDER BY first, batch_id
"""

_PARKED = """
    SELECT ids, error FROM run_batches WHERE run_id = %s AND state = 'parked'
    ORDER BY first, batch_id
"""

_PROGRESS = """
    SELECT d.stage, coalesce(r.asked, 0), d.resumed_at, d.wait_error,
        extract(epoch FROM now() - d.waiting_since)::float8,
        extract(epoch FROM d.waits_until - now())::float8,
        b.state, count(b.batch_id), coalesce(sum(b.fetched), 0),
        coalesce(sum(CASE b.state WHEN 'parked' THEN cardinality(ids) ELSE b.failed END), 0)
    FROM distributed_runs d JOIN runs r USING (run_id) LEFT JOIN run_batches b USING (run_id)
    WHERE run_id = %s GROUP BY d.run_id, r.asked, b.state
"""

_AT_WORK = """
    SELECT worker, cardinality(ids), fetched, failed,
        greatest(0, extract(epoch FROM now() - coalesce(heard_at, now())))
    FROM run_batches WHERE run_id = %s AND state = 'running' ORDER BY worker, batch_id
"""

_SET_STAGE = """
    UPDATE distributed_runs SET stage = %s
    WHERE run_id = %s AND stage IN ('running', 'paused')
"""

_TRY_NOW = """
    UPDATE distributed_runs SET waits_until = least(waits_until, now())
    WHERE run_id = %s AND waiting_since IS NOT NULL
"""

_SEND_ANEW = """
    UPDATE run_batches SET sent_at = NULL WHERE run_id = %s AND state IN ('queued', 'failed')
"""

_STANDINGS = {
    Stage.RUNNING: Standing.GO_ON,
    Stage.PAUSED: Standing.LET_GO,
    Stage.CANCELLED: Standing.LET_GO,
    Stage.CLOSED: Standing.LOST,
}


@contextmanager
def open_postgres_ledger(
    url: str,
    *,
    lease_seconds: float,
    most_attempts: int,
    wait_seconds: float = 43_200,
    revive: Callable[[], None] | None = None,
) -> Iterator["PostgresLedger"]:
    """Open the database at ``url``, bring its schema up to date, and close it at the end.

    A worker has a batch for ``lease_seconds`` at a time; one that fails ``most_attempts`` times is
    parked, and so are those of a run whose sources have been away for ``wait_seconds``. ``revive``
    as for the repository. Raises `RepositoryUnavailable`.
    """
    with open_pool(url, size=2, wait_seconds=10, revive=revive) as pool:
        yield PostgresLedger(
            pool,
            lease_seconds=lease_seconds,
            most_attempts=most_attempts,
            wait_seconds=wait_seconds,
        )


class PostgresLedger:
    """Fulfils `BatchLedger`. Each call is one transaction; the database's clock counts.

    One whose connection has broken is tried again, so that a restarted server is not noticed.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        *,
        lease_seconds: float,
        most_attempts: int,
        wait_seconds: float,
    ) -> None:
        self._transaction = Transactions(pool).do
        self._lease_seconds = lease_seconds
        self._first_pause_seconds = lease_seconds / LEASES_TO_FIRST_PAUSE
        self._most_attempts = most_attempts
        self._wait_seconds = wait_seconds

    def open_run(self, run_id: str, batches: Sequence[Sequence[TitleId]]) -> None:
        """Note a run and its batches, or find them noted."""
        rows = _rows_of(run_id, batches)

        def note(statements: cursor) -> None:
            statements.execute(_OPEN_RUN, (run_id,))
            if statements.rowcount:
                execute_values(statements, _ADD_BATCHES, rows, page_size=200)

        self._transaction(note)

    def reopen_run(
        self, run_id: str, batches: Sequence[Sequence[TitleId]], resumed_at: datetime
    ) -> None:
        """Have a run go on with new batches; what was noted of the old ones is set aside."""

        def note(statements: cursor) -> None:
            statements.execute(_REOPEN_RUN, (run_id, resumed_at))
            if statements.rowcount:
                statements.execute(_SET_ASIDE, (run_id,))
                execute_values(statements, _ADD_BATCHES, _rows_of(run_id, batches), page_size=200)

        self._transaction(note)

    def claim(self, batch_id: int, worker: str, token: str) -> BatchClaim | None:
        """Give a batch to a worker, after what an earlier process of it has left."""
        values = {
            "batch_id": batch_id, "worker": worker, "token": token, "lease": self._lease_seconds,
        }  # fmt: skip

        def take(statements: cursor) -> BatchClaim | None:
            self._fail(statements, _LEFT, values, "the worker's process has died", is_cut=True)
            statements.execute(_TRY, values)
            may_try = statements.rowcount > 0
            statements.execute(_CLAIM, values | {"is_trial": may_try})
            row = statements.fetchone()
            if row is None:
                if may_try:
                    statements.execute(_TRY_ANOTHER, values)
                return None
            run_id, ids, is_trial = row
            record = record_of(statements, run_id)
            if record is None:
                return None
            return BatchClaim(
                batch_id=batch_id, token=token, run=record.run, ids=tuple(ids), is_trial=is_trial
            )

        return self._transaction(take)

    def keep(self, claim: BatchClaim, fetched: int, failed: int) -> Standing:
        """Prolong a lease, also one that is over when nobody else has taken the batch."""
        values = _values(claim) | {
            "lease": self._lease_seconds, "fetched": fetched, "failed": failed,
        }  # fmt: skip

        def prolong(statements: cursor) -> Standing:
            statements.execute(_KEEP, values)
            row = statements.fetchone()
            return Standing.LOST if row is None else _STANDINGS[Stage(row[0])]

        return self._transaction(prolong)

    def guard(self, claim: BatchClaim) -> Callable[[cursor], None]:
        """What keeps a worker from saving that has lost its batch without knowing.

        To be called in the transaction that saves. One in whose middle nothing is heard of the
        worker for a lease is given up by the server, with its locks. It raises
        `RepositoryUnavailable`.
        """
        values = _values(claim) | {"milliseconds": int(self._lease_seconds * 1000)}

        def check(statements: cursor) -> None:
            statements.execute(_IS_OURS, values)
            if statements.fetchone() is None:
                raise RepositoryUnavailable(NAME, f"batch {claim.batch_id} is somebody else's now")

        return check

    def done(self, claim: BatchClaim, account: BatchAccount) -> None:
        """Note what became of the titles of a batch."""
        values = _values(claim) | {
            "account": account_json(account), "failed": len(account.failures),
        }  # fmt: skip

        def note(statements: cursor) -> None:
            statements.execute(_DONE, values)
            if claim.is_trial and statements.rowcount:
                if account.fetched or account.failures:
                    self._note_answers(statements, claim)
                else:
                    statements.execute(_TRY_ANOTHER, values)

        self._transaction(note)

    def failed(self, claim: BatchClaim, error: str, *, is_cut: bool) -> None:
        """Have a batch tried again, in halves with ``is_cut``, or park it."""
        self._transaction(
            lambda statements: self._fail(statements, _OWN, _values(claim), error, is_cut=is_cut)
        )

    def give_back(self, claim: BatchClaim) -> None:
        """Have a batch wait as if it had not been begun."""
        self._transaction(lambda statements: statements.execute(_GIVE_BACK, _values(claim)))

    def away(
        self, claim: BatchClaim, error: str, *, has_fetched: bool, rest_seconds: float
    ) -> None:
        """Have the batch wait with its run; the first and the trials make the pause longer."""
        values = _values(claim) | {
            "run_id": claim.run.run_id, "error": storable(error)[:1000],
            "has_fetched": has_fetched, "is_trial": claim.is_trial, "rest": rest_seconds,
            "pause": self._first_pause_seconds, "longest": _LONGEST_WAIT_SECONDS,
        }  # fmt: skip

        def wait(statements: cursor) -> None:
            statements.execute(_GIVE_BACK, values)
            if statements.rowcount:
                statements.execute(_AWAY, values)

        self._transaction(wait)

    def answers(self, claim: BatchClaim) -> None:
        """Have the run wait no longer, and everything of it sent."""
        self._transaction(lambda statements: self._note_answers(statements, claim))

    def _note_answers(self, statements: cursor, claim: BatchClaim) -> None:
        statements.execute(_ANSWERS, (claim.run.run_id,))
        if statements.rowcount:
            statements.execute(_SEND_ANEW, (claim.run.run_id,))

    def sweep(self) -> None:
        """Take the batches from workers that have not been heard of for a lease.

        Those of runs that have waited for their sources for longer than they may are parked.
        """
        error = f"nothing was heard of its worker for {self._lease_seconds:g} s"

        def clear(statements: cursor) -> None:
            self._fail(statements, _EXPIRED, {}, error, is_cut=True)
            statements.execute(_WAITED_TOO_LONG, (self._wait_seconds,))
            for run_id, why in statements.fetchall():
                text = f"its sources were away for {self._wait_seconds / 3600:g} h: {why}"
                statements.execute(_PARK_ALL, (text, run_id))

        self._transaction(clear)

    def to_send(self, *, again: bool) -> Sequence[int]:
        """Give what is due, in the order in which it was noted; not what was sent just now."""
        values = {"again": again, "pause": self._first_pause_seconds, "most": _MOST_SENT}

        def take(statements: cursor) -> list[int]:
            statements.execute(_TO_SEND, values)
            return sorted(batch_id for (batch_id,) in statements.fetchall())

        return self._transaction(take)

    def to_close(self) -> Sequence[str]:
        """Give the runs that nobody closes yet, or whose closing has broken off."""

        def ask(statements: cursor) -> list[str]:
            statements.execute(_TO_CLOSE)
            return [run_id for (run_id,) in statements.fetchall()]

        return self._transaction(ask)

    def close_begins(self, run_id: str, token: str) -> bool:
        """Tell whether this token may close the run."""
        values = {"run_id": run_id, "token": token, "lease": self._lease_seconds}

        def decide(statements: cursor) -> bool:
            statements.execute(_CLOSE_BEGINS, values)
            return statements.fetchone() is not None

        return self._transaction(decide)

    def closed(self, run_id: str, token: str) -> None:
        """Note the end of a run."""
        self._transaction(lambda statements: statements.execute(_CLOSED, (run_id, token)))

    def accounts(self, run_id: str) -> Sequence[BatchAccount]:
        """Give the accounts of the batches that are done."""

        def ask(statements: cursor) -> list[BatchAccount]:
            statements.execute(_ACCOUNTS, (run_id,))
            return [msgspec.convert(row, type=BatchAccount) for (row,) in statements.fetchall()]

        return self._transaction(ask)

    def parked(self, run_id: str) -> Sequence[ParkedBatch]:
        """Give the batches that were given up."""

        def ask(statements: cursor) -> list[ParkedBatch]:
            statements.execute(_PARKED, (run_id,))
            return [
                ParkedBatch(ids=tuple(map(TitleId, ids)), error=error or "")
                for ids, error in statements.fetchall()
            ]

        return self._transaction(ask)

    def progress(self, run_id: str) -> RunBatches | None:
        """Give how far a run is, from its batches."""
        return self._transaction(partial(_progress, run_id=run_id))

    def report(self, run_id: str) -> RunReport | None:
        """Give the account of a run that is finished; ``None`` while it is not."""
        return self._transaction(partial(report_of, run_id=run_id))

    def set_stage(self, run_id: str, stage: Stage) -> Stage | None:
        """Pause, cancel or go on with a run that is not over."""

        def change(statements: cursor) -> Stage | None:
            statements.execute(_SET_STAGE, (stage.value, run_id))
            if stage is Stage.RUNNING and statements.rowcount:
                statements.execute(_SEND_ANEW, (run_id,))
                statements.execute(_TRY_NOW, (run_id,))
            statements.execute("SELECT stage FROM distributed_runs WHERE run_id = %s", (run_id,))
            row = statements.fetchone()
            return None if row is None else Stage(row[0])

        return self._transaction(change)

    def _fail(
        self,
        statements: cursor,
        which: str,
        values: dict[str, object],
        error: str,
        *,
        is_cut: bool,
    ) -> None:
        """Cut, park or put off the batches that a query locks."""
        statements.execute(which, values)
        error = storable(error)[:1000]
        for batch_id, run_id, first, ids, attempts in statements.fetchall():
            if is_cut and len(ids) > 1:
                middle = len(ids) // 2
                halves = [(run_id, first, ids[:middle]), (run_id, first + middle, ids[middle:])]
                statements.execute(_SPLIT, (error, batch_id))
                execute_values(statements, _ADD_BATCHES, halves)
            elif attempts >= self._most_attempts:
                statements.execute(_PARK, (error, batch_id))
            else:
                pause = self._first_pause_seconds * 2 ** (attempts - 1)
                statements.execute(_FAIL, (error, min(pause, _LONGEST_PAUSE_SECONDS), batch_id))


def _rows_of(
    run_id: str, batches: Sequence[Sequence[TitleId]]
) -> list[tuple[str, int, list[TitleId]]]:
    rows = []
    first = 0
    for ids in batches:
        rows.append((run_id, first, list(ids)))
        first += len(ids)
    return rows


def _progress(statements: cursor, run_id: str) -> RunBatches | None:
    statements.execute(_PROGRESS, (run_id,))
    rows = statements.fetchall()
    if not rows:
        return None
    stage, asked, resumed_at, why, waited, pause = rows[0][:6]
    counted = [(BatchState(row[6]), *row[7:]) for row in rows if row[6] is not None]
    whole = [row for row in counted if row[0] is not BatchState.SPLIT]
    statements.execute(_AT_WORK, (run_id,))
    workers = (
        WorkerAtWork(name=n, titles=t, fetched=done, failed=failed, heard_seconds=float(seconds))
        for n, t, done, failed, seconds in statements.fetchall()
    )
    return RunBatches(
        stage=Stage(stage),
        asked=asked,
        fetched=sum(fetched for _, _, fetched, _ in whole),
        failed=sum(failed for _, _, _, failed in whole),
        batches={state: count for state, count, _, _ in counted},
        workers=tuple(workers),
        resumed_at=resumed_at,
        wait=None
        if why is None
        else SourceWait(error=why, seconds=waited, pause_seconds=max(0.0, pause)),
    )


def _values(claim: BatchClaim) -> dict[str, object]:
    return {"batch_id": claim.batch_id, "token": claim.token}
