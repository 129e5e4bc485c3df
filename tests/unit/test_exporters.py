"""Every format, read back by a reader of its own, has the titles that were written."""

import csv
import gc
import io
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from application.export_columns import COLUMNS, FLAT, NAMES, TYPED, WHOLE, parse_columns
from domain.details import DetailName
from domain.details.items import BoxOfficeFigure, BoxOfficeKind
from domain.errors import ExportFailed, InvalidSelection
from domain.title import Credit, CreditCategory, Title
from infrastructure.cli.parse import title_as_json
from infrastructure.exporters import excel_file
from infrastructure.exporters.excel_file import ExcelWriter
from infrastructure.exporters.new_file import new_file
from infrastructure.exporters.parquet_file import ParquetWriter
from infrastructure.exporters.sqlite_file import SqliteWriter
from infrastructure.exporters.text_files import CsvWriter, JsonLinesWriter
from infrastructure.repositories.csv.formulas import escaped, unescaped
from tests.builders import a_detail, a_title, cast_of, credit, keywords, person_number
from tests.contract.factories import in_billing_order
from tests.exported import (
    from_csv,
    from_json_lines,
    from_parquet,
    from_sqlite,
    numbered_anew,
    split_list,
)
from tests.strategies import detailed_titles, every_detail, titles


def patient(examples: int) -> settings:
    """To draw titles with details takes a while, more so on a busy machine."""
    return settings(
        max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )


some_titles = st.lists(detailed_titles, max_size=3, unique_by=lambda title: title.imdb_id)


def csv_of(*written: Title, columns=FLAT, escape=str) -> bytes:
    stream = io.BytesIO()
    assert CsvWriter(stream, columns, escape).write(written) == ()
    return stream.getvalue()


def json_lines_of(*written: Title, columns=WHOLE) -> bytes:
    stream = io.BytesIO()
    JsonLinesWriter(stream, columns).write(written)
    return stream.getvalue()


def without_characters(title: Title) -> Title:
    return replace(title, credits=tuple(replace(c, characters=()) for c in title.credits))


class TestCsv:
    @given(written=st.lists(titles, max_size=3))
    @patient(50)
    def test_has_the_titles_with_names_and_ids(self, written):
        read = from_csv(csv_of(*written))
        assert read == [without_characters(numbered_anew(title)) for title in written]

    @given(written=st.lists(titles, max_size=3))
    @patient(50)
    def test_says_the_same_when_formulas_are_escaped(self, written):
        data = csv_of(*written, escape=partial(escaped, formulas=True))
        rows = list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))
        assert not any(cell[:1] in set("=+-@\t\r\n") for row in rows for cell in row if cell)
        plain = list(csv.reader(io.StringIO(csv_of(*written).decode(), newline="")))
        assert [[unescaped(cell) for cell in row] for row in rows] == plain

    def test_one_title(self):
        (row,) = csv.DictReader(io.StringIO(csv_of(a_title(genres=("A|B", "C\\", "D"))).decode()))
        assert row["genres"] == "A\\|B|C\\\\|D"
        assert split_list(row["genres"]) == ["A|B", "C\\", "D"]
        assert (row["year"], row["end_year"], row["rating"]) == ("1994", "", "9.3")
        assert (row["directors"], row["director_ids"]) == ("Person 1", "nm0000001")
        assert (row["cast"], row["cast_ids"]) == ("Person 2|Uncredited Extra", "nm0000002|")
        assert row["characters"] == "Andy / Self|"
        assert row["fetched_at"] == "2026-01-01T12:00:00.000000Z"

    def test_details_are_json_when_they_are_asked_for(self):
        columns = parse_columns("imdb_id, keywords, details, akas")
        data = csv_of(replace(a_title(), details=(keywords("a", "b"),)), columns=columns)
        (row,) = csv.DictReader(io.StringIO(data.decode()))
        assert list(row) == ["imdb_id", "keywords", "details", "akas"]
        assert [item["keyword"] for item in json.loads(row["keywords"])] == ["a", "b"]
        assert json.loads(row["details"])["keywords"]["is_whole"] is True
        assert row["akas"] == ""

    def test_without_titles_has_its_header(self):
        assert csv_of() == (",".join(column.name for column in FLAT) + "\r\n").encode()

    def test_many_titles_are_not_kept_until_the_end(self):
        stream = io.BytesIO()

        def endless():
            for number in range(1, 10_000):
                yield a_title(number)
                if stream.tell():
                    return

        CsvWriter(stream, FLAT, str).write(endless())
        assert stream.getvalue().count(b"\r\n") < 1_000


