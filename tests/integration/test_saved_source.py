import os
from pathlib import Path

import pytest

from domain.chart import ChartName
from domain.errors import ChartNotFound, PageChanged, SourceUnavailable, TitleNotFound
from infrastructure.scrapers.saved_pages import SavedPagesSource, read_page
from tests.unit.imdb_pages import pages

MEGABYTE = 1 << 20


def saved(folder: Path, name: str, text: str | bytes, *, age: int = 0) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))
    return path


def test_a_title_is_found_by_what_the_page_says_and_not_by_its_name(tmp_path):
    saved(tmp_path, "deep/down/My favourite film.HTML", pages.title_html(pages.v2()))
    [title] = SavedPagesSource(tmp_path, MEGABYTE).titles([pages.TITLE_ID])
    assert title.title == "The Quiet Harbour"
    assert title.provenance.source == "saved"


def test_the_time_of_a_saved_page_is_the_pages_own(tmp_path):
    saved(tmp_path, "a.html", pages.title_html(pages.v2()))
    [title] = SavedPagesSource(tmp_path, MEGABYTE).titles([pages.TITLE_ID])
    assert title.provenance.fetched_at == pages.SERVED_AT


def test_the_json_of_a_page_is_read(tmp_path):
    script = pages.next_data(pages.v2())
    text = script[script.index("{") : script.rindex("}") + 1]
    saved(tmp_path, "a.json", text)
    [title] = SavedPagesSource(tmp_path, MEGABYTE).titles([pages.TITLE_ID])
    assert title.imdb_id == pages.TITLE_ID


def test_of_two_pages_of_a_title_the_later_one_counts(tmp_path):
    old = pages.having(pages.v2(), "aboveTheFoldData.titleText.text", "Old name")
    saved(tmp_path, "z.html", pages.title_html(old), age=60)
    saved(tmp_path, "a.html", pages.title_html(pages.v2()))
    [title] = SavedPagesSource(tmp_path, MEGABYTE).titles([pages.TITLE_ID])
    assert title.title == "The Quiet Harbour"


def test_a_chart_is_found(tmp_path):
    saved(tmp_path, "top.html", pages.html_page(pages.next_data(pages.chart(2), "/chart/top")))
    source = SavedPagesSource(tmp_path, MEGABYTE)
    assert len(source.chart(ChartName.TOP).entries) == 2
    with pytest.raises(ChartNotFound, match="chart bottom: .*no saved page"):
        source.chart(ChartName.BOTTOM)


def test_pages_of_something_else_are_passed_over(tmp_path):
    saved(tmp_path, "a.html", "<html>a shopping list</html>")
    saved(tmp_path, "b.json", b"\xff\xff")
    saved(tmp_path, "c.html", "<html><div id='challenge-container'></div></html>")
    saved(tmp_path, "notes.txt", pages.title_html(pages.v2()))
    [outcome] = SavedPagesSource(tmp_path, MEGABYTE).titles([pages.TITLE_ID])
    assert isinstance(outcome, TitleNotFound)
    assert str(tmp_path) in str(outcome)


def test_a_page_that_is_gone_since_is_reported(tmp_path):
    path = saved(tmp_path, "a.html", pages.title_html(pages.v2()))
    source = SavedPagesSource(tmp_path, MEGABYTE)
    source.titles(["tt0000001"])
    path.unlink()
    [outcome] = source.titles([pages.TITLE_ID])
    assert isinstance(outcome, SourceUnavailable)
    assert "No such file" in str(outcome)


def test_a_file_over_the_limit_is_not_read(tmp_path):
    path = saved(tmp_path, "a.html", b"x" * 2000)
    with pytest.raises(PageChanged, match="more than 1999 bytes"):
        read_page(path, 1999)
    assert len(read_page(path, 2000).body) == 2000


def test_a_folder_is_no_page(tmp_path):
    with pytest.raises(SourceUnavailable, match="Is a directory"):
        read_page(tmp_path, 10)
