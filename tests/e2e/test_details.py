"""``--with``: details of titles in both stores, from each source, and over several runs."""

import json
from collections.abc import Iterator

import pytest
import requests

from demo.api import PATH
from demo.facts import load_facts
from demo.site import DemoSite
from tests.databases import rows_of
from tests.e2e.program import report, rows, run, titles_asked

FACTS = load_facts()
SHAWSHANK, GODFATHER = "tt0111161", "tt0068646"


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite(FACTS) as demo_site:
        yield demo_site


def test_what_is_asked_for_is_in_both_stores(site, tmp_path, postgres_url):
    settings = {"graphql_url": site.url + PATH, "sources": "graphql", "database_url": postgres_url}
    result = run(tmp_path, "titles", SHAWSHANK, "--with", "akas,awards", **settings)
    assert result.status == 0, result.err
    output = tmp_path / "output"
    held = {
        row["detail"]: (row["items"], row["is_whole"], row["source"])
        for row in rows(output, "details.csv")
    }
    assert held == {"akas": ("61", "true", "graphql"), "awards": ("1", "true", "graphql")}
    akas = [(row["title"], row["region"]) for row in rows(output, "akas.csv")]
    assert akas[:2] == [
        ("The Shawshank Redemption", ""), ("The Shawshank Redemption 1", "BR"),
    ]  # fmt: skip
    in_database = rows_of(postgres_url, "SELECT title, region FROM akas ORDER BY position")
    assert [(title, region or "") for title, region in in_database] == akas
    assert rows_of(postgres_url, "SELECT wins, nominations FROM awards") == [(1, 2)]
    assert rows_of(postgres_url, "SELECT details FROM runs") == [(["akas", "awards"],)]
    assert report(output)["run"]["details"] == ["akas", "awards"]
    assert not (output / "episodes.csv").exists()


def test_nothing_asked_for_takes_the_same_requests_as_ever(site, tmp_path):
    before = titles_asked(site)
    result = run(tmp_path, "titles", SHAWSHANK, base_url=site.url, repositories="csv")
    assert result.status == 0, result.err
    assert titles_asked(site) - before == 1
    assert not (tmp_path / "output" / "details.csv").exists()


def test_the_web_site_says_once_what_it_does_not_have(site, tmp_path):
    settings = {"base_url": site.url, "repositories": "csv", "details": "all"}
    result = run(tmp_path, "titles", SHAWSHANK, GODFATHER, **settings)
    assert result.status == 0, result.err
    lacking = (
        "nominations, parents_guide, runtimes, rating_histogram, country_ratings, critic_reviews, "
        "interests, news"
    )
    told = f"source html has no {lacking}: its titles come without"
    assert result.out.count(told) == 1
    assert report(tmp_path / "output")["notices"] == [told]
    held = [row["detail"] for row in rows(tmp_path / "output", "details.csv")]
    assert (len(held), len(set(held))) == (60, 30)


def test_a_detail_that_cannot_be_had_is_named_and_the_title_saved(site, tmp_path):
    page = requests.get(f"{site.url}/title/{SHAWSHANK}/", timeout=9).text
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "page.html").write_text(page.replace('"wins":', '"victories":'), "utf-8")
    settings = {"sources": "saved", "saved_pages_dir": folder, "repositories": "csv"}
    result = run(tmp_path, "titles", SHAWSHANK, "--with", "awards,languages,akas", **settings)
    assert result.status == 1
    assert "Finished, with details of titles missing" in result.out
    assert f"saved without awards, which could not be had: 1 ({SHAWSHANK})" in result.out
    account = report(tmp_path / "output")
    assert [(f["imdb_id"], f["detail"]) for f in account["detail_failures"]] == [
        (SHAWSHANK, "awards")
    ]
    assert account["failures"] == []
    [notice] = account["notices"]
    assert "no page with akas" in notice
    assert [row["detail"] for row in rows(tmp_path / "output", "details.csv")] == ["languages"]


def test_a_run_that_asks_for_something_else_keeps_what_is_held(site, tmp_path, postgres_url):
    settings = {"base_url": site.url, "database_url": postgres_url}
    assert run(tmp_path, "titles", SHAWSHANK, "--with", "languages", **settings).status == 0
    assert run(tmp_path, "titles", SHAWSHANK, "--with", "countries", **settings).status == 0
    held = {row["detail"] for row in rows(tmp_path / "output", "details.csv")}
    assert held == {"languages", "countries"}
    assert run(tmp_path, "repair", "--check", database_url=postgres_url).status == 0


def test_resume_goes_on_with_the_details_of_the_run(site, tmp_path, postgres_url):
    """Some of the titles are there, saved by the run, one of them without its detail."""
    settings = {"base_url": site.url, "database_url": postgres_url, "limit": "6"}
    assert run(tmp_path, "--with", "languages", **settings).status == 0
    output = tmp_path / "output"
    [note] = (output / ".runs").glob("*/run.json")
    # As if it had been killed, and had been asked for one more detail.
    known = json.loads(note.read_text("utf-8"))
    known["end"] = None
    known["run"]["details"] = ["languages", "countries"]
    note.write_text(json.dumps(known), "utf-8")
    before = titles_asked(site)
    result = run(tmp_path, "resume", repositories="csv", **settings)
    assert result.status == 0, result.err
    assert titles_asked(site) - before == 6
    held = [row["detail"] for row in rows(output, "details.csv")]
    assert sorted(held) == ["countries"] * 6 + ["languages"] * 6
    known["end"] = None
    note.write_text(json.dumps(known), "utf-8")
    before = titles_asked(site)
    result = run(tmp_path, "resume", repositories="csv", **settings)
    assert titles_asked(site) == before
    assert "already saved 6" in result.out


def test_an_unknown_detail_is_told_before_anything_begins(tmp_path):
    result = run(tmp_path, "titles", SHAWSHANK, "--with", "akas,seasons")
    assert result.status == 2
    assert "DETAILS=akas,seasons: must name" in result.err
    assert "'episodes'" in result.err
    assert not (tmp_path / "output").exists()


def test_parse_prints_details_only_when_asked(site, tmp_path):
    page = requests.get(f"{site.url}/title/{SHAWSHANK}/", timeout=9).content
    (tmp_path / "page.html").write_bytes(page)
    plain = json.loads(run(tmp_path, "parse", "page.html").out)
    assert "details" not in plain
    detailed = json.loads(run(tmp_path, "parse", "page.html", "--with", "awards,akas,images").out)
    assert detailed.pop("details") == {
        "awards": {"is_whole": True, "items": [{"wins": 1, "nominations": 2}]},
        "images": {
            "is_whole": True,
            "items": [
                {
                    "url": f"https://m.media-amazon.com/images/M/demo/{SHAWSHANK}{name}.jpg",
                    "kind": kind, "width": width, "height": height, "caption": caption,
                }
                for name, kind, width, height, caption in (
                    ("", "poster", 1000, 1500, "Poster of The Shawshank Redemption"),
                    ("-1", None, 1600, 900, None),
                    ("-2", None, 1600, 900, None),
                )
            ],
        },
    }  # fmt: skip
    assert detailed == plain
