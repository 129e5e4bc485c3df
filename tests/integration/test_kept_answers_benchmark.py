"""The benchmark of kept answers on a small scale."""

import pytest

from benchmarks import kept_answers


def test_it_compares_answers_made_anew_with_kept_ones(
    postgres_server: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres_server)
    monkeypatch.setattr(kept_answers, "_TITLES", 10)

    assert kept_answers.main(["--requests", "1"]) == 0

    out = capsys.readouterr().out
    assert out.count("made anew") == out.count("in memory") == len(kept_answers.ADDRESSES)
