"""What every `TitleRepository` remembers of runs, over the real adapters."""

import pickle
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from application.ports import TitleRepository, TitleVersion
from domain.chart import ChartName
from domain.details import DetailName
from domain.provenance import Provenance
from domain.run import Failure, RepositoryReport, Run, RunOutcome, RunRecord, RunReport
from tests.builders import (
    NOON,
    a_chart,
    a_run,
    a_title,
    cast_of,
    keywords,
    taglines,
    title_number,
)
from tests.contract.both import BothFactory
from tests.contract.factories import RepositoryFactory, in_billing_order

IDS = tuple(title_number(n) for n in (3, 1, 2))
FAILURE = Failure(imdb_id=title_number(2), reason="page_changed", message="no name\udcff")


def run_number(number: int, **changes) -> Run:
    began = NOON + timedelta(minutes=number)
    return a_run(f"{began:%Y%m%dT%H%M%SZ}-{number:08x}", started_at=began, **changes)


def report_of(run: Run, **changes) -> RunReport:
    given = {
        "run": run,
        "finished_at": run.started_at + timedelta(seconds=90),
        "outcome": RunOutcome.INTERRUPTED,
        "asked": 3,
        "fetched": 1,
        "failures": (FAILURE,),
        "not_tried": (title_number(3),),
        "repositories": (RepositoryReport(name="csv", inserted=1, held_before=2, copied=3),),
        "fetched_from": {"html": 1},
    }
    return RunReport(**(given | changes))


def test_nothing_is_known_of_a_run_that_never_was(repository: TitleRepository) -> None:
    assert repository.runs(10) == []
    for run_id in ("20260101T120000Z-00000000", "../../etc/passwd", "", "\N{SNOWMAN}", "x" * 500):
        assert repository.run(run_id) is None
        assert repository.asked_in(run_id) is None
        assert repository.chart_of(run_id) is None
        assert list(repository.failures_of(run_id)) == []


def test_a_run_is_at_work_until_it_has_finished(repository: TitleRepository) -> None:
    run = run_number(1)
    repository.begin_run(run, None)
    assert repository.run(run.run_id) == RunRecord(run=run, at_work=True)
    assert repository.asked_in(run.run_id) is None
    repository.begin_run(run, a_chart(3, 1, 2), IDS)
    assert repository.runs(10) == [RunRecord(run=run, asked=3, at_work=True)]
    assert repository.asked_in(run.run_id) == IDS
    assert repository.chart_of(run.run_id) == a_chart(3, 1, 2)


def test_the_end_of_a_run_is_known(repository: TitleRepository) -> None:
    run = run_number(1)
    resumed_at = run.started_at + timedelta(seconds=80)
    repository.begin_run(run, None, IDS)
    repository.finish_run(report_of(run, already_saved=0, resumed_at=resumed_at))
    record = repository.run(run.run_id)
    assert record == RunRecord(
        run=run,
        asked=3,
        finished_at=run.started_at + timedelta(seconds=90),
        resumed_at=resumed_at,
        outcome=RunOutcome.INTERRUPTED,
        already_saved=0,
        fetched=1,
        failed=1,
        saved={"csv": 6},
    )
    assert (record.seconds, record.not_tried) == (10, 1)
    assert list(repository.failures_of(run.run_id)) == [replace(FAILURE, message="no name?")]
    assert repository.asked_in(run.run_id) == IDS


def test_a_run_that_goes_on_is_unfinished_again(repository_factory: RepositoryFactory) -> None:
    run = run_number(1)
    with repository_factory() as repository:
        repository.begin_run(run, a_chart(3, 1, 2), IDS)
        repository.finish_run(report_of(run))
    with repository_factory() as repository:
        repository.begin_run(replace(run, sources=("saved",)), None)
        record = repository.run(run.run_id)
        assert record == RunRecord(run=replace(run, sources=("saved",)), asked=3, at_work=True)
        assert repository.asked_in(run.run_id) == IDS
        assert repository.chart_of(run.run_id) == a_chart(3, 1, 2)


def test_the_latest_runs_come_first(repository_factory: RepositoryFactory) -> None:
    runs = [run_number(n, command="titles", chart=None) for n in (2, 4, 1, 3)]
    for run in runs:
        with repository_factory() as repository:
            repository.begin_run(run, None, IDS)
            repository.finish_run(report_of(run))
    with repository_factory() as repository:
        latest = repository.runs(3)
    assert [record.run for record in latest] == [runs[1], runs[3], runs[0]]


def test_others_see_a_run_at_work_and_when_it_is_no_more(
    repository_factory: RepositoryFactory,
) -> None:
    run = run_number(1)
    with repository_factory() as other:
        with repository_factory() as repository:
            repository.begin_run(run, None, IDS)
            assert other.runs(1) == [RunRecord(run=run, asked=3, at_work=True)]
        record = other.run(run.run_id)
    assert record == RunRecord(run=run, asked=3)


HOLD_A_RUN = """
import pickle, sys
factory, run = pickle.loads(bytes.fromhex(sys.argv[1]))
with factory() as repository:
    repository.begin_run(run, None, ("tt0000001",))
    print("at work", flush=True)
    sys.stdin.read()
"""


