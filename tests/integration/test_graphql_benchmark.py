"""The benchmark of runs over the API works; how long they take is not judged here."""

import pytest

from benchmarks import graphql_run


def test_it_runs_and_counts_requests(monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setattr(graphql_run, "LONGEST_SECONDS", float("inf"))
    assert graphql_run.main(["--runs", "1", "--titles", "20", "--delay", "0"]) == 0
    header, first, median = capsys.readouterr().out.splitlines()
    assert "requests" in header
    # robots.txt, the chart, and one question for all twenty titles.
    assert first.split()[:2] == ["1", "3"]
    assert median.split()[1] == "3"


def test_too_many_requests_are_a_failure(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(graphql_run, "LONGEST_SECONDS", float("inf"))
    monkeypatch.setattr(graphql_run, "MOST_REQUESTS", 2)
    assert graphql_run.main(["--runs", "1", "--titles", "20", "--delay", "0"]) == 1
