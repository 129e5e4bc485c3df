"""Damaged answers of the API: a typed error or the right titles, for every title that was asked."""

import json
from datetime import UTC, datetime
from functools import partial
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from application.ports import TitleOutcome
from domain.chart import ChartName
from domain.errors import SourceError, TitleError
from domain.identifiers import ListId, NameId
from domain.person_profile import PersonProfile
from domain.title import Title
from infrastructure.http.response import PackedResponse
from infrastructure.scrapers.imdb_graphql import discovery, lists
from infrastructure.scrapers.imdb_graphql.charts import join_parts, read_part
from infrastructure.scrapers.imdb_graphql.people import PersonPart, read_people
from infrastructure.scrapers.imdb_graphql.people import join_parts as join_credits
from infrastructure.scrapers.imdb_graphql.replies import TooComplex, WrongInput, read_reply
from infrastructure.scrapers.imdb_graphql.titles import read_titles
from tests.unit import graphql_answers as answers
from tests.unit import graphql_people
from tests.unit.imdb_pages import pages
from tests.unit.test_parser_properties import JSON_VALUES, paths

NOW = datetime(2026, 1, 1, tzinfo=UTC)
IDS = ["tt0000001", "tt0000002", "tt0000003"]
ERROR = answers.error("no plot", "X", ["titles", 2, "plot"])
DOCUMENT: dict[str, Any] = json.loads(
    answers.body({"titles": [answers.title(imdb_id) for imdb_id in IDS]}, ERROR)
)
TITLES = json.dumps(DOCUMENT).encode()
CHART = answers.chart(3, range(1, 4))
LIST_ID = ListId("ls0000001")
_PLACES: dict[str, Any] = {"total": 1, "pageInfo": {"hasNextPage": False, "endCursor": "x"}}
_LISTED_TITLE = answers.title(IDS[0]) | {"isAdult": False, "primaryImage": {"url": "u"}}
FOUND: dict[str, Any] = json.loads(
    answers.body({"advancedTitleSearch": _PLACES | {"edges": [{"node": {"title": _LISTED_TITLE}}]}})
)
LISTED: dict[str, Any] = json.loads(
    answers.body(
        {
            "list": {
                "name": {"originalText": "N"},
                "titleListItemSearch": _PLACES | {"edges": [{"title": _LISTED_TITLE}]},
            }
        }
    )
)
OURS = (TitleError, SourceError, TooComplex, WrongInput)


def answer_of(body: bytes) -> PackedResponse:
    return PackedResponse("test:answer", 200, {}, body, "", 1 << 24, NOW)


def read(body: bytes) -> list[TitleOutcome]:
    """Outcomes of the ids, none of them when the answer as a whole is refused as it should be."""
    try:
        outcomes = read_titles(IDS, read_reply(answer_of(body)))
    except OURS:
        return []
    assert len(outcomes) == len(IDS)
    assert all(isinstance(outcome, Title | TitleError | SourceError) for outcome in outcomes)
    return outcomes


def read_chart(body: bytes) -> None:
    try:
        chart = join_parts(ChartName.TOP, [read_part(ChartName.TOP, read_reply(answer_of(body)))])
    except OURS:
        return
    assert [entry.rank for entry in chart.entries] == list(range(1, len(chart.entries) + 1))


def read_listed(body: bytes) -> None:
    """Read a list of titles: every one that is given has an id and a name."""
    for read_part_of in (discovery.read_found, partial(lists.read_list, LIST_ID)):
        try:
            part = read_part_of(read_reply(answer_of(body)))
        except OURS:
            continue
        assert all(title.imdb_id.startswith("tt") and title.title for title in part.titles.titles)


RIGHT = read(TITLES)


def test_the_whole_answer_has_two_titles_and_an_error() -> None:
    assert [isinstance(outcome, Title) for outcome in RIGHT] == [True, True, False]


@given(length=st.integers(0, len(TITLES) - 1))
@settings(max_examples=60, deadline=None)
def test_an_answer_cut_anywhere_gives_no_title(length: int) -> None:
    assert read(TITLES[:length]) == []
    read_chart(CHART[: length % len(CHART)])


