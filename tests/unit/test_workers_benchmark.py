"""What the benchmark of workers makes of its measurements. No test asserts a time."""

import os
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.fleet import Measured
from benchmarks.machine import machine_facts
from benchmarks.scale_model import Model, Prices, SourceCost, StoreCost
from benchmarks.workers import (
    WAITING,
    WorkersResults,
    fleets,
    fleets_table,
    limit_table,
    machine_paragraph,
    missed_limits,
    missed_shares,
    rates,
)


def a_run(
    workers: int, seconds: float, *, ours: float = 0.2, others: float = 0.0, rate: float = 50
) -> Measured:
    """A run that took a part of all cores (``ours``), while other programs took another."""
    spent = ours * seconds * (os.cpu_count() or 1)
    return Measured(
        workers=workers,
        wall_seconds=seconds,
        program_cpu=0.5 * spent,
        database_cpu=0.25 * spent,
        site_cpu=0.25 * spent,
        busy=ours + others,
        arrivals=[number / rate for number in range(1000)],
    )


def results(*runs: Measured, limited: tuple[Measured, ...] = ()) -> WorkersResults:
    return WorkersResults({"cores": "2"}, 1000, {WAITING: list(runs)}, list(limited))


def test_the_median_of_each_number_of_workers_counts() -> None:
    found = fleets([a_run(2, 6), a_run(1, 9), a_run(1, 10), a_run(1, 30), a_run(2, 5)])
    assert [(one.workers, one.runs, one.seconds) for one in found] == [(1, 3, 10), (2, 2, 5.5)]


def test_a_time_that_does_not_fall_is_missed_unless_the_cores_are_busy() -> None:
    assert missed_shares(results(a_run(1, 100), a_run(2, 55), a_run(4, 29))) == []
    [missed] = missed_shares(results(a_run(1, 100), a_run(2, 61), a_run(4, 29)))
    assert missed.startswith("2 workers: 61.0 s")
    assert missed_shares(results(a_run(1, 100), a_run(2, 61, ours=0.9))) == []
    assert missed_shares(results(a_run(1, 100), a_run(2, 61, others=0.7))) != []


def test_a_limit_that_is_not_kept_is_missed() -> None:
    assert missed_limits(results(limited=(a_run(4, 20), a_run(4, 20, rate=54)))) == []
    assert len(missed_limits(results(limited=(a_run(4, 20, rate=56), a_run(4, 20, rate=44))))) == 2


def test_a_short_run_with_a_limit_says_nothing_about_ten_seconds() -> None:
    short = results(limited=(a_run(4, 2, rate=1000),))
    assert missed_limits(short) == []
    assert "| 1 | 1,000 |  |  | 1000.0 |" in limit_table(short)


def test_the_table_compares_with_one_worker() -> None:
    one = replace(a_run(0, 11), program_cpu=1.0, database_cpu=0.5, site_cpu=0.25)
    shown = fleets_table(fleets([one, a_run(1, 10), a_run(4, 2.5)]), 1000)
    assert "| none: `python main.py` | 1 | 11.0 | 0.91 | 91 | 20% | 1.0 | 0.5 | 0.2 |" in shown
    assert "| 4 | 1 | 2.50 | 4.00 | 400 |" in shown


def test_other_programs_that_were_at_work_are_mentioned() -> None:
    quiet = WorkersResults(machine_facts(), 1000, {WAITING: [a_run(1, 10, others=0.1)]})
    assert "Other programs" not in machine_paragraph(quiet)
    loud = WorkersResults(machine_facts(), 1000, {WAITING: [a_run(1, 10, others=0.7)]})
    assert "Other programs kept its cores busy for 70% of the time." in machine_paragraph(loud)


def test_a_burst_and_a_gap_are_seen_wherever_they_are() -> None:
    steady = [float(number) for number in range(41)]
    assert rates(steady) == (0.9, 1.1)
    assert rates(sorted([*steady, *[17.25] * 5])) == (0.9, 1.6)
    without = [moment for moment in steady if not 20 < moment < 25]
    assert rates(without)[0] == pytest.approx(0.5)


def test_a_run_that_is_shorter_than_a_window_has_no_rates() -> None:
    with pytest.raises(ValueError, match="shorter than 10 s"):
        rates([0.0, 9.9])


@given(st.lists(st.integers(0, 400).map(lambda tenths: tenths / 8), min_size=2).map(sorted))
def test_no_window_has_more_or_fewer_than_said(arrivals: list[float]) -> None:
    if arrivals[-1] - arrivals[0] < 10:
        return
    least, most = rates(arrivals)
    windows = [arrivals[0] + step / 16 for step in range(int((arrivals[-1] - arrivals[0]) * 16))]
    for begin in windows:
        if begin + 10 <= arrivals[-1]:
            inside = sum(begin <= moment <= begin + 10 for moment in arrivals)
            assert inside / 10 <= most
            inside = sum(begin < moment < begin + 10 for moment in arrivals)
            assert inside / 10 >= least


# --- the model --------------------------------------------------------------------------------


def a_model(*, titles_a_request: int = 50, worker_cpu: float = 0.005) -> Model:
    source = SourceCost(
        titles_a_request=titles_a_request,
        answer_bytes=25_000,
        worker_cpu=worker_cpu,
        database_cpu=0.002,
    )
    return Model(source=source, store=StoreCost(title_bytes=3_000, rating_bytes=100))


def test_at_a_polite_rate_the_site_takes_all_the_time() -> None:
    model = a_model()
    assert model.requests == 240_000
    assert model.received_gb == pytest.approx(6)
    assert model.hours(10) == model.site_hours(10) == pytest.approx(6.667, abs=0.001)
    # 60,000 seconds of CPU in 24,000 seconds.
    assert model.enough_workers(10) == 3
    assert model.cost(10, 3, Prices(received_gb=1)) == pytest.approx(11 * 6.6667 * 0.05 + 6, 1e-4)


def test_without_a_limit_it_is_the_slower_of_workers_and_database() -> None:
    assert a_model().hours(100_000) == a_model().database_hours == pytest.approx(0.8333, 1e-3)
    slow = a_model(worker_cpu=0.5)
    assert slow.hours(100_000) == slow.worker_hours == pytest.approx(16.667, 1e-3)
    assert slow.enough_workers(100_000) == 100


def test_what_is_stored_grows_with_titles_and_with_refreshes() -> None:
    assert a_model().stored_gb == pytest.approx(36)
    assert a_model().stored_gb_a_refresh == pytest.approx(1.2)
    assert a_model().disk_cost_a_month(Prices()) == pytest.approx(3.6)


def test_the_last_request_may_have_fewer_titles() -> None:
    assert replace(a_model(), titles=101).requests == 3
