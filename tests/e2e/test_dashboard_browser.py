"""The dashboard in a real browser, where there is one: all pages, both themes and widths."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from demo.facts import load_facts
from demo.faults import Fault, FaultPlan
from demo.site import DemoSite
from domain.batch import Stage
from infrastructure.container import distribute, new_run, open_ledger, open_web
from shared.config import Settings, load_settings
from shared.setting_values import DatabaseUrl
from tests.api import serving_app
from tests.browser import browser
from tests.dashboard_store import fill_store
from tests.databases import drop_database, new_database
from tests.e2e.test_serve import served
from tests.screenshots import EMPTY_PAGES, PAGES


@pytest.fixture(scope="module")
def address(postgres_server: str) -> Iterator[str]:
    """The dashboard over a store with something on every page."""
    url = new_database(postgres_server)
    fill_store(url)
    with served_store(url) as found:
        yield found
    drop_database(postgres_server, url)


@contextmanager
def served_store(url: str) -> Iterator[str]:
    settings = Settings(database_url=DatabaseUrl(url), api_requests_per_minute=0)
    with open_web(settings) as app, serving_app(app) as found:
        yield found


@contextmanager
def opened(address: str, width: int = 1280, theme: str = "light", **more: Any) -> Iterator[Any]:
    """A page of its own; fails when the console says more than that an answer was an error."""
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
    assert [text for text in said if not EXPECTED.search(text)] == []


EXPECTED = re.compile(
    r"status of (4..|503) |Status Error Code 503|ERR_FAILED|htmx:(sendError|afterRequest)"
)
"""What the console says of an answer that is an error, or of none."""


VIEWS = [(theme, width) for theme in ("light", "dark") for width in (1280, 390)]


@pytest.mark.parametrize(("theme", "width"), VIEWS)
def test_pages_are_accessible_and_fit(address: str, theme: str, width: int) -> None:
    with opened(address, width, theme) as page:
        assert_accessible(page, PAGES, width)


@pytest.mark.parametrize(("theme", "width"), VIEWS[1:3])
def test_pages_of_an_empty_store_are_too(postgres_url: str, theme: str, width: int) -> None:
    with served_store(postgres_url) as address, opened(address, width, theme) as page:
        assert_accessible(page, {**EMPTY_PAGES, "runs": "/runs"}, width)


def assert_accessible(page: Any, pages: dict[str, str], width: int) -> None:
    """No page is wider than the window, and axe finds nothing serious, with all unfolded too."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    for name, path in pages.items():
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        found = axe.run(page).response["violations"]
        grave = [
            (each["id"], [node["html"] for node in each["nodes"]])
            for each in found
            if each["impact"] in {"serious", "critical"}
        ]
        assert grave == [], name


def test_pages_ask_nobody_else_and_the_first_view_is_small(address: str) -> None:
    with opened(address) as page:
        asked: list[str] = []
        sizes: list[int] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("response", lambda response: sizes.append(len(response.body())))
        page.goto("/", wait_until="networkidle")
        assert sum(sizes) < 100_000
        for path in PAGES.values():
            page.goto(path, wait_until="networkidle")
        assert len(asked) > len(PAGES)
        assert [url for url in asked if not url.startswith(f"{address}/")] == []


def test_pages_can_be_read_without_scripts(address: str) -> None:
    with opened(address, java_script_enabled=False) as page:
        for name, path in PAGES.items():
            page.goto(path)
            assert page.locator("h1").is_visible(), name
        page.goto("/titles")
        page.get_by_label("Words of the title").fill("shawsh")
        page.get_by_role("button", name="Search").click()
        page.get_by_text("1 found", exact=True).wait_for()
        page.goto("/charts/top")
        page.get_by_label("At another time").select_option(index=3)
        page.get_by_role("button", name="Show").click()
        assert page.get_by_text("As it stood on 11 Jan 2026, 12:00 UTC").is_visible()


def test_the_table_is_sorted_by_its_heads_and_goes_on(address: str) -> None:
    with opened(address) as page:
        page.goto("/titles")
        page.get_by_role("link", name="Table").click()
        page.get_by_role("link", name="Year").click()
        head = page.get_by_role("columnheader", name="Year")
        assert head.get_attribute("aria-sort") == "descending"
        page.get_by_role("link", name="Year").click()
        assert head.get_attribute("aria-sort") == "ascending"
        page.get_by_role("link", name="More titles").click()
        rows = page.locator("#rows tr")
        rows.nth(99).wait_for()
        years = [int(text) for text in rows.locator("td:nth-child(2)").all_inner_texts()]
        assert years == sorted(years)
        # Who goes on with the keyboard is at the first of the new rows, and is told how many.
        assert page.evaluate("document.activeElement.closest('tr').rowIndex") == 51
        assert page.get_by_role("status").inner_text() == "100 shown"


def test_what_one_types_keeps_the_table_and_its_order(address: str) -> None:
    with opened(address) as page:
        page.goto("/titles?view=table&sort=year&order=asc")
        page.get_by_label("Words of the title").press_sequentially("lord")
        page.get_by_text("3 found", exact=True).wait_for()
        assert page.get_by_role("status").inner_text() == "3 found"
        head = page.get_by_role("columnheader", name="Year")
        assert head.get_attribute("aria-sort") == "ascending"
        assert page.url == f"{address}/titles?q=lord&view=table&sort=year&order=asc"


