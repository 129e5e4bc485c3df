"""Which titles to fetch again first, so that a crawl of many is a steady trickle."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.identifiers import TitleId

PRIOR_CHANGES = 1.0
PRIOR_DAYS = 30.0
"""What is assumed of a title before anything is known: one change of its rating or votes in 30
days. It counts as much as so many days of watching it."""

LEAST_AGE = timedelta(hours=20)
"""A title that was asked for later than this is left for the next time; less than a day, so that
a nightly run which begins a little earlier than yesterday's leaves nothing out."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshCandidate:
    """What is known of a title that could be fetched again.

    ``changes`` counts how often another rating or number of votes was found between
    ``first_seen_at`` and ``fetched_at``, when its page was last had; ``failed_at`` is when a run
    last asked for it in vain, or ``None``.
    """

    imdb_id: TitleId
    first_seen_at: datetime
    fetched_at: datetime
    changes: int
    failed_at: datetime | None = None

    @property
    def asked_at(self) -> datetime:
        """When it was last asked for, also in vain: what fails must not come first for ever."""
        return max(self.fetched_at, self.failed_at or self.fetched_at)

    @property
    def changes_per_day(self) -> float:
        """How fast it changes: changes come as a Poisson process, whose rate has a gamma prior.

        The mean of the rate after what was seen, (changes + `PRIOR_CHANGES`) / (days +
        `PRIOR_DAYS`). (A. Gelman et al., Bayesian Data Analysis, 2.6; that pages change so:
        J. Cho and H. Garcia-Molina, Estimating Frequency of Change, 2003.)
        """
        days = max(self.fetched_at - self.first_seen_at, timedelta()) / _DAY
        return (self.changes + PRIOR_CHANGES) / (days + PRIOR_DAYS)

    def expected_changes(self, now: datetime) -> float:
        """How many changes we have missed since it was last asked for, as far as we can tell."""
        return self.changes_per_day * (max(now - self.asked_at, timedelta()) / _DAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshPlan:
    """What to fetch now, most expected changes first, and what that leaves.

    ``considered`` counts all titles, ``due`` those that were not asked for lately; the changes are
    sums of `RefreshCandidate.expected_changes`, of the chosen and of all that were due.
    """

    made_at: datetime
    chosen: tuple[RefreshCandidate, ...]
    considered: int
    due: int
    changes_chosen: float
    changes_due: float

    @property
    def ids(self) -> tuple[TitleId, ...]:
        """The titles to fetch, in order."""
        return tuple(candidate.imdb_id for candidate in self.chosen)


def plan_refresh(
    candidates: Iterable[RefreshCandidate],
    *,
    budget: int,
    now: datetime,
    least_age: timedelta = LEAST_AGE,
) -> RefreshPlan:
    """Choose at most ``budget`` titles of which we have missed most changes, as we expect.

    That is a title's age times how fast it changes: old ones and fast ones come first, and each
    comes at last, because its age grows while it waits. In the long run each is fetched as often
    as it changes, to a share that the budget allows. Reads ``candidates`` once and holds as many
    as the budget, so there may be millions. Ties are in the order of the ids.
    """
    considered = due = 0
    changes_due = 0.0

    def of_those_due() -> Iterable[tuple[float, RefreshCandidate]]:
        nonlocal considered, due, changes_due
        for candidate in candidates:
            considered += 1
            if now - candidate.asked_at >= least_age:
                expected = candidate.expected_changes(now)
                due += 1
                changes_due += expected
                yield expected, candidate

    chosen = heapq.nsmallest(budget, of_those_due(), key=lambda it: (-it[0], it[1].imdb_id))
    return RefreshPlan(
        made_at=now,
        chosen=tuple(candidate for _, candidate in chosen),
        considered=considered,
        due=due,
        changes_chosen=sum(expected for expected, _ in chosen),
        changes_due=changes_due,
    )
