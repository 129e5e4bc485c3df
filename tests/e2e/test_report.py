"""``python main.py report`` as a user meets it, in a real browser where there is one."""

from pathlib import Path

import pytest

from domain.title import CreditCategory
from infrastructure.repositories.csv import open_csv_repository
from infrastructure.repositories.postgres import open_postgres_repository
from tests.browser import browser, page_in
from tests.builders import a_run, a_title, credit, person_number
from tests.e2e.program import run

EVIL = "</script><img src='http://127.0.0.1:1/x' onerror='document.title=\"broken\"'><b>Bold</b>"


@pytest.fixture
def saved(tmp_path: Path, postgres_url: str) -> dict[str, object]:
    titles = [
        a_title(
            number, title=EVIL if number == 1 else f"Title {number}", year=1950 + number,
            rating=5 + number % 50 / 10, metascore=20 + number % 80, runtime_minutes=60 + number,
            credits=(
                credit(person_number(1 + number % 4), category=CreditCategory.DIRECTOR),
                credit(person_number(9)),
            ),
        )
        for number in range(1, 61)
    ]  # fmt: skip
    with (
        open_csv_repository(tmp_path / "output") as files,
        open_postgres_repository(postgres_url) as database,
    ):
        for repository in (files, database):
            repository.save(titles, a_run())
    return {"database_url": postgres_url}


def body(path: Path) -> str:
    """A report without where and when it was made."""
    text = path.read_text("utf-8")
    return text[text.index("<nav") :]


def test_both_repositories_give_the_same_report(tmp_path, saved):
    for repository in ("csv", "postgres"):
        result = run(
            tmp_path, "report", "--from", repository, "--out", f"{repository}.html", **saved
        )
        assert (result.status, result.out) == (0, "")
        assert result.err == f"a report on 60 titles is in {repository}.html\n"
    assert body(tmp_path / "csv.html") == body(tmp_path / "postgres.html")


def test_it_goes_to_the_output_folder_and_takes_a_filter(tmp_path, saved):
    result = run(tmp_path, "report", "--where", "year < 1960", **saved)
    assert result.status == 0
    text = (tmp_path / "output/report.html").read_text("utf-8")
    assert "<h1>9 titles</h1>" in text
    assert "where year &lt; 1960" in text


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--where", "yaer < 1960"], 2, "--where: no field yaer: did you mean year?"),
        (["--out", "output/titles.csv"], 2, "name another folder"),
        (["--where", "year > 3000"], 1, "there are no titles of which the filter is true"),
        (["--out", "no/folder/x.html"], 1, "make it first"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path, saved, arguments, status, said):
    result = run(tmp_path, "report", *arguments, **saved)
    assert result.status == status
    assert said in result.err
    assert not (tmp_path / "output/report.html").exists()


def test_where_nothing_is_saved_nothing_is_made(tmp_path):
    result = run(tmp_path, "report")
    assert result.status == 1
    assert "no titles are saved yet" in result.err
    assert list(tmp_path.iterdir()) == []


def test_a_store_without_titles_is_said(tmp_path):
    with open_csv_repository(tmp_path / "output") as repository:
        repository.begin_run(a_run(), None)
    result = run(tmp_path, "report", repositories="csv")
    assert result.status == 1
    assert "no titles" in result.err


VIEWS = {
    "desktop, light": {"viewport": {"width": 1100, "height": 800}, "color_scheme": "light"},
    "desktop, dark": {"viewport": {"width": 1100, "height": 800}, "color_scheme": "dark"},
    "phone, dark": {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"},
}


def test_a_browser_draws_it_and_asks_for_nothing(tmp_path, saved):
    with browser() as opened:
        assert run(tmp_path, "report", "--out", "r.html", **saved).status == 0
        for name, view in VIEWS.items():
            with page_in(opened, tmp_path / "r.html", **view) as (page, said, asked):
                page.wait_for_function("document.querySelectorAll('.js-plotly-plot').length == 7")
                drawn = page.evaluate(
                    "[...document.querySelectorAll('.plot')].map("
                    "plot => plot.querySelectorAll('.main-svg path').length > 0)"
                )
                assert drawn == [True] * 7, name
                width = page.evaluate("document.documentElement.scrollWidth")
                assert width == view["viewport"]["width"], name
                page.hover("#genres-plot .main-svg .point path", force=True)
                page.wait_for_selector("#genres-plot .hovertext")
                for summary in page.query_selector_all("summary"):
                    summary.click()
                assert page.title() == "60 titles: report"
                assert page.locator("tbody tr").count() > 60
                assert page.locator("img").count() == 0
                assert said == [], name
                assert asked == [(tmp_path / "r.html").as_uri()], name


def test_on_paper_it_is_light_and_has_its_tables(tmp_path, saved):
    with browser() as opened:
        assert run(tmp_path, "report", "--out", "r.html", **saved).status == 0
        with page_in(opened, tmp_path / "r.html", **VIEWS["desktop, dark"]) as (page, said, _):
            page.wait_for_function("document.querySelectorAll('.js-plotly-plot').length == 7")

            def paper() -> str:
                return page.evaluate(
                    "getComputedStyle(document.documentElement).getPropertyValue('--paper')"
                )

            dark = paper()
            page.evaluate("dispatchEvent(new Event('beforeprint'))")
            assert paper() == "#ffffff" != dark
            assert page.locator("details:not([open])").count() == 0
            page.evaluate("dispatchEvent(new Event('afterprint'))")
            assert paper() == dark
            assert page.locator("details:not([open])").count() > 0
            assert said == []
