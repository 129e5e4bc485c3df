"""``python main.py search``, as a user meets it."""

import json
import re

import pytest

from demo.facts import load_facts
from demo.site import DemoSite
from tests.e2e.program import Result, run
from tests.servers import page, serving

FACTS = load_facts()


@pytest.fixture(scope="module")
def site():
    with DemoSite(FACTS) as demo_site:
        yield demo_site


@pytest.fixture
def search(site, tmp_path):
    def ask(*arguments: str, **settings: object) -> Result:
        given = {
            "base_url": site.url,
            "suggestion_url": f"{site.url}/suggestion",
            "graphql_url": f"{site.url}/graphql",
        } | settings
        return run(tmp_path, "search", *arguments, **given)

    return ask


def test_a_table_of_what_was_found(search):
    result = search("the", "godfather")
    assert (result.status, result.err) == (0, "")
    header, first, *_ = result.out.splitlines()
    assert header.split() == ["id", "name", "kind", "year", "with"]
    assert re.split(r"  +", first.strip()) == [
        "tt0068646", "The Godfather", "movie", "1972", "Marlon Brando, Al Pacino",
    ]  # fmt: skip


def test_one_json_object_a_line(search):
    result = search("the matrix", "--year", "1999", "--kind", "movie", "--json")
    [hit] = [json.loads(line) for line in result.out.splitlines()]
    assert hit == {
        "imdb_id": "tt0133093", "thing": "title", "name": "The Matrix", "original_title": None,
        "kind": "movie", "year": 1999, "end_year": None, "rank": None, "rating": None,
        "votes": None, "image_url": None, "stars": ["Keanu Reeves", "Laurence Fishburne"],
        "known_for": None, "company_type": None, "country": None, "keyword": None,
        "title_count": None,
    }  # fmt: skip


def test_people(search):
    hits = [json.loads(line) for line in search("--people", "nolan", "--json").out.splitlines()]
    assert {hit["name"] for hit in hits} == {"Christopher Nolan", "Jonathan Nolan"}
    assert {hit["thing"] for hit in hits} == {"person"}


def test_companies(search):
    result = search("--companies", "war", "pictures")
    assert result.status == 0
    header, row = (re.split(r"  +", line.strip()) for line in result.out.splitlines())
    assert header == ["id", "name", "type", "country", "known for"]
    best = next(title for title in FACTS.titles if "War" in title.genres)
    assert row[0].startswith("co")
    assert row[1:] == [
        "War Pictures", "Production", "United States", f"{best.title} ({best.year})",
    ]  # fmt: skip


def test_keywords_are_shown_as_addresses_write_them(search):
    result = search("--keywords", "sci-fi")
    assert result.status == 0
    header, row = (line.split() for line in result.out.splitlines())
    count = sum("Sci-Fi" in title.genres for title in FACTS.titles)
    assert header == ["id", "name", "titles"]
    assert row[1:] == ["sci-fi-film", str(count)]
    [hit] = map(json.loads, search("--keywords", "sci-fi", "--json").out.splitlines())
    assert (hit["thing"], hit["keyword"], hit["name"]) == ("keyword", "sci-fi-film", "sci-fi film")
    assert hit["title_count"] == count


def test_suggestions_are_the_last_resort_for_companies_and_not_asked_for_keywords(search):
    with serving({}) as nobody:
        url = nobody.url
    settings = {"graphql_url": url, "base_url": url, "max_attempts": 1}
    company = search("--companies", "war pictures", **settings)
    assert (company.status, company.out.split()[-2:]) == (0, ["War", "Pictures"])
    assert [line.split(" gives")[0] for line in company.err.splitlines()] == [
        "graphql",
        "find page",
    ]
    keyword = search("--keywords", "sci-fi", **settings)
    assert (keyword.status, keyword.out) == (3, "")
    assert "suggestion" not in keyword.err


def test_a_limit(search):
    assert len(search("the", "--limit", "3", "--json").out.splitlines()) == 3


def test_a_name_in_another_script_reaches_the_site_and_the_terminal(search):
    result = search("Shichinin no samurai", "--json", pythonioencoding="latin-1")
    assert json.loads(result.out)["imdb_id"] == "tt0047478"
    assert search("七人の侍").status == 1