class TestJsonLines:
    @given(written=st.lists(detailed_titles, max_size=3))
    @patient(50)
    def test_has_everything(self, written):
        assert from_json_lines(json_lines_of(*written)) == [
            numbered_anew(title) for title in written
        ]

    @given(details=every_detail)
    @patient(20)
    def test_has_every_detail(self, details):
        title = a_title(details=details)
        assert from_json_lines(json_lines_of(title)) == [numbered_anew(title)]

    @given(title=titles)
    @patient(50)
    def test_has_what_parse_prints(self, title):
        told = json.loads(json_lines_of(title))
        printed = title_as_json(title)
        assert {name: told[name] for name in printed} == printed

    def test_of_a_detail_alone_unknown_is_not_empty(self):
        columns = parse_columns("keywords,akas")
        told = json_lines_of(
            a_title(details=(a_detail(DetailName.KEYWORDS),)), columns=columns
        ).decode()
        assert json.loads(told) == {"keywords": [], "akas": None}


def sqlite_of(folder: Path, *written: Title) -> Path:
    path = folder / "titles.sqlite"
    SqliteWriter(path).write(written)
    return path


class TestSqlite:
    @given(written=some_titles)
    @patient(30)
    def test_has_everything(self, written):
        with TemporaryDirectory() as folder:
            read = from_sqlite(sqlite_of(Path(folder), *written))
        expected = sorted(map(in_billing_order, written), key=lambda title: title.imdb_id)
        assert list(map(in_billing_order, read)) == expected

    @given(details=every_detail)
    @patient(10)
    def test_has_every_detail(self, details):
        title = in_billing_order(a_title(details=details))
        with TemporaryDirectory() as folder:
            read = from_sqlite(sqlite_of(Path(folder), title))
        assert list(map(in_billing_order, read)) == [title]

    def test_people_have_the_name_of_the_newest_title(self, tmp_path):
        def named(name: str) -> Credit:
            return replace(credit(person_number(1)), name=name)

        path = sqlite_of(
            tmp_path,
            a_title(1, credits=(named("Then"),)),
            a_title(2, credits=(named("Now"),), minutes_later=2),
            a_title(3, credits=(named("Before"),), minutes_later=1),
        )
        with closing(sqlite3.connect(path)) as database:
            assert database.execute("SELECT imdb_id, name FROM people").fetchall() == [
                ("nm0000001", "Now")
            ]
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert database.execute("PRAGMA foreign_key_check").fetchall() == []

    def test_what_people_look_for_has_an_index(self, tmp_path):
        with closing(sqlite3.connect(sqlite_of(tmp_path, a_title()))) as database:
            for question in (
                "SELECT * FROM titles WHERE year = 1994",
                "SELECT * FROM title_genres WHERE genre = 'Drama'",
                "SELECT * FROM credits WHERE person_id = 'nm0000001'",
                "SELECT * FROM credits WHERE title_id = 'tt0111161'",
                "SELECT * FROM keywords WHERE title_id = 'tt0111161'",
            ):
                ((*_, plan),) = database.execute(f"EXPLAIN QUERY PLAN {question}")
                assert plan.startswith("SEARCH"), plan

    def test_a_full_disk_is_said(self, tmp_path):
        with pytest.raises(ExportFailed, match="cannot be written"):
            SqliteWriter(tmp_path / "no folder" / "x.sqlite").write([a_title()])


def as_parquet_has_it(title: Title) -> Title:
    details = [
        replace(detail, provenance=title.provenance, is_whole=True) for detail in title.details
    ]
    return numbered_anew(replace(title, details=tuple(details)))


