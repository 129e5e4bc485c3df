"""The whole job but for the way of fetching: chart, reading, saving to all repositories."""

import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from typing import NamedTuple

import requests

from application.composite_save import CompositeSave
from application.ports import BatchResult
from application.scrape_titles import BATCH_TITLES
from domain.chart import ChartName
from domain.person_profile import PersonProfile
from domain.run import Failure, Run
from domain.title import Title
from infrastructure.container import new_run, repository_openers
from infrastructure.http.unpack import unpack
from infrastructure.scrapers.imdb_pages import Page, parse_chart, parse_title
from shared.config import Settings, load_settings
from shared.memory import tune_memory
from shared.stages import measured_stages

STAGES_FILE = "BENCHMARK_STAGES"
"""The environment variable that names a file for the time of each stage, in the output folder;
unset: not measured."""

TIMEOUT_SECONDS = 30
HEADERS = {"Accept-Encoding": "gzip"}

_LARGEST_BODY_BYTES = 32_000_000

Keep = Callable[[Title], None]
"""Takes a title to be saved; to be called by one thread."""

Fetch = Callable[[Sequence[str], int, Keep], None]
"""A strategy: fetches these addresses with so many workers, and hands on each title as it comes."""


class Packed(NamedTuple):
    """A page as it came: still packed, so that it is cheap to hand to another process."""

    url: str
    raw: bytes
    encoding: str


class TitlesNotSaved(Exception):
    """A repository could not keep everything."""


def get(client: requests.Session | None, url: str) -> Packed:
    """Fetch a page with a session, or with none. Raises `requests.RequestException`."""
    ask = requests.get if client is None else client.get
    response = ask(url, headers=HEADERS, timeout=TIMEOUT_SECONDS, stream=True)
    response.raise_for_status()
    raw: bytes = response.raw.read(decode_content=False)
    return Packed(url, raw, response.headers.get("Content-Encoding", ""))


def read(packed: Packed) -> Title:
    """Unpack and read a title page, in any thread or process. Raises as `parse_title` does."""
    return parse_title(_page(packed))


def do_job(fetch: Fetch) -> None:
    """Do the job that the settings name, the titles being fetched by the strategy.

    Raises `TitlesNotSaved`. With `STAGES_FILE` set, leaves the time of the stages there, in the
    shape of the program's own ``stages.json``.
    """
    settings = load_settings(env_file=None)
    tune_memory()
    with ExitStack() as stack:
        stages_file = os.environ.get(STAGES_FILE)
        clock = stack.enter_context(measured_stages()) if stages_file else None
        titles = _fetch_and_save(fetch, settings)
        if clock and stages_file:
            report = {
                "stages": {name: asdict(spent) for name, spent in clock.times().items()},
                "process_cpu_seconds": time.process_time(),
                "titles": titles,
            }
            file = settings.output_dir / stages_file
            file.write_text(json.dumps(report), encoding="utf-8")


def _fetch_and_save(fetch: Fetch, settings: Settings) -> int:
    run = new_run(settings, "chart")
    with CompositeSave(repository_openers(settings), _Silent()) as save:
        packed = get(None, f"{settings.base_url}/chart/top/")
        chart = parse_chart(_page(packed), ChartName.TOP).first(settings.limit)
        save.begin_run(run, chart)
        batches = _Batches(save, run)
        urls = [f"{settings.base_url}/title/{entry.title_id}/" for entry in chart.entries]
        fetch(urls, settings.max_threads, batches.keep)
        batches.flush()
        for account in save.settle():
            if account.error or account.refused or account.saved != len(urls):
                raise TitlesNotSaved(f"{account.name} saved {account.saved}: {account.error}")
    return len(urls)


def _page(packed: Packed) -> Page:
    body = unpack(packed.raw, packed.encoding, _LARGEST_BODY_BYTES)
    return Page(url=packed.url, body=body, source="html", fetched_at=datetime.now(UTC))


class _Batches:
    """Gathers titles into batches as large as the program's."""

    def __init__(self, save: CompositeSave, run: Run) -> None:
        self._save = save
        self._run = run
        self._titles: list[Title] = []

    def keep(self, title: Title) -> None:
        self._titles.append(title)
        if len(self._titles) == BATCH_TITLES:
            self.flush()

    def flush(self) -> None:
        if self._titles:
            self._save.save(self._titles, self._run)
            self._titles = []


class _Silent:
    """An observer that shows nothing."""

    def started(self, run: Run, asked: int | None) -> None:
        """Ignore it."""

    def fetched(self, item: Title | PersonProfile, seconds: float) -> None:
        """Ignore it."""

    def failed(self, failure: Failure) -> None:
        """Ignore it."""

    def saved(self, repository: str, result: BatchResult) -> None:
        """Ignore it."""

    def notice(self, message: str) -> None:
        """Ignore it: what a repository lacks is in its account."""
