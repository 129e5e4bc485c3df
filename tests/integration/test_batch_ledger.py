"""The ledger of distributed runs: one worker at a time has a batch, whatever happens to it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from domain.batch import BatchAccount, BatchClaim, BatchState, SourceWait, Stage, Standing
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


@pytest.fixture
def batches(postgres_url: str) -> Iterator[PostgresLedger]:
    """A ledger with the run in four batches."""
    with open_postgres_repository(postgres_url) as repository:
        repository.begin_run(RUN, None, IDS)
    with open_postgres_ledger(postgres_url, lease_seconds=LONG, most_attempts=2) as opened:
        opened.open_run(RUN.run_id, [IDS[:2], IDS[2:4], IDS[4:6], IDS[6:]])
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


def away(ledger: PostgresLedger, claim: BatchClaim, *, has_fetched: bool = False) -> None:
    ledger.away(claim, "source html: blocked", has_fetched=has_fetched, rest_seconds=0)


def wait_of(ledger: PostgresLedger) -> SourceWait | None:
    progress = ledger.progress(RUN.run_id)
    assert progress is not None
    return progress.wait


def let_wait_pass(url: str) -> None:
    execute(url, "UPDATE distributed_runs SET waits_until = now() WHERE waits > 0")


def test_sources_that_are_away_use_up_no_attempt_and_hold_the_whole_run(
    ledger: PostgresLedger, postgres_url: str
) -> None:
    pauses = []
    for number in range(6):  # three times as often as a batch may fail
        claim = claimed(ledger, "a", str(number))
        assert claim.is_trial == (number > 0)
        away(ledger, claim)
        assert states(postgres_url) == [("queued", 8, 0)]
        assert ledger.to_send(again=True) == []
        assert ledger.claim(claim.batch_id, "b", "early") is None
        wait = wait_of(ledger)
        assert wait is not None
        assert wait.error == "source html: blocked"
        pauses.append(wait.pause_seconds)
        let_wait_pass(postgres_url)
    expected = [LONG / 12 * 2**n for n in range(6)]
    assert pauses == pytest.approx([min(600, seconds) for seconds in expected], abs=30)


def test_the_pause_is_as_long_as_the_sources_are_left_alone(ledger: PostgresLedger) -> None:
    ledger.away(claimed(ledger), "blocked", has_fetched=False, rest_seconds=5000)
    wait = wait_of(ledger)
    assert wait is not None
    assert 4900 < wait.pause_seconds <= 5000


def test_after_a_wait_one_batch_is_tried_and_the_others_begin_when_it_is_answered(
    postgres_url: str, batches: PostgresLedger
) -> None:
    first, *others = batches.to_send(again=False)
    claim = batches.claim(first, "a", "t")
    assert claim is not None
    away(batches, claim)
    let_wait_pass(postgres_url)

    assert batches.to_send(again=False) == [first]
    with ThreadPoolExecutor(4) as threads:
        claims = list(
            threads.map(lambda n: batches.claim([first, *others][n], f"w{n}", f"t{n}"), range(4))
        )
    [trial] = [claim for claim in claims if claim is not None]
    assert trial.is_trial
    batches.answers(trial)
    assert wait_of(batches) is None
    left = [number for number in [first, *others] if number != trial.batch_id]
    assert batches.to_send(again=False) == left
    claims = [batches.claim(number, f"x{number}", f"y{number}") for number in left]
    assert [claim is not None and not claim.is_trial for claim in claims] == [True] * 3


def test_a_trial_that_is_done_ends_the_wait(ledger: PostgresLedger, postgres_url: str) -> None:
    away(ledger, claimed(ledger))
    let_wait_pass(postgres_url)
    ledger.done(claimed(ledger, "a", "trial"), account())
    assert wait_of(ledger) is None


def test_a_trial_whose_worker_dies_is_followed_by_another(
    ledger: PostgresLedger, postgres_url: str
) -> None:
    away(ledger, claimed(ledger))
    let_wait_pass(postgres_url)
    claimed(ledger, "a", "trial")
    let_time_pass(postgres_url)
    ledger.sweep()
    assert ledger.to_send(again=False) == []
    let_wait_pass(postgres_url)
    assert claimed(ledger, "b", "another").is_trial


def test_what_others_find_out_meanwhile_does_not_make_the_wait_longer(
    batches: PostgresLedger,
) -> None:
    claims = [batches.claim(n, f"w{n}", f"t{n}") for n in batches.to_send(again=False)]
    waits = []
    for claim in claims:
        assert claim is not None
        away(batches, claim)
        waits.append(wait_of(batches))
    assert len({wait.pause_seconds > LONG / 12 + 1 for wait in waits if wait}) == 1


def test_sources_that_have_answered_in_between_begin_a_new_wait(
    ledger: PostgresLedger, postgres_url: str
) -> None:
    for number in range(4):
        away(ledger, claimed(ledger, "a", str(number)), has_fetched=number == 3)
        wait = wait_of(ledger)
        let_wait_pass(postgres_url)
    assert wait is not None
    assert wait.pause_seconds <= LONG / 12


def test_what_has_waited_too_long_is_parked(ledger: PostgresLedger, postgres_url: str) -> None:
    away(ledger, claimed(ledger))
    ledger.sweep()
    assert states(postgres_url) == [("queued", 8, 0)]
    execute(
        postgres_url, "UPDATE distributed_runs SET waiting_since = now() - interval '12.1 hours'"
    )
    ledger.sweep()
    [parked] = ledger.parked(RUN.run_id)
    assert parked.error == "its sources were away for 12 h: source html: blocked"
    assert ledger.to_close() == [RUN.run_id]


def test_a_run_that_is_continued_tries_its_sources_at_once(ledger: PostgresLedger) -> None:
    away(ledger, claimed(ledger))
    ledger.set_stage(RUN.run_id, Stage.RUNNING)
    assert claimed(ledger, "a", "again").is_trial