def test_nothing_found_is_told_with_the_filters(search):
    result = search("the matrix", "--year", "2003", "--kind", "short")
    assert (result.status, result.out) == (1, "")
    told = "Nothing was found for 'the matrix' of 2003 of the kind short."
    assert result.err.splitlines()[-1] == told


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([""], "the text is empty"),
        (["?!"], "neither a letter nor a digit"),
        (["x" * 301], "at most 300"),
        (["heat", "--year", "99"], "year 99"),
        (["heat", "--kind", "film"], "'film' is no kind of title; known are movie, tvSeries"),
        (["heat", "--limit", "0"], "limit 0"),
        (["heat", "--people", "--year", "1995"], "people have no year"),
        (["heat", "--companies", "--kind", "movie"], "companies have no year"),
        (["heat", "--people", "--companies"], "--companies and --keywords exclude each other"),
        (["heat", "--keywords", "--people"], "--companies and --keywords exclude each other"),
        ([], "Missing argument"),
    ],
)
def test_what_makes_no_sense_is_told_and_nobody_is_asked(site, search, arguments, problem):
    before = len(site.requests)
    result = search(*arguments)
    assert (result.status, result.out) == (2, "")
    assert problem in result.err
    assert len(site.requests) == before


def test_one_that_is_blocked_is_named_and_the_next_one_answers(search):
    challenge = {
        "/titles/x/godfather.json?includeVideos=0": lambda h: h.reply(
            202, x_amzn_waf_action="challenge"
        )
    }
    with serving(challenge) as server:
        result = search("godfather", suggestion_url=server.url)
        without_api = search("godfather", suggestion_url=server.url, graphql_url=server.url)
    assert (result.status, without_api.status) == (0, 0)
    blocked, disclaimer = result.err.splitlines()
    assert blocked.startswith("suggestion blocks us: ")
    assert disclaimer.startswith("graphql says: This is the API of the demo site.")
    blocked, unavailable = without_api.err.splitlines()
    assert blocked.startswith("suggestion blocks us: ")
    assert unavailable.startswith("graphql gives no answer: ")
    # The API and the page have what suggestions lack; only the API has the rank, too.
    godfather = next(title for title in FACTS.titles if title.imdb_id == "tt0068646")
    known = [f"{godfather.rating:.1f}", f"{godfather.votes:,}"]
    header, first, *_ = without_api.out.splitlines()
    assert header.split() == ["id", "name", "kind", "year", "rating", "votes"]
    assert first.split()[-2:] == known
    header, first, *_ = result.out.splitlines()
    assert header.split() == ["id", "name", "kind", "year", "rating", "votes", "rank"]
    assert first.split()[-3:] == [*known, str(godfather.rank)]


def test_when_nobody_answers_all_are_named(search):
    rules = {"/robots.txt": page(b"User-agent: *\nDisallow: /\n")}
    with serving(rules) as server:
        result = search(
            "heat", suggestion_url=server.url, graphql_url=server.url, base_url=server.url
        )
        assert server.requests == {"/robots.txt": 1}
    assert (result.status, result.out) == (3, "")
    suggestion, graphql, find_page, advice = result.err.splitlines()
    assert graphql.startswith("graphql gives no answer: ")
    assert suggestion.startswith("suggestion gives no answer: ")
    assert find_page.startswith("find page gives no answer: ")
    assert "ROBOTS=ignore" in find_page
    assert advice.startswith("Nobody gave an answer.")


def test_the_password_of_a_proxy_is_not_shown(search):
    result = search("heat", proxies="http://me:hunter2@127.0.0.1:9", max_attempts=1)
    assert result.status == 3
    assert "hunter2" not in result.out + result.err


def test_a_name_cannot_steer_the_terminal(search):
    line = {"id": "tt0113277", "l": "\x1b[2JHeat\nfaked  row", "y": 1995}
    answer = json.dumps({"q": "heat", "d": [line]}).encode()
    with serving({"/titles/x/heat.json?includeVideos=0": page(answer)}) as server:
        result = search("heat", suggestion_url=server.url)
    assert result.status == 0
    assert "\x1b" not in result.out
    assert len(result.out.splitlines()) == 2
