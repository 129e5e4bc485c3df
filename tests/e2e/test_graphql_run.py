"""``python main.py`` with the API as a source, against the demo site's."""

import math
from collections import Counter
from collections.abc import Iterator

import pytest

from demo.api import PATH
from demo.facts import load_facts
from demo.faults import Fault, FaultPlan
from demo.site import DemoSite
from tests.e2e.program import report, rows, run
from tests.e2e.test_batch_run import expected_credits, released
from tests.servers import ScriptedServer, serving

FACTS = load_facts()
IDS = [title.imdb_id for title in FACTS.titles]
CHAIN = {"sources": "html,graphql", "repositories": "csv"}


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite(FACTS) as demo_site:
        yield demo_site


@pytest.fixture
def blocked() -> Iterator[ScriptedServer]:
    """A web site that answers everybody with a challenge, but for its robots.txt."""
    challenge = {"/chart/top/": lambda h: h.reply(202, x_amzn_waf_action="challenge")}
    with serving(challenge) as server:
        yield server


def questions(site: DemoSite, since: int = 0) -> int:
    return sum(r.method == "POST" and r.path == PATH for r in site.requests[since:])


def test_with_the_site_blocked_250_whole_titles_come_with_few_requests(site, blocked, tmp_path):
    before = len(site.requests)
    result = run(tmp_path, base_url=blocked.url, graphql_url=site.url + PATH, **CHAIN)
    assert result.status == 0, result.err
    asked = Counter((r.method, r.path) for r in site.requests[before:])
    assert asked == {("GET", "/robots.txt"): 1, ("POST", PATH): 1 + 5}
    assert sum(blocked.requests.values()) + sum(asked.values()) <= 10

    output = tmp_path / "output"
    account = report(output)
    assert (account["asked"], account["fetched"]) == (250, 250)
    assert account["fetched_from"] == {"graphql": 250}
    titles = {row["imdb_id"]: row for row in rows(output, "titles.csv")}
    assert len(titles) == 250
    for fact in FACTS.titles:
        row = titles[fact.imdb_id]
        known = [
            fact.title, fact.original_title or "", str(fact.year), fact.rating, str(fact.votes),
            "" if fact.metascore is None else str(fact.metascore), str(fact.runtime_minutes),
            fact.certificate or "", released(fact.release_date), "graphql", "api",
        ]  # fmt: skip
        assert known == [
            row["title"], row["original_title"], row["year"], float(row["rating"]), row["votes"],
            row["metascore"], row["runtime_minutes"], row["certificate"], row["release_date"],
            row["source"], row["found_by"],
        ]  # fmt: skip
    credited = rows(output, "credits.csv")
    assert Counter((r["title_id"], r["category"]) for r in credited) == Counter(
        (title_id, category) for title_id, category, *_ in expected_credits()
    )
    assert {(r["title_id"], r["category"], r["person_id"], r["name"]) for r in credited} == {
        (title_id, category, person_id, name)
        for title_id, category, _, person_id, name, _ in expected_credits()
    }
    ranks = [(row["rank"], row["imdb_id"]) for row in rows(output, "chart.csv")]
    assert ranks == [(str(rank), imdb_id) for rank, imdb_id in enumerate(IDS, 1)]


@pytest.mark.parametrize("threads", [5, 50])
def test_when_the_site_blocks_in_the_middle_the_rest_comes_with_full_requests(tmp_path, threads):
    """The pages that are blocked are spread over the run; the first of them ends the source."""
    plan = FaultPlan([Fault.CHALLENGE_PAGE], share=0.02)
    with DemoSite(FACTS, faults=plan, delay_seconds=0.05) as site:
        result = run(
            tmp_path, base_url=site.url, graphql_url=site.url + PATH, requests_per_second=0,
            max_threads=threads, **CHAIN,
        )  # fmt: skip
        asked = questions(site)
    assert result.status == 0, result.err
    account = report(tmp_path / "output")
    from_api = account["fetched_from"]["graphql"]
    assert account["fetched_from"] == {"html": 250 - from_api, "graphql": from_api}
    assert 0 < from_api < 250
    assert asked == math.ceil(from_api / 50)
    saved = Counter(row["imdb_id"] for row in rows(tmp_path / "output", "titles.csv"))
    assert saved == Counter(IDS)


def test_with_details_the_rest_comes_with_ten_titles_a_request(tmp_path):
    plan = FaultPlan([Fault.CHALLENGE_PAGE], share=0.02)
    with DemoSite(FACTS, faults=plan, delay_seconds=0.02) as site:
        result = run(
            tmp_path, base_url=site.url, graphql_url=site.url + PATH, requests_per_second=0,
            max_threads=5, details="keywords", **CHAIN,
        )  # fmt: skip
        asked = questions(site)
    assert result.status == 0, result.err
    from_api = report(tmp_path / "output")["fetched_from"]["graphql"]
    assert asked == math.ceil(from_api / 10)
    saved = Counter(row["title_id"] for row in rows(tmp_path / "output", "details.csv"))
    assert saved == Counter(IDS)


