"""The benchmark of workers, and the model, on a small scale; no time is judged."""

import msgspec
import pytest

from benchmarks import scale_model, workers


def test_runs_by_workers_are_measured_and_checked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path
) -> None:
    monkeypatch.setattr(workers, "FLEETS", (1, 2))
    monkeypatch.setattr(workers, "CASES", {workers.WAITING: workers.CASES[workers.DEFAULT]})
    monkeypatch.setattr(workers, "DEFAULT", workers.WAITING)
    monkeypatch.setattr(workers, "RESULTS", tmp_path / "workers.json")

    assert workers.main(["--quick"]) == 0

    kept = (tmp_path / "workers-quick.json").read_bytes()
    results = msgspec.json.decode(kept, type=workers.WorkersResults)
    runs = results.runs[workers.WAITING]
    assert [(one.workers, len(one.arrivals)) for one in runs] == [(0, 100), (1, 100), (2, 100)]
    assert all(one.program_cpu > 0 and one.database_cpu > 0 for one in runs)
    [limited] = results.limited
    assert (limited.workers, len(limited.arrivals)) == (2, 100)
    assert "| none: `python main.py` | 1 |" in capsys.readouterr().out


def test_what_a_title_costs_is_measured() -> None:
    store = scale_model.measure_store(500)
    assert store.title_bytes > 8 * 50  # a row for each of its credits
    assert store.rating_bytes > 24  # what PostgreSQL puts before each row

    source = scale_model.measure_source("graphql", 100)
    assert source.titles_a_request == 50
    assert 0 < source.answer_bytes < 1_000_000
    assert source.worker_cpu > 0
    assert source.database_cpu > 0


def test_a_title_that_is_missing_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    from benchmarks.fleet import measure_run, open_ground
    from benchmarks.measured_process import CommandFailed
    from demo.facts import synthetic_facts
    from demo.site import DemoSite

    with open_ground(DemoSite(synthetic_facts(5))) as ground:
        with pytest.raises(CommandFailed, match="5 of 6 titles are saved"):
            measure_run(ground, 6, 0, {"REQUESTS_PER_SECOND": "0"})