class TestParquet:
    @given(written=some_titles)
    @patient(30)
    def test_has_the_titles_with_their_details(self, written):
        with TemporaryDirectory() as folder:
            path = Path(folder) / "titles.parquet"
            ParquetWriter(path, TYPED).write(written)
            assert from_parquet(path) == list(map(as_parquet_has_it, written))

    @given(details=every_detail)
    @patient(10)
    def test_has_every_detail(self, details):
        title = a_title(details=details)
        with TemporaryDirectory() as folder:
            path = Path(folder) / "titles.parquet"
            ParquetWriter(path, TYPED).write([title])
            assert from_parquet(path) == [as_parquet_has_it(title)]

    def test_has_the_columns_that_are_named_whatever_is_in_them(self, tmp_path):
        import pyarrow.parquet

        path = tmp_path / "x.parquet"
        columns = parse_columns("votes,cast_ids,details")
        ParquetWriter(path, columns).write([a_title(votes=None)])
        table = pyarrow.parquet.read_table(path)
        assert table.to_pylist() == [
            {"votes": None, "cast_ids": ["nm0000002", None], "details": "[]"}
        ]
        ParquetWriter(path, columns).write([])
        assert pyarrow.parquet.read_table(path).schema.names == ["votes", "cast_ids", "details"]


def sheets_of(folder: Path, *written: Title) -> tuple[dict[str, list[list[object]]], list[str]]:
    path = folder / "x.xlsx"
    notices = ExcelWriter(path, NAMES).write(written)
    workbook = CalamineWorkbook.from_path(path)
    sheets = {
        name: workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
        for name in workbook.sheet_names
    }
    return sheets, list(notices)


class TestExcel:
    @given(written=some_titles)
    @patient(30)
    def test_has_titles_people_and_credits(self, written):
        with TemporaryDirectory() as folder:
            sheets, notices = sheets_of(Path(folder), *written)
        assert notices == []
        header, *rows = sheets["titles"]
        assert header == [column.name for column in NAMES]
        for title, cells in zip(written, rows, strict=True):
            row = dict(zip(header, cells, strict=True))
            assert row["title"] == title.title
            assert (row["plot"] or None) == title.plot
            assert tuple(split_list(row["genres"])) == title.genres
            for name in ("year", "rating", "votes", "metascore", "runtime_minutes"):
                assert row[name] == ("" if getattr(title, name) is None else getattr(title, name))
            names = [credit.name for credit in title.credits_of(CreditCategory.CAST)]
            assert split_list(row["cast"]) == names
        assert [row[0] for row in sheets["people"][1:]] == sorted(
            {person.imdb_id for title in written for person in title.people}
        )
        assert [
            (row[0], row[2], row[3], row[4] or None, row[5], tuple(split_list(row[6])))
            for row in sheets["credits"][1:]
        ] == [
            (title.imdb_id, c.category, c.position, c.person_id, c.name, c.characters)
            for title in map(in_billing_order, written)
            for c in title.credits
        ]
        for name in {detail.name for title in written for detail in title.details}:
            found = [d for t in written for d in t.details if d.name is name]
            assert len(sheets[name]) - 1 == sum(len(detail.items) for detail in found)

    def test_the_items_of_a_detail(self, tmp_path):
        budget = BoxOfficeFigure(kind=BoxOfficeKind.BUDGET, amount=25_000_000, currency="USD")
        sheets, _ = sheets_of(tmp_path, a_title(details=(a_detail(DetailName.BOX_OFFICE, budget),)))
        assert sheets["box_office"] == [
            ["of_title_id", "of_title", "place", "kind", "amount", "currency", "date"],
            ["tt0111161", "Title 111161", 1, "budget", 25_000_000, "USD", ""],
        ]

    def test_a_text_that_looks_like_a_formula_or_a_link_is_text(self, tmp_path):
        title = a_title(title='=HYPERLINK("http://x")', plot="http://example.org")
        sheets, _ = sheets_of(tmp_path, title)
        assert sheets["titles"][1][2] == '=HYPERLINK("http://x")'

    def test_characters_that_xml_cannot_have_come_through(self, tmp_path):
        text = " a\rb\x01\x0b_x0041_\n\t<&> "
        sheets, _ = sheets_of(tmp_path, a_title(title=text))
        assert sheets["titles"][1][2] == text

    def test_a_text_that_is_too_long_is_cut_and_said(self, tmp_path):
        sheets, notices = sheets_of(tmp_path, a_title(plot="\U0001f3ac" * 20_000))
        plot = sheets["titles"][1][13]
        assert plot == "\U0001f3ac" * 16_383
        (notice,) = notices
        assert notice.startswith("1 texts have more than the 32,767 characters that a cell takes")

    def test_a_full_sheet_goes_on_in_another(self, tmp_path, monkeypatch):
        monkeypatch.setattr(excel_file, "ROWS", 3)
        people = [person_number(number) for number in range(1, 4)]
        sheets, _ = sheets_of(tmp_path, a_title(1, credits=cast_of(*people)), a_title(2))
        assert [row[0] for row in sheets["titles"]] == ["imdb_id", "tt0000001", "tt0000002"]
        names = [
            row[5] for sheet in ("credits", "credits 2", "credits 3") for row in sheets[sheet][1:]
        ]
        assert names == [
            "Person 1", "Person 2", "Person 3", "Person 1", "Person 2", "Uncredited Extra",
        ]  # fmt: skip


