"""People from the demo site, by ``python main.py people``."""

import json
import os
import signal
from pathlib import Path

import pytest
import requests

from demo.api import PATH
from demo.facts import load_facts, people_of
from demo.site import DemoSite
from tests.databases import rows_of
from tests.e2e.program import ROOT, report, rows, run, start
from tests.servers import serving
from tests.unit.imdb_pages import person_pages

FACTS = load_facts()
PEOPLE = people_of(FACTS)
FREEMAN, DARABONT = "nm0000151", "nm0001104"
CAPTURES = Path(os.environ.get("IMDB_SHARED", ROOT.parent / "shared")) / "captures"


@pytest.fixture(scope="module")
def site():
    with DemoSite(FACTS) as demo_site:
        yield demo_site


def live(site: DemoSite, **settings: object) -> dict[str, object]:
    return {"base_url": site.url, "requests_per_second": 0} | settings


def expected_credits(ids: list[str]) -> set[tuple[object, ...]]:
    """Person, category, title's id, title, year and characters of each credit."""
    return {
        (imdb_id, category, title.imdb_id, title.title, str(title.year), tuple(characters))
        for imdb_id in ids
        for category, listed in (
            ("director", [(title, ()) for title in PEOPLE[imdb_id].directed]),
            ("writer", [(title, ()) for title in PEOPLE[imdb_id].written]),
            ("cast", PEOPLE[imdb_id].cast),
        )
        for title, characters in listed
    }


def test_people_are_saved_in_both_repositories_with_every_credit(site, tmp_path, postgres_url):
    ids = sorted(PEOPLE)[:40]
    result = run(tmp_path, "people", "-", given="\n".join(ids),
                 **live(site, database_url=postgres_url))  # fmt: skip
    assert result.status == 0, result.err
    assert "Done: every person is saved in every repository" in result.out
    assert "40 people from html" in result.err
    people = {row["imdb_id"]: row for row in rows(tmp_path / "output", "profiles.csv")}
    assert {imdb_id: row["name"] for imdb_id, row in people.items()} == {
        imdb_id: PEOPLE[imdb_id].name for imdb_id in ids
    }
    expected = expected_credits(ids)
    found = {
        (row["person_id"], row["category"], row["title_id"], row["title"], row["year"],
         tuple(json.loads(row["characters"] or "[]")))
        for row in rows(tmp_path / "output", "filmography.csv")
    }  # fmt: skip
    assert found == expected
    in_database = rows_of(
        postgres_url,
        "SELECT person_id, category, title_id, title, year::text, characters "
        "FROM person_filmography",
    )
    assert {(*row[:5], tuple(row[5])) for row in in_database} == expected
    columns = ("person_id", "category", "text", "year", "url", "related_id")
    facts = [
        tuple(row[name] or None for name in columns)
        for row in rows(tmp_path / "output", "person_facts.csv")
    ]
    assert sorted(map(str, facts)) == sorted(
        str(row) for row in rows_of(
            postgres_url,
            "SELECT person_id, category, text, year::text, url, related_id FROM person_facts",
        )
    )  # fmt: skip
    assert {fact[0] for fact in facts} == set(ids)
    assert report(tmp_path / "output")["fetched"] == 40


def test_a_person_is_shown_with_what_they_are_known_for(site, tmp_path):
    result = run(tmp_path, "people", FREEMAN, DARABONT, **live(site, repositories="csv"))
    assert result.status == 0
    assert "Morgan Freeman" in result.out
    assert "The Shawshank Redemption" in result.out
    assert "director 2, writer 2" in result.out
    assert "2 people, " in result.out


def test_who_is_nobody_is_named_and_harms_nobody_else(site, tmp_path):
    result = run(
        tmp_path, "people", f"{site.url.replace('http://', '')}/x", FREEMAN, "nm9999999",
        "https://www.imdb.com/title/tt0111161/", **live(site, repositories="csv"),
    )  # fmt: skip
    assert result.status == 1
    assert "Finished, with people missing" in result.out
    assert "nm9999999: no such person at" in result.out
    assert "(is a title, not a person: python main.py titles takes it)" in result.out
    written = report(tmp_path / "output")
    assert (written["asked"], written["fetched"], len(written["rejected"])) == (2, 1, 2)
    assert written["failures"][0]["imdb_id"] == "nm9999999"
    # What failed is not asked for as a title.
    again = run(tmp_path, "retry", **live(site, repositories="csv"))
    assert again.status == 0
    assert again.out == "Nothing to do: no run that is known had titles that failed.\n"


@pytest.mark.parametrize(
    ("command", "given", "told"),
    [
        ("people", "tt0111161", "is a title, not a person: python main.py titles takes it"),
        ("titles", FREEMAN, "is a person, not a title: python main.py people takes it"),
        ("people", "Morgan", "must be 'nm' and 7 or more digits"),
    ],
)
def test_what_the_command_does_not_take_is_told_and_nothing_started(tmp_path, command, given, told):
    result = run(tmp_path, command, given)
    assert result.status == 2
    assert told in result.err
    assert list(tmp_path.iterdir()) == []


def test_people_again_are_there_once(site, tmp_path):
    for expected in ("1   1 ", "1   0 "):
        result = run(tmp_path, "people", FREEMAN, **live(site, repositories="csv"))
        assert expected in result.out
    assert [row["imdb_id"] for row in rows(tmp_path / "output", "profiles.csv")] == [FREEMAN]
    runs = run(tmp_path, "runs", repositories="csv").out
    assert runs.count(" people ") == 2


