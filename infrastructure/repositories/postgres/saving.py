"""How a batch of titles gets into the tables, in the order that keeps writers from deadlocks.

Every writer locks titles in the order of their ids, then people in the order of theirs. (Upserting
people in page order deadlocked four titles in ten when eight threads shared the cast.)

New rows are sent by COPY. One that another writer has made since we looked ends the COPY: then we
look again, and find it.

Most people are known by the name that a page gives them, and their rows are left alone. So the
newest page that credits a person was had at the latest of ``people.fetched_at`` and the
``fetched_at`` of the titles that credit the person: what outlives a credit is kept in the former.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

import psycopg2
from psycopg2 import errors as pg
from psycopg2.extensions import cursor

from application.ports import BatchResult
from domain.errors import InvalidTitle
from domain.identifiers import NameId, TitleId
from domain.run import Failure, Run
from domain.title import Title
from infrastructure.repositories.postgres.details import save_details
from infrastructure.repositories.postgres.errors import is_refusal, refusal_message
from infrastructure.repositories.postgres.rows import (
    CREDIT_COLUMNS,
    HISTORY_COLUMNS,
    PERSON_COLUMNS,
    TITLE_COLUMNS,
    Row,
    array_literal,
    credit_lines,
    facts_digest,
    history_line,
    history_row,
    names_of,
    person_line,
    run_row,
    title_line,
    title_row,
)
from infrastructure.repositories.postgres.sending import copy_into, copy_lines, execute_many

_INSERT_RUN = """
    INSERT INTO runs (run_id, command, chart, sources, started_at, details)
    VALUES (%s, %s, %s, %s, %s, %s::text[])
    ON CONFLICT (run_id) DO NOTHING
"""

# The tables are new and small when the planner first looks, and large soon after: it would read
# them from end to end for each batch. Compiling a statement takes longer than running it.
# Statements go together where they can: a thread that has waited for an answer also waits for the
# interpreter, which the other lane has meanwhile.
_BEGIN_ROUND = f"SET LOCAL enable_seqscan = off; SET LOCAL jit = off; {_INSERT_RUN}"

_LOCK_TITLES = """
    SAVEPOINT before_titles;
    SELECT imdb_id, fetched_at, facts_digest, rating::float8, votes FROM titles
    WHERE imdb_id = ANY(%s) ORDER BY imdb_id FOR NO KEY UPDATE
"""

# An INSERT, because it knows the types of its columns; every row of it is there, and locked.
_REPLACE_TITLES = f"""
    INSERT INTO titles ({", ".join(TITLE_COLUMNS)}) VALUES %s
    ON CONFLICT (imdb_id) DO UPDATE
    SET {", ".join(f"{name} = excluded.{name}" for name in TITLE_COLUMNS if name != "imdb_id")}
"""  # noqa: S608 - built from constants

_REFRESH_TITLES = """
    UPDATE titles SET source = fresh.source, found_by = fresh.found_by,
        fetched_at = fresh.fetched_at, run_id = fresh.run_id
    FROM (VALUES %s) AS fresh (imdb_id, source, found_by, fetched_at, run_id)
    WHERE titles.imdb_id = fresh.imdb_id
"""

_CREDITED = """
    SELECT DISTINCT title_id, person_id FROM credits
    WHERE title_id = ANY(%s) AND person_id IS NOT NULL
"""

# Nobody gives these people another name until we are done: whoever wants to waits for us.
_LOCK_PEOPLE = """
    SAVEPOINT before_people;
    SELECT imdb_id, name FROM people
    WHERE imdb_id = ANY(%s::text[]) ORDER BY imdb_id FOR KEY SHARE
"""

# Nobody saves a title of these people until we are done: their credits stay what they are.
_LOCK_PEOPLE_ALONE = """
    SELECT imdb_id, name FROM people
    WHERE imdb_id = ANY(%s::text[]) ORDER BY imdb_id FOR UPDATE
"""

_KEEP_MOMENTS = """
    UPDATE people SET fetched_at = credited.last_at
    FROM (VALUES %s) AS credited (imdb_id, last_at)
    WHERE people.imdb_id = credited.imdb_id AND people.fetched_at < credited.last_at
"""

_RENAME_PEOPLE = """
    UPDATE people SET name = fresh.name, fetched_at = fresh.fetched_at, run_id = fresh.run_id
    FROM (VALUES %s) AS fresh (imdb_id, name, fetched_at, run_id)
    WHERE people.imdb_id = fresh.imdb_id AND fresh.fetched_at >= greatest(
        people.fetched_at,
        (SELECT max(titles.fetched_at) FROM credits
         JOIN titles ON titles.imdb_id = credits.title_id
         WHERE credits.person_id = people.imdb_id))
"""

_INSERT_HISTORY = """
    INSERT INTO rating_history (title_id, observed_at, rating, votes) VALUES %s
    ON CONFLICT (title_id, observed_at) DO UPDATE
    SET rating = excluded.rating, votes = excluded.votes
