"""``python main.py datasets import``, as a user meets it."""

import json
import os
import signal
from pathlib import Path

import pytest

from benchmarks.synthetic_datasets import Sizes, write_datasets
from tests.databases import rows_of
from tests.dataset_files import (
    BASICS,
    NAMES,
    PRINCIPALS,
    RATINGS,
    name_line,
    principal_line,
    rating_line,
    table,
    title_line,
    write,
)  # fmt: skip
from tests.e2e.program import report, rows, run, start
from tests.servers import Handler, serving

COMMAND = ("datasets", "import", "--dir")


def test_a_folder_is_imported_and_accounted_for(tmp_path: Path, postgres_url: str) -> None:
    files = tmp_path / "files"
    write_datasets(files, Sizes.all_seven(300))

    result = run(tmp_path, *COMMAND, str(files), "--check-ids", database_url=postgres_url)

    assert result.status == 0, result.err
    rows = [line.split() for line in result.out.splitlines()]
    assert rows[0][:5] == ["file", "lines", "loaded", "filtered", "rejected"]
    by_name = {row[0]: row[1:] for row in rows[1:8]}
    assert by_name["title.principals"] == ["1,500", "1,500", "0", "0", "1,500", "0", "0", "0", "0"]
    assert by_name["title.ratings"][:4] == ["150", "150", "0", "0"]
    assert len(by_name) == 7
    assert "3,000 rows of 7 files" in result.out
    assert rows_of(postgres_url, "SELECT count(*) FROM imdb_datasets.titles") == [(300,)]


def test_it_needs_no_database_of_ones_own(tmp_path: Path) -> None:
    write(tmp_path, BASICS, [title_line(1, "Carmencita"), b"bad"])

    result = run(tmp_path, *COMMAND, str(tmp_path), "--only", "title.basics")

    assert result.status == 0, result.err
    assert "imdb_datasets.rejects" in result.out
    looked = run(tmp_path, "psql", "-Atc", "SELECT title, basics_source FROM known_titles")
    assert looked.out.strip(), looked.err
    assert looked.out.strip() == "Carmencita|datasets"


def test_the_account_as_json(tmp_path: Path, postgres_url: str) -> None:
    write(tmp_path, BASICS, [title_line(1), title_line(2), b"bad"])
    write(tmp_path, RATINGS, [rating_line(1, 900), rating_line(2, 5)])
    options = ("--only", "title.basics,title.ratings", "--min-votes", "100", "--json")

    result = run(tmp_path, *COMMAND, str(tmp_path), *options, database_url=postgres_url)

    assert result.status == 0, result.err
    basics, ratings = json.loads(result.out)["files"]
    assert basics == {
        "name": "title.basics", "outcome": "imported", "lines": 3, "loaded": 1, "filtered": 1,
        "rejected": 1, "inserted": 1, "updated": 0, "unchanged": 0, "removed": 0,
        "unknown_titles": None, "unknown_names": None, "problem": None,
    }  # fmt: skip
    assert (ratings["loaded"], ratings["unknown_titles"]) == (1, None)
    again = run(tmp_path, *COMMAND, str(tmp_path), *options, database_url=postgres_url)
    assert {file["outcome"] for file in json.loads(again.out)["files"]} == {"unchanged"}


def test_a_missing_file_is_named_and_the_others_are_imported(
    tmp_path: Path, postgres_url: str
) -> None:
    write(tmp_path, BASICS, [title_line(1)])

    result = run(
        tmp_path, *COMMAND, str(tmp_path), "--only", "title.basics,title.crew",
        database_url=postgres_url,
    )  # fmt: skip

    assert result.status == 1
    assert f"title.crew: {tmp_path}/title.crew.tsv.gz: there is no such file" in result.err
    assert len(table(postgres_url, BASICS)) == 1


