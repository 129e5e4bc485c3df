"""The runs as the database remembers them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from psycopg2.extensions import cursor
from psycopg2.extras import execute_values

from domain.chart import Chart, ChartEntry, ChartName
from domain.details import DetailName
from domain.identifiers import ImdbId, TitleId
from domain.run import Failure, Run, RunOutcome, RunRecord, RunReport
from infrastructure.repositories.postgres.presence import AT_WORK
from infrastructure.repositories.postgres.rows import (
    Row,
    array_literal,
    failure_rows,
    report_from,
    report_json,
    run_row,
)
from infrastructure.repositories.postgres.saving import insert_run

# What is not known (any more) leaves what was: a run is begun again when it is continued.
_BEGIN_RUN = """
    INSERT INTO runs (run_id, command, chart, sources, started_at, details, asked_ids, asked)
    VALUES (%s, %s, %s, %s, %s, %s::text[], %s::text[], %s)
    ON CONFLICT (run_id) DO UPDATE
    SET sources = excluded.sources, details = excluded.details,
        asked_ids = coalesce(excluded.asked_ids, runs.asked_ids),
        asked = coalesce(excluded.asked, runs.asked), finished_at = NULL, resumed_at = NULL,
        outcome = NULL, already_saved = NULL, fetched = NULL, failed = NULL, report = NULL
"""

_INSERT_ENTRIES = """
    INSERT INTO chart_entries (chart, run_id, rank, title_id, captured_at) VALUES %s
"""

_FINISH_RUN = """
    UPDATE runs SET finished_at = %s, resumed_at = %s, outcome = %s, asked = %s,
        already_saved = %s, fetched = %s, failed = %s, report = %s
    WHERE run_id = %s
"""

# Also of runs that were killed before they could count.
_COUNT_CREDITS = """
    INSERT INTO person_credits AS held
    SELECT person_id, count(*) FROM credits WHERE person_id IN (
        SELECT c.person_id FROM runs r
        JOIN titles t ON t.run_id = r.run_id JOIN credits c ON c.title_id = t.imdb_id
        WHERE (r.run_id = %s OR NOT r.credits_counted) AND c.person_id IS NOT NULL
    )
    GROUP BY person_id ORDER BY person_id
    ON CONFLICT (person_id) DO UPDATE SET credits = excluded.credits
    WHERE held.credits <> excluded.credits
"""
_CREDITS_COUNTED = "UPDATE runs SET credits_counted = true WHERE run_id = %s"

# The same title may have failed more than once; the row says that it did.
_INSERT_FAILURES = """
    INSERT INTO failures (run_id, imdb_id, repository, reason, message, reported_at) VALUES %s
    ON CONFLICT DO NOTHING
"""

_RECORDS = f"""
    SELECT run_id, command, chart, sources, started_at, asked,
        finished_at IS NULL AND ({AT_WORK} OR coalesce(stage <> 'closed', false)),
        finished_at, runs.resumed_at, outcome, already_saved, runs.fetched, runs.failed,
        report -> 'repositories', details, stage, done.fetched, done.failed
    FROM runs LEFT JOIN distributed_runs USING (run_id) LEFT JOIN LATERAL (
        SELECT coalesce(sum(b.fetched), 0)::integer AS fetched, coalesce(sum(
            CASE state WHEN 'parked' THEN cardinality(ids) ELSE b.failed END), 0)::integer AS failed
        FROM run_batches b
        WHERE b.run_id = runs.run_id AND state <> 'split' AND stage <> 'closed'
    ) AS done ON stage <> 'closed'
"""  # noqa: S608 - built from constants

_LATEST_RECORDS = f"{_RECORDS} ORDER BY started_at DESC, run_id DESC LIMIT %s"

_RECORD = f"{_RECORDS} WHERE run_id = %s"

_FAILURES = """
    SELECT imdb_id, reason, message FROM failures
    WHERE run_id = %s AND repository IS NULL ORDER BY failure_id
"""

_CHART = """
    SELECT chart, rank, title_id, captured_at FROM chart_entries WHERE run_id = %s ORDER BY rank
