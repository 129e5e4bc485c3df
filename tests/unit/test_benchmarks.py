"""The benchmarks measure what they say, and fail when they must. No test asserts a time."""

import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

import benchmarks.__main__ as bench
from benchmarks import done_when, parse_page, tables
from benchmarks.contestants import (
    ORIGINAL,
    OURS,
    REFERENCE,
    SCRAPY,
    STRATEGIES,
    SYSTEMS,
    WHAT_A_PAGE_SHOWS,
)
from benchmarks.correctness import EVERYTHING, rows_of_facts
from benchmarks.machine import machine_facts, machine_line
from benchmarks.measured_process import CommandFailed, Cost, run_measured
from benchmarks.page import MarkerMissing, with_section
from benchmarks.race import Result
from benchmarks.results import MemoryCurve, Parts, Race, Results, read_results, write_results
from demo.facts import synthetic_facts
from infrastructure.scrapers.imdb_pages import parse_title

ROOT = Path(__file__).parents[2]

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


@pytest.mark.parametrize(
    ("command", "option", "given"),
    [
        (parse_page.main, "--page-bytes", "0"),
        (parse_page.main, "--page-bytes", "-1"),
        (done_when.main, "--rounds", "many"),
        (bench.main, "PART", "everything"),
    ],
)
def test_what_makes_no_sense_is_refused(
    command: Any, option: str, given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        command([option, given] if option.startswith("-") else [given])
    assert stopped.value.code == 2
    assert option in capsys.readouterr().err


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


def test_what_a_process_waited_for_is_part_of_its_cost(tmp_path: Path) -> None:
    busy = "import time\nwhile time.process_time() < 0.3: pass"
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}])"
    cost = run_measured(
        [sys.executable, "-c", script], folder=tmp_path, environment={}, log=tmp_path / "log"
    )
    assert cost.cpu_seconds >= 0.3


def test_the_peak_is_not_that_of_whoever_measures(tmp_path: Path) -> None:
    ballast = b"x" * 300_000_000
    cost = run_measured(
        [sys.executable, "-c", "pass"], folder=tmp_path, environment={}, log=tmp_path / "log"
    )
    assert cost.peak_bytes < 100_000_000 < len(ballast)


def test_a_process_can_be_watched_while_it_runs(tmp_path: Path) -> None:
    watched: list[int] = []
    script = "import os; print(os.getpid())"
    log = tmp_path / "log"
    run_measured(
        [sys.executable, "-c", script],
        folder=tmp_path,
        environment={},
        log=log,
        watch=watched.append,
    )
    assert watched == [int(log.read_text(encoding="utf-8"))]


def test_a_command_that_takes_too_long_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.measured_process.TIME_LIMIT_SECONDS", 1)
    script = "import threading; threading.Event().wait()"
    with pytest.raises(CommandFailed, match="ended with -9"):
        run_measured(
            [sys.executable, "-c", script], folder=tmp_path, environment={}, log=tmp_path / "log"
        )


def test_a_command_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="nothing-of-this-name could not be started"):
        run_measured(
            ["nothing-of-this-name"], folder=tmp_path, environment={}, log=tmp_path / "log"
        )


# --- the promises ---------------------------------------------------------------------------------


def costing(wall_seconds: float, cpu_seconds: float = 1.0) -> Result:
    return Result([Cost(wall_seconds, cpu_seconds, 90_000_000)] * 3)


def measured(ours: Result = costing(1.2), reference: Result = costing(1.0)) -> Results:  # noqa: B008
    both = {OURS.name: ours, REFERENCE.name: reference}
    others = {SCRAPY.name: costing(12.0), ORIGINAL.name: costing(60.0)}
    return Results(
        machine_facts(),
        1_440_000,
        systems=[
            Race(250, 0, both),
            Race(250, 100, both | others),
            Race(250, 100, both, tls=True),
        ],
    )


def broken(results: Results) -> list[str]:
    return [verdict.promise for verdict in done_when.verdicts(results) if verdict.met is False]


def test_promises_that_are_kept() -> None:
    verdicts = done_when.verdicts(measured())
    assert len(verdicts) == 8
    assert broken(measured()) == []


def test_ours_may_take_so_long_or_so_many_times_the_reference_whichever_is_longer() -> None:
    assert "whole job, 100 ms" not in broken(measured(costing(1.35), costing(0.5)))
    assert "whole job, 100 ms" in broken(measured(costing(1.36), costing(0.5)))
    assert "whole job, 100 ms" not in broken(measured(costing(2.5), costing(2.0)))
    assert "whole job, 100 ms" in broken(measured(costing(2.51), costing(2.0)))


def test_without_a_delay_and_over_tls_the_reference_alone_counts() -> None:
    assert broken(measured(costing(1.3), costing(0.59))) == [
        "whole job, no delay",
        "whole job, 100 ms, TLS",
    ]


def test_how_many_times_faster_ours_is_stands_beside_the_reference_and_has_no_limit() -> None:
    [scrapy, original] = [v for v in done_when.verdicts(measured()) if v.met is None]
    assert (scrapy.measured, scrapy.limit) == ("10.0", "the reference: 12.0")
    assert (original.measured, original.limit) == ("50.0", "the reference: 60.0")


def test_cpu_time_has_limits_of_its_own_over_tls() -> None:
    assert broken(measured(costing(1.2, cpu_seconds=1.26))) == [
        "CPU per title, 100 ms",
        "CPU per title, no delay",
    ]
    assert "CPU per title, 100 ms, TLS" in broken(measured(costing(1.2, cpu_seconds=1.63)))


