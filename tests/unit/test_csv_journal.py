"""What the folder of the CSV files remembers of runs: its layout, its size, its damages."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from domain.errors import RepositoryUnavailable
from domain.run import Failure, RunOutcome, RunReport
from infrastructure.repositories.csv import journal, newest_runs, open_csv_repository
from tests.builders import NOON, a_run, title_number

IDS = (title_number(2), title_number(1))


def run_number(number: int):
    began = NOON + timedelta(minutes=number)
    return a_run(f"{began:%Y%m%dT%H%M%SZ}-{number:08x}", started_at=began)


def a_report(number: int) -> RunReport:
    failure = Failure(imdb_id=title_number(1), reason="unavailable", message="HTTP 500")
    return RunReport(
        run=run_number(number),
        finished_at=NOON + timedelta(minutes=number, seconds=3),
        outcome=RunOutcome.INCOMPLETE,
        asked=2,
        fetched=1,
        failures=(failure,),
        fetched_from={"html": 1},
    )


def test_a_run_is_a_folder_of_small_files(tmp_path: Path) -> None:
    run = run_number(0)
    folder = tmp_path / ".runs" / run.run_id
    with open_csv_repository(tmp_path) as repository:
        repository.begin_run(run, None, IDS)
        assert {path.name for path in folder.iterdir()} == {"run.json", "asked.txt", "lock"}
        repository.finish_run(a_report(0))
    assert {path.name for path in folder.iterdir()} == {
        "run.json", "asked.txt", "failures.json", "lock",
    }  # fmt: skip
    assert (folder / "asked.txt").read_text() == "tt0000002\ntt0000001\n"
    note = json.loads((folder / "run.json").read_text())
    assert note["run"]["run_id"] == run.run_id
    assert note["end"]["outcome"] == "incomplete"
    [failure] = json.loads((folder / "failures.json").read_text())
    assert failure["imdb_id"] == "tt0000001"


def test_the_latest_runs_are_read_without_the_files(tmp_path: Path) -> None:
    assert newest_runs(tmp_path, 5) == []
    for number in range(3):
        with open_csv_repository(tmp_path) as repository:
            repository.begin_run(run_number(number), None, IDS)
            repository.finish_run(a_report(number))
    (tmp_path / "titles.csv").write_text("something else")
    assert [record.run for record in newest_runs(tmp_path, 2)] == [run_number(2), run_number(1)]


def test_old_runs_are_forgotten_but_not_those_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "KEPT_RUNS", 3)
    with open_csv_repository(tmp_path) as first:
        first.begin_run(run_number(0), None, IDS)
        for number in range(1, 6):
            with open_csv_repository(tmp_path) as repository:
                repository.begin_run(run_number(number), None, IDS)
        kept = [record.run for record in newest_runs(tmp_path, 10)]
    assert kept == [run_number(number) for number in (5, 4, 3, 0)]


@pytest.mark.parametrize("content", [b"{", b'{"run": 3}', b"\xff"])
@pytest.mark.parametrize("name", ["run.json", "failures.json"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    with open_csv_repository(tmp_path) as repository:
        repository.begin_run(run_number(0), None, IDS)
        repository.finish_run(a_report(0))
        path = tmp_path / ".runs" / run_number(0).run_id / name
        path.write_bytes(content)
        with pytest.raises(RepositoryUnavailable, match=f"{name} is damaged.*remove the folder"):
            repository.run(run_number(0).run_id)
            repository.failures_of(run_number(0).run_id)


def test_a_damaged_run_does_not_hide_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with open_csv_repository(tmp_path) as repository:
        for number in range(3):
            repository.begin_run(run_number(number), None, IDS)
        path = tmp_path / ".runs" / run_number(1).run_id / "run.json"
        path.write_bytes(b"{")
        for found in (repository.runs(5), newest_runs(tmp_path, 5)):
            assert [record.run for record in found] == [run_number(2), run_number(0)]
    assert caplog.text.count(f"{path} is damaged") == 2


def test_a_file_that_a_power_cut_left_empty_counts_as_none(tmp_path: Path) -> None:
    with open_csv_repository(tmp_path) as repository:
        for number in (0, 1):
            repository.begin_run(run_number(number), None, IDS)
        folder = tmp_path / ".runs" / run_number(0).run_id
        for name in ("run.json", "asked.txt"):
            (folder / name).write_bytes(b"")
        assert [record.run for record in repository.runs(5)] == [run_number(1)]
        assert repository.asked_in(run_number(0).run_id) is None


def test_ids_that_are_none_are_not_taken_for_titles(tmp_path: Path) -> None:
    with open_csv_repository(tmp_path) as repository:
        repository.begin_run(run_number(0), None, IDS)
        path = tmp_path / ".runs" / run_number(0).run_id / "asked.txt"
        path.write_text("tt0000001\n../etc\n")
        with pytest.raises(RepositoryUnavailable, match=r"asked\.txt is damaged"):
            repository.asked_in(run_number(0).run_id)


def test_a_run_id_never_becomes_a_path_elsewhere(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    with open_csv_repository(inside) as repository:
        for run_id in ("../outside", "/outside", ".", "..", "", "a/b"):
            assert repository.run(run_id) is None
            with pytest.raises(RepositoryUnavailable, match="cannot be the id of a run"):
                repository.begin_run(a_run(run_id), None)
    assert [path.name for path in tmp_path.iterdir()] == ["inside"]


def test_a_file_in_the_place_of_the_journal_is_a_clear_error(tmp_path: Path) -> None:
    with open_csv_repository(tmp_path) as repository:
        (tmp_path / ".runs").write_text("mine")
        with pytest.raises(RepositoryUnavailable, match=r"\.runs"):
            repository.begin_run(run_number(0), None)
    assert (tmp_path / ".runs").read_text() == "mine"
