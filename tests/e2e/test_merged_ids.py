"""Ids that were merged into others, from the demo site's pages and its API, through a whole run."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.api import PATH
from demo.facts import MERGED_IDS, load_facts
from demo.site import DemoSite
from tests.databases import rows_of
from tests.e2e.program import Result, report, rows, run, start

FACTS = load_facts()
OTHER = FACTS.titles[9].imdb_id
OLD = "tt9100000001"
NEW = MERGED_IDS[OLD]


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite(FACTS) as demo_site:
        yield demo_site


def asking(folder: Path, site: DemoSite, *arguments: str, **settings: object) -> Result:
    given = {"base_url": site.url, "graphql_url": site.url + PATH, "requests_per_second": 0}
    return run(folder, *arguments, **given | settings)


def merged_rows(folder: Path) -> dict[str, str]:
    return {row["old_id"]: row["new_id"] for row in rows(folder / "output", "merged_ids.csv")}


@pytest.mark.parametrize("source", ["html", "graphql"])
def test_the_new_id_is_used_and_both_are_kept(
    site: DemoSite, tmp_path: Path, postgres_url: str, source: str
) -> None:
    result = asking(
        tmp_path, site, "titles", OLD, OTHER, NEW, sources=source, database_url=postgres_url
    )
    assert result.status == 0, result.err
    assert f"{OLD} has been merged into {NEW} and is saved under that id" in result.out
    account = report(tmp_path / "output")
    assert (account["asked"], account["fetched"], account["failures"]) == (3, 3, [])
    assert account["merged"] == {OLD: NEW}
    assert Counter(row["imdb_id"] for row in rows(tmp_path / "output", "titles.csv")) == {
        NEW: 1,
        OTHER: 1,
    }
    assert set(rows_of(postgres_url, "SELECT imdb_id FROM titles")) == {(NEW,), (OTHER,)}
    assert merged_rows(tmp_path) == {OLD: NEW}
    assert rows_of(postgres_url, "SELECT old_id, new_id FROM merged_ids") == [(OLD, NEW)]


def test_a_run_that_is_continued_takes_an_old_id_for_done(tmp_path: Path) -> None:
    with DemoSite(FACTS, delay_seconds=0.05) as slow:
        ids = [OLD, *(title.imdb_id for title in FACTS.titles[1:200])]
        given = {"base_url": slow.url, "requests_per_second": 0, "repositories": "csv"}
        with start(tmp_path, "titles", *ids, max_threads=2, **given) as process:
            noted = tmp_path / "output" / "merged_ids.csv"
            while process.poll() is None and not noted.exists():
                slow.wait_for_requests(len(slow.requests) + 1, 0.1)
            process.kill()
            process.communicate()
        assert slow.count(f"/title/{OLD}/") == 1
        result = run(tmp_path, "resume", **given)
        assert slow.count(f"/title/{OLD}/") == 1, "it was saved, under its new id"
    assert result.status == 0, result.err
    account = report(tmp_path / "output")
    assert account["asked"] == account["already_saved"] + account["fetched"] == len(ids)
    assert {row["imdb_id"] for row in rows(tmp_path / "output", "titles.csv")} == {NEW, *ids[1:]}


def test_a_person_of_an_old_id_is_kept_under_the_new_one(site: DemoSite, tmp_path: Path) -> None:
    old = "nm9100000001"
    result = asking(tmp_path, site, "people", old, repositories="csv")
    assert result.status == 0, result.err
    [person] = rows(tmp_path / "output", "profiles.csv")
    assert person["imdb_id"] == MERGED_IDS[old]
    assert merged_rows(tmp_path) == {old: MERGED_IDS[old]}
    assert report(tmp_path / "output")["merged"] == {old: MERGED_IDS[old]}
