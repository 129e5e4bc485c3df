"""``python main.py export`` as a user meets it."""

import csv
import io
import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from infrastructure.repositories.csv import open_csv_repository
from infrastructure.repositories.postgres import open_postgres_repository
from tests.builders import a_run, a_title, keywords
from tests.contract.factories import in_billing_order
from tests.e2e.program import ROOT, environment, run, start
from tests.exported import from_json_lines, from_parquet, from_sqlite, numbered_anew

TITLES = [
    a_title(1, title="=1+1", year=1975, genres=("Horror",), rating=7.5, details=(keywords("a"),)),
    a_title(2, title="Later", year=1985, genres=("Horror", "Drama"), rating=8.0),
    a_title(3, title="Unrated", year=1978, genres=("Horror",), rating=None, votes=None),
    a_title(4, title="日本 \U0001f3ac", year=1971, genres=("Drama",), rating=6.0),
]
SEVENTIES = "year >= 1970 and year < 1980 and 'Horror' in genres and rating > 7"


@pytest.fixture
def saved(tmp_path: Path, postgres_url: str) -> dict[str, object]:
    """The same titles in both repositories; the settings that lead to them."""
    with (
        open_csv_repository(tmp_path / "output") as files,
        open_postgres_repository(postgres_url) as database,
    ):
        for repository in (files, database):
            repository.save(TITLES, a_run())
    return {"database_url": postgres_url}


def test_csv_goes_to_standard_output(tmp_path, saved):
    result = run(tmp_path, "export", **saved)
    assert (result.status, result.err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(result.out, newline="")))
    assert [row["title"] for row in rows] == [title.title for title in TITLES]


@pytest.mark.parametrize("repository", ["csv", "postgres"])
def test_a_filter_an_order_and_columns(tmp_path, saved, repository):
    asked = ("export", "--format", "jsonl", "--from", repository)
    filtered = run(tmp_path, *asked, "--where", SEVENTIES, **saved)
    assert [json.loads(line)["imdb_id"] for line in filtered.out.splitlines()] == ["tt0000001"]
    sorted_ = run(tmp_path, *asked, "--sort", "-rating,title", "--columns", "title,rating", **saved)
    assert [json.loads(line) for line in sorted_.out.splitlines()] == [
        {"title": "Later", "rating": 8.0},
        {"title": "=1+1", "rating": 7.5},
        {"title": "日本 \U0001f3ac", "rating": 6.0},
        {"title": "Unrated", "rating": None},
    ]


@pytest.mark.parametrize("repository", ["csv", "postgres"])
def test_every_format_has_the_titles(tmp_path, saved, repository):
    for name in ("x.jsonl", "x.sqlite", "x.parquet", "x.xlsx", "x.csv"):
        result = run(tmp_path, "export", "--out", name, "--from", repository, **saved)
        assert (result.status, result.out, result.err) == (0, "", f"4 titles written to {name}\n")
    expected = [numbered_anew(title) for title in TITLES]
    assert from_json_lines((tmp_path / "x.jsonl").read_bytes()) == expected
    assert list(map(in_billing_order, from_sqlite(tmp_path / "x.sqlite"))) == [
        in_billing_order(title) for title in TITLES
    ]
    assert from_parquet(tmp_path / "x.parquet") == expected
    sheets = CalamineWorkbook.from_path(tmp_path / "x.xlsx")
    assert sheets.sheet_names == ["titles", "people", "credits", "keywords"]
    printed = run(tmp_path, "export", "--from", repository, **saved).out
    assert (tmp_path / "x.csv").read_text("utf-8") == printed


def test_without_a_name_a_file_goes_to_the_output_folder(tmp_path, saved):
    assert run(tmp_path, "export", "--format", "sqlite", **saved).status == 0
    with closing(sqlite3.connect(tmp_path / "output/export.sqlite")) as database:
        assert database.execute("SELECT count(*) FROM titles").fetchone() == (4,)


