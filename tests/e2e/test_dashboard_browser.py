"""The dashboard in a real browser, where there is one: every page, in both themes, wide and narrow.

With ``DASHBOARD_IMAGES=docs/images`` pictures of pages are kept there.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from demo.facts import TitleFacts, load_facts
from demo.site import DemoSite
from domain.identifiers import NameId, TitleId
from domain.run import Failure, RunOutcome, RunReport
from domain.title import Credit, CreditCategory, Title
from infrastructure.container import open_web
from infrastructure.repositories.postgres import open_postgres_repository
from shared.config import Settings
from shared.setting_values import DatabaseUrl
from tests.api import serving_app
from tests.browser import browser
from tests.builders import NOON, a_chart, a_run, a_title
from tests.databases import drop_database, new_database
from tests.e2e.test_serve import served

IMAGES = os.environ.get("DASHBOARD_IMAGES")
PICTURED = {"overview", "titles", "title", "run"}

TITLE = "tt0111161"
PAGES = {
    "overview": "/",
    "titles": "/titles",
    "title": f"/titles/{TITLE}",
    "people": "/people",
    "person": "/people/nm0000151",
    "charts": "/charts",
    "chart": "/charts/top",
    "runs": "/runs",
    "run": "/runs/20260102T120000Z-test",
    "error": "/nowhere",
}


def title_of(facts: TitleFacts) -> Title:
    """What a run would save of a title of the demo site."""
    people = {
        CreditCategory.DIRECTOR: facts.directors,
        CreditCategory.WRITER: facts.writers,
        CreditCategory.CAST: facts.cast,
    }
    return replace(
        a_title(),
        imdb_id=TitleId(facts.imdb_id), title=facts.title, original_title=facts.original_title,
        year=facts.year, rating=facts.rating, votes=facts.votes, metascore=facts.metascore,
        runtime_minutes=facts.runtime_minutes, certificate=facts.certificate, genres=facts.genres,
        release_date=None, plot=None,
        credits=tuple(
            Credit(
                category=category, position=position, name=each.name, characters=each.characters,
                person_id=NameId(each.imdb_id) if each.imdb_id else None,
            )
            for category, credited in people.items()
            for position, each in enumerate(credited, 1)
        ),
    )  # fmt: skip


@pytest.fixture(scope="module")
def address(postgres_server: str) -> Iterator[str]:
    """The dashboard over the demo's titles, saved on two days between which some things moved."""
    url = new_database(postgres_server)
    titles = [title_of(facts) for facts in load_facts().titles]
    ids = [title.imdb_id for title in titles]
    with open_postgres_repository(url) as database:
        for number in (1, 2):
            day = NOON + timedelta(days=number - 1)
            run = a_run(f"2026010{number}T120000Z-test", started_at=day)
            order = ids if number == 1 else [ids[1], ids[0], *ids[3:20], ids[2], *ids[20:]]
            chart = a_chart(*(int(each[2:]) for each in order))
            database.begin_run(run, replace(chart, captured_at=day))
            database.save([seen_on(title, number) for title in titles], run)
            database.finish_run(
                RunReport(
                    run=run, finished_at=day + timedelta(seconds=40), asked=252, fetched=250,
                    outcome=RunOutcome.INCOMPLETE, fetched_from={"html": 250},
                    failures=(
                        Failure(
                            imdb_id=TitleId("tt9999998"), reason="not_found",
                            message="tt9999998: not found at html",
                        ),
                        Failure(
                            imdb_id=TitleId("tt9999999"), reason="page_changed",
                            message="tt9999999: the page has no title any more",
                        ),
                    ),
                )
            )  # fmt: skip
    settings = Settings(database_url=DatabaseUrl(url), api_requests_per_minute=0)
    with open_web(settings) as app, serving_app(app) as found:
        yield found
    drop_database(postgres_server, url)


def seen_on(title: Title, day: int) -> Title:
    """A title as it was on the first or the second day."""
    moment = NOON + timedelta(days=day - 1)
    rating = title.rating if day == 2 or title.rating is None else round(title.rating - 0.1, 1)
    return replace(title, rating=rating, provenance=replace(title.provenance, fetched_at=moment))