class TestNewFile:
    def test_a_failure_leaves_what_was_there(self, tmp_path):
        path = tmp_path / "titles.csv"
        path.write_text("before")
        with pytest.raises(KeyboardInterrupt), new_file(path) as beside:
            beside.write_text("half")
            raise KeyboardInterrupt
        assert path.read_text() == "before"
        assert list(tmp_path.iterdir()) == [path]

    def test_what_was_there_is_replaced_at_the_end(self, tmp_path):
        path = tmp_path / "titles.csv"
        path.write_text("before")
        with new_file(path) as beside:
            beside.write_text("after")
            assert path.read_text() == "before"
        assert path.read_text() == "after"
        assert list(tmp_path.iterdir()) == [path]

    def test_a_link_goes_on_leading_to_the_file(self, tmp_path):
        target, link = tmp_path / "real.csv", tmp_path / "link.csv"
        target.write_text("before")
        link.symlink_to(target)
        with new_file(link) as beside:
            beside.write_text("after")
        assert link.is_symlink()
        assert target.read_text() == "after"

    @pytest.mark.parametrize("name", ["folder", "missing/x.csv", "pipe"])
    def test_what_can_be_no_file_is_refused(self, tmp_path, name):
        import os

        (tmp_path / "folder").mkdir()
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ExportFailed), new_file(tmp_path / name):
            pytest.fail("it was opened")


class TestColumns:
    def test_every_column_can_be_written_in_every_format(self, tmp_path):
        columns = tuple(COLUMNS.values())
        title = a_title(details=(keywords("a"),))
        assert len(csv_of(title, columns=columns).splitlines()) == 2
        assert set(json.loads(json_lines_of(title, columns=columns))) == set(COLUMNS)
        ParquetWriter(tmp_path / "x.parquet", columns).write([title])
        ExcelWriter(tmp_path / "x.xlsx", columns).write([title])

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("title,yaer", "no column 'yaer': did you mean year?"),
            ("title,title", "named twice"),
            ("", "no column ''"),
        ],
    )
    def test_what_is_no_column_is_said(self, text, message):
        with pytest.raises(InvalidSelection) as caught:
            parse_columns(text)
        assert message in str(caught.value)


WRITERS = {
    "sqlite": SqliteWriter,
    "xlsx": lambda path: ExcelWriter(path, NAMES),
    "parquet": lambda path: ParquetWriter(path, TYPED),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_format_that_is_interrupted_leaves_nothing_behind(tmp_path, monkeypatch, name):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))

    def interrupted():
        yield a_title(1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), new_file(tmp_path / "x") as path:
        WRITERS[name](path).write(interrupted())
    gc.collect()
    assert list(tmp_path.iterdir()) == [scratch]
    assert list(scratch.iterdir()) == []