def test_it_is_said_once_that_the_site_is_blocked_and_what_the_data_may_be_used_for(
    site, blocked, tmp_path
):
    result = run(tmp_path, base_url=blocked.url, graphql_url=site.url + PATH, **CHAIN)
    notices = report(tmp_path / "output")["notices"]
    assert [notice.partition(":")[0] for notice in notices] == [
        "source html is given up for now",
        "source graphql says",
    ]
    assert "limited non-commercial use" in notices[1]
    for text in (result.out, result.err):
        assert text.count("limited non-commercial use") == 1
        assert text.count("source html is given up") == 1


def test_while_the_site_answers_the_api_is_not_asked(site, tmp_path):
    before = len(site.requests)
    result = run(
        tmp_path, base_url=site.url, graphql_url=site.url + PATH, limit=5,
        requests_per_second=0, **CHAIN,
    )  # fmt: skip
    assert result.status == 0
    assert report(tmp_path / "output")["fetched_from"] == {"html": 5}
    assert questions(site, before) == 0


def test_titles_are_asked_for_by_id_and_an_unknown_one_is_named(site, tmp_path):
    given = {"sources": "graphql", "repositories": "csv", "graphql_url": site.url + PATH}
    before = len(site.requests)
    result = run(tmp_path, "titles", *IDS[:3], "tt9999999", **given)
    assert result.status == 1
    assert {row["imdb_id"] for row in rows(tmp_path / "output", "titles.csv")} == set(IDS[:3])
    [failure] = report(tmp_path / "output")["failures"]
    assert (failure["imdb_id"], failure["reason"]) == ("tt9999999", "not_found")
    assert questions(site, before) == 1


def test_a_batch_that_is_too_much_is_cut_and_every_title_is_saved_once(tmp_path):
    with DemoSite(FACTS, most_titles=30) as site:
        result = run(
            tmp_path, sources="graphql", repositories="csv", graphql_url=site.url + PATH,
            requests_per_second=0,
        )  # fmt: skip
    assert result.status == 0, result.err
    saved = Counter(row["imdb_id"] for row in rows(tmp_path / "output", "titles.csv"))
    assert saved == Counter(IDS)


def test_an_api_that_fails_now_and_then_loses_nothing(tmp_path):
    """The seed is one with which a question is hit at its first try."""
    plan = FaultPlan([Fault.CUT_GZIP, Fault.BAD_GATEWAY], share=0.4, seed=1, api=True)
    with DemoSite(FACTS, faults=plan) as site:
        result = run(
            tmp_path, sources="graphql", repositories="csv", graphql_url=site.url + PATH,
            requests_per_second=0, graphql_batch_size=25,
        )  # fmt: skip
        assert sum(record.fault is not None for record in site.requests) > 0
    assert result.status == 0, result.err
    saved = Counter(row["imdb_id"] for row in rows(tmp_path / "output", "titles.csv"))
    assert saved == Counter(IDS)


def test_an_api_that_refuses_us_is_one_message_with_what_to_do(blocked, tmp_path):
    forbidden = {"/": lambda h: h.reply(403, b"<html>403 Forbidden</html>")}
    with serving(forbidden) as api:
        result = run(tmp_path, base_url=blocked.url, graphql_url=api.url, **CHAIN)
        assert api.requests["/"] == 1
    assert result.status == 3
    assert "GRAPHQL_CLIENT_NAME" in result.out
    assert rows(tmp_path / "output", "titles.csv") == []


def test_doctor_checks_the_api(site, tmp_path):
    given = {"sources": "graphql", "repositories": "csv"}
    well = run(tmp_path, "doctor", graphql_url=site.url + PATH, **given)
    assert well.status == 0
    assert "source graphql: chart top has 250 titles" in well.out
    assert "limited non-commercial use" in " ".join(well.out.split())
    with serving({"/": lambda h: h.reply(403)}) as api:
        refused = run(tmp_path, "doctor", graphql_url=api.url, **given)
    assert refused.status == 3
    assert "GRAPHQL_CLIENT_NAME" in refused.out


def test_the_demo_stays_on_pages(tmp_path):
    result = run(tmp_path, "demo", repositories="csv", limit=3, sources="html,graphql")
    assert result.status == 0, result.err
    assert report(tmp_path / "output" / "demo")["fetched_from"] == {"html": 3}


def test_the_country_and_the_language_of_the_settings_are_asked_for(tmp_path):
    asked = {}

    def answer(handler):
        asked.update({name.lower(): value for name, value in handler.headers.items()})
        handler.reply(404)

    with serving({"/": answer}) as api:
        run(
            tmp_path, "titles", IDS[0], sources="graphql", repositories="csv", graphql_url=api.url,
            country="de", language="de-DE", graphql_client_name="a user's own",
        )  # fmt: skip
    assert asked["x-imdb-user-country"] == "DE"
    assert asked["x-imdb-user-language"] == "de-DE"
    assert asked["x-imdb-client-name"] == "a user's own"
    assert asked["accept-language"] == "de-DE,de;q=0.9"