"""


_COPY_TITLES = copy_into("titles", TITLE_COLUMNS)
_COPY_PEOPLE = copy_into("people", PERSON_COLUMNS)
_COPY_CREDITS = copy_into("credits", CREDIT_COLUMNS)
_COPY_HISTORY = copy_into("rating_history", HISTORY_COLUMNS)


class _Held(NamedTuple):
    """What the table has of a title, locked until the transaction ends."""

    fetched_at: datetime
    digest: bytes
    rating: float | None
    votes: int | None


class _Candidate(NamedTuple):
    """A title of the batch, with the digest of its facts."""

    title: Title
    digest: bytes


class _Round(NamedTuple):
    """The run that saves, and what to call when the credits have been sent."""

    run: Run
    when_sent: Callable[[], None] | None


_Namings = dict[NameId, tuple[datetime, str]]
"""What the newest page of the batch calls each person, and when it was had."""


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


def save_round(
    statements: cursor,
    titles: Sequence[Title],
    run: Run,
    when_sent: Callable[[], None] | None = None,
) -> BatchResult:
    """Save titles with different ids; one that PostgreSQL refuses leaves no trace.

    All at once if possible, and in ever smaller parts when a title among them is refused.
    ``when_sent`` is called when the server has all credits of a part. Raises psycopg2's errors when
    the trouble is not one title's.
    """
    statements.execute(_BEGIN_ROUND, run_row(run))
    return _save_all_that_can_be(statements, titles, _Round(run, when_sent))


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
def _undone_on_error(statements: cursor) -> Iterator[None]:
    """Undo what the block did, from `_LOCK_TITLES` on, when it fails; the transaction goes on."""
    try:
        yield
    except (psycopg2.Error, ValueError):
        statements.execute("ROLLBACK TO SAVEPOINT before_titles")
        raise
    statements.execute("RELEASE SAVEPOINT before_titles")


def _save_all_that_can_be(
    statements: cursor, titles: Sequence[Title], this_round: _Round
) -> BatchResult:
    try:
        return _save_together(statements, titles, this_round)
    except (psycopg2.Error, ValueError) as error:
        if not is_refusal(error):
            raise
        message = refusal_message(error)
    if len(titles) == 1:
        refused = titles[0].imdb_id
        message = f"{refused}: PostgreSQL refused it: {message}"
        failure = Failure(imdb_id=refused, reason=InvalidTitle.reason, message=message)
        return BatchResult(refused=(failure,))
    in_order = sorted(titles, key=lambda title: title.imdb_id)
    middle = len(titles) // 2
    parts = (in_order[:middle], in_order[middle:])
    return total(_save_all_that_can_be(statements, part, this_round) for part in parts)


def _save_together(statements: cursor, titles: Sequence[Title], this_round: _Round) -> BatchResult:
    while True:
        try:
            with _undone_on_error(statements):
                return _save_what_is_newer(statements, titles, this_round)
        except pg.UniqueViolation as error:
            # Each turn means that another writer has got on, so this comes to an end.
            if error.diag.constraint_name not in {"titles_pkey", "people_pkey"}:
                raise


def _save_what_is_newer(
    statements: cursor, titles: Sequence[Title], this_round: _Round
) -> BatchResult:
    run, when_sent = this_round
    held = _lock_titles(statements, titles)
    new, changed, same = _sorted_out(titles, held)
    left = _people_left(statements, changed, held)
    _write_titles(statements, new, changed, same, run)
    # No lock but on rows of titles that are ours already.
    with_news = save_details(statements, titles, run.run_id)
    # In the order of the batch: of two pages of one moment the later gives a person's name.
    kept_ids = {title.imdb_id for title in (*same, *(c.title for c in (*new, *changed)))}
    kept = [title for title in titles if title.imdb_id in kept_ids]
    # A page with the same facts as before can still be the newest with a person's name.
    _save_people(statements, _newest_names(kept), left, run)
    written = [c.title for c in (*new, *changed)]
    copy_lines(statements, _COPY_CREDITS, written, credit_lines, when_sent)
    _write_history(statements, new, changed, held)
    updated = {c.title.imdb_id for c in changed} | with_news - {c.title.imdb_id for c in new}
    return BatchResult(
        inserted=len(new), updated=len(updated), unchanged=len(titles) - len(new) - len(updated)
    )


def _lock_titles(statements: cursor, titles: Iterable[Title]) -> dict[TitleId, _Held]:
    statements.execute(_LOCK_TITLES, ([title.imdb_id for title in titles],))
    return {
        TitleId(imdb_id): _Held(fetched_at, bytes(digest), rating, votes)
        for imdb_id, fetched_at, digest, rating, votes in statements.fetchall()
    }


def _sorted_out(
    titles: Iterable[Title], held: Mapping[TitleId, _Held]
) -> tuple[list[_Candidate], list[_Candidate], list[Title]]:
    """Give the titles that are new, those with other facts than before, and those with the same.

    Those of which newer facts are held are left out.
    """
    new: list[_Candidate] = []
    changed: list[_Candidate] = []
    same: list[Title] = []
    for title in sorted(titles, key=lambda title: title.imdb_id):
        before = held.get(title.imdb_id)
        if before is None:
            new.append(_Candidate(title, facts_digest(title)))
        elif before.fetched_at <= title.provenance.fetched_at:
            digest = facts_digest(title)
            if digest == before.digest:
                same.append(title)
            else:
                changed.append(_Candidate(title, digest))
    return new, changed, same


def _people_left(
    statements: cursor, changed: Sequence[_Candidate], held: Mapping[TitleId, _Held]
) -> dict[NameId, datetime]:
    """The people whom a title credits no more, with when the page was had that still did."""
    if not changed:
        return {}
    credited = {c.title.imdb_id: names_of(c.title) for c in changed}
    statements.execute(_CREDITED, (list(credited),))
    left: dict[NameId, datetime] = {}
    for imdb_id, person_id in statements.fetchall():
        if person_id not in credited[imdb_id]:
            last_at = held[imdb_id].fetched_at
            left[person_id] = max(last_at, left.get(person_id, last_at))
    return left


def _write_titles(
    statements: cursor,
    new: Sequence[_Candidate],
    changed: Sequence[_Candidate],
    same: Sequence[Title],
    run: Run,
) -> None:
    """Write the rows of ``titles``, and take away the credits of those that have others now."""
    copy_lines(statements, _COPY_TITLES, new, lambda c: title_line(c.title, c.digest, run.run_id))
    rows = [title_row(c.title, c.digest, run.run_id) for c in changed]
    execute_many(statements, _REPLACE_TITLES, rows)
    if changed:
        ids = [c.title.imdb_id for c in changed]
        statements.execute("DELETE FROM credits WHERE title_id = ANY(%s)", (ids,))
    # Where and when the same facts were found again.
    fresh: list[Row] = [
        (t.imdb_id, t.provenance.source, t.provenance.found_by, t.provenance.fetched_at, run.run_id)
        for t in same
    ]
    execute_many(statements, _REFRESH_TITLES, fresh)


def _newest_names(titles: Iterable[Title]) -> _Namings:
    """Each person once, by the newest name (of two as new the later)."""
    newest: _Namings = {}
    for title in titles:
        fetched_at = title.provenance.fetched_at
        for person_id, name in names_of(title).items():
            known = newest.get(person_id)
            if known is None or known[0] <= fetched_at:
                newest[person_id] = (fetched_at, name)
    return newest


def _save_people(
    statements: cursor,
    newest: _Namings,
    left: Mapping[NameId, datetime],
    run: Run,
) -> None:
    """Write the people who are new, the names that are newer, and when those left were credited."""
    if not newest and not left:
        return
    known = _lock_people(statements, _LOCK_PEOPLE, newest)
    if left or _others_names(newest, known):
        # Not a lock more on top of the first: two writers would wait for each other.
        statements.execute("ROLLBACK TO SAVEPOINT before_people")
        known = _lock_people(statements, _LOCK_PEOPLE_ALONE, {*newest, *left})
        execute_many(statements, _KEEP_MOMENTS, list(left.items()))
        rows = [
            (person_id, newest[person_id][1], newest[person_id][0], run.run_id)
            for person_id in _others_names(newest, known)
        ]
        execute_many(statements, _RENAME_PEOPLE, rows)
    new = sorted(newest.keys() - known.keys())
    copy_lines(statements, _COPY_PEOPLE, new, lambda i: person_line(i, *newest[i], run.run_id))


def _lock_people(statements: cursor, statement: str, ids: Collection[NameId]) -> dict[NameId, str]:
    statements.execute(statement, (array_literal(ids),))
    return dict(statements.fetchall())


def _others_names(newest: _Namings, known: Mapping[NameId, str]) -> list[NameId]:
    """The people of the batch who are known by another name."""
    return [
        person_id for person_id, name in known.items()
        if person_id in newest and newest[person_id][1] != name
    ]  # fmt: skip


def _write_history(
    statements: cursor,
    new: Iterable[_Candidate],
    changed: Iterable[_Candidate],
    held: Mapping[TitleId, _Held],
) -> None:
    """Note the ratings and votes that are known at first sight, or are other than before."""
    rated = [c.title for c in new if (c.title.rating, c.title.votes) != (None, None)]
    copy_lines(statements, _COPY_HISTORY, rated, history_line)
    rows = []
    for title, _ in changed:
        before = held[title.imdb_id]
        if (title.rating, title.votes) != (before.rating, before.votes):
            rows.append(history_row(title))
    execute_many(statements, _INSERT_HISTORY, rows)
