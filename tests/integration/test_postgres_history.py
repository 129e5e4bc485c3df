"""What the database tells of earlier times, after runs have saved into it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from application.ports import HistoryReader
from domain.chart import ChartName
from domain.errors import RepositoryUnavailable
from domain.history import RankObservation, RatingObservation, SnapshotTime
from infrastructure.repositories.postgres import open_postgres_repository
from infrastructure.repositories.postgres.observations import open_postgres_history
from tests.builders import NOON, a_chart, a_run, a_title, title_number
from tests.databases import execute

DAY = timedelta(days=1)
RUNS = [a_run(f"run{number}", started_at=NOON + number * DAY) for number in range(3)]


@pytest.fixture
def history(postgres_url: str) -> Iterator[HistoryReader]:
    """Three runs of the chart on three days; the second saw another rating, the third the same."""
    seen = [(9.3, 100), (9.2, 150), (9.2, 150)]
    ranks = [(1, 2, 3), (2, 1, 3), (2, 3)]
    with open_postgres_repository(postgres_url) as repository:
        for number, run in enumerate(RUNS):
            chart = replace(a_chart(*ranks[number]), captured_at=NOON + number * DAY)
            repository.begin_run(run, chart)
            rating, votes = seen[number]
            title = a_title(1, minutes_later=number * 1440, rating=rating, votes=votes)
            repository.save([title], run)
        run = a_run("series", chart=ChartName.TOP_TV)
        repository.begin_run(run, a_chart(9, 1, name=ChartName.TOP_TV))
    with open_postgres_history(postgres_url) as reader:
        yield reader


def test_a_title_over_time(history: HistoryReader) -> None:
    found = history.of_title(title_number(1))
    assert (found.title, found.year) == ("Title 1", 1994)
    assert found.ratings == (
        RatingObservation(observed_at=NOON, rating=9.3, votes=100),
        RatingObservation(observed_at=NOON + DAY, rating=9.2, votes=150),
    )
    assert [(r.chart, r.run_id, r.rank) for r in found.ranks] == [
        (ChartName.TOP, "run0", 1),
        (ChartName.TOP_TV, "series", 2),
        (ChartName.TOP, "run1", 2),
    ]
    assert found.ranks[2] == RankObservation(
        chart=ChartName.TOP, run_id="run1", captured_at=NOON + DAY, rank=2
    )


def test_a_title_without_rating(postgres_url: str) -> None:
    with open_postgres_repository(postgres_url) as repository:
        titles = [a_title(1, rating=None, votes=3), a_title(2, rating=None, votes=None)]
        repository.save(titles, a_run())
    with open_postgres_history(postgres_url) as reader:
        unrated, unknown = (reader.of_title(title_number(number)) for number in (1, 2))
    assert [(seen.rating, seen.votes) for seen in unrated.ratings] == [(None, 3)]
    assert unknown.ratings == ()
    assert not unknown.is_empty


def test_a_title_known_from_a_chart_only(history: HistoryReader) -> None:
    found = history.of_title(title_number(9))
    assert (found.title, found.ratings, len(found.ranks)) == (None, (), 1)
    assert not found.is_empty


def test_a_title_that_was_never_seen(history: HistoryReader) -> None:
    assert history.of_title(title_number(77)).is_empty


def test_the_snapshots_of_a_chart_newest_first(history: HistoryReader) -> None:
    assert list(history.snapshots(ChartName.TOP)) == [
        SnapshotTime(run_id=f"run{number}", captured_at=NOON + number * DAY) for number in (2, 1, 0)
    ]
    assert list(history.snapshots(ChartName.BOTTOM)) == []


def test_several_snapshots_at_once_are_those_asked_for_one_by_one(history: HistoryReader) -> None:
    newest_first = [time.run_id for time in history.snapshots(ChartName.TOP)]
    assert len(newest_first) > 1
    found = history.snapshots_of(ChartName.TOP, [*newest_first, "never", "{a,b}"])
    assert [*found] == [history.snapshot(ChartName.TOP, each) for each in reversed(newest_first)]
    assert [*history.snapshots_of(ChartName.TOP, newest_first[:1])] == [found[-1]]
    assert [*history.snapshots_of(ChartName.TOP, [])] == []
    assert [*history.snapshots_of(ChartName.BOTTOM, newest_first)] == []


def test_a_snapshot(history: HistoryReader) -> None:
    snapshot = history.snapshot(ChartName.TOP, "run1")
    assert snapshot is not None
    assert snapshot.chart == replace(a_chart(2, 1, 3), captured_at=NOON + DAY)
    assert history.snapshot(ChartName.TOP_TV, "run1") is None
    assert history.snapshot(ChartName.TOP, "'; DROP TABLE runs; --") is None


def test_names_of_those_that_are_held(history: HistoryReader) -> None:
    assert history.names([title_number(1), title_number(2)]) == {title_number(1): "Title 1"}
    assert history.names([]) == {}


def test_a_database_that_goes_away(history: HistoryReader, postgres_url: str) -> None:
    execute(
        postgres_url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()",
        "DROP TABLE rating_history",
    )
    with pytest.raises(RepositoryUnavailable):
        history.of_title(title_number(1))
