"""Which titles are fetched again: by hand, for any titles, and in a simulated year."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.refresh_plan import RefreshCandidate, plan_refresh
from domain.identifiers import TitleId

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def candidate(
    number: int, *, age: float, changes: int = 0, watched: float = 0, failed: float | None = None
) -> RefreshCandidate:
    """A title fetched ``age`` days ago, after ``watched`` days; the last failure in days ago."""
    fetched_at = NOW - age * DAY
    return RefreshCandidate(
        imdb_id=TitleId(f"tt{number:07}"),
        first_seen_at=fetched_at - watched * DAY,
        fetched_at=fetched_at,
        changes=changes,
        failed_at=None if failed is None else NOW - failed * DAY,
    )


def chosen(*candidates: RefreshCandidate, budget: int = 10) -> list[int]:
    plan = plan_refresh(candidates, budget=budget, now=NOW)
    return [int(imdb_id[2:]) for imdb_id in plan.ids]


def test_the_oldest_comes_first_when_all_change_alike():
    assert chosen(candidate(1, age=3), candidate(2, age=9), candidate(3, age=5)) == [2, 3, 1]


def test_what_changes_fastest_comes_first_when_all_are_as_old():
    slow, fast, unknown = (
        candidate(1, age=5, changes=1, watched=300),
        candidate(2, age=5, changes=100, watched=300),
        candidate(3, age=5),
    )
    assert chosen(slow, fast, unknown) == [2, 3, 1]


def test_what_never_changes_comes_at_last():
    never = candidate(1, age=900, watched=100)
    daily = candidate(2, age=1, changes=100, watched=100)
    assert chosen(never, daily, budget=1) == [1]


def test_what_was_asked_for_lately_is_left_alone():
    plan = plan_refresh(
        [candidate(1, age=0.5), candidate(2, age=400, failed=0.1), candidate(3, age=1)],
        budget=5,
        now=NOW,
    )
    assert plan.ids == (TitleId("tt0000003"),)
    assert (plan.considered, plan.due) == (3, 1)


def test_what_failed_waits_as_long_as_if_it_had_been_fetched():
    assert chosen(candidate(1, age=400, failed=2), candidate(2, age=3)) == [2, 1]


def test_the_same_title_twice_as_old_has_twice_as_many_changes():
    young, old = (candidate(1, age=age, changes=9, watched=60) for age in (4, 8))
    assert young.expected_changes(NOW) == pytest.approx(4 * 10 / 90)
    assert old.expected_changes(NOW) == pytest.approx(8 * 10 / 90)


def test_a_page_from_the_future_has_no_changes_yet():
    assert candidate(1, age=-3).expected_changes(NOW) == 0


def test_the_plan_says_how_much_of_the_work_it_is():
    plan = plan_refresh([candidate(n, age=n) for n in range(1, 5)], budget=1, now=NOW)
    assert plan.changes_chosen / plan.changes_due == pytest.approx(4 / 10)


_candidates = st.lists(
    st.builds(
        candidate,
        st.integers(1, 10**6),
        age=st.floats(-10, 5000),
        changes=st.integers(0, 10**5),
        watched=st.floats(-10, 5000),
        failed=st.none() | st.floats(-10, 5000),
    ),
    max_size=60,
    unique_by=lambda it: it.imdb_id,
)


@given(_candidates, st.integers(1, 80), st.randoms())
def test_no_title_left_out_would_have_been_better_and_order_does_not_matter(
    candidates, budget, rng
):
    plan = plan_refresh(iter(candidates), budget=budget, now=NOW)
    assert len(plan.chosen) == min(budget, plan.due)
    assert len(set(plan.ids)) == len(plan.ids)
    worst = min((each.expected_changes(NOW) for each in plan.chosen), default=0)
    left = set(candidates) - set(plan.chosen)
    due = [each for each in left if NOW - each.asked_at >= timedelta(hours=20)]
    assert all(each.expected_changes(NOW) <= worst for each in due)
    rng.shuffle(candidates)
    assert plan_refresh(candidates, budget=budget, now=NOW).ids == plan.ids


@dataclass
class _Title:
    """A title of the simulation: ``rate`` changes a day, of which none is known at first."""

    known: RefreshCandidate
    rate: float
    missed: int = 0


def _simulated(
    choose: Callable[[Sequence[RefreshCandidate], datetime], Sequence[TitleId]],
) -> tuple[float, dict[TitleId, _Title], Counter[TitleId]]:
    """Let a year pass; give the mean number of changes that were missed, and the fetches."""
    rng = random.Random(7)
    # Few titles change each day, most of them hardly ever.
    rates = [rng.paretovariate(0.7) / 200 for _ in range(400)]
    titles = {
        TitleId(f"tt{n:07}"): _Title(
            RefreshCandidate(
                imdb_id=TitleId(f"tt{n:07}"), first_seen_at=NOW, fetched_at=NOW, changes=0
            ),
            min(rate, 2.0),
        )
        for n, rate in enumerate(rates)
    }
    fetches: Counter[TitleId] = Counter()
    missed = 0
    for day in range(1, 366):
        now = NOW + day * DAY
        for title in titles.values():
            title.missed += sum(rng.random() < title.rate / 4 for _ in range(4))
        for imdb_id in choose([title.known for title in titles.values()], now):
            title = titles[imdb_id]
            fetches[imdb_id] += 1
            title.known = RefreshCandidate(
                imdb_id=imdb_id,
                first_seen_at=NOW,
                fetched_at=now,
                changes=title.known.changes + (title.missed > 0),
            )
            title.missed = 0
        missed += sum(title.missed for title in titles.values())
    return missed / 365 / len(titles), titles, fetches


BUDGET = 20


@pytest.fixture(scope="module")
def planned() -> tuple[float, dict[TitleId, _Title], Counter[TitleId]]:
    return _simulated(lambda known, now: plan_refresh(known, budget=BUDGET, now=now).ids)


def test_in_a_year_fewer_changes_are_missed_than_by_age_alone(planned):
    def oldest(known: Sequence[RefreshCandidate], now: datetime) -> list[TitleId]:
        return [it.imdb_id for it in sorted(known, key=lambda it: it.fetched_at)[:BUDGET]]

    by_age, _, _ = _simulated(oldest)
    by_plan, _, _ = planned
    assert by_plan < 0.7 * by_age


def test_in_a_year_the_budget_is_used_up_each_day_and_nothing_is_forgotten(planned):
    _, titles, fetches = planned
    assert sum(fetches.values()) == 365 * BUDGET
    assert len(fetches) == len(titles)
    assert min(fetches.values()) >= 4
    end = NOW + 365 * DAY
    assert max(end - title.known.fetched_at for title in titles.values()) < 183 * DAY


def test_in_a_year_fast_titles_are_fetched_more_often_than_slow_ones(planned):
    _, titles, fetches = planned
    by_rate = sorted(titles, key=lambda imdb_id: titles[imdb_id].rate)
    slow, fast = by_rate[:100], by_rate[-100:]
    assert sum(map(fetches.__getitem__, fast)) > 3 * sum(map(fetches.__getitem__, slow))
