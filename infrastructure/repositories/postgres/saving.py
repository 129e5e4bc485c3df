"""How a batch of titles gets into the tables, in the order that keeps writers from deadlocks.

Every writer locks titles in the order of their ids, then people in the order of theirs. (Upserting
people in page order deadlocked four titles in ten when eight threads shared the cast.)
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

import psycopg2
from psycopg2.extensions import cursor
from psycopg2.extras import execute_values

from application.ports import BatchResult
from domain.errors import InvalidTitle
from domain.identifiers import NameId, TitleId
from domain.run import Failure, Run
from domain.title import Title
from infrastructure.repositories.postgres.errors import is_refusal, refusal_message
from infrastructure.repositories.postgres.rows import (
    TITLE_COLUMNS,
    Row,
    credit_rows,
    facts_digest,
    run_row,
    title_row,
)

_ROWS_PER_STATEMENT = 1000

_INSERT_RUN = """
    INSERT INTO runs (run_id, command, chart, sources, started_at) VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (run_id) DO NOTHING
"""

_LOCK_TITLES = """
    SELECT imdb_id, fetched_at, facts_digest, rating::float8, votes FROM titles
    WHERE imdb_id = ANY(%s) ORDER BY imdb_id FOR NO KEY UPDATE
"""

# xmax is 0 in a row that this statement inserted, and not in one that it found and updated.
_UPSERT_TITLES = f"""
    INSERT INTO titles ({", ".join(TITLE_COLUMNS)}) VALUES %s
    ON CONFLICT (imdb_id) DO UPDATE
    SET {", ".join(f"{name} = excluded.{name}" for name in TITLE_COLUMNS if name != "imdb_id")}
    WHERE titles.fetched_at <= excluded.fetched_at
    RETURNING imdb_id, xmax = 0
"""  # noqa: S608 - built from constants

_REFRESH_TITLES = """
    UPDATE titles SET source = fresh.source, found_by = fresh.found_by,
        fetched_at = fresh.fetched_at, run_id = fresh.run_id
    FROM (VALUES %s) AS fresh (imdb_id, source, found_by, fetched_at, run_id)
    WHERE titles.imdb_id = fresh.imdb_id
"""

_UPSERT_PEOPLE = """
    INSERT INTO people (imdb_id, name, fetched_at, run_id) VALUES %s
    ON CONFLICT (imdb_id) DO UPDATE
    SET name = excluded.name, fetched_at = excluded.fetched_at, run_id = excluded.run_id
    WHERE people.fetched_at <= excluded.fetched_at
        AND (people.name, people.fetched_at, people.run_id)
            IS DISTINCT FROM (excluded.name, excluded.fetched_at, excluded.run_id)
"""

_INSERT_CREDITS = """
    INSERT INTO credits (title_id, category, position, person_id, name, characters) VALUES %s
"""

_INSERT_HISTORY = """
    INSERT INTO rating_history (title_id, observed_at, rating, votes) VALUES %s
    ON CONFLICT (title_id, observed_at) DO UPDATE
    SET rating = excluded.rating, votes = excluded.votes
