"""The benchmark of saving counts what it saves, and fails when it must. No test asserts a time."""

import pytest

from application.composite_save import CompositeSave
from benchmarks import save_titles
from benchmarks.save_titles import TitlesMissing, check_all_saved, hand_over, make_titles
from domain.errors import RepositoryUnavailable
from tests.fakes import FakeRepository, RecordingObserver


@pytest.fixture
def on_test_server(monkeypatch: pytest.MonkeyPatch, postgres_server: str) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres_server)


def test_the_same_numbers_give_the_same_titles_with_some_new_people_each() -> None:
    titles = make_titles(1, 50, 15)
    assert titles[20:] == make_titles(21, 30, 15)
    assert {len(title.credits) for title in titles} == {15}
    seen: set[str] = set()
    for title in titles[1:]:
        people = {person.imdb_id for person in title.people}
        assert len(people - seen) >= save_titles.NEW_PEOPLE
        seen |= people


@pytest.mark.usefixtures("on_test_server")
def test_every_way_is_measured_on_empty_repositories(capsys: pytest.CaptureFixture[str]) -> None:
    save_titles.main(["--titles", "30", "--batch", "7", "--runs", "2"])
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [row[0] for row in rows if len(row) == 5] == ["1", "2", "median"]


@pytest.mark.usefixtures("on_test_server")
def test_growth_is_told_at_each_size(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(save_titles, "MILESTONES", (10, 30, 1000))
    monkeypatch.setattr(save_titles, "_TITLES_MORE", 5)
    assert save_titles.main(["--grow-to", "45"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[2:]]
    assert [row[0] for row in rows] == ["10", "30", "45"]


def test_a_repository_that_fails_is_not_waited_for() -> None:
    broken, counting = FakeRepository(), save_titles._Counting()
    broken.errors = [RepositoryUnavailable("fake", "the disk is full")]
    with CompositeSave([broken.opener()], counting) as save:
        hand_over(save, make_titles(1, 5, 2), 5)
        with pytest.raises(TitlesMissing, match="the disk is full"):
            counting.wait_until_all_have(5, [broken.name])


@pytest.mark.parametrize("expected", [49, 51])
def test_lost_or_doubled_titles_are_an_error(expected: int) -> None:
    with CompositeSave([FakeRepository().opener()], RecordingObserver()) as save:
        hand_over(save, make_titles(1, 50, 2), 7)
        with pytest.raises(TitlesMissing, match=f"took 50 and holds 50 of {expected}"):
            check_all_saved(save, expected)


@pytest.mark.parametrize(
    ("titles_a_second", "ratio", "status"),
    [(3000, 1.15, 0), (2999, 1.0, 1), (9000, 1.16, 1)],
)
def test_slow_saving_is_a_failure(titles_a_second: float, ratio: float, status: int) -> None:
    assert save_titles._verdict(titles_a_second, ratio) == status
