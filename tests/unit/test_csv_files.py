"""What the CSV files look like to whoever opens them with something else."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from domain.title import Person, Title
from infrastructure.repositories.csv import open_csv_repository
from infrastructure.repositories.csv.rows import (
    CREDIT_COLUMNS,
    TITLE_COLUMNS,
    TitleRows,
    credit_from,
    decode,
    title_from,
)
from tests import strategies
from tests.builders import a_chart, a_run, a_title, cast_of, person_number, title_number

RUN = a_run()


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


def test_the_files_byte_by_byte(tmp_path: Path) -> None:
    with open_csv_repository(tmp_path) as repository:
        repository.begin_run(RUN, a_chart(111161))
        repository.save([a_title()], RUN)
    assert (tmp_path / "titles.csv").read_bytes() == (
        b"imdb_id,kind,title,original_title,year,end_year,runtime_minutes,rating,votes,metascore,"
        b"certificate,genres,release_date,plot,source,found_by,fetched_at,run_id\r\n"
        b"tt0111161,movie,Title 111161,Original 111161,1994,,142,9.3,3135642,82,R,"
        b'"[""Drama"", ""Crime""]",1994-10-14,"A plot, with a comma and a ""quote"".",'
        b"html,next_data,2026-01-01T12:00:00+00:00,20260101T120000Z-test\r\n"
    )
    assert (tmp_path / "people.csv").read_bytes() == (
        b"imdb_id,name,fetched_at\r\n"
        b"nm0000001,Person 1,2026-01-01T12:00:00+00:00\r\n"
        b"nm0000002,Person 2,2026-01-01T12:00:00+00:00\r\n"
    )
    assert (tmp_path / "credits.csv").read_bytes() == (
        b"title_id,category,position,person_id,name,characters\r\n"
        b"tt0111161,director,1,nm0000001,Person 1,\r\n"
        b'tt0111161,cast,1,nm0000002,Person 2,"[""Andy"", ""Self""]"\r\n'
        b"tt0111161,cast,2,,Uncredited Extra,\r\n"
    )
    assert (tmp_path / "chart.csv").read_bytes() == (
        b"chart,rank,imdb_id,run_id,captured_at\r\n"
        b"top,1,tt0111161,20260101T120000Z-test,2026-01-01T12:00:00+00:00\r\n"
    )


def test_an_opened_folder_has_headers_and_nothing_else(tmp_path: Path) -> None:
    with open_csv_repository(tmp_path / "new" / "folder"):
        pass
    names = {path.name for path in (tmp_path / "new" / "folder").iterdir()}
    assert names == {".lock", "titles.csv", "people.csv", "credits.csv"}
    columns = (tmp_path / "new" / "folder" / "titles.csv").read_text(encoding="utf-8")
    assert columns == ",".join(TITLE_COLUMNS) + "\n"


def test_a_whole_rating_keeps_its_decimal_place(tmp_path: Path) -> None:
    with open_csv_repository(tmp_path) as repository:
        repository.save([a_title(rating=8), a_title(2, rating=None)], RUN)
    assert [row["rating"] for row in rows_of(tmp_path / "titles.csv")] == ["8.0", ""]


def test_text_of_any_script_is_readable_in_a_list(tmp_path: Path) -> None:
    with open_csv_repository(tmp_path) as repository:
        repository.save([a_title(genres=("Драма", "喜劇"))], RUN)
    cell = rows_of(tmp_path / "titles.csv")[0]["genres"]
    assert "Драма" in cell
    assert json.loads(cell) == ["Драма", "喜劇"]


def test_an_update_keeps_the_place_of_its_title_and_the_run_that_saved_it(tmp_path: Path) -> None:
    later = a_run("20260102T120000Z-test")
    with open_csv_repository(tmp_path) as repository:
        repository.save([a_title(number) for number in (1, 2, 3)], RUN)
    with open_csv_repository(tmp_path) as repository:
        newer = a_title(2, minutes_later=1, credits=cast_of(*map(person_number, range(1, 9))))
        repository.save([newer, a_title(3)], later)
    titles = rows_of(tmp_path / "titles.csv")
    assert [row["imdb_id"] for row in titles] == [title_number(number) for number in (1, 2, 3)]
    assert [row["run_id"] for row in titles] == [RUN.run_id, later.run_id, later.run_id]
    order = list(dict.fromkeys(row["title_id"] for row in rows_of(tmp_path / "credits.csv")))
    assert order == [title_number(number) for number in (1, 2, 3)]
    assert not (tmp_path / ".updates").exists()


def test_saving_the_same_batch_again_in_a_run_writes_nothing(tmp_path: Path) -> None:
    with open_csv_repository(tmp_path) as repository:
        repository.save([a_title(1), a_title(2)], RUN)
        repository.save([a_title(1), a_title(2)], RUN)
        assert not (tmp_path / ".updates").exists()


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
def test_files_that_an_editor_has_saved_are_still_ours(tmp_path: Path, line_end: bytes) -> None:
    with open_csv_repository(tmp_path) as repository:
        repository.save([a_title(1)], RUN)
        before = list(repository.titles())
    for path in tmp_path.glob("*.csv"):
        path.write_bytes(path.read_bytes().replace(b"\r\n", line_end))
    with open_csv_repository(tmp_path) as repository:
        assert list(repository.titles()) == before
        repository.save([a_title(2), a_title(1, minutes_later=1)], RUN)
    assert [row["imdb_id"] for row in rows_of(tmp_path / "titles.csv")] == [
        title_number(1),
        title_number(2),
    ]


def test_a_title_deleted_by_hand_takes_its_credits_along(tmp_path: Path) -> None:
    with open_csv_repository(tmp_path) as repository:
        repository.save([a_title(number) for number in (1, 2, 3)], RUN)
    path = tmp_path / "titles.csv"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2] + lines[3:]))
    with open_csv_repository(tmp_path) as repository:
        assert repository.counts().titles == 2
        repository.save([a_title(2)], RUN)
        assert sorted(repository.titles(), key=lambda t: t.imdb_id) == sorted(
            (a_title(number) for number in (1, 2, 3)), key=lambda t: t.imdb_id
        )
    assert len(rows_of(tmp_path / "credits.csv")) == 9


def test_a_deleted_people_file_is_filled_again(tmp_path: Path) -> None:
    with open_csv_repository(tmp_path) as repository:
        repository.save([a_title()], RUN)
        before = (tmp_path / "people.csv").read_bytes()
        (tmp_path / "people.csv").unlink()
        repository.save([a_title()], RUN)
    assert (tmp_path / "people.csv").read_bytes() == before


def test_an_older_title_does_not_rename_a_person(tmp_path: Path) -> None:
    old, new = person_number(1), Person(person_number(1).imdb_id, "New Name")
    with open_csv_repository(tmp_path) as repository:
        repository.save([a_title(1, minutes_later=5, credits=cast_of(new))], RUN)
    with open_csv_repository(tmp_path) as repository:
        repository.save([a_title(2, credits=cast_of(old))], RUN)
    assert [row["name"] for row in rows_of(tmp_path / "people.csv")] == ["New Name"]
    with open_csv_repository(tmp_path) as repository:
        repository.save([a_title(3, minutes_later=9, credits=cast_of(old))], RUN)
    assert [row["name"] for row in rows_of(tmp_path / "people.csv")] == [old.name]


def test_a_known_person_who_is_credited_again_is_not_written_again(tmp_path: Path) -> None:
    with open_csv_repository(tmp_path) as repository:
        repository.save([a_title(1)], RUN)
        before = (tmp_path / "people.csv").read_bytes()
        repository.save([a_title(2, minutes_later=5), a_title(1, minutes_later=6)], RUN)
        assert (tmp_path / "people.csv").read_bytes() == before
        assert rows_of(tmp_path / ".updates" / "people.csv") == []


def test_a_person_row_tells_the_newest_page_when_the_files_are_merged(tmp_path: Path) -> None:
    with open_csv_repository(tmp_path) as repository:
        repository.save([a_title(1, credits=cast_of(person_number(1)))], RUN)
        repository.save([a_title(1, minutes_later=5, credits=cast_of(person_number(1)))], RUN)
        repository.save([a_title(1, minutes_later=6, credits=())], RUN)
    (row,) = rows_of(tmp_path / "people.csv")
    assert row["fetched_at"] == "2026-01-01T12:05:00+00:00"


@given(title=strategies.titles)
def test_any_title_is_its_rows(title: Title) -> None:
    rows = TitleRows.of(title, "run")
    (cells,) = decode(rows.title)
    credit_rows = decode(rows.credits)
    again = title_from(cells, [credit_from(row) for row in credit_rows])
    assert replace(again, credits=()) == replace(title, credits=())
    assert set(again.credits) == set(title.credits)
    assert TitleRows.of(again, "run").are(rows.title, rows.credits)
    assert TitleRows.of(again, "later run").have_the_facts_of(rows.title, rows.credits)
    assert {len(row) for row in credit_rows} <= {len(CREDIT_COLUMNS)}
