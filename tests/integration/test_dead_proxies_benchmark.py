"""The benchmark of dead proxies works; what it measures is not judged here."""

import pytest

from benchmarks import dead_proxies


def test_it_runs_and_shows_a_median(monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setattr(dead_proxies, "HIGHEST_RATIO", float("inf"))
    small = ["--runs", "1", "--titles", "20", "--delay", "0", "--page-bytes", "1000"]
    assert dead_proxies.main(small) == 0
    header, first, median = capsys.readouterr().out.splitlines()
    assert "ratio" in header
    assert first.split()[1:] == median.split()[1:]