"""


class _Held(NamedTuple):
    """What the table has of a title, locked until the transaction ends."""

    fetched_at: datetime
    digest: bytes
    rating: float | None
    votes: int | None


class _Candidate(NamedTuple):
    """A title of the batch, with the digest of its facts and what the table has of it."""

    title: Title
    digest: bytes
    held: _Held | None


def insert_run(statements: cursor, run: Run) -> None:
    """Note a run, unless it is noted already: every row that is saved refers to it."""
    statements.execute(_INSERT_RUN, run_row(run))


def rounds_of(batch: Iterable[Title]) -> list[list[Title]]:
    """Cut a batch, in its order, so that no round has a title twice."""
    rounds: list[dict[TitleId, Title]] = []
    for title in batch:
        if not rounds or title.imdb_id in rounds[-1]:
            rounds.append({})
        rounds[-1][title.imdb_id] = title
    return [list(titles.values()) for titles in rounds]


def save_round(statements: cursor, titles: Sequence[Title], run: Run) -> BatchResult:
    """Save titles with different ids; one that PostgreSQL refuses leaves no trace.

    All at once if possible, and one by one when a title among them is refused. Raises psycopg2's
    errors when the trouble is not one title's.
    """
    insert_run(statements, run)
    try:
        with _savepoint(statements):
            return _save_together(statements, titles, run)
    except (psycopg2.Error, ValueError) as error:
        if not is_refusal(error):
            raise
    in_order = sorted(titles, key=lambda title: title.imdb_id)
    return total(_save_alone(statements, title, run) for title in in_order)


def total(results: Iterable[BatchResult]) -> BatchResult:
    """Add up the results of the parts of a batch."""
    parts = list(results)
    return BatchResult(
        inserted=sum(part.inserted for part in parts),
        updated=sum(part.updated for part in parts),
        unchanged=sum(part.unchanged for part in parts),
        refused=tuple(failure for part in parts for failure in part.refused),
    )


@contextmanager
def _savepoint(statements: cursor) -> Iterator[None]:
    """Undo what the block did when it fails, and keep the transaction usable."""
    statements.execute("SAVEPOINT before_titles")
    try:
        yield
    except (psycopg2.Error, ValueError):
        statements.execute("ROLLBACK TO SAVEPOINT before_titles")
        raise
    statements.execute("RELEASE SAVEPOINT before_titles")


def _save_alone(statements: cursor, title: Title, run: Run) -> BatchResult:
    try:
        with _savepoint(statements):
            return _save_together(statements, [title], run)
    except (psycopg2.Error, ValueError) as error:
        if not is_refusal(error):
            raise
        message = f"{title.imdb_id}: PostgreSQL refused it: {refusal_message(error)}"
    failure = Failure(imdb_id=title.imdb_id, reason=InvalidTitle.reason, message=message)
    return BatchResult(refused=(failure,))


def _save_together(statements: cursor, titles: Sequence[Title], run: Run) -> BatchResult:
    held = _lock_titles(statements, titles)
    candidates = [_Candidate(t, facts_digest(t), held.get(t.imdb_id)) for t in titles]
    current = [
        c for c in candidates
        if c.held is None or c.held.fetched_at <= c.title.provenance.fetched_at
    ]  # fmt: skip
    same = [c.title for c in current if c.held is not None and c.held.digest == c.digest]
    other = [c for c in current if c.held is None or c.held.digest != c.digest]
    _refresh(statements, same, run)
    taken = _upsert_titles(statements, other, run)
    # In the order of the batch: of two pages of one moment the later gives a person's name.
    kept_ids = {title.imdb_id for title in same} | taken.keys()
    kept = [title for title in titles if title.imdb_id in kept_ids]
    # A page with the same facts as before can still be the newest with a person's name.
    _execute(statements, _UPSERT_PEOPLE, _people_rows(kept, run))
    _write_credits(statements, other, taken)
    inserted = sum(taken.values())
    return BatchResult(
        inserted=inserted, updated=len(taken) - inserted, unchanged=len(titles) - len(taken)
    )


def _lock_titles(statements: cursor, titles: Iterable[Title]) -> dict[TitleId, _Held]:
    statements.execute(_LOCK_TITLES, ([title.imdb_id for title in titles],))
    return {
        TitleId(imdb_id): _Held(fetched_at, bytes(digest), rating, votes)
        for imdb_id, fetched_at, digest, rating, votes in statements.fetchall()
    }


def _refresh(statements: cursor, titles: Iterable[Title], run: Run) -> None:
    """Note where and when the same facts were found again."""
    rows = [
        (t.imdb_id, t.provenance.source, t.provenance.found_by, t.provenance.fetched_at, run.run_id)
        for t in titles
    ]
    _execute(statements, _REFRESH_TITLES, rows)


def _upsert_titles(
    statements: cursor, candidates: Iterable[_Candidate], run: Run
) -> dict[TitleId, bool]:
    """Write new and changed titles; give those that were taken, and whether each is new.

    Another process may have written a title since we looked, or have newer facts of it: PostgreSQL
    says which of ours it took, and only those get their credits written.
    """
    rows = sorted(title_row(c.title, c.digest, run.run_id) for c in candidates)
    return dict(_execute(statements, _UPSERT_TITLES, rows, fetch=True))


def _write_credits(
    statements: cursor, candidates: Iterable[_Candidate], taken: Mapping[TitleId, bool]
) -> None:
    """Put the credits of the titles taken in the place of earlier ones, and note their ratings."""
    written = [c for c in candidates if c.title.imdb_id in taken]
    replaced = [imdb_id for imdb_id, is_new in taken.items() if not is_new]
    if replaced:
        statements.execute("DELETE FROM credits WHERE title_id = ANY(%s)", (replaced,))
    rows = [row for c in written for row in credit_rows(c.title)]
    _execute(statements, _INSERT_CREDITS, rows)
    _execute(statements, _INSERT_HISTORY, _history_rows(written))


def _people_rows(titles: Iterable[Title], run: Run) -> list[Row]:
    """Each person once, by the newest name (of two as new the later), sorted by id."""
    newest: dict[NameId, tuple[datetime, str]] = {}
    for title in titles:
        fetched_at = title.provenance.fetched_at
        for person in title.people:
            known = newest.get(person.imdb_id)
            if known is None or known[0] <= fetched_at:
                newest[person.imdb_id] = (fetched_at, person.name)
    return [(imdb_id, name, at, run.run_id) for imdb_id, (at, name) in sorted(newest.items())]


def _history_rows(written: Iterable[_Candidate]) -> list[Row]:
    """A row for each title whose rating or votes are other than before, or known at first sight."""
    rows: list[Row] = []
    for title, _, held in written:
        before = (None, None) if held is None else (held.rating, held.votes)
        if (title.rating, title.votes) != before:
            at = title.provenance.fetched_at
            rows.append((title.imdb_id, at, title.rating, title.votes))
    return rows


def _execute(
    statements: cursor, statement: str, rows: Sequence[Row], *, fetch: bool = False
) -> list[Row]:
    """Run a statement over many rows; gives what it returned. Nothing to do for no rows."""
    if not rows:
        return []
    found = execute_values(statements, statement, rows, page_size=_ROWS_PER_STATEMENT, fetch=fetch)
    return found if fetch else []