def test_a_killed_process_is_at_work_on_nothing(repository_factory: RepositoryFactory) -> None:
    if isinstance(repository_factory, BothFactory):
        pytest.skip("the two need not notice it at the same time")
    run = run_number(1)
    given = pickle.dumps((repository_factory, run)).hex()
    with (
        repository_factory() as repository,
        subprocess.Popen(
            [sys.executable, "-c", HOLD_A_RUN, given], cwd=Path(__file__).parents[2], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        ) as process,
    ):  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
        assert repository.runs(1)[0].at_work
        process.kill()
        process.communicate()
        # A server takes a moment to notice; this ends with the test's own time limit.
        while repository.runs(1)[0].at_work:
            pass
        assert repository.runs(1) == [RunRecord(run=run, asked=1)]


def test_the_chart_of_another_run_is_not_taken_for_it(repository: TitleRepository) -> None:
    first, second = run_number(1), run_number(2, chart=ChartName.TOP_TV)
    repository.begin_run(first, a_chart(1, 2), IDS)
    repository.begin_run(second, a_chart(5, name=ChartName.TOP_TV), IDS)
    assert repository.chart_of(first.run_id) == a_chart(1, 2)
    assert repository.chart_of(second.run_id) == a_chart(5, name=ChartName.TOP_TV)
    assert repository.chart_of("another") is None


def test_what_a_run_has_saved_or_is_newer_needs_no_fetching(repository: TitleRepository) -> None:
    earlier, run = run_number(0), run_number(10)
    # Fetched before the run; in the very moment of its beginning; after it; before it, and by it.
    repository.save([a_title(n, minutes_later=m) for n, m in [(1, 9), (2, 10), (3, 11)]], earlier)
    repository.save([a_title(4, minutes_later=9)], run)
    ids = [title_number(n) for n in range(1, 7)]
    assert repository.held_since(ids, run) == {title_number(n) for n in (2, 3, 4)}
    assert repository.held_since([], run) == frozenset()
    # An update is seen like a title that is new.
    repository.save([a_title(1, minutes_later=12, votes=5)], earlier)
    assert repository.held_since(ids[:1], run) == {title_number(1)}


def test_versions_tell_how_new_each_title_is(repository: TitleRepository) -> None:
    run = run_number(0)
    assert list(repository.versions()) == []
    repository.save([a_title(1), a_title(2, minutes_later=1), a_title(3)], run)
    repository.save([a_title(3, minutes_later=7, votes=1)], run)
    assert sorted(repository.versions()) == [
        TitleVersion(title_number(n), NOON + timedelta(minutes=m))
        for n, m in ((1, 0), (2, 1), (3, 7))
    ]


def test_titles_are_read_by_id(repository: TitleRepository) -> None:
    run = run_number(0)
    repository.save([a_title(1), a_title(2, credits=()), a_title(3)], run)
    newer = a_title(3, minutes_later=1, votes=9, credits=cast_of("A", "B"))
    repository.save([newer], run)
    ids = [title_number(n) for n in (3, 2, 99)]
    found = {title.imdb_id: title for title in repository.titles(ids)}
    assert found == {
        newer.imdb_id: newer,
        title_number(2): in_billing_order(a_title(2, credits=())),
    }
    assert list(repository.titles([])) == []


@pytest.mark.parametrize("source", ["saved", "html"])
def test_a_copy_keeps_where_its_facts_are_from(repository: TitleRepository, source: str) -> None:
    provenance = Provenance(source=source, found_by="dom", fetched_at=NOON)
    repository.save([a_title(1, provenance=provenance)], run_number(5, command="repair"))
    (title,) = repository.titles([title_number(1)])
    assert title.provenance == provenance


def test_what_a_run_asks_for_of_each_title_is_remembered(repository: TitleRepository) -> None:
    run = run_number(1, details=(DetailName.EPISODES, DetailName.AKAS))
    repository.begin_run(run, None, IDS)
    assert repository.run(run.run_id) == RunRecord(run=run, asked=3, at_work=True)
    more = replace(run, details=(*run.details, DetailName.AWARDS))
    repository.begin_run(more, None)
    repository.finish_run(report_of(more))
    record = repository.run(run.run_id)
    assert record is not None
    assert record.run == more


def test_a_title_needs_fetching_until_each_detail_of_the_run_is_held(
    repository: TitleRepository,
) -> None:
    run = a_run(details=(DetailName.KEYWORDS, DetailName.TAGLINES))
    other = a_run("20260101T115900Z-other")
    words, slogans = keywords("prison"), taglines("Fear can hold you prisoner.")
    old_words, old_slogans = keywords("old", minutes_later=-9), taglines(minutes_later=-9)
    ids = [title_number(number) for number in range(1, 7)]
    repository.save(
        [
            a_title(1, details=(words, slogans)),
            a_title(2, details=(words,)),
            a_title(3),
            a_title(4, details=(old_words, slogans)),
            a_title(5, minutes_later=-9, details=(old_words, old_slogans)),
        ],
        other,
    )
    repository.save([a_title(6, minutes_later=-9, details=(old_words, old_slogans))], run)
    assert repository.held_since(ids, run) == {title_number(1), title_number(6)}
    assert repository.held_since(ids, replace(run, details=(DetailName.TAGLINES,))) == {
        title_number(number) for number in (1, 4, 6)
    }
    repository.save([a_title(2, minutes_later=1, details=(slogans,))], run)
    assert title_number(2) in repository.held_since(ids, run)
