"""Which source each title came from, as the report, the summary and the rows say it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from demo.facts import load_facts
from demo.faults import Fault, FaultPlan
from demo.site import DemoSite
from tests.databases import rows_of
from tests.e2e.program import Result, report, rows, run, start

FACTS = load_facts()
IDS = [title.imdb_id for title in FACTS.titles]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every title page, as saved from a browser."""
    folder = tmp_path_factory.mktemp("pages")
    with DemoSite(FACTS) as site, requests.Session() as session:
        for imdb_id in IDS:
            page = session.get(f"{site.url}/title/{imdb_id}/", timeout=9)
            (folder / f"{imdb_id}.html").write_bytes(page.content)
    return folder


@pytest.fixture
def settings(pages: Path, postgres_url: str) -> dict[str, object]:
    return {
        "sources": "html,saved", "saved_pages_dir": pages, "database_url": postgres_url,
        "requests_per_second": 0, "max_threads": 10,
    }  # fmt: skip


@pytest.fixture
def changed_site() -> Iterator[DemoSite]:
    """One title page in five has another layout, which asking again would not help."""
    plan = FaultPlan([Fault.MISSING_FIELD])
    with DemoSite(FACTS, faults=plan, delay_seconds=0.05) as site:
        yield site


def sources_in_rows(folder: Path, url: str) -> dict[str, str]:
    """The source of each title; both repositories must say the same."""
    in_csv = {row["imdb_id"]: row["source"] for row in rows(folder / "output", "titles.csv")}
    assert dict(rows_of(url, "SELECT imdb_id, source FROM titles")) == in_csv
    return in_csv


def possible_sources(*sites: DemoSite) -> dict[str, set[str]]:
    """For each title the sources that it can come from: html gave the right page, or it did not."""
    found: dict[str, set[str]] = defaultdict(set)
    for record in (record for site in sites for record in site.requests):
        kind, _, imdb_id = record.path.strip("/").partition("/")
        if kind == "title":
            found[imdb_id].add("saved" if record.fault else "html")
    return {imdb_id: found.get(imdb_id, {"saved"}) for imdb_id in IDS}


def expected_sources(site: DemoSite) -> dict[str, str]:
    """The source of each title, when html was asked for each at most once."""
    return {imdb_id: source for imdb_id, (source,) in possible_sources(site).items()}


def by_source(sources: Mapping[str, str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for imdb_id, source in sources.items():
        found[source].add(imdb_id)
    return dict(found)


def assert_told(folder: Path, url: str, result: Result, sources: Mapping[str, str]) -> None:
    """Report, summary and database name the titles of both sources, each title once."""
    ids = by_source(sources)
    main, other = sorted(ids, key=lambda source: -len(ids[source]))
    account = report(folder / "output")
    assert account["fetched_from"] == {main: len(ids[main]), other: len(ids[other])}
    named: dict[str, Any] = account["from_other_sources"]
    assert {source: set(listed) for source, listed in named.items()} == {other: ids[other]}
    assert len(named[other]) == len(ids[other])
    stored = rows_of(url, "SELECT report->'from_other_sources' FROM runs")
    assert stored[-1] == (named,)
    assert f"from {main} {len(ids[main])}, {other} {len(ids[other])};" in result.out
    [line] = [line for line in result.out.splitlines() if f"from {other}: " in line]
    assert line.endswith(f" and {len(ids[other]) - 8} more")


def test_the_titles_that_a_second_source_had_to_give_are_named(
    changed_site, settings, tmp_path, postgres_url
):
    result = run(tmp_path, base_url=changed_site.url, **settings)

    assert result.status == 0, result.out + result.err
    expected = expected_sources(changed_site)
    assert sources_in_rows(tmp_path, postgres_url) == expected
    assert_told(tmp_path, postgres_url, result, expected)


def test_a_source_that_blocks_us_in_the_middle_has_given_what_its_rows_say(
    settings, tmp_path, postgres_url
):
    plan = FaultPlan([Fault.CHALLENGE_PAGE], share=0.02)
    with DemoSite(FACTS, faults=plan, delay_seconds=0.05) as site:
        result = run(tmp_path, base_url=site.url, **settings)

    assert result.status == 0, result.out + result.err
    expected = expected_sources(site)
    assert sources_in_rows(tmp_path, postgres_url) == expected
    assert_told(tmp_path, postgres_url, result, expected)


def test_a_run_that_goes_on_with_another_source_keeps_the_source_of_what_it_had(
    settings, tmp_path, postgres_url
):
    plan = FaultPlan([Fault.CHALLENGE_PAGE], share=0.02)
    with DemoSite(FACTS, faults=plan, delay_seconds=0.05) as site:
        stopped = run(tmp_path, base_url=site.url, **settings | {"sources": "html"})
        assert stopped.status == 3
        before = sources_in_rows(tmp_path, postgres_url)
        assert 0 < len(before) < len(IDS)
        assert set(before.values()) == {"html"}

        resumed = run(tmp_path, "resume", base_url=site.url, **settings | {"sources": "saved"})

    assert resumed.status == 0, resumed.out + resumed.err
    assert sources_in_rows(tmp_path, postgres_url) == dict.fromkeys(IDS, "saved") | before
    account = report(tmp_path / "output")
    assert account["already_saved"] == len(before)
    assert account["fetched_from"] == {"saved": len(IDS) - len(before)}
    assert account["from_other_sources"] == {}


def test_titles_that_are_tried_again_have_the_source_that_gave_them(
    changed_site, settings, tmp_path, postgres_url
):
    first = run(tmp_path, base_url=changed_site.url, **settings | {"sources": "html"})
    assert first.status == 1
    again = run(tmp_path, "retry", base_url=changed_site.url, **settings | {"sources": "saved"})

    assert again.status == 0, again.out + again.err
    expected = expected_sources(changed_site)
    assert sources_in_rows(tmp_path, postgres_url) == expected
    saved = by_source(expected)["saved"]
    assert report(tmp_path / "output")["fetched_from"] == {"saved": len(saved)}


def test_a_killed_run_of_two_sources_that_is_continued_has_the_right_source_in_each_row(
    changed_site, settings, tmp_path, postgres_url
):
    with start(tmp_path, base_url=changed_site.url, **settings) as process:
        assert changed_site.wait_for_requests(150, 60)
        process.kill()
        process.communicate()
    before = {row["imdb_id"] for row in rows(tmp_path / "output", "titles.csv")}
    assert 0 < len(before) < len(IDS)

    resumed = run(tmp_path, "resume", base_url=changed_site.url, **settings)

    assert resumed.status == 0, resumed.out + resumed.err
    sources = sources_in_rows(tmp_path, postgres_url)
    possible = possible_sources(changed_site)
    assert [i for i in IDS if sources[i] not in possible[i]] == []
    account = report(tmp_path / "output")
    assert sum(account["fetched_from"].values()) == len(IDS) - account["already_saved"]
    named = {i: source for source, ids in account["from_other_sources"].items() for i in ids}
    assert named
    assert {imdb_id: sources[imdb_id] for imdb_id in named} == named