def test_a_cut_file_is_named(tmp_path: Path, postgres_url: str) -> None:
    path = write(tmp_path, BASICS, [title_line(n) for n in range(1, 500)])
    path.write_bytes(path.read_bytes()[:-9])

    result = run(
        tmp_path, *COMMAND, str(tmp_path), "--only", "title.basics", database_url=postgres_url
    )

    assert result.status == 1
    assert f"{path}: its gzip stream is cut short: remove it, and get it again" in result.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--only", "title.basic"), "'title.basic' is none of title.basics"),
        (("--kinds", "film"), "'film' is none of movie"),
        (("--min-votes", "-1"), "-1"),
        (("--only", "title.crew", "--kinds", "movie"), "title.basics: import it, too"),
        (("--repositories", "csv"), "add postgres to REPOSITORIES"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is(
    tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    result = run(tmp_path, *COMMAND, str(tmp_path), *options)

    assert result.status == 2
    assert said in " ".join(result.err.split())
    assert not (tmp_path / "output" / "postgres").exists()


def test_imported_titles_can_be_scraped(tmp_path: Path) -> None:
    write(tmp_path, BASICS, [title_line(1, "Carmencita"), title_line(2, kind="unheard of")])
    write(tmp_path, RATINGS, [rating_line(1, 900)])
    write(tmp_path, PRINCIPALS, [principal_line(1, 1, 7)])
    write(tmp_path, NAMES, [name_line(7, "Andy")])
    ids = ("titles", "tt0000001", "tt0000002", "tt0000003")

    before = run(tmp_path, *ids, sources="datasets")
    ill = run(tmp_path, "doctor", sources="datasets")
    only = "title.basics,title.ratings,title.principals,name.basics"
    run(tmp_path, *COMMAND, str(tmp_path), "--only", only)
    after = run(tmp_path, *ids, sources="datasets")
    well = run(tmp_path, "doctor", sources="datasets")

    assert (ill.status, well.status) == (3, 0)
    assert "!! source datasets" in ill.out
    assert "python main.py datasets import" in ill.out
    assert "ok source datasets" in well.out
    assert before.status == 3
    assert "python main.py datasets import" in before.out + before.err
    assert after.status == 1
    [title] = rows(tmp_path / "output", "titles.csv")
    assert (title["title"], title["votes"], title["source"]) == ("Carmencita", "900", "datasets")
    [credit] = rows(tmp_path / "output", "credits.csv")
    assert (credit["name"], credit["category"], credit["characters"]) == (
        "Andy",
        "cast",
        '["Andy"]',
    )
    reasons = {f["imdb_id"]: f["reason"] for f in report(tmp_path / "output")["failures"]}
    assert reasons == {"tt0000002": "invalid_title", "tt0000003": "not_found"}
    chart = run(tmp_path, sources="datasets")
    assert chart.status != 0
    assert "the dataset files have no charts" in chart.out + chart.err


def test_without_a_folder_the_files_are_downloaded(tmp_path: Path, postgres_url: str) -> None:
    path = write(tmp_path, BASICS, [title_line(n) for n in range(1, 1000)])
    data = path.read_bytes()

    def answer(request: Handler) -> None:
        if request.headers.get("If-None-Match") == '"one"':
            request.reply(304)
        else:
            request.reply(
                206, data, ETag='"one"', Content_Range=f"bytes 0-{len(data) - 1}/{len(data)}"
            )

    with serving({"/title.basics.tsv.gz": answer}) as server:
        given = {"datasets_url": server.url, "database_url": postgres_url}
        first = run(tmp_path, *COMMAND[:2], "--json", "--only", "title.basics,title.crew", **given)
        again = run(tmp_path, *COMMAND[:2], "--json", "--only", "title.basics", **given)

    basics, crew = json.loads(first.out)["files"]
    assert (first.status, basics["loaded"], crew["outcome"]) == (1, 999, "failed")
    assert crew["problem"] == f"{server.url}/title.crew.tsv.gz: HTTP 404"
    [basics] = json.loads(again.out)["files"]
    assert (again.status, basics["outcome"]) == (0, "unchanged")
    assert (tmp_path / "output" / "datasets" / "title.basics.tsv.gz").read_bytes() == data


@pytest.mark.parametrize("step", ["load", "place"])
def test_a_killed_import_leaves_the_old_rows_whole(
    tmp_path: Path, postgres_url: str, step: str
) -> None:
    files = tmp_path / "files"
    write_datasets(files, Sizes.of(40_000))
    run(tmp_path, *COMMAND, str(files), "--only", "title.basics", database_url=postgres_url)
    before = rows_of(postgres_url, "SELECT count(*), sum(start_year) FROM imdb_datasets.titles")
    write(files, BASICS, [title_line(n, "changed") for n in range(1, 40_000)])
    only = ("--only", "title.basics,title.principals")
    beginning = {
        "load": "SELECT count(*) FROM pg_stat_progress_copy",
        "place": "SELECT count(*) FROM pg_stat_activity"
        " WHERE query LIKE 'UPDATE imdb_datasets_rows%' AND state = 'active'",
    }[step]

    with start(tmp_path, *COMMAND, str(files), *only, database_url=postgres_url) as process:
        while rows_of(postgres_url, beginning) == [(0,)]:
            assert process.poll() is None, "it ended before it could be killed"
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=60)

    now = rows_of(postgres_url, "SELECT count(*), sum(start_year) FROM imdb_datasets.titles")
    assert now == before
    assert rows_of(postgres_url, "SELECT count(*) FROM imdb_datasets.title_principals") == [(0,)]

    result = run(tmp_path, *COMMAND, str(files), *only, "--json", database_url=postgres_url)

    basics, principals = json.loads(result.out)["files"]
    assert (result.status, basics["updated"], basics["removed"]) == (0, 39_999, 1)
    assert principals["inserted"] == 200_000
    left = "SELECT count(*) FROM pg_namespace WHERE nspname = 'imdb_datasets_loading'"
    assert rows_of(postgres_url, left) == [(0,)]


def test_an_interrupted_import_ends_and_leaves_nothing(tmp_path: Path, postgres_url: str) -> None:
    files = tmp_path / "files"
    write_datasets(files, Sizes.of(60_000))

    with start(tmp_path, *COMMAND, str(files), database_url=postgres_url) as process:
        while rows_of(postgres_url, "SELECT count(*) FROM pg_stat_progress_copy") == [(0,)]:
            assert process.poll() is None, "it ended before it could be interrupted"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "Traceback" not in err
    left = "SELECT count(*) FROM pg_namespace WHERE nspname = 'imdb_datasets_loading'"
    assert rows_of(postgres_url, left) == [(0,)]
    assert rows_of(postgres_url, "SELECT count(*) FROM imdb_datasets.files") == [(0,)]