def test_when_the_site_blocks_us_it_is_said_and_the_status_is_3(tmp_path):
    def challenge(handler):
        handler.reply(202, b"", x_amzn_waf_action="challenge")

    with serving({f"/name/{FREEMAN}/": challenge}) as wall:
        result = run(tmp_path, "people", FREEMAN, base_url=wall.url, repositories="csv")
    assert result.status == 3
    assert "Stopped: no source gives us people" in result.out
    assert not (tmp_path / "output" / "profiles.csv").exists()


def test_with_the_pages_blocked_people_come_from_the_api_with_few_requests(site, tmp_path):
    ids = sorted(PEOPLE)[:60]
    before = len(site.requests)

    def challenge(handler):
        handler.reply(202, b"", x_amzn_waf_action="challenge")

    with serving({f"/name/{imdb_id}/": challenge for imdb_id in ids}) as wall:
        result = run(
            tmp_path, "people", "-", given="\n".join(ids), base_url=wall.url, max_threads=1,
            sources="html,graphql", graphql_url=site.url + PATH, repositories="csv",
            graphql_batch_size=20, requests_per_second=0,
        )  # fmt: skip
        assert sum(wall.requests[f"/name/{imdb_id}/"] for imdb_id in ids) == 1
    assert result.status == 0, result.err
    account = report(tmp_path / "output")
    assert (account["asked"], account["fetched"]) == (60, 60)
    assert account["fetched_from"] == {"graphql": 60}
    assert [notice.partition(":")[0] for notice in account["notices"]] == [
        "source html is given up for now",
        "source graphql says",
    ]
    people = {row["imdb_id"]: row for row in rows(tmp_path / "output", "profiles.csv")}
    assert {i: (row["name"], row["source"], row["found_by"]) for i, row in people.items()} == {
        imdb_id: (PEOPLE[imdb_id].name, "graphql", "api") for imdb_id in ids
    }
    assert {
        (row["person_id"], row["category"], row["title_id"])
        for row in rows(tmp_path / "output", "filmography.csv")
    } == {credit[:3] for credit in expected_credits(ids)}
    asked = [r for r in site.requests[before:] if r.method == "POST"]
    assert len(asked) == 3


def test_an_interrupted_run_keeps_what_it_has(tmp_path):
    ids = sorted(PEOPLE)[:60]
    with DemoSite(FACTS, delay_seconds=0.2) as slow:
        program = start(tmp_path, "people", *ids, **live(slow, repositories="csv", max_threads=2))
        with program:
            assert slow.wait_for_requests(8, 60)
            program.send_signal(signal.SIGINT)
            out, err = program.communicate(timeout=60)
    assert program.returncode == 130, err
    written = report(tmp_path / "output")
    assert 0 < written["fetched"] < 60
    assert len(rows(tmp_path / "output", "profiles.csv")) == written["fetched"]
    assert "python main.py people ID...    once more" in out


def test_saved_pages_give_people_and_parse_prints_them(tmp_path):
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "somebody.html").write_text(person_pages.html(person_pages.v2()))
    result = run(tmp_path, "people", person_pages.PERSON_ID, "nm0000001", sources="saved",
                 saved_pages_dir=folder, repositories="csv")  # fmt: skip
    assert result.status == 1
    [person] = rows(tmp_path / "output", "profiles.csv")
    assert (person["name"], person["birth_date"], person["source"]) == (
        "Li Wen",
        "1564-04",
        "saved",
    )
    assert "nm0000001: no such person" in result.out
    printed = json.loads(run(tmp_path, "parse", str(folder / "somebody.html")).out)
    assert list(printed) == [
        "imdb_id", "name", "birth_date", "birth_place", "death_date", "death_place",
        "professions", "biography", "known_for", "total_credits", "filmography", "facts",
    ]  # fmt: skip
    assert printed["death_date"] == "1620-05-03"
    assert printed["death_place"] is None
    assert list(printed["filmography"]) == ["actress", "writer"]
    assert printed["filmography"]["actress"][0]["characters"] == ["Io", "Self"]
    assert printed["facts"][0] == {
        "category": "birth_name", "text": "Wen Li", "year": None, "url": None, "related_id": None,
    }  # fmt: skip


@pytest.mark.skipif(not CAPTURES.is_dir(), reason=f"no captures in {CAPTURES}")
def test_a_captured_person_can_be_parsed_and_saved(tmp_path):
    folder = CAPTURES / "person"
    [path] = folder.glob("*.html")
    printed = json.loads(run(tmp_path, "parse", str(path)).out)
    assert (printed["imdb_id"], printed["name"]) == ("nm0741627", "Reginald Rose")
    result = run(tmp_path, "people", "nm0741627", sources="saved", saved_pages_dir=folder,
                 repositories="csv")  # fmt: skip
    assert result.status == 0, result.err
    assert "1920-12-10" in result.out
    assert "(of 91)" in result.out
    assert len(rows(tmp_path / "output", "filmography.csv")) == 20


def test_the_sites_page_of_a_person_is_for_people_too(site):
    text = requests.get(f"{site.url}/name/{DARABONT}/", timeout=10).text
    assert "<h3>Director</h3>" in text
    assert "The Green Mile" in text
    assert requests.get(f"{site.url}/name/nm9999999/", timeout=10).status_code == 404
