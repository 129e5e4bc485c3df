"""The benchmarks measure what they say, and fail when they must. No test asserts a time."""

import csv
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from benchmarks import batch_run, parse_page
from benchmarks.measured_process import CommandFailed, Cost, run_measured
from benchmarks.plain_requests import download
from demo.facts import synthetic_facts
from demo.site import DemoSite
from infrastructure.scrapers.imdb_pages import parse_title
from shared.config import Settings

# --- reading a page -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def samples() -> list[parse_page.Sample]:
    return parse_page.samples(2, 100_000)


def test_the_pages_are_those_of_the_first_titles_at_the_weight_asked_for(
    samples: list[parse_page.Sample],
) -> None:
    assert [parse_title(sample.page).imdb_id for sample in samples] == [
        facts.imdb_id for facts in synthetic_facts(2).titles
    ]
    assert all(100_000 <= len(sample.page.body) < 140_000 for sample in samples)


def test_every_way_reads_the_page_of_the_same_title(samples: list[parse_page.Sample]) -> None:
    ours, from_json, *trees = (read(samples[1]) for read in parse_page.WAYS.values())
    expected = synthetic_facts(2).titles[1]
    assert ours == parse_title(samples[1].page)
    assert isinstance(from_json, dict)
    assert from_json["props"]["pageProps"]["aboveTheFoldData"]["id"] == expected.imdb_id
    for tree in trees:
        heading: Any = tree
        assert heading.find("h1").get_text(strip=True) == expected.title


def test_each_way_is_measured_once_for_each_page(samples: list[parse_page.Sample]) -> None:
    times = parse_page.measure(samples)
    assert {way: len(taken) for way, taken in times.items()} == dict.fromkeys(parse_page.WAYS, 2)
    assert all(seconds > 0 for taken in times.values() for seconds in taken)


