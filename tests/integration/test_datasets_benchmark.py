"""The benchmark of the import works; how long it takes is not judged here."""

from pathlib import Path

import pytest

from benchmarks import datasets_import


def test_it_runs_and_compares(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    postgres_server: str,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(datasets_import, "LEAST_SHARE", 0.0)
    monkeypatch.setenv("DATABASE_URL", postgres_server)
    options = ["--titles", "200", "--files", str(tmp_path)]

    assert datasets_import.main(options) == 0

    *_, header, first, median = capsys.readouterr().out.splitlines()
    assert header.split()[0] == "run"
    number, _, _, _, share, share_ahead, peak = first.split()
    assert number == "1"
    assert median.split() == ["median", share, share_ahead, peak]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "name.basics.tsv.gz", "title.basics.tsv.gz", "title.principals.tsv.gz",
        "title.ratings.tsv.gz",
    ]  # fmt: skip


def test_too_slow_an_import_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, postgres_server: str
) -> None:
    monkeypatch.setattr(datasets_import, "LEAST_SHARE", float("inf"))
    monkeypatch.setenv("DATABASE_URL", postgres_server)

    assert datasets_import.main(["--titles", "20"]) == 1