def test_formulas_are_escaped_where_the_setting_says_so(tmp_path, saved):
    asked = ("export", "--columns", "title", "--where", "year == 1975")
    assert run(tmp_path, *asked, **saved).out == "title\n=1+1\n"
    escaped = run(tmp_path, *asked, "--csv-escape-formulas", "true", **saved)
    assert escaped.out == "title\n'=1+1\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--where", "yaer > 1970"], "--where: no field yaer: did you mean year?\n  yaer > 1970\n"),
        (["--where", "year >"], "--where: this cannot be read"),
        (["--where", ""], "--where: the filter is empty"),
        (["--sort", "genres"], "--sort: cannot sort by genres: it is a list"),
        (["--sort", "yeer"], "did you mean year"),
        (["--sort", "year,-year"], "twice"),
        (["--columns", "yaer"], "--columns: no column 'yaer'"),
        (["--format", "sqlite", "--columns", "year"], "an SQLite file has tables"),
        (["--format", "xlsx", "--out", "-"], "xlsx needs a file"),
        (["--out", "titles.doc"], "--format: the name titles.doc does not tell"),
        (["--format", "doc"], "'doc' is not one of"),
        (["--out", "output/titles.csv"], "keeps its own CSV files"),
        (["--out", "output/run-report.json", "--format", "jsonl"], "run report: name another"),
    ],
)
def test_what_cannot_be_understood_is_said_before_anything_starts(tmp_path, arguments, said):
    result = run(tmp_path, "export", *arguments)
    assert result.status == 2
    assert said in result.err
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_is_saved_nothing_is_made(tmp_path):
    result = run(tmp_path, "export", "--out", "x.csv")
    assert result.status == 1
    assert "no titles are saved yet" in result.err
    assert list(tmp_path.iterdir()) == []


def test_a_filter_that_nothing_fits_gives_a_file_without_titles(tmp_path, saved):
    result = run(tmp_path, "export", "--where", "year > 3000", "--out", "x.csv", **saved)
    assert (result.status, result.err) == (0, "0 titles written to x.csv\n")
    assert len((tmp_path / "x.csv").read_text().splitlines()) == 1


def test_a_database_that_is_away_leaves_the_file_as_it_was(tmp_path):
    (tmp_path / "x.csv").write_text("before")
    result = run(
        tmp_path, "export", "--from", "postgres", "--out", "x.csv",
        database_url="postgresql://nobody@127.0.0.1:1/none",
    )  # fmt: skip
    assert result.status == 1
    assert result.err.startswith("postgres: ")
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]
    assert (tmp_path / "x.csv").read_text() == "before"


def test_a_library_that_is_missing_is_named(tmp_path, saved):
    hidden = tmp_path / "hidden" / "pyarrow"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ImportError('not here')")
    result = subprocess.run(
        [sys.executable, str(ROOT / "main.py"), "export", "--out", "x.parquet"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        env=environment(output_dir=tmp_path / "output", **saved)
        | {"PYTHONPATH": str(hidden.parent)},
    )  # fmt: skip
    assert result.returncode == 1
    assert "pyarrow, which is not installed: pip install -r requirements/parquet.txt" in (
        result.stderr
    )
    assert not (tmp_path / "x.parquet").exists()


def test_a_run_loads_nothing_of_it():
    script = (
        "import sys, infrastructure.cli.main, infrastructure.cli.runs, infrastructure.container\n"
        "import infrastructure.repositories.csv, infrastructure.repositories.postgres\n"
        "print([name for name in sys.modules if name.partition('.')[0] in "
        "{'plotly', 'pyarrow', 'xlsxwriter', 'sqlite3'} or name.startswith(('application.title_', "
        "'application.conditions', 'infrastructure.exporters', 'infrastructure.report_page'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


@pytest.fixture
def many(tmp_path: Path) -> Path:
    with open_csv_repository(tmp_path / "output") as repository:
        for start_ in range(1, 5_000, 500):
            batch = [a_title(number, plot="x" * 500) for number in range(start_, start_ + 500)]
            repository.save(batch, a_run())
    return tmp_path


def test_a_pipe_that_is_closed_ends_it_in_silence(many):
    with start(many, "export", repositories="csv") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("imdb_id,")
        process.stdout.close()
        assert process.stderr is not None
        said = process.stderr.read()
        process.wait(60)
    assert said == ""
    assert process.returncode == 1


def test_an_interrupted_export_leaves_no_half_file(many):
    (many / "x.jsonl").write_text("before")
    with start(many, "export", "--out", "x.jsonl", repositories="csv") as process:
        while not [path for path in many.iterdir() if path.suffix == ".part"]:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert "Traceback" not in said
    assert process.returncode == 130
    assert (many / "x.jsonl").read_text() == "before"
    assert sorted(path.name for path in many.iterdir()) == ["output", "x.jsonl"]
