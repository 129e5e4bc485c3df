"""``chart.csv``: the latest snapshot of every chart."""

import csv
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from domain.chart import Chart, ChartName
from domain.errors import RepositoryUnavailable
from infrastructure.repositories.csv import open_csv_repository
from tests.builders import a_chart, a_run, title_number


def keep(directory: Path, chart: Chart | None, run_id: str = "run") -> None:
    with open_csv_repository(directory) as repository:
        repository.begin_run(a_run(run_id), chart)


def entries(directory: Path) -> list[tuple[str, int, str]]:
    with (directory / "chart.csv").open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream, strict=True)
        return [(row["chart"], int(row["rank"]), row["imdb_id"]) for row in rows]


def later(chart: Chart, minutes: int) -> Chart:
    return replace(chart, captured_at=chart.captured_at + timedelta(minutes=minutes))


def test_a_later_snapshot_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    keep(tmp_path, a_chart(3, 1, 2))
    keep(tmp_path, later(a_chart(2, 3), 1))
    assert entries(tmp_path) == [("top", 1, title_number(2)), ("top", 2, title_number(3))]


def test_an_earlier_snapshot_changes_nothing(tmp_path: Path) -> None:
    keep(tmp_path, later(a_chart(3, 1, 2), 5))
    before = (tmp_path / "chart.csv").read_bytes()
    keep(tmp_path, a_chart(2, 3), "late")
    assert (tmp_path / "chart.csv").read_bytes() == before


def test_charts_do_not_disturb_each_other(tmp_path: Path) -> None:
    keep(tmp_path, a_chart(9, name=ChartName.BOTTOM))
    keep(tmp_path, a_chart(1, 2))
    keep(tmp_path, later(a_chart(2), 1))
    assert entries(tmp_path) == [("top", 1, title_number(2)), ("bottom", 1, title_number(9))]


def test_a_run_without_a_chart_writes_none(tmp_path: Path) -> None:
    keep(tmp_path, None)
    assert not (tmp_path / "chart.csv").exists()


def test_nothing_is_left_beside_the_chart(tmp_path: Path) -> None:
    keep(tmp_path, a_chart(1))
    assert {path.name for path in tmp_path.glob("*chart*")} == {"chart.csv"}


@pytest.mark.parametrize("bad", ["top,first,tt0000001,run,", "best,1,tt0000001,run,x", "top,1"])
def test_a_row_that_cannot_be_read_is_named(tmp_path: Path, bad: str) -> None:
    keep(tmp_path, a_chart(1))
    path = tmp_path / "chart.csv"
    path.write_bytes(path.read_bytes() + bad.encode() + b"\r\n")
    before = path.read_bytes()
    with pytest.raises(RepositoryUnavailable, match=r"chart\.csv, record 3 "):
        keep(tmp_path, a_chart(2))
    assert path.read_bytes() == before