@given(
    body=st.sampled_from([TITLES, CHART]),
    flips=st.lists(st.tuples(st.integers(0, 2**20), st.integers(1, 255)), min_size=1, max_size=8),
)
@settings(max_examples=150, deadline=None)
def test_flipped_bytes(body: bytes, flips: list[tuple[int, int]]) -> None:
    damaged = bytearray(body)
    for place, mask in flips:
        damaged[place % len(damaged)] ^= mask
    read(bytes(damaged))
    read_chart(bytes(damaged))


def _is_json(value: Any) -> bool:
    """Whether it has no number that JSON cannot write: one such spoils the whole answer."""
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


@given(data=st.data(), value=JSON_VALUES.filter(_is_json))
@settings(max_examples=150, deadline=None)
def test_a_value_of_any_type_harms_no_other_title(data: st.DataObject, value: Any) -> None:
    """What is put into the first title leaves the second as it is, and the third as it was."""
    within = [path for path in paths(DOCUMENT) if path.startswith("data.titles.0.")]
    path = data.draw(st.sampled_from(within))
    first, second, third = read(json.dumps(pages.having(DOCUMENT, path, value)).encode())
    assert isinstance(first, Title | TitleError)
    assert second == RIGHT[1]
    assert type(third) is type(RIGHT[2])


@given(data=st.data(), value=JSON_VALUES)
@settings(max_examples=150, deadline=None)
def test_a_value_of_any_type_anywhere(data: st.DataObject, value: Any) -> None:
    path = data.draw(st.sampled_from(sorted(paths(DOCUMENT))))
    read(json.dumps(pages.having(DOCUMENT, path, value)).encode())


@given(data=st.data(), value=JSON_VALUES)
@settings(max_examples=200, deadline=None)
def test_a_value_of_any_type_anywhere_in_a_list(data: st.DataObject, value: Any) -> None:
    document = data.draw(st.sampled_from([FOUND, LISTED]))
    path = data.draw(st.sampled_from(sorted(paths(document))))
    read_listed(json.dumps(pages.having(document, path, value)).encode())


@given(body=st.binary(max_size=300) | JSON_VALUES.map(lambda v: json.dumps(v).encode()))
@settings(max_examples=100, deadline=None)
def test_bodies_that_are_no_answer(body: bytes) -> None:
    assert read(body) == []
    read_chart(body)
    read_listed(body)


PERSON_IDS = [NameId("nm0000001"), NameId("nm0000002")]
PEOPLE: dict[str, Any] = json.loads(
    answers.body({"names": [graphql_people.person(imdb_id) for imdb_id in PERSON_IDS]})
)


def read_profiles(body: bytes) -> list[PersonProfile | TitleError | SourceError]:
    """Outcomes of the ids, none of them when the answer as a whole is refused as it should be."""
    try:
        parts = read_people(PERSON_IDS, read_reply(answer_of(body)))
    except OURS:
        return []
    assert len(parts) == len(PERSON_IDS)
    found: list[PersonProfile | TitleError | SourceError] = []
    for part in parts:
        try:
            found.append(join_credits([part]) if isinstance(part, PersonPart) else part)
        except TitleError as error:
            found.append(error)
    return found


@given(data=st.data(), value=JSON_VALUES.filter(_is_json))
@settings(max_examples=150, deadline=None)
def test_a_value_of_any_type_harms_no_other_person(data: st.DataObject, value: Any) -> None:
    within = [path for path in paths(PEOPLE) if path.startswith("data.names.0.")]
    path = data.draw(st.sampled_from(within))
    first, second = read_profiles(json.dumps(pages.having(PEOPLE, path, value)).encode())
    assert isinstance(first, PersonProfile | TitleError)
    assert isinstance(second, PersonProfile)
    assert second == read_profiles(json.dumps(PEOPLE).encode())[1]


@given(data=st.data(), value=JSON_VALUES)
@settings(max_examples=150, deadline=None)
def test_a_value_of_any_type_anywhere_among_people(data: st.DataObject, value: Any) -> None:
    path = data.draw(st.sampled_from(sorted(paths(PEOPLE))))
    read_profiles(json.dumps(pages.having(PEOPLE, path, value)).encode())