@contextmanager
def opened(address: str, width: int = 1280, theme: str = "light", **more: Any) -> Iterator[Any]:
    """A page of its own; fails when the console says more than that an answer was 403 or 404."""
    said: list[str] = []
    with browser() as chromium:
        view = {"width": width, "height": 900}
        context = chromium.new_context(
            base_url=address, viewport=view, color_scheme=theme, reduced_motion="reduce", **more
        )
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        yield page
    assert [text for text in said if not re.search("status of 40[34] ", text)] == []


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_are_accessible_and_fit(address: str, theme: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    with opened(address, width, theme) as page:
        for name, path in PAGES.items():
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
            found = axe.run(page).response["violations"]
            grave = [
                (each["id"], [node["html"] for node in each["nodes"]])
                for each in found
                if each["impact"] in {"serious", "critical"}
            ]
            assert grave == [], name
            if IMAGES and name in PICTURED and (theme, width) in {("light", 1280), ("dark", 390)}:
                picture = Path(IMAGES, f"dashboard-{name}-{theme}-{width}.png")
                page.screenshot(path=picture, animations="disabled")


def test_search_as_one_types(address: str) -> None:
    with opened(address) as page:
        page.goto("/titles")
        page.get_by_label("Words of the title").press_sequentially("shawsh")
        page.get_by_text("1 found", exact=True).wait_for()
        assert page.locator("h3").all_inner_texts() == ["The Shawshank Redemption"]
        assert "q=shawsh" in page.url


def test_a_list_goes_on_with_and_without_scripts(address: str) -> None:
    with opened(address) as page:
        page.goto("/titles")
        page.get_by_role("link", name="More titles").click()
        page.locator("h3").nth(99).wait_for()
        assert page.url.endswith("/titles")
    with opened(address, java_script_enabled=False) as page:
        page.goto("/titles")
        first = page.locator("h3").first.inner_text()
        page.get_by_role("link", name="More titles").click()
        page.wait_for_url(re.compile("after="))
        assert page.locator("h3").first.inner_text() != first


def test_the_theme_is_remembered(address: str) -> None:
    with opened(address) as page:
        page.goto("/")
        paper = "getComputedStyle(document.body).backgroundColor"
        light = page.evaluate(paper)
        page.get_by_role("button", name="Dark theme").click()
        dark = page.evaluate(paper)
        assert dark != light
        page.goto("/charts")
        assert page.evaluate(paper) == dark


def test_the_first_key_leads_to_the_content(address: str) -> None:
    with opened(address) as page:
        page.goto("/")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "content"


def test_an_order_without_a_key_on_the_server_says_so(address: str) -> None:
    with opened(address) as page:
        page.goto(PAGES["run"])
        page.get_by_label("API key").fill("nonsense")
        with page.expect_response("**/api/v1/runs") as answer:
            page.get_by_role("button", name="Retry").click()
        assert answer.value.status == 403
        page.get_by_text("Writing is off").wait_for()


KEY = "a-key-of-the-tests-0123456789"
UNDER_WAY = '[data-watch] progress[value]:not([value="0"])'


@contextmanager
def order_of_a_run(folder: Path, database_url: str, limit: int) -> Iterator[Any]:
    """The page of runs of a real server, with all that it takes to start one filled in."""
    settings: dict[str, Any] = {
        "database_url": database_url, "requests_per_second": 0, "max_threads": 4, "api_keys": KEY,
    }  # fmt: skip
    with (
        DemoSite(load_facts(), delay_seconds=0.1) as site,
        served(folder, base_url=site.url, **settings) as (_, address),
        opened(address) as page,
    ):
        page.goto("/runs")
        page.get_by_label("Titles").fill(str(limit))
        page.get_by_label("API key").fill(KEY)
        yield page


def test_a_run_is_started_and_watched_to_its_end(tmp_path: Path, postgres_url: str) -> None:
    with order_of_a_run(tmp_path, postgres_url, limit=40) as page:
        page.get_by_role("button", name="Start a run").click()
        page.wait_for_url("**/runs/2*")
        progress = page.get_by_role("progressbar", name="Progress")
        progress.wait_for()
        page.locator(UNDER_WAY).wait_for()
        assert progress.evaluate("bar => bar.max") == 40
        page.get_by_text("Complete", exact=True).wait_for()
        assert figures_of(page) | {"Took": ""} == {
            "Asked": "40", "Already saved": "0", "Fetched": "40", "Failed": "0", "Took": "",
        }  # fmt: skip
        page.goto("/titles")
        page.get_by_text("40 found", exact=True).wait_for()


def test_a_run_is_cancelled(tmp_path: Path, postgres_url: str) -> None:
    with order_of_a_run(tmp_path, postgres_url, limit=250) as page:
        page.get_by_role("button", name="Start a run").click()
        page.locator(UNDER_WAY).wait_for()
        page.get_by_role("button", name="Cancel the run").click()
        page.get_by_text("Interrupted", exact=True).wait_for()
        assert 0 < int(figures_of(page)["Fetched"]) < 250


def figures_of(page: Any) -> dict[str, str]:
    """The large figures of a page, by their names."""
    names = page.locator(".figures dt").all_inner_texts()
    return dict(zip(names, page.locator(".figures dd").all_inner_texts(), strict=True))
