import os
from pathlib import Path

import pytest

from domain.chart import ChartName
from domain.details import DetailName
from domain.errors import ChartNotFound, PageChanged, SourceUnavailable, TitleNotFound
from domain.run import DetailFailure
from domain.title import Title
from infrastructure.scrapers.saved_pages import SavedPagesSource, read_page
from tests.unit.imdb_pages import detail_pages as made
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


class TestDetails:
    """Details from whichever saved page has them."""

    def given(self, folder: Path, *names: DetailName):
        told: list[str] = []
        failures: list[DetailFailure] = []
        source = SavedPagesSource(folder, MEGABYTE, told.append, failures.append)
        [title] = source.titles([pages.TITLE_ID], names)
        assert isinstance(title, Title)
        return {detail.name: detail for detail in title.details}, told, failures

    def test_each_detail_is_of_the_page_that_has_most_of_it(self, tmp_path):
        tagline = made.edges({"text": "Wait."}, total=1)
        countries = {"countries": [{"id": "DE"}]}
        saved(tmp_path, "a.html", made.title(countriesDetails=countries))
        saved(tmp_path, "b.html", made.reference(taglines=tagline), age=5)
        saved(tmp_path, "c.html", made.release_info())
        found, told, failures = self.given(
            tmp_path, DetailName.COUNTRIES, DetailName.TAGLINES, DetailName.AKAS
        )
        assert {name: len(detail.items) for name, detail in found.items()} == {
            DetailName.AKAS: 1, DetailName.COUNTRIES: 1, DetailName.TAGLINES: 1,
        }  # fmt: skip
        assert (told, failures) == ([], [])
        assert found[DetailName.COUNTRIES].provenance.fetched_at == pages.SERVED_AT

    def test_a_reference_page_alone_says_what_title_pages_do_too(self, tmp_path):
        countries = {"countries": [{"id": "DE"}]}
        saved(tmp_path, "b.html", made.reference(countriesDetails=countries))
        found, told, failures = self.given(tmp_path, DetailName.COUNTRIES)
        assert list(found) == [DetailName.COUNTRIES]
        assert (told, failures) == ([], [])

    def test_what_no_saved_page_has_is_told_once_and_is_no_failure(self, tmp_path):
        saved(tmp_path, "a.html", made.title())
        saved(tmp_path, "b.html", made.title().replace(pages.TITLE_ID, "tt7654322"))
        told: list[str] = []
        failures: list[DetailFailure] = []
        source = SavedPagesSource(tmp_path, MEGABYTE, told.append, failures.append)
        source.titles([pages.TITLE_ID, "tt7654322"], [DetailName.AKAS, DetailName.TAGLINES])
        assert [line.split(" with ")[1].split()[0] for line in told] == ["akas", "taglines"]
        assert f"/title/{pages.TITLE_ID}/releaseinfo/" in told[0]
        assert failures == []

    def test_what_a_page_should_say_and_does_not_is_a_failure(self, tmp_path):
        saved(tmp_path, "a.html", made.title())
        found, told, [failure] = self.given(tmp_path, DetailName.AWARDS)
        assert (found, told) == ({}, [])
        assert (failure.imdb_id, failure.detail) == (pages.TITLE_ID, DetailName.AWARDS)

    def test_the_seasons_that_are_saved_are_the_episodes(self, tmp_path):
        saved(tmp_path, "a.html", made.title("tvSeries"))
        saved(tmp_path, "s1.html", made.season("1", "1", "2"), age=2)
        found, told, failures = self.given(tmp_path, DetailName.EPISODES)
        assert not found[DetailName.EPISODES].is_whole
        saved(tmp_path, "s2.html", made.season("2", "1", "2"), age=1)
        found, told, failures = self.given(tmp_path, DetailName.EPISODES)
        assert [item.season for item in found[DetailName.EPISODES].items] == [1, 2]
        assert found[DetailName.EPISODES].is_whole
        assert (told, failures) == ([], [])
