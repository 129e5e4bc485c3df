"""Pictures of the dashboard's pages, in both themes, wide and narrow.

``python -m tests.screenshots`` starts PostgreSQL, the demo site, the server and Debian's Chromium,
all on this machine, and needs a minute or two. Exit status: 0; 1 when there is no browser.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from demo.facts import load_facts
from demo.site import DemoSite
from infrastructure.container import open_web
from infrastructure.repositories.postgres.embedded import embedded_postgres
from shared.config import Settings
from shared.setting_values import ApiKey, DatabaseUrl, WebAddress
from tests.api import serving_app
from tests.browser import CHROMIUM
from tests.dashboard_store import BUSY, LAST_RUN, fill_store
from tests.databases import execute, new_database

KEPT_FOLDER = Path("docs/images")
KEY = "a-key-of-the-pictures-0123456789"
THEMES = ("light", "dark")
WIDTHS = (1280, 390)
HEIGHT = 900

TITLE = "tt0111161"
PAGES = {
    "overview": "/",
    "titles": "/titles",
    "table": "/titles?view=table&sort=rating",
    "title": f"/titles/{TITLE}",
    "people": "/people",
    "person": "/people/nm0000151",
    "credits": f"/people/{BUSY}",
    "charts": "/charts",
    "chart": "/charts/top",
    "runs": "/runs",
    "failed": f"/runs/{LAST_RUN}",
    "error": "/nowhere",
    "nothing-found": "/titles?q=nothing+is+called+that",
}
EMPTY_PAGES = {f"empty-{name}": PAGES[name] for name in ("overview", "titles", "people", "charts")}

KEPT = {
    "overview-light-1280", "overview-dark-390", "table-light-1280", "titles-dark-390",
    "title-light-1280", "chart-light-1280", "chart-dark-390", "running-light-1280",
    "failed-dark-390",
}  # fmt: skip
"""Those that the documentation shows."""


def main() -> int:
    """Take all pictures into a folder, and copy those that are kept to the documentation's."""
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("output/screenshots"), metavar="FOLDER")
    parser.add_argument("--keep", action="store_true", help=f"renew those in {KEPT_FOLDER}")
    given = parser.parse_args()
    if CHROMIUM is None:
        sys.stderr.write("No chromium: apt-get install chromium, or name one by CHROMIUM\n")
        return 1
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="imdb-postgres-") as folder:
        with embedded_postgres(Path(folder)) as url:
            execute(url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
            taken = _all_pictures(url, given.out)
    sys.stdout.write(f"{taken} pictures in {given.out}\n")
    if given.keep:
        for name in sorted(KEPT):
            shutil.copyfile(given.out / f"{name}.png", KEPT_FOLDER / f"dashboard-{name}.png")
        kept = sum(path.stat().st_size for path in KEPT_FOLDER.glob("dashboard-*.png"))
        sys.stdout.write(f"{len(KEPT)} of them in {KEPT_FOLDER}: {kept / 1e6:.2f} MB\n")
    return 0


def _all_pictures(url: str, folder: Path) -> int:
    full, empty = new_database(url), new_database(url)
    fill_store(full)
    taken = 0
    with _chromium() as browser:
        with _served(full) as address:
            taken += _pictures(browser, address, PAGES, folder)
        with _served(empty) as address:
            taken += _pictures(browser, address, EMPTY_PAGES, folder)
        # Slow enough to be seen at work.
        with DemoSite(load_facts(), delay_seconds=0.4) as site:
            with _served(
                empty, base_url=WebAddress(site.url), requests_per_second=0.0, max_threads=2
            ) as it:
                taken += _pictures_of_a_run(browser, it, folder)
    return taken


@contextmanager
def _chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Root, as in containers, has no sandbox.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def _served(url: str, **settings: Any) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as output:
        given = Settings(
            database_url=DatabaseUrl(url), api_requests_per_minute=0, api_keys=(ApiKey(KEY),),
            output_dir=Path(output), sources=("html",), **settings,
        )  # fmt: skip
        with open_web(given) as app, serving_app(app) as address:
            yield address


def _pictures(browser: Any, address: str, pages: Mapping[str, str], folder: Path) -> int:
    taken = 0
    for theme in THEMES:
        for width in WIDTHS:
            with _view(browser, address, theme, width) as page:
                for name, path in pages.items():
                    page.goto(path)
                    page.screenshot(
                        path=folder / f"{name}-{theme}-{width}.png", animations="disabled"
                    )
                    taken += 1
    return taken


def _pictures_of_a_run(browser: Any, address: str, folder: Path) -> int:
    """A run is started by hand, and looked at while it is at work."""
    with _view(browser, address, "light", 1280) as page:
        page.goto("/runs")
        page.get_by_label("Titles").fill("100")
        page.get_by_label("API key").fill(KEY)
        page.get_by_role("button", name="Start a run").click()
        page.locator('[data-watch] progress[value]:not([value="0"])').wait_for()
        running = page.url
        taken = _pictures_at_work(browser, address, running.removeprefix(address), folder)
        page.get_by_role("button", name="Cancel the run").click()
        page.get_by_text("Interrupted", exact=True).wait_for()
    return taken


def _pictures_at_work(browser: Any, address: str, path: str, folder: Path) -> int:
    taken = 0
    for theme in THEMES:
        for width in WIDTHS:
            with _view(browser, address, theme, width) as page:
                page.goto(path)
                page.locator("[data-watch-text]").filter(has_text=" done, ").wait_for()
                page.screenshot(path=folder / f"running-{theme}-{width}.png", animations="disabled")
                taken += 1
    return taken


@contextmanager
def _view(browser: Any, address: str, theme: str, width: int) -> Iterator[Any]:
    context = browser.new_context(
        base_url=address, viewport={"width": width, "height": HEIGHT}, color_scheme=theme,
        reduced_motion="reduce",
    )  # fmt: skip
    try:
        yield context.new_page()
    finally:
        context.close()


if __name__ == "__main__":
    sys.exit(main())
