"""The demo site's GraphQL API over real HTTP: its facts, its rules, and what it refuses."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from demo.api import LARGEST_QUESTION, PATH
from demo.facts import MERGED_IDS, load_facts, people_of, synthetic_facts
from demo.faults import Fault, FaultPlan
from demo.site import DemoSite
from tests.graphql_types import QUERIES

FACTS = load_facts()
SHAWSHANK = FACTS.titles[0]
CLIENT = {"x-imdb-client-name": "tests"}
TEXTS = QUERIES

Json = dict[str, Any]


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite(FACTS) as running:
        yield running


def ask(site: DemoSite, query: str, *, client: dict[str, str] = CLIENT, **variables: Any) -> Json:
    answer = requests.post(
        site.url + PATH,
        json={"query": query, "variables": variables},
        headers=client,
        timeout=30,
    )
    assert answer.headers["Content-Type"] == "application/json"
    document: Json = answer.json()
    assert document["extensions"]["disclaimer"]
    return document | {"status": answer.status_code}


def test_a_title_has_the_facts_of_the_facts_file(site: DemoSite) -> None:
    [title] = ask(site, TEXTS["titles"], ids=[SHAWSHANK.imdb_id])["data"]["titles"]
    assert title["id"] == title["meta"]["canonicalId"] == SHAWSHANK.imdb_id
    assert title["titleText"] == {"text": SHAWSHANK.title}
    assert title["ratingsSummary"] == {
        "aggregateRating": SHAWSHANK.rating, "voteCount": SHAWSHANK.votes,
    }  # fmt: skip
    assert title["runtime"] == {"seconds": SHAWSHANK.runtime_minutes * 60}
    assert title["metacritic"] == {"metascore": {"score": SHAWSHANK.metascore}}
    assert title["plot"] is None
    [cast] = title["topCast"]
    assert [credit["name"]["nameText"]["text"] for credit in cast["credits"]] == [
        person.name for person in SHAWSHANK.cast
    ]
    roles = cast["credits"][0]["creditedRoles"]["edges"]
    assert [edge["node"]["name"] for edge in roles[0]["node"]["characters"]["edges"]] == [
        "Andy Dufresne"
    ]


def test_titles_come_in_the_order_of_the_ids_and_unknown_ones_are_null(site: DemoSite) -> None:
    ids = [FACTS.titles[5].imdb_id, "tt9999999", FACTS.titles[2].imdb_id]
    titles = ask(site, "query($ids: [ID!]!) {titles(ids: $ids) {id}}", ids=ids)["data"]["titles"]
    assert titles == [{"id": ids[0]}, None, {"id": ids[2]}]


def test_merged_ids_are_answered_with_what_they_were_merged_into(site: DemoSite) -> None:
    found = ask(site, TEXTS["titles"], ids=["tt9100000001"])["data"]["titles"]
    assert [title["id"] for title in found] == [MERGED_IDS["tt9100000001"]]
    variables = {"ids": ["nm9100000001", "nm9999999"], "first": 1, "after": None, "isFirst": True}
    someone, nobody = ask(site, TEXTS["people"], **variables)["data"]["names"]
    assert someone["id"] == someone["meta"]["canonicalId"] == MERGED_IDS["nm9100000001"]
    assert nobody is None


def test_the_credits_of_a_person_come_in_parts(site: DemoSite) -> None:
    freeman = "nm0000151"
    listed, after = [], None
    for _ in range(len(people_of(FACTS)[freeman].cast)):
        variables = {"ids": [freeman], "first": 1, "after": after, "isFirst": False}
        [person] = ask(site, TEXTS["people"], **variables)["data"]["names"]
        part = person["creditsV2"]
        assert part["total"] == len(people_of(FACTS)[freeman].cast)
        listed += [edge["node"]["title"]["id"] for edge in part["edges"]]
        after = part["pageInfo"]["endCursor"]
    assert not part["pageInfo"]["hasNextPage"]
    assert listed == [title.imdb_id for title, _ in people_of(FACTS)[freeman].cast]


def test_lists_are_as_long_as_the_query_says(site: DemoSite) -> None:
    query = """query($ids: [ID!]!) {titles(ids: $ids) {
      principalCreditsV2(filter: {mode: "TOP_CAST"}) {credits(limit: 2) {name {id}}}}}"""
    [title] = ask(site, query, ids=[SHAWSHANK.imdb_id])["data"]["titles"]
    [cast] = title["principalCreditsV2"]
    assert [credit["name"]["id"] for credit in cast["credits"]] == [
        person.imdb_id for person in SHAWSHANK.cast[:2]
    ]


def test_a_person_without_an_id_has_an_empty_one_as_the_schema_wants_one(site: DemoSite) -> None:
    facts = next(t for t in FACTS.titles if any(p.imdb_id is None for p in t.cast))
    document = ask(site, TEXTS["titles"], ids=[facts.imdb_id])
    assert "errors" not in document
    [cast] = document["data"]["titles"][0]["topCast"]
    ids = [credit["name"]["id"] for credit in cast["credits"]]
    assert ids == [person.imdb_id or "" for person in facts.cast]


def test_the_chart_comes_in_parts(site: DemoSite) -> None:
    ranks, ids, after = [], [], None
    for _ in range(3):
        variables = {"chart": "TOP_RATED_MOVIES", "first": 100, "after": after}
        chart = ask(site, TEXTS["chart"], **variables)["data"]["chartTitles"]
        ranks += [edge["currentRank"] for edge in chart["edges"]]
        ids += [edge["node"]["id"] for edge in chart["edges"]]
        after = chart["pageInfo"]["endCursor"]
    assert ranks == list(range(1, 251))
    assert ids == [title.imdb_id for title in FACTS.titles]
    assert chart["total"] == 250
    assert not chart["pageInfo"]["hasNextPage"]


def test_other_charts_are_not_there(site: DemoSite) -> None:
    document = ask(site, TEXTS["chart"], chart="TOP_RATED_TV_SHOWS", first=9)
    assert document["data"] == {"chartTitles": None}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ('{titles(ids: ["tt0111161"]) {headline}}', "GRAPHQL_VALIDATION_FAILED"),
        ('{titles(names: ["x"]) {id}}', "GRAPHQL_VALIDATION_FAILED"),
        ("{titles(", "GRAPHQL_PARSE_FAILED"),
    ],
)
def test_a_wrong_query_fails_as_it_would_live(site: DemoSite, query: str, code: str) -> None:
    document = ask(site, query)
    assert document["status"] == 400
    assert document["data"] is None
    assert document["errors"][0]["extensions"] == {"code": code}


def test_a_wrong_variable_is_an_error_of_the_user(site: DemoSite) -> None:
    document = ask(site, TEXTS["chart"], chart="BEST_OF_ALL", first=9)
    assert document["data"] is None
    assert document["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT"}


@pytest.mark.parametrize("headers", [{}, {"x-imdb-client-name": ""}, {"Referer": "http://x/"}])
def test_who_does_not_say_who_asks_is_forbidden(site: DemoSite, headers: dict[str, str]) -> None:
    answer = requests.post(site.url + PATH, json={"query": "{x}"}, headers=headers, timeout=9)
    assert answer.status_code == 403
    assert answer.headers["Content-Type"] == "text/html"


def test_who_comes_from_the_site_is_not_asked_for_a_name(site: DemoSite) -> None:
    query = '{titles(ids: ["tt0111161"]) {id}}'
    assert "errors" not in ask(site, query, client={"Referer": "https://www.imdb.com/chart/top/"})


def test_only_json_is_taken(site: DemoSite) -> None:
    answer = requests.post(site.url + PATH, data={"query": "{x}"}, headers=CLIENT, timeout=9)
    assert answer.status_code == 415
    assert answer.json()["errors"][0]["message"] == "Invalid content type"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"query": "{x}", "variables": 5}', b"\xff"])
def test_a_body_that_is_no_question_is_refused(site: DemoSite, body: bytes) -> None:
    headers = CLIENT | {"Content-Type": "application/json"}
    answer = requests.post(site.url + PATH, data=body, headers=headers, timeout=9)
    assert answer.status_code == 400
    assert answer.json()["errors"]


def test_a_body_that_is_far_too_large_is_not_read(site: DemoSite) -> None:
    headers = CLIENT | {"Content-Length": str(LARGEST_QUESTION + 1)}
    with requests.Session() as session:
        request = requests.Request("POST", site.url + PATH, headers=headers, data=b"x").prepare()
        request.headers["Content-Length"] = str(LARGEST_QUESTION + 1)
        assert session.send(request, timeout=9).status_code == 413


def test_a_question_to_another_address_is_not_found(site: DemoSite) -> None:
    assert (
        requests.post(f"{site.url}/title/", json={}, headers=CLIENT, timeout=9).status_code == 404
    )


def test_a_question_for_more_titles_than_it_takes_is_too_complex() -> None:
    query = "query($ids: [ID!]!) {titles(ids: $ids) {id}}"
    ids = [title.imdb_id for title in FACTS.titles[:4]]
    with DemoSite(FACTS, most_titles=3) as site:
        assert len(ask(site, query, ids=ids[:3])["data"]["titles"]) == 3
        document = ask(site, query, ids=ids)
    assert document["data"] is None
    assert document["errors"][0]["extensions"] == {"code": "QUERY_TOO_COMPLEX"}


def test_the_same_question_has_the_same_answer(site: DemoSite) -> None:
    ids = [title.imdb_id for title in FACTS.titles[:3]]
    first, second = (ask(site, TEXTS["titles"], ids=ids) for _ in range(2))
    assert first == second
    assert [title["id"] for title in first["data"]["titles"]] == ids


def test_the_api_goes_wrong_when_it_is_told_to() -> None:
    plan = FaultPlan([Fault.SERVER_ERROR], share=0.5, seed=3, api=True)
    with DemoSite(synthetic_facts(1), faults=plan) as site:
        for number in range(20):
            body = {"query": "{titles(ids: []) {id}}", "variables": {"number": number}}
            requests.post(site.url + PATH, json=body, headers=CLIENT, timeout=9)
        faults = [record.fault for record in site.requests]
    assert faults == [plan.fault_at(PATH, before) for before in range(20)]
    assert {*faults} == {None, Fault.SERVER_ERROR}


def test_a_fault_is_on_the_wire() -> None:
    plan = FaultPlan([Fault.BAD_GATEWAY], share=1, api=True)
    with DemoSite(synthetic_facts(1), faults=plan) as site:
        body = json.dumps({"query": "{titles(ids: []) {id}}"})
        headers = CLIENT | {"Content-Type": "application/json"}
        answer = requests.post(site.url + PATH, data=body, headers=headers, timeout=9)
    assert answer.status_code == 502


def test_without_being_told_to_it_does_not() -> None:
    plan = FaultPlan([Fault.SERVER_ERROR], share=1)
    with DemoSite(synthetic_facts(1), faults=plan) as site:
        assert ask(site, "{titles(ids: []) {id}}")["data"] == {"titles": []}
