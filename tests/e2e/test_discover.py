"""``python main.py discover`` and ``list``, against the demo site."""

import json
from collections.abc import Callable, Iterator

import pytest
import requests

from demo.advanced_search import PRIVATE_LIST, PUBLIC_LIST
from demo.facts import load_facts
from demo.site import DemoSite
from tests.e2e.program import Result, report, rows, run
from tests.servers import Handler, page, serving

FACTS = load_facts()
SCARY = ("--genre", "horror", "--year", "1970-1989", "--sort", "rating")
SCARY_IDS = [
    facts.imdb_id
    for facts in sorted(FACTS.titles, key=lambda facts: -facts.rating)
    if "Horror" in facts.genres and 1970 <= facts.release_date.year <= 1989
]
NOLANS = [
    facts.imdb_id
    for facts in sorted(FACTS.titles, key=lambda facts: facts.year)
    if any(person.name == "Christopher Nolan" for person in facts.directors)
]

Program = Callable[..., Result]


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite(FACTS) as demo_site:
        yield demo_site


@pytest.fixture
def program(tmp_path, site) -> Program:
    """Run a command with all sources on the demo site, unless told otherwise."""

    def started(*arguments: str, **settings: object) -> Result:
        given = {
            "sources": "html,graphql",
            "base_url": site.url,
            "graphql_url": f"{site.url}/graphql",
            "requests_per_second": 0,
            "repositories": "csv",
        }
        return run(tmp_path, *arguments, **(given | settings))

    return started


def listed(out: str) -> list[str]:
    return [json.loads(line)["imdb_id"] for line in out.splitlines()]


@pytest.mark.parametrize("sources", ["html", "graphql"])
def test_a_table(program, sources):
    result = program("discover", *SCARY, sources=sources)
    assert result.status == 0
    header, first, *others = result.out.splitlines()
    assert header.split() == ["id", "title", "kind", "year", "min", "rating", "votes", "genres"]
    assert first.split()[:6] == ["tt0078748", "Alien", "movie", "1979", "117", "8.5"]
    assert len(others) + 1 == len(SCARY_IDS)


@pytest.mark.parametrize("sources", ["html", "graphql"])
def test_json(program, sources):
    result = program("discover", *SCARY, "--json", sources=sources)
    assert listed(result.out) == SCARY_IDS
    first = json.loads(result.out.splitlines()[0])
    facts = next(facts for facts in FACTS.titles if facts.imdb_id == first["imdb_id"])
    assert first == {
        "imdb_id": "tt0078748", "kind": "movie", "title": "Alien", "original_title": "Alien",
        "year": 1979, "end_year": None, "runtime_minutes": 117, "rating": 8.5,
        "votes": facts.votes, "metascore": facts.metascore, "certificate": "R",
        "genres": ["Horror", "Sci-Fi"], "release_date": "1979-06-22", "plot": None,
        "image_url": None,
    }  # fmt: skip


@pytest.mark.parametrize("sources", ["html", "graphql"])
def test_save_makes_a_run_of_whole_titles(program, tmp_path, sources):
    result = program("discover", *SCARY, "--save", sources=sources)
    assert result.status == 0
    saved = {row["imdb_id"]: row for row in rows(tmp_path / "output", "titles.csv")}
    assert sorted(saved) == sorted(SCARY_IDS)
    assert rows(tmp_path / "output", "credits.csv")
    assert report(tmp_path / "output")["run"]["command"] == "discover"
    assert "Done: every title is saved" in result.out
    again = program("runs", sources=sources)
    assert "discover" in again.out


def test_the_settings_of_the_same_names_stand_before_the_command(program):
    result = program(
        "--language", "ja", "--country", "JP", "discover", "--title", "samurai", "--json"
    )
    title = json.loads(result.out)
    assert (title["title"], title["original_title"], title["certificate"]) == (
        "Shichinin no samurai",
        "Shichinin no samurai",
        None,
    )


def test_more_pages_than_one_of_the_api(program, site):
    before = site.count("/graphql")
    result = program("discover", "--limit", "250", "--json", sources="graphql")
    assert len(set(listed(result.out))) == 250
    assert site.count("/graphql") == before + 1
    assert "of 250 titles" not in result.err


def test_less_than_there_is_is_told(program):
    result = program("discover", "--limit", "3", "--json")
    assert (result.status, len(result.out.splitlines())) == (0, 3)
    assert result.err.splitlines()[-1] == "3 of 250 titles; --limit asks for more."