"""

_SAVED_PARTS = ("held_before", "copied", "inserted", "updated", "unchanged")


def note_run(
    statements: cursor, run: Run, chart: Chart | None, asked: Sequence[ImdbId] | None
) -> None:
    """Note that a run is at work; what is ``None`` leaves what was noted before."""
    known = (None, None) if asked is None else (array_literal(asked), len(asked))
    statements.execute(_BEGIN_RUN, (*run_row(run), *known))
    if chart is not None:
        _replace_chart_entries(statements, run, chart)


def note_end(statements: cursor, report: RunReport) -> None:
    """Note how a run ended, and what it could not get."""
    run_id = report.run.run_id
    insert_run(statements, report.run)
    values = (
        report.finished_at, report.resumed_at, report.outcome.value, report.asked,
        report.already_saved, report.fetched, len(report.failures), report_json(report), run_id,
    )  # fmt: skip
    statements.execute(_FINISH_RUN, values)
    statements.execute("DELETE FROM failures WHERE run_id = %s", (run_id,))
    execute_values(statements, _INSERT_FAILURES, failure_rows(report), page_size=1000)
    statements.execute(_COUNT_CREDITS, (run_id,))
    statements.execute(_CREDITS_COUNTED, (run_id,))


def latest_records(statements: cursor, limit: int) -> list[RunRecord]:
    """Give the latest runs, the newest first."""
    statements.execute(_LATEST_RECORDS, (limit,))
    return list(map(_record_from, statements.fetchall()))


def record_of(statements: cursor, run_id: str) -> RunRecord | None:
    """Give one run, or ``None``."""
    statements.execute(_RECORD, (run_id,))
    return next(map(_record_from, statements.fetchall()), None)


def report_of(statements: cursor, run_id: str) -> RunReport | None:
    """Give the account of a run, or ``None`` while it is not finished."""
    statements.execute("SELECT report FROM runs WHERE run_id = %s", (run_id,))
    row = statements.fetchone()
    return None if row is None or row[0] is None else report_from(row[0])


def asked_in(statements: cursor, run_id: str) -> tuple[ImdbId, ...] | None:
    """Give the ids that a run was asked for, or ``None``."""
    statements.execute("SELECT asked_ids FROM runs WHERE run_id = %s", (run_id,))
    found: Iterable[tuple[list[ImdbId] | None]] = statements.fetchall()
    return next((tuple(ids) for (ids,) in found if ids is not None), None)


def chart_of(statements: cursor, run_id: str) -> Chart | None:
    """Give the chart that was kept for a run, or ``None``."""
    statements.execute(_CHART, (run_id,))
    rows = statements.fetchall()
    if not rows:
        return None
    name, _, _, captured_at = rows[0]
    entries = tuple(ChartEntry(rank, TitleId(imdb_id)) for _, rank, imdb_id, _ in rows)
    return Chart(ChartName(name), entries, _utc(captured_at))


def failures_of(statements: cursor, run_id: str) -> tuple[Failure, ...]:
    """Give what a run could not fetch, and why."""
    statements.execute(_FAILURES, (run_id,))
    return tuple(
        Failure(imdb_id=TitleId(imdb_id), reason=reason, message=message)
        for imdb_id, reason, message in statements.fetchall()
    )


def _replace_chart_entries(statements: cursor, run: Run, chart: Chart) -> None:
    statements.execute(
        "DELETE FROM chart_entries WHERE chart = %s AND run_id = %s", (chart.name.value, run.run_id)
    )
    rows = [
        (chart.name.value, run.run_id, entry.rank, entry.title_id, chart.captured_at)
        for entry in chart.entries
    ]
    execute_values(statements, _INSERT_ENTRIES, rows, page_size=1000)


def _record_from(row: Row) -> RunRecord:
    (run_id, command, chart, sources, started_at, asked, at_work, finished_at, resumed_at, outcome,
     already_saved, fetched, failed, repositories, details, stage, *done_by_batches
    ) = row  # fmt: skip
    run = Run(
        run_id=run_id,
        command=command,
        chart=None if chart is None else ChartName(chart),
        sources=tuple(sources),
        started_at=_utc(started_at),
        details=tuple(map(DetailName, details)),
    )
    if finished_at is None and stage is not None and at_work:
        fetched, failed = done_by_batches
        return RunRecord(
            run=run,
            asked=asked,
            at_work=True,
            is_paused=stage == "paused",
            fetched=fetched,
            failed=failed,
        )
    if finished_at is None:
        return RunRecord(run=run, asked=asked, at_work=at_work)
    return RunRecord(
        run=run,
        asked=asked,
        finished_at=_utc(finished_at),
        resumed_at=None if resumed_at is None else _utc(resumed_at),
        outcome=RunOutcome(outcome),
        # Not yet noted by earlier versions.
        already_saved=already_saved or 0,
        fetched=fetched,
        failed=failed,
        saved={
            kept["name"]: sum(kept.get(part, 0) for part in _SAVED_PARTS)
            for kept in repositories or ()
        },
    )


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