def test_nothing_is_promised_of_a_run_that_failed() -> None:
    failed = Result([], failure="2 titles differ")
    assert len(broken(measured(failed))) == 8
    assert "whole job, 100 ms" in broken(measured(reference=failed))


def test_a_race_that_was_not_run_has_no_verdict() -> None:
    assert done_when.verdicts(Results(machine_facts(), 1)) == []


# --- tables, pictures and the page ----------------------------------------------------------------


def full_results() -> Results:
    """Something of everything that is measured; one system has failed."""
    results = measured()
    results.systems = [
        Race(250, delay_ms, {system.name: costing(2.0) for system in SYSTEMS})
        for delay_ms in (0, 100)
    ] + [results.systems[-1]]
    results.systems[0].results[SCRAPY.name] = Result(failure="CSV: 1 titles | differ")
    results.strategies = [
        Race(titles, delay_ms, {strategy.name: costing(titles / 100) for strategy in STRATEGIES})
        for delay_ms, lengths in bench.FULL.grid.items()
        for titles in lengths
    ]
    results.reading = dict.fromkeys(parse_page.WAYS, 0.0015)
    shares = {"start-up": 0.2, "network": 0.3, "unpack": 0.1, "save": 0.1, "decode": 0, "build": 0}
    results.stages = {"session": Parts(250, shares), OURS.name: Parts(250, why="no --profile")}
    results.memory = {OURS.name: MemoryCurve(500, 100, [(0.1, 50_000_000), (0.2, 90_000_000)])}
    results.printed = {part: f"what {part} prints" for part in bench.PROGRAMS}
    return results


def test_a_system_that_failed_has_its_reason_in_place_of_figures() -> None:
    lines = tables.systems_table(full_results().systems[0]).splitlines()
    (failed,) = [line for line in lines if line.startswith(f"| {SCRAPY.name} ")]
    assert "failed: CSV: 1 titles / differ" in failed
    assert "2.00" not in failed
    assert all(line.count("|") == lines[0].count("|") for line in lines)


def test_the_reference_is_the_unit_of_the_table() -> None:
    race = Race(250, 0, {OURS.name: costing(3.0), REFERENCE.name: costing(2.0)})
    ours, reference = tables.systems_table(race).splitlines()[2:]
    assert "| 3.00 | 1.50 | 4.0 | 90 |" in ours
    assert "| 2.00 | 1.00 |" in reference


def test_the_page_has_a_place_for_everything_that_is_measured() -> None:
    page = bench.PAGE.read_text(encoding="utf-8")
    for name, text in bench.sections(full_results()).items():
        assert text in with_section(page, name, text)


def test_only_what_stands_between_its_markers_is_replaced() -> None:
    before, after = (
        "before\n<!-- begin a -->",
        "<!-- end a -->\nafter <!-- begin b --><!-- end b -->",
    )
    page = f"{before}\nold\n{after}"
    assert with_section(page, "a", "new \\1") == f"{before}\n\nnew \\1\n\n{after}"
    with pytest.raises(MarkerMissing, match="begin c"):
        with_section(page, "c", "new")


def test_figures_can_be_read_again(tmp_path: Path) -> None:
    write_results(full_results(), tmp_path / "new" / "results.json")
    assert read_results(tmp_path / "new" / "results.json") == full_results()


def test_page_and_pictures_are_made_again_from_kept_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib comes with make bench")
    page = tmp_path / "performance.md"
    page.write_text(bench.PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(bench, "ROOT", tmp_path)
    monkeypatch.setattr(bench, "PAGE", page)
    monkeypatch.setattr(bench, "IMAGES", tmp_path / "images")
    monkeypatch.setattr(bench, "RESULTS_FILE", tmp_path / "results.json")
    write_results(full_results(), tmp_path / "results.json")
    assert bench.main(["--redraw"]) == 1  # one has failed
    assert "failed: CSV: 1 titles / differ" in page.read_text(encoding="utf-8")
    drawn = {path.name for path in (tmp_path / "images").iterdir()}
    assert drawn == {
        "systems.svg",
        "strategies.svg",
        "strategies-fast.svg",
        "cpu-by-stage.svg",
        "memory.svg",
    }
    shown = set(re.findall(r"images/([\w-]+\.svg)", page.read_text(encoding="utf-8")))
    assert drawn <= shown


# --- what a run is compared with ------------------------------------------------------------------


def test_a_run_should_have_saved_every_fact_of_its_titles() -> None:
    facts = synthetic_facts(250).titles
    expected = rows_of_facts(facts, EVERYTHING)
    assert expected.counts == (250, len(expected.people), len(expected.credits))
    shawshank = next(row for row in expected.titles if row[0] == "tt0111161")
    assert shawshank[1:6] == ("The Shawshank Redemption",) * 2 + (1994.0, 142.0, 9.3)
    several = [row for row in expected.credits if len(row[5]) > 1]
    shown = rows_of_facts(facts, WHAT_A_PAGE_SHOWS).credits
    assert several
    assert all((*row[:5], row[5][:1]) in shown for row in several)


def test_the_machine_is_described_in_a_line() -> None:
    facts = machine_facts()
    assert facts["cores"] == str(os.cpu_count())
    assert f"Python {facts['python']}" in machine_line(facts)


def test_every_contestant_has_a_name_and_a_module_of_its_own() -> None:
    everybody = dict.fromkeys([*SYSTEMS, *STRATEGIES])
    assert len({contestant.name for contestant in everybody}) == len(everybody)
    for contestant in everybody:
        if contestant.module:
            assert (ROOT / f"{contestant.module.replace('.', '/')}.py").is_file()