def test_parse_page_prints_each_way_and_ours_as_the_unit(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert parse_page.main(["--pages", "1", "--page-bytes", "50000"]) == 0
    lines = {line.split("  ")[0]: line.split() for line in capsys.readouterr().out.splitlines()}
    assert set(parse_page.WAYS) <= set(lines)
    assert lines[parse_page.OURS][-1] == "1.0"


@pytest.mark.parametrize("command", [parse_page.main, batch_run.main])
@pytest.mark.parametrize("number", ["0", "-1", "many"])
def test_numbers_that_make_no_sense_are_refused(
    command: Any, number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        command(["--page-bytes", number])
    assert stopped.value.code == 2
    assert "--page-bytes" in capsys.readouterr().err


# --- the batch run, with a stand-in for the site, the database and the program --------------------


PLAIN = Cost(wall_seconds=10.0, cpu_seconds=10.0, peak_bytes=50_000_000)
"""What the stand-in for plain downloads costs: the bound of a run is 10 s."""
OURS = Cost(wall_seconds=10.0, cpu_seconds=5.0, peak_bytes=100_000_000)


@dataclass
class StandIn:
    """Plays the programs that the benchmark runs, and the repositories that they fill."""

    ours: Cost = OURS
    in_csv: int = 2
    in_postgres: int = 2
    environments: list[Mapping[str, str]] = field(default_factory=list)

    def run(
        self, command: Sequence[str], *, folder: Path, environment: Mapping[str, str], log: Path
    ) -> Cost:
        if "benchmarks.plain_requests" in command:
            return PLAIN
        self.environments.append(environment)
        output = Path(environment["OUTPUT_DIR"])
        output.mkdir()
        with (output / "titles.csv").open("w", encoding="utf-8", newline="") as file:
            rows = [["imdb_id", "plot"], *([f"tt{n:07}", "two\nlines"] for n in range(self.in_csv))]
            csv.writer(file).writerows(rows)
        return self.ours


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    standing_in = StandIn()

    @contextmanager
    def server(_: object) -> Iterator[str]:
        yield "postgresql://nobody@nowhere.invalid/postgres"

    monkeypatch.setattr(batch_run, "demo_site", server)
    monkeypatch.setattr(batch_run, "embedded_postgres", server)
    monkeypatch.setattr(batch_run, "new_database", lambda url, number: url)
    monkeypatch.setattr(batch_run, "count_titles", lambda url: standing_in.in_postgres)
    monkeypatch.setattr(batch_run, "run_measured", standing_in.run)
    return standing_in


def measured(runs: int = 1) -> int:
    return batch_run.main(["--titles", "2", "--runs", str(runs)])


def test_a_fast_small_whole_run_is_a_success(
    stand_in: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    assert measured(runs=3) == 0
    assert len(stand_in.environments) == 3
    assert "NOT met" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("in_csv", "in_postgres", "message"),
    [
        (1, 2, "titles.csv has 1 titles instead of 2"),
        (3, 2, "titles.csv has 3 titles instead of 2"),
        (2, 0, "PostgreSQL has 0 titles instead of 2"),
    ],
)
def test_lost_or_doubled_rows_are_a_failure(
    stand_in: StandIn,
    capsys: pytest.CaptureFixture[str],
    in_csv: int,
    in_postgres: int,
    message: str,
) -> None:
    stand_in.in_csv, stand_in.in_postgres = in_csv, in_postgres
    assert measured() == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("ours", "status"),
    [
        (Cost(wall_seconds=15.0, cpu_seconds=1.0, peak_bytes=249_999_999), 0),
        (Cost(wall_seconds=15.1, cpu_seconds=1.0, peak_bytes=1), 1),
        (Cost(wall_seconds=1.0, cpu_seconds=1.0, peak_bytes=250_000_000), 1),
    ],
)
def test_a_slow_or_a_large_run_is_a_failure(stand_in: StandIn, ours: Cost, status: int) -> None:
    stand_in.ours = ours
    assert measured() == status


def test_the_bound_is_the_waiting_where_that_is_longer() -> None:
    workload = batch_run.Workload(titles=999, delay_seconds=1.0, page_bytes=1)
    measurement = batch_run.Measurement(
        workload.waiting_seconds, plain=Cost(5.0, 5.0, 1), ours=Cost(30.0, 1.0, 1)
    )
    assert workload.waiting_seconds == 1000 / batch_run.THREADS
    assert measurement.ratio == 1.5


def test_the_program_is_given_settings_that_exist(stand_in: StandIn) -> None:
    measured()
    given = stand_in.environments[0].keys() - os.environ.keys()
    assert given <= {name.upper() for name in Settings.model_fields}


# --- what a process costs -------------------------------------------------------------------------


def test_a_command_is_run_in_its_folder_and_its_cost_told(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = "import os; print(os.getcwd(), os.environ['GIVEN'])"
    cost = run_measured(
        [sys.executable, "-c", script], folder=tmp_path, environment={"GIVEN": "yes"}, log=log
    )
    assert log.read_text(encoding="utf-8").split() == [str(tmp_path), "yes"]
    assert cost.wall_seconds > 0
    assert cost.cpu_seconds > 0
    assert cost.peak_bytes > 1_000_000


def test_a_command_that_fails_is_reported_with_the_end_of_its_output(tmp_path: Path) -> None:
    script = "for n in range(100): print('line', n)\nraise SystemExit(7)"
    with pytest.raises(CommandFailed, match="ended with 7") as failure:
        run_measured(
            [sys.executable, "-c", script], folder=tmp_path, environment={}, log=tmp_path / "log"
        )
    assert "line 99" in str(failure.value)
    assert "line 50" not in str(failure.value)


def test_the_yardstick_downloads_and_unpacks_every_page() -> None:
    with DemoSite(synthetic_facts(2), page_bytes=100_000) as site:
        urls = [f"{site.url}/title/{facts.imdb_id}/" for facts in synthetic_facts(2).titles]
        assert 200_000 <= download(urls, threads=2) < 280_000
        assert len(site.requests) == 2
