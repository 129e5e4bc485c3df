"""The benchmark of the HTTP API works; how fast the answers are is not judged here."""

import shutil
from pathlib import Path

import pytest

from benchmarks import api_load, synthetic_store
from tests.databases import rows_of

needs_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")

FEW = ["--titles", "300", "--rate", "20", "--seconds", "2"]


@needs_wrk
def test_it_fills_serves_and_measures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(api_load, "MOST_MS", float("inf"))
    monkeypatch.setattr(api_load, "LEAST_SENT", 0.5)
    monkeypatch.setattr(api_load, "_WARM_UP_SECONDS", 1)

    assert api_load.main([*FEW, "--folder", str(tmp_path)]) == 0

    *_, headings, title, listed, search, mix, people, repeated, verdict = (
        capsys.readouterr().out.splitlines()
    )
    assert headings.split()[:3] == ["requests", "sent/s", "answered/s"]
    rows = [row.split() for row in (title, listed, search, mix, people, repeated)]
    assert [row[0] for row in rows] == ["title", "list", "search", "mix", "people", "repeated"]
    assert all(row[8] == "0" for row in rows)
    assert verdict.endswith("met")


@needs_wrk
def test_slow_answers_are_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(api_load, "MOST_MS", 0)
    monkeypatch.setattr(api_load, "_WARM_UP_SECONDS", 1)

    assert api_load.main([*FEW, "title"]) == 1

    assert "title: p99" in capsys.readouterr().out


def test_another_store_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "postgres").mkdir()

    assert api_load.main([*FEW, "--folder", str(tmp_path)]) == 1

    assert "has another store" in capsys.readouterr().err


def test_words_are_those_that_the_store_has(postgres_url: str) -> None:
    numbers = (1, 12, 13, 399, 400, 7_999, 8_000, 59_999)
    asked = f"SELECT pg_temp.word(n) FROM unnest(ARRAY{list(numbers)}) AS n"
    made = rows_of(postgres_url, f"{synthetic_store._WORD}; {asked}")
    assert [word for (word,) in made] == [synthetic_store.word_of(n) for n in numbers]