def test_when_the_site_blocks_us_the_api_is_asked(program):
    def challenge(handler: Handler) -> None:
        handler.reply(202, x_amzn_waf_action="challenge")

    released = "release_date=1970-01-01,1989-12-31"
    path = f"/search/title/?genres=Horror&{released}&sort=user_rating,desc&count=50"
    with serving({path: challenge, "/robots.txt": page(b"")}) as server:
        result = program("discover", *SCARY, "--json", base_url=server.url)
    assert (result.status, listed(result.out)) == (0, SCARY_IDS)
    assert result.err.splitlines()[0].startswith("html blocks us: ")


def test_what_a_user_has_rated_only_the_api_can_be_asked_for(program, site):
    before = site.count("/search/title/")
    result = program("discover", "--rated-by", "ur12345678")
    assert (result.status, result.out) == (1, "")  # the demo site knows no user
    assert "the page cannot be asked for what one user has rated" in result.err
    assert result.err.splitlines()[-1] == "No title is like that."
    assert site.count("/search/title/") == before


def test_nobody_answers(program):
    with serving({"/robots.txt": page(b"User-agent: *\nDisallow: /\n")}) as server:
        result = program(
            "discover", *SCARY, base_url=server.url, graphql_url=f"{server.url}/graphql"
        )
        assert server.requests == {"/robots.txt": 1}
    assert (result.status, result.out) == (3, "")
    assert result.err.splitlines()[-1].startswith("Nobody gave an answer.")


def test_nothing_is_like_that(program, tmp_path):
    for arguments in (("discover", "--kind", "short"), ("discover", "--kind", "short", "--save")):
        result = program(*arguments)
        assert (result.status, result.out) == (1, "")
        assert result.err.splitlines()[-1] == "No title is like that."
    assert not (tmp_path / "output/titles.csv").exists()


def test_all_that_is_wrong_is_told_at_once_and_nobody_is_asked(program, site):
    before = len(site.requests)
    result = program(
        "discover",
        "--genre",
        "horor",
        "--year",
        "x",
        "--person",
        "tt0111161",
        "--sort",
        "best",
        "--limit",
        "many",
        "--min-votes",
        "x",
    )
    assert (result.status, result.out) == (2, "")
    for problem in (
        "genre 'horor'",
        "year 'x'",
        "person 'tt0111161'",
        "sort 'best'",
        "limit 'many'",
        "min-votes 'x'",
    ):
        assert problem in result.err
    assert len(site.requests) == before


@pytest.mark.parametrize("command", [("discover",), ("list", PUBLIC_LIST)])
def test_what_does_not_go_together(program, command):
    result = program(*command, "--json", "--save")
    assert result.status == 2
    assert "give one" in result.err
    result = program(*command, sources="saved", saved_pages_dir=".")
    assert result.status == 2
    assert "saved cannot list titles: name one of html, graphql" in result.err


@pytest.mark.parametrize("sources", ["html", "graphql"])
def test_a_list(program, sources):
    result = program("list", PUBLIC_LIST, sources=sources)
    assert result.status == 0
    assert [line.split()[0] for line in result.out.splitlines()[1:]] == NOLANS
    assert "The list is called Christopher Nolan." in result.err


def test_a_list_by_its_address_as_json(program):
    result = program("list", f"https://www.imdb.com/list/{PUBLIC_LIST}/", "--json", "--limit", "2")
    assert (result.status, listed(result.out)) == (0, NOLANS[:2])


def test_a_list_is_scraped(program, tmp_path):
    assert program("list", PUBLIC_LIST, "--save").status == 0
    assert sorted(row["imdb_id"] for row in rows(tmp_path / "output", "titles.csv")) == sorted(
        NOLANS
    )
    assert report(tmp_path / "output")["run"]["command"] == "list"


@pytest.mark.parametrize("list_id", [PRIVATE_LIST, "ls123456789"])
def test_a_list_that_is_private_or_unknown(program, list_id):
    result = program("list", list_id)
    assert (result.status, result.out) == (1, "")
    assert result.err.splitlines()[-1] == f"There is no list of titles {list_id}, or it is private."


def test_what_is_no_list(program):
    result = program("list", "tt0111161")
    assert result.status == 2
    assert "must be 'ls' and 7 or more digits" in result.err


def test_saved_pages_of_a_search_and_of_a_list_are_read(tmp_path, site):
    query = "genres=Horror&release_date=1970-01-01,1989-12-31&sort=user_rating,desc"
    for name, path in (("search", f"/search/title/?{query}"), ("list", f"/list/{PUBLIC_LIST}/")):
        content = requests.get(site.url + path, timeout=9).content
        (tmp_path / f"{name}.html").write_bytes(content)
    result = run(tmp_path, "parse", "search.html", "list.html")
    assert (result.status, result.err) == (0, "")
    assert listed(result.out) == [*SCARY_IDS, *NOLANS]
