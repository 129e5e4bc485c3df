"""Which run a new one offers to continue."""

from datetime import timedelta

import pytest

from application.run_history import can_be_continued, merged, worth_offering
from domain.chart import ChartName
from domain.run import RunOutcome, RunRecord
from tests.builders import NOON, a_run


def record(minutes_ago: float = 5, **changes) -> RunRecord:
    """A run of the chart top that was killed with 250 titles asked for."""
    began = NOON - timedelta(minutes=minutes_ago)
    run = a_run(f"run-{minutes_ago}", started_at=began, **changes.pop("run", {}))
    return RunRecord(**({"run": run, "asked": 250} | changes))


def done(minutes_ago: float, outcome: RunOutcome, fetched: int, failed: int = 0) -> RunRecord:
    return record(minutes_ago, finished_at=NOON, outcome=outcome, fetched=fetched, failed=failed)


KILLED = record()
STOPPED = [
    KILLED,
    done(5, RunOutcome.INTERRUPTED, 100),
    done(5, RunOutcome.NO_SOURCE, 100, 20),
    done(5, RunOutcome.INCOMPLETE, 100),
    record(23.9 * 60),
]
NOT_STOPPED = [
    done(5, RunOutcome.COMPLETE, 250),
    done(5, RunOutcome.INCOMPLETE, 200, 50),
    record(24 * 60),
    record(asked=None),
    record(at_work=True),
    record(run={"chart": ChartName.BOTTOM}),
    record(run={"command": "demo"}),
    record(run={"command": "titles", "chart": None}),
]


@pytest.mark.parametrize("stopped", STOPPED)
def test_a_run_of_the_chart_that_was_stopped_is_offered(stopped):
    assert worth_offering([record(1, at_work=True), stopped], ChartName.TOP, NOON) == stopped


@pytest.mark.parametrize("other", NOT_STOPPED)
def test_no_other_run_is_offered(other):
    assert worth_offering([other], ChartName.TOP, NOON) is None


def test_what_came_after_a_stopped_run_has_taken_its_place():
    newer = done(1, RunOutcome.COMPLETE, 250)
    assert worth_offering([newer, KILLED], ChartName.TOP, NOON) is None
    elsewhere = record(1, run={"chart": ChartName.TOP_TV})
    assert worth_offering([elsewhere, KILLED], ChartName.TOP, NOON) == KILLED


def test_a_run_killed_before_its_chart_can_be_continued():
    assert can_be_continued(record(asked=None))
    assert not can_be_continued(record(asked=None, run={"command": "titles", "chart": None}))


def test_of_two_accounts_the_later_one_counts_and_at_work_before_all():
    late = done(5, RunOutcome.COMPLETE, 250)
    early = record(
        finished_at=NOON - timedelta(minutes=1), outcome=RunOutcome.INTERRUPTED, fetched=100
    )
    assert merged([[early], [late]]) == merged([[late], [early]]) == [late]
    assert merged([[KILLED], [early]]) == [early]
    at_work = record(at_work=True)
    assert merged([[late], [at_work]]) == [at_work]
    unaware = record(asked=None)
    assert merged([[unaware], [KILLED]]) == [KILLED]
