"""The ledger of distributed runs: one worker at a time has a batch, whatever happens to it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from domain.batch import BatchAccount, BatchClaim, BatchState, Stage, Standing
from domain.errors import RepositoryUnavailable
from domain.identifiers import TitleId
from domain.run import Failure
from infrastructure.repositories.postgres import open_postgres_repository
from infrastructure.repositories.postgres.ledger import PostgresLedger, open_postgres_ledger
from tests.builders import a_run
from tests.databases import execute, rows_of

RUN = a_run()
IDS = tuple(TitleId(f"tt{number:07}") for number in range(1, 9))
LONG = 1000
"""Seconds that no test lasts: the lease of a worker that counts as living."""


@pytest.fixture
def ledger(postgres_url: str) -> Iterator[PostgresLedger]:
    """A ledger with the run, whose only batch has all ids, and two attempts for each batch."""
    with open_postgres_repository(postgres_url) as repository:
        repository.begin_run(RUN, None, IDS)
    with open_postgres_ledger(postgres_url, lease_seconds=LONG, most_attempts=2) as opened:
        opened.open_run(RUN.run_id, [IDS])
        yield opened


def claimed(ledger: PostgresLedger, worker: str = "a", token: str = "t") -> BatchClaim:  # noqa: S107
    """The next batch that may be begun."""
    [batch_id, *_] = ledger.to_send(again=False)
    claim = ledger.claim(batch_id, worker, token)
    assert claim is not None
    return claim


def states(url: str) -> list[tuple[object, ...]]:
    return rows_of(url, "SELECT state, cardinality(ids), attempts FROM run_batches ORDER BY 1, 2")


def let_time_pass(url: str) -> None:
    """Every lease is over, every pause too."""
    execute(
        url,
        "UPDATE run_batches SET lease_until = now() - interval '1 s' WHERE lease_until IS NOT NULL",
    )
    execute(url, "UPDATE run_batches SET due_at = now()")
    execute(url, "UPDATE distributed_runs SET closer_until = now() WHERE closer IS NOT NULL")


def account(failed: int = 0) -> BatchAccount:
    failures = [Failure(imdb_id=i, reason="not_found", message="?") for i in IDS[:failed]]
    return BatchAccount(
        fetched={"html": IDS[failed:]}, inserted=len(IDS) - failed, failures=tuple(failures)
    )


def test_a_claim_has_the_run_and_its_titles(ledger: PostgresLedger) -> None:
    claim = claimed(ledger)
    assert (claim.run, claim.ids) == (RUN, IDS)


def test_a_run_that_is_opened_again_keeps_its_batches(
    ledger: PostgresLedger, postgres_url: str
) -> None:
    ledger.open_run(RUN.run_id, [IDS[:4], IDS[4:]])
    assert states(postgres_url) == [("queued", 8, 0)]


def test_of_many_who_claim_a_batch_one_gets_it(ledger: PostgresLedger) -> None:
    [batch_id] = ledger.to_send(again=False)
    with ThreadPoolExecutor(8) as threads:
        claims = list(
            threads.map(lambda n: ledger.claim(batch_id, f"worker {n}", f"token {n}"), range(8))
        )
    assert sum(claim is not None for claim in claims) == 1


def test_a_claim_may_be_repeated_when_the_answer_was_lost(
    ledger: PostgresLedger, postgres_url: str
) -> None:
    claim = claimed(ledger)
    assert ledger.claim(claim.batch_id, "a", claim.token) == claim
    assert states(postgres_url) == [("running", 8, 1)]


def test_a_batch_is_sent_once_unless_the_messages_are_lost(
    ledger: PostgresLedger, postgres_url: str
) -> None:
    [batch_id] = ledger.to_send(again=False)
    assert ledger.to_send(again=False) == []
    assert ledger.to_send(again=True) == []  # it was sent just now
    execute(postgres_url, "UPDATE run_batches SET sent_at = now() - interval '1 hour'")
    assert ledger.to_send(again=False) == []
    assert ledger.to_send(again=True) == [batch_id]


def test_a_batch_that_is_done_is_nobodys_any_more(
    ledger: PostgresLedger, postgres_url: str
) -> None:
    claim = claimed(ledger)
    ledger.done(claim, account(failed=1))
    ledger.done(claim, account(failed=3))
    ledger.failed(claim, "late", is_cut=True)
    ledger.give_back(claim)

    assert ledger.claim(claim.batch_id, "b", "other") is None
    assert ledger.keep(claim, 1, 1) is Standing.LOST
    assert ledger.accounts(RUN.run_id) == [account(failed=1)]
    assert states(postgres_url) == [("done", 8, 1)]
    progress = ledger.progress(RUN.run_id)
    assert progress is not None
    assert (progress.asked, progress.fetched, progress.failed) == (8, 7, 1)


def test_a_lease_that_is_over_cuts_the_batch(ledger: PostgresLedger, postgres_url: str) -> None:
    claim = claimed(ledger)
    ledger.sweep()
    assert states(postgres_url) == [("running", 8, 1)]

    let_time_pass(postgres_url)
    ledger.sweep()

    assert states(postgres_url) == [("queued", 4, 0), ("queued", 4, 0), ("split", 8, 1)]
    assert ledger.keep(claim, 0, 0) is Standing.LOST


def test_a_lease_that_is_over_is_prolonged_while_nobody_else_has_the_batch(
    ledger: PostgresLedger, postgres_url: str
) -> None:
    claim = claimed(ledger)
    let_time_pass(postgres_url)
    assert ledger.keep(claim, 2, 1) is Standing.GO_ON
    ledger.sweep()
    assert states(postgres_url) == [("running", 8, 1)]


def test_what_a_dead_process_of_a_worker_has_left_is_cut_at_its_next_claim(
    ledger: PostgresLedger, postgres_url: str
) -> None:
    claim = claimed(ledger, "a", "first")
    assert ledger.claim(claim.batch_id, "a", "second") is None
    assert [state for state, *_ in states(postgres_url)] == ["queued", "queued", "split"]


def test_a_poisoned_title_stands_alone_in_the_end_and_is_parked(
    ledger: PostgresLedger, postgres_url: str
) -> None:
    poison = IDS[5]
    for attempt in range(100):
        due = ledger.to_send(again=False)
        if not due:
            break
        for batch_id in due:
            claim = ledger.claim(batch_id, "a", f"{attempt} {batch_id}")
            assert claim is not None
            if poison in claim.ids:
                ledger.failed(claim, "it is poison", is_cut=True)
            else:
                ledger.done(claim, account())
        let_time_pass(postgres_url)

    [parked] = ledger.parked(RUN.run_id)
    assert (parked.ids, parked.error) == ((poison,), "it is poison")
    progress = ledger.progress(RUN.run_id)
    assert progress is not None
    assert (progress.fetched, progress.failed) == (7, 1)
    assert ledger.to_close() == [RUN.run_id]


def test_a_batch_that_cannot_be_done_now_waits_longer_each_time_and_stays_whole(
    ledger: PostgresLedger, postgres_url: str
) -> None:
    ledger.failed(claimed(ledger), "the site is away", is_cut=False)
    assert states(postgres_url) == [("failed", 8, 1)]
    assert ledger.to_send(again=True) == []
    [(pause,)] = rows_of(postgres_url, "SELECT extract(epoch FROM due_at - now()) FROM run_batches")
    assert 0 < pause <= LONG / 12

    let_time_pass(postgres_url)
    ledger.failed(claimed(ledger), "the site is away", is_cut=False)
    assert states(postgres_url) == [("parked", 8, 2)]


def test_a_batch_that_is_given_back_has_not_failed(
    ledger: PostgresLedger, postgres_url: str
) -> None:
    ledger.give_back(claimed(ledger))
    assert states(postgres_url) == [("queued", 8, 0)]
    assert claimed(ledger, "a", "again").ids == IDS


@pytest.mark.parametrize("stage", [Stage.PAUSED, Stage.CANCELLED])
def test_nothing_is_begun_of_a_run_that_is_not_to_go_on(
    ledger: PostgresLedger, stage: Stage
) -> None:
    claim = claimed(ledger)
    assert ledger.set_stage(RUN.run_id, stage) is stage
    assert ledger.keep(claim, 0, 0) is Standing.LET_GO
    ledger.give_back(claim)
    assert ledger.to_send(again=True) == []
    assert ledger.claim(claim.batch_id, "b", "other") is None
    assert ledger.to_close() == ([RUN.run_id] if stage is Stage.CANCELLED else [])


def test_a_run_that_was_paused_goes_on(ledger: PostgresLedger) -> None:
    [batch_id] = ledger.to_send(again=False)
    ledger.set_stage(RUN.run_id, Stage.PAUSED)
    assert ledger.claim(batch_id, "a", "t") is None  # so its message is gone
    assert ledger.set_stage(RUN.run_id, Stage.RUNNING) is Stage.RUNNING
    assert claimed(ledger).ids == IDS


def test_a_run_that_was_cancelled_does_not_go_on(ledger: PostgresLedger) -> None:
    ledger.set_stage(RUN.run_id, Stage.CANCELLED)
    assert ledger.set_stage(RUN.run_id, Stage.RUNNING) is Stage.CANCELLED
    assert ledger.set_stage("another", Stage.PAUSED) is None
    assert ledger.progress("another") is None


def test_one_closes_a_run_and_another_when_that_one_is_dead(
    ledger: PostgresLedger, postgres_url: str
) -> None:
    claim = claimed(ledger)
    assert not ledger.close_begins(RUN.run_id, "early")
    ledger.done(claim, account())
    with ThreadPoolExecutor(8) as threads:
        begun = list(threads.map(lambda n: ledger.close_begins(RUN.run_id, str(n)), range(8)))
    assert sum(begun) == 1
    first = str(begun.index(True))
    assert ledger.close_begins(RUN.run_id, first)
    assert ledger.to_close() == []

    let_time_pass(postgres_url)
    assert ledger.to_close() == [RUN.run_id]
    assert ledger.close_begins(RUN.run_id, "second")
    ledger.closed(RUN.run_id, first)
    assert ledger.set_stage(RUN.run_id, Stage.PAUSED) is Stage.PAUSED
    ledger.set_stage(RUN.run_id, Stage.RUNNING)
    ledger.closed(RUN.run_id, "second")
    assert ledger.set_stage(RUN.run_id, Stage.CANCELLED) is Stage.CLOSED
    assert not ledger.close_begins(RUN.run_id, "third")


def test_a_worker_that_has_lost_its_batch_saves_nothing(
    ledger: PostgresLedger, postgres_url: str
) -> None:
    from tests.builders import a_title

    claim = claimed(ledger)
    with open_postgres_repository(postgres_url, guard=ledger.guard(claim)) as repository:
        repository.save([a_title(1)], RUN)
        let_time_pass(postgres_url)
        ledger.sweep()
        with pytest.raises(RepositoryUnavailable, match="somebody else's"):
            repository.save([a_title(2)], RUN)
    assert rows_of(postgres_url, "SELECT count(*) FROM titles") == [(1,)]


def test_a_run_is_shown_at_work_with_its_counts(ledger: PostgresLedger, postgres_url: str) -> None:
    claim = claimed(ledger)
    ledger.keep(claim, 3, 1)
    with open_postgres_repository(postgres_url) as repository:
        [record] = repository.runs(1)
        assert (record.at_work, record.is_paused, record.asked) == (True, False, 8)
        assert (record.fetched, record.failed) == (3, 1)
        ledger.set_stage(RUN.run_id, Stage.PAUSED)
        [record] = repository.runs(1)
        assert (record.at_work, record.is_paused) == (True, True)
    progress = ledger.progress(RUN.run_id)
    assert progress is not None
    assert progress.batches == {BatchState.RUNNING: 1}