@pytest.mark.parametrize("away", ["answers 503", "does not answer"])
def test_a_search_says_so_when_the_server_is_away(address: str, away: str) -> None:
    with opened(address) as page:
        page.goto("/titles")
        answers = {
            "answers 503": lambda route: route.fulfill(status=503, body="away"),
            "does not answer": lambda route: route.abort(),
        }
        page.route("**/titles?*", answers[away])
        page.get_by_label("Words of the title").press_sequentially("x")
        page.get_by_role("status").filter(has_text="try again later").wait_for()
        assert page.locator("#rows > *").count() == 50


def test_all_can_be_reached_by_keyboard_and_is_seen_to_be(address: str) -> None:
    with opened(address) as page:
        page.goto("/charts/top")
        reached = []
        for _ in range(14):
            page.keyboard.press("Tab")
            reached.append(page.evaluate("document.activeElement.textContent.trim()"))
            width = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
            assert width == "3px", reached[-1]
        assert reached[:3] == ["Skip to the content", "Collector", "Overview"]
        assert "The Godfather Part II" in reached


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


KEY = "a-key-of-the-tests-0123456789"
UNDER_WAY = '[data-watch] progress[value]:not([value="0"])'


@contextmanager
def order_of_a_run(
    folder: Path, database_url: str, limit: int, faults: FaultPlan | None = None, **more: Any
) -> Iterator[Any]:
    """The page of runs of a real server, with all that it takes to start one filled in."""
    settings: dict[str, Any] = {
        "database_url": database_url, "requests_per_second": 0, "max_threads": 4, "api_keys": KEY,
    } | more  # fmt: skip
    with (
        DemoSite(load_facts(), delay_seconds=0.1, faults=faults) as site,
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


def test_a_run_that_workers_do_is_paused_continued_and_cancelled(
    tmp_path: Path, postgres_url: str
) -> None:
    given = {"database_url": postgres_url, "batch_titles": "2", "output_dir": str(tmp_path)}
    settings = load_settings(given, env_file=None)
    run = new_run(settings, "titles")
    with open_ledger(settings) as ledger:
        distribute(settings, ledger, run, [t.imdb_id for t in load_facts().titles[:6]])
        with (
            served(tmp_path, database_url=postgres_url, api_keys=KEY) as (_, address),
            opened(address) as page,
        ):
            page.goto(f"/runs/{run.run_id}")
            page.get_by_text("no worker has begun it yet").wait_for()
            number = ledger.to_send(again=True)[0]
            claim = ledger.claim(number, "worker-of-the-test", "token")
            assert claim is not None
            ledger.keep(claim, 1, 0)
            page.get_by_role("rowheader", name="worker-of-the-test").wait_for()
            assert page.locator('[data-batches="running"]').inner_text() == "1"
            assert_accessible(page, {"run at work": f"/runs/{run.run_id}"}, 1280)
            for button, stage in (
                ("Pause the run", Stage.PAUSED),
                ("Continue the run", Stage.RUNNING),
                ("Cancel the run", Stage.CANCELLED),
            ):
                form = page.locator("form").filter(has=page.get_by_role("button", name=button))
                form.get_by_label("API key").fill(KEY)
                page.keyboard.press("Enter")
                form.get_by_role("alert").filter(has_text=" ").wait_for()
                seen = ledger.progress(run.run_id)
                assert seen is not None
                assert seen.stage is stage
            page.get_by_role("button", name="Pause the run").wait_for(state="hidden")
            page.get_by_role("button", name="Continue the run").wait_for(state="hidden")


class FailsAtFirst(FaultPlan):
    """Every fifth title is not there the first time that it is asked for, and then it is."""

    def fault_at(self, path: str, before: int) -> Fault | None:
        number = re.search(r"\d+", path)
        is_hit = number is not None and int(number[0]) % 5 == 0
        return Fault.GONE if is_hit and before == 0 and path.startswith("/title/") else None


def test_what_failed_is_fetched_again_and_watched_to_its_end(
    tmp_path: Path, postgres_url: str
) -> None:
    expected = sum(int(title.imdb_id[2:]) % 5 == 0 for title in load_facts().titles[:40])
    assert expected
    plan = FailsAtFirst([Fault.GONE])
    with order_of_a_run(tmp_path, postgres_url, limit=40, faults=plan) as page:
        page.get_by_role("button", name="Start a run").click()
        page.get_by_text("Incomplete", exact=True).wait_for()
        assert figures_of(page)["Failed"] == str(expected)
        page.get_by_text("Not found", exact=True).wait_for()
        failed = page.url
        page.get_by_label("API key").fill("not-the-key")
        page.get_by_role("button", name="Retry").click()
        page.get_by_role("alert").filter(has_text="key").wait_for()
        page.get_by_label("API key").fill(KEY)
        # Without a word about it, what no source has is not looked for again.
        page.get_by_role("button", name="Retry").click()
        page.get_by_role("alert").filter(has_not_text="key").filter(has_text=" ").wait_for()
        assert page.url == failed
        page.get_by_label("Also what was not found").check()
        page.get_by_role("button", name="Retry").click()
        page.wait_for_url(lambda url: "/runs/2" in url and url != failed)
        page.get_by_text("Complete", exact=True).wait_for()
        assert figures_of(page)["Fetched"] == str(expected)
        page.goto("/titles")
        page.get_by_text("40 found", exact=True).wait_for()


def figures_of(page: Any) -> dict[str, str]:
    """The large figures of a page, by their names."""
    names = page.locator(".figures dt").all_inner_texts()
    return dict(zip(names, page.locator(".figures dd").all_inner_texts(), strict=True))
